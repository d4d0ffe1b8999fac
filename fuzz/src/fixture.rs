//! Logs, records and keys that targets share, made once.
//!
//! Invariant: everything here follows from constants, so that an input means the same in every run.

use std::sync::{Arc, LazyLock};

use shoseki_engine::log::{Log, LogOptions};
use shoseki_engine::record::Producer;
use shoseki_lab::evidence::{self, Plan};
use shoseki_lab::generate::{Workload, clinic_day};
use shoseki_lab::{FaultyStorage, SimEnvironment};

/// Noon of 2026-11-21, microseconds since 1970.
const NOON: i64 = 1_795_262_400_000_000;

/// A log of seven records: five sealed, two not.
pub(crate) static SMALL: LazyLock<evidence::Log> = LazyLock::new(|| {
    Plan { sealed: vec![3, 2], frames: vec![1, 1], group: 2, ..Plan::default() }.make()
});

/// Options of a writer without threads of its own, in a time that stands still.
pub(crate) fn options() -> LogOptions {
    LogOptions {
        background: false,
        free_space_reserve: Some(0),
        group_records_max: 3,
        environment: Arc::new(SimEnvironment::new(NOON, 1)),
        ..LogOptions::default()
    }
}

/// The disk of a log that our own writer made: two sealed segments with their indexes, an active
/// file, and everything beside them.
pub(crate) static WRITTEN: LazyLock<FaultyStorage> = LazyLock::new(|| {
    let disk = FaultyStorage::new(1);
    let log = Log::open_storage(Arc::new(disk.clone()), options()).unwrap();
    let producer = Producer::new("clinic-app").unwrap();
    let mut records = Workload::new(7, 9).records();
    for (part, count) in [4, 3, 2].into_iter().enumerate() {
        let batch: Vec<_> = records.by_ref().take(count).collect();
        log.append(Some(&producer), batch).unwrap();
        log.checkpoint().unwrap();
        if part < 2 {
            log.seal().unwrap();
            log.complete_indexes().unwrap();
        }
    }
    log.close().unwrap();
    disk.kill().copy(2)
});

/// Input lines of records of several kinds.
pub(crate) static LINES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut records: Vec<_> = clinic_day(3, 20_000).into_iter().step_by(97).take(6).collect();
    records.extend(Workload::new(5, 4).records());
    records
        .iter()
        .map(|record| {
            let mut line = Vec::new();
            shoseki_lab::generate::input_line(record, &mut line);
            line
        })
        .collect()
});
