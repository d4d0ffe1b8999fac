//! The writer on a real directory: what is acknowledged stays, once, in order, whatever happens.

mod append;
mod catalogue;
mod health;
mod layout;
mod own;
mod scope;
mod stops;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::{Log, LogOptions};
use crate::io::{Environment, OsEnvironment};
use crate::record::{ActorType, AuditId, Outcome, Producer, Record, Timestamp};

/// A clock that a test sets.
pub(crate) struct Clock(AtomicI64);

impl Environment for Clock {
    fn now_micros(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    fn fill_random(&self, buffer: &mut [u8]) -> std::io::Result<()> {
        OsEnvironment.fill_random(buffer)
    }
}

/// Noon of 2026-11-21.
pub(crate) const NOON: i64 = 1_795_262_400_000_000;
pub(crate) const DAY: i64 = 86_400_000_000;

/// Options of a log whose background work is driven by hand.
pub(crate) fn by_hand() -> (LogOptions, Arc<Clock>) {
    let clock = Arc::new(Clock(AtomicI64::new(NOON)));
    let options = LogOptions {
        background: false,
        free_space_reserve: Some(0),
        environment: Arc::clone(&clock) as _,
        ..LogOptions::default()
    };
    (options, clock)
}

impl Clock {
    pub(crate) fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::Relaxed);
    }
}

pub(crate) fn record(n: u64) -> Record {
    let time = Timestamp::from_unix_micros(NOON - 1_000_000).unwrap();
    let mut record = Record::new(
        time,
        ActorType::User,
        format!("user-{}", n % 7),
        "READ_PATIENT",
        Outcome::Success,
    );
    record.target_id = Some(format!("patient-{n}"));
    record
}

pub(crate) fn with_id(n: u64, id: u8) -> Record {
    Record { audit_id: Some(AuditId::from_bytes([id; 16])), ..record(n) }
}

pub(crate) fn records(range: std::ops::Range<u64>) -> Vec<Record> {
    range.map(record).collect()
}

pub(crate) fn producer(name: &str) -> Producer {
    Producer::new(name).unwrap()
}

pub(crate) fn open(dir: &Path) -> Log {
    Log::open(dir, by_hand().0).unwrap()
}
