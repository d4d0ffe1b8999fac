//! The rounds, and the table that they come to.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use shoseki_benches::input;
use shoseki_benches::machine::machine;
use shoseki_benches::spread::{Spread, percentile};
use shoseki_lab::generate::input_line;

use super::served::Served;
use super::{bare, load, paced};
use crate::Outcome;

/// The server under load.
#[derive(clap::Args)]
pub struct Arguments {
    /// The program to start
    #[arg(long, default_value = "target/release/shoseki")]
    program: PathBuf,
    /// Where its data goes
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Rounds of each case
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of a round
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Seconds of the paced load of 1,000 requests a second; 0 leaves it out
    #[arg(long, default_value_t = 600)]
    paced: u64,
    /// Only the paced load
    #[arg(long)]
    only_paced: bool,
}

struct Case {
    records: usize,
    connections: usize,
    tls: bool,
    /// A stream of lines instead of an array.
    lines: bool,
}

const fn case(records: usize, connections: usize, tls: bool) -> Case {
    Case { records, connections, tls, lines: false }
}

const fn lines(records: usize, connections: usize) -> Case {
    Case { records, connections, tls: false, lines: true }
}

const CASES: &[Case] = &[
    case(500, 1, false),
    case(500, 16, false),
    case(500, 128, false),
    case(500, 16, true),
    lines(500, 1),
    lines(500, 16),
    case(1, 1, false),
    case(1, 16, false),
    case(1, 128, false),
    case(1, 128, true),
];

/// Runs it.
///
/// # Errors
/// The server or wrk can't be started, or an answer was no success.
#[expect(clippy::print_stdout, reason = "the table")]
pub fn run(arguments: &Arguments) -> Outcome {
    println!("machine: {}\n", machine());
    if !arguments.only_paced {
        table(arguments)?;
    }
    if arguments.paced > 0 {
        hold(arguments)?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the table")]
fn table(arguments: &Arguments) -> io::Result<()> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let peer = format!("http://{}", bare::start(threads)?);
    println!(
        "| records per request | connections | TLS | records/s | p50 ms | p99 ms | bare axum \
         records/s | ratio | the same, hashing | ratio | anonymous MB | peak MB |"
    );
    println!(
        "| ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    for case in CASES {
        row(arguments, case, &peer)?;
    }
    Ok(())
}

#[expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "the table, of rounded figures"
)]
fn row(arguments: &Arguments, case: &Case, peer: &str) -> io::Result<()> {
    let scratch = tempfile::tempdir_in(&arguments.dir)?;
    let (body, script) = (scratch.path().join("body.json"), scratch.path().join("post.lua"));
    std::fs::write(&body, bytes(case.records))?;
    let stream = scratch.path().join("body.ndjson");
    std::fs::write(&stream, as_lines(&bytes(case.records)))?;
    let (mut ours, mut bare, mut hashing) = <(Spread, Spread, Spread)>::default();
    let (mut p50, mut p99) = <(Spread, Spread)>::default();
    let (mut anonymous, mut peak) = (0, 0);
    for _ in 0..arguments.rounds {
        let served = Served::start(&arguments.program, &arguments.dir, case.tls)?;
        let (connections, seconds) = (case.connections, arguments.seconds);
        let drive = |url: &str, body: &load::Body<'_>| {
            load::drive(url, &served.token, body, connections, seconds, &script)
        };
        let array = load::Body { file: &body, kind: "application/json" };
        let lines = load::Body { file: &stream, kind: "application/x-ndjson" };
        let said = drive(&served.base, if case.lines { &lines } else { &array })?;
        // The peer takes arrays only.
        let (beside, hashed) = (drive(peer, &array)?, drive(&format!("{peer}/hashing"), &array)?);
        let of_peer = beside.errors + hashed.errors;
        if said.errors + of_peer > 0 {
            let errors = format!("{} errors of the server, {of_peer} of the peer", said.errors);
            return Err(io::Error::other(errors));
        }
        let memory = served.memory()?;
        (anonymous, peak) = (anonymous.max(memory.0), peak.max(memory.1));
        let kept = served.end(&arguments.program)?;
        let counted = said.requests * seconds as f64 * case.records as f64;
        if (kept as f64) < counted * 0.98 {
            return Err(io::Error::other(format!("{kept} records kept of {counted} answered")));
        }
        ours.add(said.requests * case.records as f64);
        bare.add(beside.requests * case.records as f64);
        hashing.add(hashed.requests * case.records as f64);
        p50.add(said.p50_ms);
        p99.add(said.p99_ms);
    }
    println!(
        "| {}{} | {} | {} | {:.0} ({:.0}–{:.0}) | {:.2} | {:.2} | {:.0} | {:.2} | {:.0} | {:.2} \
         | {} | {} |",
        case.records,
        if case.lines { ", NDJSON" } else { "" },
        case.connections,
        if case.tls { "yes" } else { "no" },
        ours.median(),
        ours.min(),
        ours.max(),
        p50.median(),
        p99.median(),
        bare.median(),
        ours.median() / bare.median(),
        hashing.median(),
        ours.median() / hashing.median(),
        anonymous >> 20,
        peak >> 20,
    );
    Ok(())
}

/// A body without ids, so that it can be sent again and again.
fn bytes(records: usize) -> Vec<u8> {
    let batch = input::batches(1, records as u64, records, false);
    let mut out = Vec::new();
    for record in batch.iter().flatten() {
        let separator: &[u8] = if out.is_empty() { b"[" } else { b"," };
        out.extend_from_slice(separator);
        let mut record = record.clone();
        record.facility_id.get_or_insert_with(|| "F001".to_owned());
        let mut line = Vec::new();
        input_line(&record, &mut line);
        out.extend_from_slice(line.trim_ascii_end());
    }
    out.push(b']');
    if records == 1 {
        out.remove(0);
        out.pop();
    }
    out
}

/// The records of an array, a line each: none of the generated ones has a line end in it.
fn as_lines(array: &[u8]) -> Vec<u8> {
    let array = array.strip_prefix(b"[").unwrap_or(array);
    let array = array.strip_suffix(b"]").unwrap_or(array);
    let mut lines = Vec::with_capacity(array.len());
    for (at, byte) in array.iter().enumerate() {
        // Between two records, and nowhere else, a comma stands between two of these.
        let between = *byte == b','
            && at.checked_sub(1).and_then(|before| array.get(before)) == Some(&b'}')
            && array.get(at + 1..).is_some_and(|rest| rest.starts_with(b"{\"timestamp\""));
        lines.push(if between { b'\n' } else { *byte });
    }
    lines
}

#[expect(clippy::print_stdout, reason = "the figures, rounded")]
fn hold(arguments: &Arguments) -> io::Result<()> {
    let served = Served::start(&arguments.program, &arguments.dir, false)?;
    let address = served.base.trim_start_matches("http://").to_owned();
    let (body, lasts) = (bytes(1), Duration::from_secs(arguments.paced));
    let before = served.memory()?;
    // A tenth of it first, so that memory at its beginning and at its end can be compared.
    let warm = paced::drive(&address, &served.token, &body, 1000, lasts / 10)?;
    let early = served.memory()?;
    let held = paced::drive(&address, &served.token, &body, 1000, lasts)?;
    let (late, sent) = (served.memory()?, held.latencies_ms.len());
    let kept = served.end(&arguments.program)?;
    println!(
        "\n1,000 single-record requests a second for {} s: {sent} requests, {} errors, p50 {:.2} \
         ms, p99 {:.2} ms, p99.9 {:.2} ms, longest {:.1} ms; anonymous memory {} MB at the start, \
         {} MB after a tenth more, {} MB at the end, most resident {} MB; {kept} records kept",
        arguments.paced,
        held.errors + warm.errors,
        percentile(&held.latencies_ms, 50),
        percentile(&held.latencies_ms, 99),
        held.latencies_ms.get(sent - sent / 1000 - 1).copied().unwrap_or_default(),
        held.latencies_ms.last().copied().unwrap_or_default(),
        before.0 >> 20,
        early.0 >> 20,
        late.0 >> 20,
        late.1 >> 20,
    );
    Ok(())
}
