//! Appends from four threads until it is killed; a test's client.
//!
//! `appender DIR SEED SEGMENT_LEN [RESERVE]` prints `open MICROSECONDS`, then for each receipt that
//! it holds `SEQ HASH CHAIN`, flushed after the append returned. Ends by itself only when an append
//! fails: then it prints `error ...`.
//! Invariant: a line is printed only for what the log acknowledged.

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use shoseki_engine::log::{Log, LogOptions};
use shoseki_engine::record::{ActorType, AuditId, Outcome, Producer, Record, Timestamp};
use shoseki_engine::types::to_hex;
use shoseki_lab::Rng;

const THREADS: u64 = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [dir, seed, segment_len, rest @ ..] = arguments.as_slice() else {
        return Err("appender DIR SEED SEGMENT_LEN [RESERVE]".into());
    };
    let seed: u64 = seed.parse()?;
    let options = LogOptions {
        segment_raw_len_max: segment_len.parse()?,
        free_space_reserve: rest.first().map(|text| text.parse()).transpose()?.or(Some(0)),
        ..LogOptions::default()
    };
    let began = Instant::now();
    let log = match Log::open(Path::new(dir), options) {
        Ok(log) => log,
        Err(error) => return say(&format!("error {error}\n")),
    };
    say(&format!("open {}\n", began.elapsed().as_micros()))?;
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let log = &log;
            scope.spawn(move || {
                if let Err(error) = append(log, seed, thread) {
                    let _ = say(&format!("error {error}\n"));
                }
            });
        }
    });
    Ok(())
}

/// One write of whole lines, so that a killed process leaves at most one torn line.
fn say(text: &str) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

fn append(log: &Log, seed: u64, thread: u64) -> Result<(), Box<dyn Error>> {
    let mut rng = Rng::new(seed.wrapping_mul(31).wrapping_add(thread));
    let producer = Producer::new(&format!("client-{thread}"))?;
    for n in 0.. {
        let mut records = Vec::new();
        for place in 0..=rng.below(5) {
            records.push(record(&mut rng, thread, n, place)?);
        }
        let appended = log.append(Some(&producer), records)?;
        let mut lines = String::new();
        for receipt in &appended.receipts {
            let (hash, chain) = (to_hex(&receipt.hash.0), to_hex(&receipt.chain_hash.0));
            lines.push_str(&format!("{} {hash} {chain}\n", receipt.seq));
        }
        say(&lines)?;
    }
    Ok(())
}

fn record(rng: &mut Rng, thread: u64, n: u64, place: u64) -> Result<Record, Box<dyn Error>> {
    let time = Timestamp::from_unix_micros(1_795_262_400_000_000).ok_or("time")?;
    let actor = format!("user-{thread}");
    let mut record = Record::new(time, ActorType::User, actor, "READ_PATIENT", Outcome::Success);
    record.target_id = Some(format!("patient-{n}-{place}"));
    record.request_id = Some("x".repeat(usize::try_from(rng.below(120))? + 1));
    if rng.chance(50) {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&rng.draw().to_le_bytes());
        id[8..].copy_from_slice(&rng.draw().to_le_bytes());
        record.audit_id = Some(AuditId::from_bytes(id));
    }
    Ok(record)
}
