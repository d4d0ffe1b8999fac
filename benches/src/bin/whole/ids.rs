//! What recognising repeats costs per record on a log that holds many.
//!
//! Invariant: the log is worked on as a copy's owner would: it grows by what is appended here.
//! Batches with ids and without take turns within one process.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use shoseki_benches::input::batches;
use shoseki_benches::machine::{Memory, bytes_below};
use shoseki_benches::spread::Spread;
use shoseki_engine::index::ids::{IdIndex, fingerprint};
use shoseki_engine::io::OsStorage;
use shoseki_engine::log::{Log, LogOptions};
use shoseki_engine::record::{AuditId, Body};
use shoseki_engine::types::Seq;
use shoseki_lab::generate::Rng;

use crate::Outcome;

/// What to append to what.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Directory of a log; it grows.
    log: PathBuf,
    /// Rounds of each kind.
    #[arg(long, default_value_t = 7)]
    rounds: u64,
    /// Records of a round.
    #[arg(long, default_value_t = 100_000)]
    records: u64,
    /// Different seeds for different runs on one log.
    #[arg(long, default_value_t = 1_000)]
    seed: u64,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let log = Log::open(&arguments.log, LogOptions::default())?;
    let before = log.size().0;
    let (mut given, mut made, mut cost, mut repeats) =
        (Spread::default(), Spread::default(), Spread::default(), Spread::default());
    for round in 0..arguments.rounds {
        let seed = arguments.seed + round;
        let with = nanos(&log, batches(seed, arguments.records, 500, true))?;
        let without = nanos(&log, batches(seed, arguments.records, 500, false))?;
        // The same records again: each is found, read, compared and not stored.
        let again = batches(seed, arguments.records.min(5_000), 500, true);
        repeats.add(nanos(&log, again)?);
        given.add(with);
        made.add(without);
        cost.add(with - without);
    }
    println!("| on a log of {before} records, batches of 500 | ns/record median | min | max |");
    println!("| --- | ---: | ---: | ---: |");
    println!("| append, ids given | {given} |\n| append, ids made by the log | {made} |");
    println!("| difference in the same round | {cost} |\n| repeats, recognised | {repeats} |");
    let log_id = log.reader().log_id();
    let known = some_ids(&log)?;
    let size = log.size().0;
    log.close()?;
    let storage = Arc::new(OsStorage::new(&arguments.log));
    let index = IdIndex::open(storage, log_id, size, [0; 16])?;
    alone(&index, &known, arguments.rounds)?;
    let memory = Memory::now()?;
    println!(
        "| index: {} runs, {} MB of files; process resident {} MB, anonymous {} MB |",
        index.snapshot().runs(),
        bytes_below(&arguments.log.join("ids"))? / 1_000_000,
        memory.resident / 1_000_000,
        memory.anonymous / 1_000_000
    );
    Ok(())
}

fn nanos(log: &Log, input: Vec<Vec<shoseki_engine::record::Record>>) -> Outcome<f64> {
    let records: usize = input.iter().map(Vec::len).sum();
    let start = Instant::now();
    for batch in input {
        log.append(None, batch)?;
    }
    Ok(start.elapsed().as_secs_f64() * 1e9 / records as f64)
}

/// Ids from all over the log.
fn some_ids(log: &Log) -> Outcome<Vec<AuditId>> {
    let (reader, size) = (log.reader(), log.size().0);
    let mut ids = Vec::new();
    for n in 0..2_000 {
        let entry = reader.read(Seq(size / 2_000 * n))?;
        if let shoseki_engine::log::Entry::Record(record) = entry {
            ids.push(Body::parse(record.body())?.audit_id());
        }
    }
    Ok(ids)
}

/// Questions to the index, without a log around it.
fn alone(index: &IdIndex, known: &[AuditId], rounds: u64) -> Outcome {
    let snapshot = index.snapshot();
    let mut rng = Rng::new(7);
    let (mut unknown, mut found) = (Spread::default(), Spread::default());
    let (mut lines, mut hits) = (0, 0);
    for _ in 0..rounds {
        let new: Vec<AuditId> = (0..200_000).map(|_| AuditId::from_bytes(rng.bytes())).collect();
        for (ids, spread) in [(new.as_slice(), &mut unknown), (known, &mut found)] {
            let mut seqs = Vec::new();
            let start = Instant::now();
            for id in ids {
                let print = fingerprint(index.key(), id.as_bytes());
                lines += snapshot.lookup(print, &mut seqs)?.lines;
                hits += seqs.len();
                seqs.clear();
            }
            spread.add(start.elapsed().as_secs_f64() * 1e9 / ids.len() as f64);
        }
    }
    println!("| index alone, id not known | {unknown} |\n| index alone, id known | {found} |");
    println!("| lines read {lines}, seqs found {hits} (result) |");
    Ok(())
}
