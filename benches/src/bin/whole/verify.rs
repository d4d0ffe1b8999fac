//! How fast an audit goes over a log, on one core and on more.
//!
//! Invariant: only an audit that finds nothing counts, and it has to have seen every record.

use std::path::PathBuf;
use std::time::Instant;

use shoseki_benches::machine::{bytes_below, forget_pages};
use shoseki_benches::spread::Spread;
use shoseki_engine::log::{Entry, Reader};
use shoseki_engine::query::Order;
use shoseki_engine::record::IntegrityStatus;
use shoseki_engine::verify::{VerifyOptions, verify_path};

use crate::Outcome;

/// What to audit.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Directory of the log.
    log: PathBuf,
    /// Rounds of each number of threads.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Numbers of threads.
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    threads: Vec<usize>,
    /// Drops the files from the page cache before each round.
    #[arg(long)]
    cold: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let (records, raw) = bodies(arguments)?;
    let files =
        bytes_below(&arguments.log.join("sealed"))? + bytes_below(&arguments.log.join("active"))?;
    let mut cells: Vec<(usize, Spread, Spread, Spread)> = arguments
        .threads
        .iter()
        .map(|n| (*n, <_>::default(), <_>::default(), <_>::default()))
        .collect();
    let mut root = String::new();
    for _ in 0..arguments.rounds {
        for (threads, rate, raw_rate, file_rate) in &mut cells {
            if arguments.cold {
                forget_pages(&arguments.log)?;
            }
            let options = VerifyOptions { threads: *threads, ..VerifyOptions::default() };
            let start = Instant::now();
            let report = verify_path(&arguments.log, &options, &())?;
            let took = start.elapsed().as_secs_f64();
            if report.status() != IntegrityStatus::Valid || report.records != records {
                return Err(
                    format!("{} of {records}: {:?}", report.records, report.findings).into()
                );
            }
            root = report.root.to_hex();
            rate.add(records as f64 / took);
            raw_rate.add(raw as f64 / 1e6 / took);
            file_rate.add(files as f64 / 1e6 / took);
        }
    }
    println!(
        "{records} records, bodies {} MB, files {} MB, root {root}",
        raw / 1_000_000,
        files / 1_000_000
    );
    println!(
        "| threads | records/s median | min | max | bodies MB/s median | min | max \
         | files MB/s median | min | max |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (threads, rate, raw_rate, file_rate) in &cells {
        println!("| {threads} | {rate} | {raw_rate} | {file_rate} |");
    }
    Ok(())
}

/// Records of the log and bytes of their bodies.
fn bodies(arguments: &Arguments) -> Outcome<(u64, u64)> {
    let reader = Reader::open(&arguments.log)?;
    let size = reader.size().0;
    let mut raw = 0;
    for entry in reader.scan(0..size, Order::Ascending) {
        if let Entry::Record(record) = entry? {
            raw += record.body().len() as u64;
        }
    }
    Ok((size, raw))
}
