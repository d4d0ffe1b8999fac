//! Durable appends per second, and how long one append takes.
//!
//! Asynchronous callers don't hold a thread each: a thread hands their records over together and
//! hands the answers out, as the server's intake does.
//!
//! Invariant: records are made before the clock starts; each round and shape has a log of its own.

use std::time::Instant;

use shoseki_benches::input::batches;
use shoseki_benches::spread::{Spread, percentile};
use shoseki_engine::log::{Log, LogOptions};
use shoseki_engine::record::Record;

use crate::{Outcome, Scratch};

/// What to append.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    scratch: Scratch,
    /// Rounds of each shape.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Divides the number of records of each shape.
    #[arg(long, default_value_t = 1)]
    divide: u64,
    /// Only shapes whose name has this in it.
    #[arg(long, default_value = "")]
    only: String,
}

struct Shape {
    name: &'static str,
    writers: u64,
    batch: usize,
    records: u64,
    /// Whether each record of a batch is one of its own, of a caller of its own.
    apart: bool,
}

const SHAPES: [Shape; 6] = [
    Shape::of("1 writer, batches of 1", 1, 1, 20_000),
    Shape::of("1 writer, batches of 100", 1, 100, 300_000),
    Shape::of("1 writer, batches of 500", 1, 500, 500_000),
    Shape::of("4 writers, batches of 500", 4, 500, 1_000_000),
    Shape::of("64 writers of single records", 64, 1, 128_000),
    Shape { apart: true, ..Shape::of("64 asynchronous callers, single records", 2, 32, 256_000) },
];

impl Shape {
    const fn of(name: &'static str, writers: u64, batch: usize, records: u64) -> Self {
        Self { name, writers, batch, records, apart: false }
    }
}

#[derive(Default)]
struct Figures {
    rate: Spread,
    p50: Spread,
    p99: Spread,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let shapes = SHAPES.iter().filter(|shape| shape.name.contains(&arguments.only));
    let mut cells: Vec<(&Shape, bool, Figures)> = shapes
        .flat_map(|shape| [true, false].map(|ids| (shape, ids, Figures::default())))
        .collect();
    for round in 0..arguments.rounds {
        let len = cells.len().max(1);
        cells.rotate_left(round % len);
        for (shape, ids, figures) in &mut cells {
            let records = (shape.records / arguments.divide.max(1)).max(shape.writers);
            measure(arguments, shape, records, *ids, figures)?;
        }
        cells.rotate_right(round % len);
    }
    println!(
        "| appends | ids | records/s median | min | max | p50 µs | p99 µs (medians; min–max) |"
    );
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: |");
    for (shape, ids, figures) in &cells {
        let ids = if *ids { "given" } else { "made" };
        let (p50, p99) = (&figures.p50, &figures.p99);
        println!(
            "| {} | {ids} | {} | {:.0} ({:.0}–{:.0}) | {:.0} ({:.0}–{:.0}) |",
            shape.name,
            figures.rate,
            p50.median(),
            p50.min(),
            p50.max(),
            p99.median(),
            p99.min(),
            p99.max(),
        );
    }
    Ok(())
}

fn measure(
    arguments: &Arguments,
    shape: &Shape,
    records: u64,
    ids: bool,
    figures: &mut Figures,
) -> Outcome {
    let dir = arguments.scratch.make()?;
    let log = Log::open(dir.path(), LogOptions::default())?;
    let each = records / shape.writers;
    let inputs: Vec<_> =
        (0..shape.writers).map(|writer| batches(writer + 1, each, shape.batch, ids)).collect();
    let start = Instant::now();
    let waits: Vec<Vec<f64>> = std::thread::scope(|scope| {
        let writers: Vec<_> = inputs
            .into_iter()
            .map(|input| scope.spawn(|| write(&log, input, shape.apart)))
            .collect();
        writers.into_iter().filter_map(|writer| writer.join().ok()).collect::<Outcome<_>>()
    })?;
    let took = start.elapsed().as_secs_f64();
    let size = log.size().0;
    if size != each * shape.writers {
        return Err(format!("{size} records in the log").into());
    }
    let mut waits = waits.concat();
    waits.sort_by(f64::total_cmp);
    figures.rate.add(size as f64 / took);
    figures.p50.add(percentile(&waits, 50));
    figures.p99.add(percentile(&waits, 99));
    log.close()?;
    Ok(())
}

/// How long each append took, in microseconds.
fn write(log: &Log, input: Vec<Vec<Record>>, apart: bool) -> Outcome<Vec<f64>> {
    let mut waits = Vec::with_capacity(input.len());
    for batch in input {
        if apart {
            let batches = batch.into_iter().map(|record| (None, vec![record])).collect();
            let start = Instant::now();
            log.append_all(batches).into_iter().collect::<Result<Vec<_>, _>>()?;
            waits.push(start.elapsed().as_secs_f64() * 1e6);
            continue;
        }
        let start = Instant::now();
        log.append(None, batch)?;
        waits.push(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok(waits)
}
