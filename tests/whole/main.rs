//! The writer and the auditor together: whatever the writer does, the auditor finds nothing in it,
//! and whatever is changed in what the writer wrote, the auditor finds.
//!
//! Knows nothing about how either of them works.
#![expect(clippy::unwrap_used, reason = "a test stops where its stage can't be set")]

mod clean;
mod every_byte;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use shoseki_engine::io::{Environment, OsEnvironment};
use shoseki_engine::log::{Log, LogOptions};
use shoseki_engine::proof::VerifierKey;
use shoseki_engine::record::Record;
use shoseki_engine::verify::{Report, VerifyOptions, verify_path};
use shoseki_lab::generate::Workload;

/// A clock that a test sets; it goes on by a microsecond at each look.
struct Clock(AtomicI64);

/// Noon of 2026-11-21.
const NOON: i64 = 1_795_262_400_000_000;
const DAY: i64 = 86_400_000_000;

impl Environment for Clock {
    fn now_micros(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    fn fill_random(&self, buffer: &mut [u8]) -> std::io::Result<()> {
        OsEnvironment.fill_random(buffer)
    }
}

/// Options without threads, and their clock.
fn by_hand() -> (LogOptions, Arc<Clock>) {
    let clock = Arc::new(Clock(AtomicI64::new(NOON)));
    let environment: Arc<dyn Environment> = Arc::<Clock>::clone(&clock);
    let options = LogOptions {
        background: false,
        free_space_reserve: Some(0),
        environment,
        ..LogOptions::default()
    };
    (options, clock)
}

fn records(seed: u64, n: u64) -> Vec<Record> {
    Workload::new(seed, n).records().collect()
}

fn finish(log: &Log) {
    while log.step().unwrap() {}
}

fn vkey(dir: &Path) -> VerifierKey {
    let line = std::fs::read(dir.join("log.vkey")).unwrap();
    VerifierKey::parse_line(&line).unwrap()
}

fn audit(dir: &Path) -> Report {
    let options = VerifyOptions { vkey: Some(vkey(dir)), ..VerifyOptions::default() };
    verify_path(dir, &options, &()).unwrap()
}
