//! What a crash costs with a full active file: a writer is killed under load, the next process
//! opens, appends and is asked.
//!
//! Invariant: the log was left by a killed process and no other process opened it since, but for
//! the rounds, each of which is killed again; every figure counts from the start of opening.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use shoseki_benches::machine::{bytes_below, forget_pages};
use shoseki_benches::spread::Spread;
use shoseki_engine::log::{Entry, Log, LogOptions, Reader};
use shoseki_engine::query::{ActionPattern, Filter, Order, StatsQuery, Word};
use shoseki_engine::record::{Body, Record};
use shoseki_engine::types::Seq;
use shoseki_lab::generate::Workload;

use crate::{Outcome, Scratch};

/// Recovery after a killed writer.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    scratch: Scratch,
    /// Bytes of the active file when the writer is killed.
    #[arg(long, default_value_t = 1 << 30)]
    bytes: u64,
    /// Rounds of each question, warm and cold.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// Appends until it is killed; says a line once the active file is long enough.
#[derive(clap::Args)]
pub(crate) struct Fill {
    log: PathBuf,
    bytes: u64,
}

/// Opens, does one thing, says when opening and the thing were done, and waits to be killed.
#[derive(clap::Args)]
pub(crate) struct Once {
    log: PathBuf,
    question: String,
}

/// The file must not be closed by its length before it is full.
fn options(bytes: u64) -> LogOptions {
    let segment_raw_len_max = bytes.saturating_mul(2);
    LogOptions { segment_raw_len_max, ..LogOptions::default() }
}

const QUESTIONS: [&str; 8] =
    ["append", "read", "audit-id", "request-id", "actor", "action", "word", "statistics"];

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let dir = arguments.scratch.make()?;
    let log = dir.path().join("log");
    let bytes = arguments.bytes.to_string();
    killed(&["recovery-fill".as_ref(), log.as_os_str(), bytes.as_ref()], &mut |_| Ok(()))?;
    let size = Reader::open(&log)?.size();
    println!("{} MB below the log, {size} records", bytes_below(&log)? / 1_000_000);
    println!(
        "| after opening | cache | opened ms median | min | max | done ms median | min | max |"
    );
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for question in QUESTIONS {
        for cold in [false, true] {
            let (mut opened, mut done) = (Spread::default(), Spread::default());
            for _ in 0..arguments.rounds {
                if cold {
                    forget_pages(&log)?;
                }
                ask(&log, question, &mut opened, &mut done)?;
            }
            let cache = if cold { "cold" } else { "warm" };
            println!("| {question} | {cache} | {opened:.1} | {done:.1} |");
        }
    }
    Ok(())
}

fn ask(log: &Path, question: &str, opened: &mut Spread, done: &mut Spread) -> Outcome {
    let arguments = ["recovery-once".as_ref(), log.as_os_str(), question.as_ref()];
    killed(&arguments, &mut |line| {
        let values: Vec<f64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [opening, all] = values[..] else { return Err(line.into()) };
        opened.add(opening);
        done.add(all);
        Ok(())
    })
}

/// Runs this program, takes its first line and kills it.
fn killed(arguments: &[&std::ffi::OsStr], line: &mut dyn FnMut(&str) -> Outcome) -> Outcome {
    let mut command = Command::new(std::env::current_exe()?);
    let mut child = command.args(arguments).stdout(Stdio::piped()).spawn()?;
    let mut text = String::new();
    if let Some(out) = child.stdout.take() {
        // The machine's line, which every command but these begins with, is not said by a child.
        BufReader::new(out).read_line(&mut text)?;
    }
    child.kill()?;
    child.wait()?;
    line(text.trim_end())
}

fn say(text: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Until the parent kills it.
fn wait() -> Outcome {
    loop {
        std::thread::park();
    }
}

pub(crate) fn fill(arguments: &Fill) -> Outcome {
    let log = Log::open(&arguments.log, options(arguments.bytes))?;
    let mut records = Workload::new(1, 1 << 32).records();
    let mut told = false;
    // Killed in the middle of this, with commits under way.
    loop {
        let batch: Vec<Record> = records.by_ref().take(500).collect();
        log.append(None, batch)?;
        let len: u64 = log.reader().segments().last().map_or(0, |segment| segment.file_len);
        if !told && len >= arguments.bytes {
            told = true;
            say("full")?;
        }
    }
}

pub(crate) fn once(arguments: &Once) -> Outcome {
    // What is asked for is known before the clock starts.
    let record = some_record(&arguments.log)?;
    let start = Instant::now();
    let log = Log::open(&arguments.log, options(1 << 30))?;
    let opened = start.elapsed().as_secs_f64() * 1e3;
    let answered = answer(&log, &arguments.question, &record)?;
    let done = start.elapsed().as_secs_f64() * 1e3;
    if answered == 0 {
        return Err(format!("{} found nothing", arguments.question).into());
    }
    say(&format!("{opened} {done}"))?;
    wait()
}

/// A record from the middle of the log: its seq and body.
fn some_record(log: &Path) -> Outcome<(Seq, Vec<u8>)> {
    let reader = Reader::open(log)?;
    let seq = Seq(reader.size().0 / 2);
    match reader.read(seq)? {
        Entry::Record(record) => Ok((seq, record.body().to_vec())),
        _ => Err("not a record".into()),
    }
}

fn answer(log: &Log, question: &str, (seq, body): &(Seq, Vec<u8>)) -> Outcome<u64> {
    let reader = log.reader();
    let body = Body::parse(body).map_err(|error| format!("{error:?}"))?;
    let mut filter = Filter::default();
    match question {
        "append" => {
            let mut records: Vec<Record> = Workload::new(2, 1).records().collect();
            records.iter_mut().for_each(|record| record.audit_id = None);
            return Ok(log.append(None, records)?.accepted);
        }
        "read" => return Ok(reader.read(*seq).map(|_| 1)?),
        "audit-id" => return Ok(reader.find(body.audit_id())?.len() as u64),
        "request-id" => {
            // Found nowhere: everything has to be looked through.
            filter.request_id.push("there-is-no-such-request".to_owned());
            return Ok(1 + reader.query(&filter, Order::Descending, 100)?.entries.len() as u64);
        }
        "actor" => filter.actor_id.push(body.actor_id().into_owned()),
        "action" => filter.action.push(ActionPattern::Exact(body.action().into_owned())),
        "word" => {
            filter.words.push(Word::new("unheardof"));
            return Ok(1 + reader.query(&filter, Order::Descending, 100)?.entries.len() as u64);
        }
        _ => {
            let query = StatsQuery { filter, buckets: None, top: 10 };
            return Ok(reader.stats(&query, None).map(|_| 1)?);
        }
    }
    Ok(reader.query(&filter, Order::Descending, 100)?.entries.len() as u64)
}
