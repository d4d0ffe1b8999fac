//! Logs for the other commands, and what making them takes with sealing behind.
//!
//! Invariant: a log that is there is not touched: making it again would measure something else.

use std::path::PathBuf;
use std::time::Instant;

use shoseki_benches::machine::{Memory, bytes_below, open_files};
use shoseki_engine::log::{Log, LogOptions};
use shoseki_engine::record::Record;
use shoseki_lab::generate::Workload;

use crate::Outcome;

/// A log of generated records.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Directory of the log.
    log: PathBuf,
    /// Records.
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// Records of a batch.
    #[arg(long, default_value_t = 500)]
    batch: usize,
    /// Seals what is left in the active file at the end.
    #[arg(long)]
    seal: bool,
}

/// A log of many small segments.
#[derive(clap::Args)]
pub(crate) struct Segments {
    /// Directory of the log.
    log: PathBuf,
    /// Segments.
    #[arg(long, default_value_t = 20_000)]
    segments: u64,
    /// Records of a segment.
    #[arg(long, default_value_t = 8)]
    records: usize,
    /// Lets the sealer catch up after so many segments; 0: at the end only.
    #[arg(long, default_value_t = 256)]
    catch_up: u64,
}

fn absent(log: &std::path::Path) -> Outcome {
    if log.exists() { Err(format!("{} is there already", log.display()).into()) } else { Ok(()) }
}

fn report(log: &std::path::Path) -> Outcome {
    let memory = Memory::now()?;
    println!(
        "| memory at the end: resident {} MB, peak {} MB; open files {}; directory {} MB |",
        memory.resident / 1_000_000,
        memory.peak / 1_000_000,
        open_files()?,
        bytes_below(log)? / 1_000_000
    );
    Ok(())
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    absent(&arguments.log)?;
    let log = Log::open(&arguments.log, LogOptions::default())?;
    let mut records = Workload::new(1, arguments.records).records();
    let start = Instant::now();
    let mut appending = 0.0;
    loop {
        let batch: Vec<Record> = records.by_ref().take(arguments.batch.max(1)).collect();
        if batch.is_empty() {
            break;
        }
        let began = Instant::now();
        log.append(None, batch)?;
        appending += began.elapsed().as_secs_f64();
    }
    let appended = start.elapsed().as_secs_f64();
    if arguments.seal {
        log.seal()?;
    }
    let sealed = start.elapsed().as_secs_f64();
    let size = log.size().0 as f64;
    println!("| records | appending s | records/s | with making the records s | sealed after s |");
    println!("| {size} | {appending:.2} | {:.0} | {appended:.2} | {sealed:.2} |", size / appending);
    let segments = log.reader().segments();
    let sealed: Vec<_> = segments.iter().filter(|segment| segment.sealed).collect();
    let count: u64 = sealed.iter().map(|segment| segment.count).sum();
    let bytes: u64 = sealed.iter().map(|segment| segment.file_len).sum();
    println!(
        "| sealed segments {}, records {count}, bytes per record {:.1} |",
        sealed.len(),
        bytes as f64 / count as f64
    );
    log.close()?;
    report(&arguments.log)
}

pub(crate) fn segments(arguments: &Segments) -> Outcome {
    absent(&arguments.log)?;
    let options = LogOptions { segment_raw_len_max: 1, ..LogOptions::default() };
    let log = Log::open(&arguments.log, options)?;
    let per = arguments.records.max(1);
    let mut records = Workload::new(1, arguments.segments * per as u64).records();
    let start = Instant::now();
    let mut appending = 0.0;
    for segment in 1..=arguments.segments {
        let batch: Vec<Record> = records.by_ref().take(per).collect();
        let began = Instant::now();
        log.append(None, batch)?;
        appending += began.elapsed().as_secs_f64();
        if arguments.catch_up > 0 && segment.is_multiple_of(arguments.catch_up) {
            log.seal()?;
        }
    }
    log.seal()?;
    let took = start.elapsed().as_secs_f64();
    let made = log.reader().segments().iter().filter(|segment| segment.sealed).count();
    println!(
        "| segments | records each | all sealed after s | of it appending s | per segment µs |"
    );
    println!("| {made} | {per} | {took:.1} | {appending:.1} | {:.0} |", took * 1e6 / made as f64);
    log.close()?;
    report(&arguments.log)
}
