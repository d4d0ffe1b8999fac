//! What search indexes cost: appends with and without them, how far they are behind, and making
//! them from sealed segments.
//!
//! Invariant: records are made before the clock starts; both ways take turns.

use std::path::Path;
use std::time::Instant;

use shoseki_benches::input::batches;
use shoseki_benches::spread::Spread;
use shoseki_engine::log::{Log, LogOptions};

use crate::{Outcome, Scratch};

/// What search indexes cost.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    scratch: Scratch,
    /// Rounds of each way.
    #[arg(long, default_value_t = 5)]
    rounds: u64,
    /// Records of a round.
    #[arg(long, default_value_t = 300_000)]
    records: u64,
    /// Records of a batch.
    #[arg(long, default_value_t = 500)]
    batch: usize,
}

#[derive(Default)]
struct Figures {
    without: Spread,
    with: Spread,
    behind: Spread,
    caught_up: Spread,
    rebuilt: Spread,
    per_record: Spread,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let mut figures = Figures::default();
    for round in 0..arguments.rounds {
        for index in [round % 2 == 0, round % 2 != 0] {
            measure(arguments, round, index, &mut figures)?;
        }
    }
    println!("| figure | median | min | max |\n| --- | ---: | ---: | ---: |");
    let row = |name: &str, spread: &Spread| {
        println!("| {name} | {:.2} | {:.2} | {:.2} |", spread.median(), spread.min(), spread.max());
    };
    row("appends without indexes, records/s", &figures.without);
    row("appends with indexes, records/s", &figures.with);
    row("records not indexed when the last append returned", &figures.behind);
    row("all indexed after s", &figures.caught_up);
    row("made from the sealed segment, µs per record", &figures.rebuilt);
    row("bytes per record", &figures.per_record);
    Ok(())
}

fn measure(arguments: &Arguments, round: u64, index: bool, figures: &mut Figures) -> Outcome {
    let dir = arguments.scratch.make()?;
    let options = LogOptions { index, ..LogOptions::default() };
    let log = Log::open(dir.path(), options)?;
    let input = batches(round + 1, arguments.records, arguments.batch, false);
    let start = Instant::now();
    for batch in input {
        log.append(None, batch)?;
    }
    let took = start.elapsed().as_secs_f64();
    let size = log.size().0;
    if !index {
        figures.without.add(size as f64 / took);
        return Ok(log.close()?);
    }
    figures.with.add(size as f64 / took);
    let known: u64 = log.reader().index_files().iter().map(|info| info.indexed).sum();
    figures.behind.add(size.saturating_sub(known) as f64);
    let start = Instant::now();
    log.complete_indexes()?;
    figures.caught_up.add(start.elapsed().as_secs_f64());
    log.seal()?;
    log.complete_indexes()?;
    let infos = log.reader().index_files();
    let len: u64 = infos.iter().map(|info| info.file_len).sum();
    figures.per_record.add(len as f64 / size as f64);
    let paths: Vec<String> = infos.into_iter().filter_map(|info| info.path).collect();
    log.close()?;
    rebuild(dir.path(), &paths, size, figures)
}

fn rebuild(dir: &Path, paths: &[String], size: u64, figures: &mut Figures) -> Outcome {
    for path in paths {
        std::fs::remove_file(dir.join(path))?;
    }
    let log = Log::open(dir, LogOptions { background: false, ..LogOptions::default() })?;
    let start = Instant::now();
    log.complete_indexes()?;
    figures.rebuilt.add(start.elapsed().as_secs_f64() * 1e6 / size as f64);
    Ok(log.close()?)
}
