//! Bytes per record once sealed, of generated and of real records.
//!
//! Invariant: what is divided is the length of whole sealed files, signatures and dictionary
//! included.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Instant;

use shoseki_benches::input::batches;
use shoseki_engine::log::{Entry, Log, LogOptions};
use shoseki_engine::query::Order;
use shoseki_engine::record::{Limits, Record};
use shoseki_import::{Dialect, Importer, Item, inputs};

use crate::{Outcome, Scratch};

/// What to seal.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    scratch: Scratch,
    /// CloudTrail deliveries: files or directories.
    #[arg(long)]
    cloudtrail: Vec<PathBuf>,
    /// Numbers of generated records.
    #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000")]
    generated: Vec<u64>,
    /// zstd levels.
    #[arg(long, value_delimiter = ',', default_value = "6")]
    levels: Vec<i32>,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    println!(
        "| records | count | zstd level | body bytes per record | sealed bytes per record | share \
         | sealing µs per record |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    if !arguments.cloudtrail.is_empty() {
        let records = cloudtrail(&arguments.cloudtrail)?;
        for level in &arguments.levels {
            let input = records.chunks(500).map(<[Record]>::to_vec).collect();
            seal(arguments, "CloudTrail deliveries", *level, input)?;
        }
    }
    for count in &arguments.generated {
        for level in &arguments.levels {
            seal(arguments, "generated", *level, batches(1, *count, 500, true))?;
        }
    }
    Ok(())
}

fn cloudtrail(paths: &[PathBuf]) -> Outcome<Vec<Record>> {
    let importer = Importer {
        dialect: Dialect::CloudTrail,
        root: None,
        filters: Vec::new(),
        facility: None,
        limits: Limits::default(),
    };
    let mut records = Vec::new();
    for input in inputs(paths).map_err(|failure| failure.to_string())? {
        let mut empty = std::io::empty();
        let mut bytes = input.open(&mut empty)?;
        let read = importer.read(&mut *bytes, &mut |_, item| {
            if let Item::Record(record) = item {
                records.push(*record);
            }
            Ok::<(), Infallible>(())
        });
        read.map_err(|_| format!("{input} can't be imported"))?;
    }
    Ok(records)
}

fn seal(arguments: &Arguments, name: &str, level: i32, input: Vec<Vec<Record>>) -> Outcome {
    let dir = arguments.scratch.make()?;
    let options = LogOptions { compression_level: level, ..LogOptions::default() };
    let log = Log::open(dir.path(), options)?;
    for batch in input {
        log.append(None, batch)?;
    }
    let start = Instant::now();
    log.seal()?;
    let took = start.elapsed().as_secs_f64();
    let reader = log.reader();
    let count = reader.size().0;
    let mut raw = 0;
    for entry in reader.scan(0..count, Order::Ascending) {
        let Entry::Record(record) = entry? else { return Err("a damaged record".into()) };
        raw += record.body().len();
    }
    let sealed: u64 =
        reader.segments().iter().filter(|segment| segment.sealed).map(|s| s.file_len).sum();
    let each = |bytes: f64| bytes / count as f64;
    println!(
        "| {name} | {count} | {level} | {:.1} | {:.1} | {:.1} % | {:.2} |",
        each(raw as f64),
        each(sealed as f64),
        100.0 * sealed as f64 / raw as f64,
        each(took * 1e6)
    );
    log.close()?;
    Ok(())
}
