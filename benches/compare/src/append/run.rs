//! Shoseki beside SQLite and beside a bare file: durable appends of one writer, in turns, in one
//! process.
//!
//! All three get the same generated records as values, encode the same bodies and compute the same
//! record hash and chain; a batch counts when it would survive a power cut. Shoseki also recognises
//! repeats of the clients' ids, keeps the tree and signs checkpoints meanwhile; SQLite also keeps
//! its three indexes.
//! Invariant: records are made before a clock starts, and no round reuses a file of another.
#![expect(clippy::print_stdout, reason = "a bench reports")]

use std::path::{Path, PathBuf};

use shoseki_benches::input::batches;
use shoseki_benches::machine::machine;
use shoseki_benches::spread::Spread;
use shoseki_engine::record::Record;

use super::{bare, shoseki, sqlite};
use crate::Outcome;

/// How much is appended, and where.
#[derive(clap::Args)]
pub struct Arguments {
    /// Directory on the disk that is measured.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Rounds of each engine.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Records of a round.
    #[arg(long, default_value_t = 500_000)]
    records: u64,
    /// Records of a batch.
    #[arg(long, default_value_t = 500)]
    batch: usize,
}

/// What one round of one engine gave.
pub(crate) struct Round {
    /// Seconds of appending.
    pub(crate) seconds: f64,
    /// Bytes on disk once it is at rest, where they were asked for.
    pub(crate) bytes: Option<u64>,
}

/// Appends; the bytes are asked for in the first round only, since sealing takes longer than
/// appending.
type Engine = fn(&Path, Vec<Vec<Record>>, bool) -> Outcome<Round>;

const ENGINES: [(&str, Engine); 4] = [
    ("Shoseki, ids given", shoseki::append),
    ("Shoseki, ids made", shoseki::append_without_ids),
    ("SQLite, WAL, FULL, 3 indexes", sqlite::append),
    ("bare file, one fdatasync per batch", bare::append),
];
const SQLITE: usize = 2;

#[derive(Default)]
struct Figures {
    rate: Spread,
    ratio: Spread,
    bytes: Spread,
}

/// Appends in turns and prints a table.
///
/// # Errors
/// Whatever an engine or the operating system says.
pub fn run(arguments: &Arguments) -> Outcome {
    println!("{}", machine());
    println!("SQLite {}", rusqlite::version());
    let mut figures: Vec<Figures> = ENGINES.iter().map(|_| Figures::default()).collect();
    for round in 0..arguments.rounds {
        let mut rates = [0.0; ENGINES.len()];
        for turn in 0..ENGINES.len() {
            let which = (round + turn) % ENGINES.len();
            let dir = tempfile::Builder::new().prefix("compare").tempdir_in(&arguments.dir)?;
            let input = batches(round as u64, arguments.records, arguments.batch, true);
            let done = (ENGINES[which].1)(dir.path(), input, round == 0)?;
            rates[which] = arguments.records as f64 / done.seconds;
            figures[which].rate.add(rates[which]);
            if let Some(bytes) = done.bytes {
                figures[which].bytes.add(bytes as f64 / arguments.records as f64);
            }
        }
        for (which, rate) in rates.iter().enumerate() {
            figures[which].ratio.add(rate / rates[SQLITE]);
        }
    }
    println!(
        "| engine | records/s median | min | max | to SQLite, same round: median | min | max \
         | bytes per record at rest |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for ((name, _), of) in ENGINES.iter().zip(&figures) {
        println!("| {name} | {} | {:.2} | {:.1} |", of.rate, of.ratio, of.bytes.median());
    }
    let first = ENGINES.first().zip(figures.first());
    if let (Some((_, ours)), Some(theirs)) = (first, figures.get(SQLITE)) {
        println!("median to median: {:.2}", ours.rate.median() / theirs.rate.median());
    }
    Ok(())
}
