//! Index files of finished windows in a life that ends at each call that writes one or removes it:
//! every record is found afterwards, and the files come back or go.

use std::sync::Arc;

use shoseki_engine::log::{ErrorClass, Log, LogOptions, Reader};
use shoseki_engine::query::{Filter, Order};
use shoseki_lab::{Fault, FaultKind, FaultyStorage, SimEnvironment};

use crate::model::{NOON, batch};

/// Records of a window.
const WINDOW: u64 = 1 << 16;
/// First seq of the active file.
const FIRST: u64 = WINDOW - 6;
/// Number of the batch in the active file, and its records.
const BATCH: (u64, u64) = (1 << 20, 16);

/// A disk and the machine around it.
struct Life {
    storage: FaultyStorage,
    options: LogOptions,
}

impl Life {
    fn new(storage: FaultyStorage) -> Self {
        let options = LogOptions {
            background: false,
            free_space_reserve: Some(0),
            compression_level: 1,
            environment: Arc::new(SimEnvironment::new(NOON, 7)),
            ..LogOptions::default()
        };
        Self { storage, options }
    }

    fn open(&self) -> Log {
        Log::open_storage(Arc::new(self.storage.clone()), self.options.clone()).unwrap()
    }

    /// The index files below a directory.
    fn indexes(&self, dir: &str) -> Vec<String> {
        let mut paths = self.storage.paths();
        paths.retain(|path| path.starts_with(dir) && path.contains(".idx"));
        paths
    }
}

/// A disk with a log that is sealed and indexed up to [`FIRST`].
fn before_a_window() -> FaultyStorage {
    let life = Life::new(FaultyStorage::new(7));
    let log = life.open();
    for first in (0..FIRST).step_by(4096) {
        log.append(None, batch(first, (FIRST - first).min(4096))).unwrap();
    }
    log.seal().unwrap();
    log.complete_indexes().unwrap();
    log.close().unwrap();
    life.storage
}

/// The same with records in the active file over the end of the window.
fn over_a_window() -> FaultyStorage {
    let life = Life::new(before_a_window());
    let log = life.open();
    log.append(None, batch(BATCH.0, BATCH.1)).unwrap();
    log.close().unwrap();
    life.storage
}

/// Whether every record of the active file is found by its target, once.
fn check(reader: &Reader, what: &str) {
    for n in 0..BATCH.1 {
        let target_id = vec![format!("{}/{n}/{}", BATCH.0, BATCH.1)];
        let filter = Filter { target_id, ..Filter::default() };
        let found = reader.select(&filter, Order::Ascending).map(|entry| entry.unwrap().seq().0);
        assert_eq!(found.collect::<Vec<_>>(), [FIRST + n], "{what}");
    }
}

/// Calls that write while the indexes are completed.
fn calls(disk: &FaultyStorage) -> u64 {
    let life = Life::new(disk.copy(1));
    let log = life.open();
    let before = life.storage.writes();
    log.complete_indexes().unwrap();
    life.storage.writes() - before
}

/// The power goes at each of the calls that complete the indexes: `left` looks at what is there
/// when they are complete after all.
fn crash_at_each_call(disk: &FaultyStorage, left: impl Fn(&Life, &str)) {
    let calls = calls(disk);
    assert!(calls >= 4, "{calls} calls");
    for call in 0..calls {
        for kind in [FaultKind::CrashBefore, FaultKind::CrashAfter] {
            let mut life = Life::new(disk.copy(call + 1));
            let log = life.open();
            let call = life.storage.writes() + call;
            life.storage.plan(Some(Fault { call, reads: false, kind }));
            assert!(log.complete_indexes().is_err());
            drop(log);
            life.storage = life.storage.restart();
            let what = format!("call {call}");
            check(&Reader::open_storage(Arc::new(life.storage.clone())).unwrap(), &what);
            let log = life.open();
            check(&log.reader(), &what);
            log.complete_indexes().unwrap();
            check(&log.reader(), &what);
            assert_eq!(log.reader().check_indexes(false, |_| {}).unwrap(), [], "{what}");
            left(&life, &what);
        }
    }
}

#[test]
fn a_window_that_was_half_written_when_the_power_went_is_made_anew() {
    let disk = over_a_window();
    crash_at_each_call(&disk, |life, what| {
        let path = "active/00000000000000065530-00000000000000000006.idx";
        assert_eq!(life.indexes("active/"), [path], "{what}");
    });
}

#[test]
fn windows_are_gone_when_their_file_has_its_index_whenever_the_power_went() {
    let life = Life::new(over_a_window());
    let log = life.open();
    log.complete_indexes().unwrap();
    log.seal().unwrap();
    drop(log);
    assert_eq!((life.indexes("active/").len(), life.indexes("sealed/").len()), (1, 1));
    crash_at_each_call(&life.storage, |life, what| {
        let left = (life.indexes("active/").len(), life.indexes("sealed/").len());
        assert_eq!(left, (0, 2), "{what}");
    });
}

#[test]
fn a_call_that_fails_while_a_window_is_written_is_told_and_stops_nothing() {
    let disk = over_a_window();
    for call in 0..calls(&disk) {
        for kind in [FaultKind::ErrorBefore, FaultKind::ErrorAfter] {
            let life = Life::new(disk.copy(call + 1));
            let log = life.open();
            let call = life.storage.writes() + call;
            let kind = kind(std::io::ErrorKind::Other);
            life.storage.plan(Some(Fault { call, reads: false, kind }));
            let refused = log.complete_indexes();
            let hit = life.storage.hit().expect("the call is made");
            assert!(refused.is_err() || hit.starts_with("remove"), "{hit} was hidden");
            log.append(None, batch(1 << 21, 3)).unwrap();
            log.complete_indexes().unwrap();
            check(&log.reader(), &hit);
            assert!(life.indexes("active/").iter().all(|path| path.ends_with(".idx")), "{hit}");
        }
    }
}

#[test]
fn a_window_leaves_the_last_of_the_disk_to_the_appends() {
    let mut life = Life::new(over_a_window());
    life.options.free_space_reserve = Some(256 << 10);
    life.storage.set_capacity(life.storage.used() + (512 << 10));
    let log = life.open();
    let refused = log.complete_indexes().unwrap_err();
    assert_eq!(refused.class(), ErrorClass::Full, "{refused}");
    assert_eq!(life.indexes("active/"), [""; 0]);
    log.append(None, batch(1 << 21, 3)).unwrap();
    log.complete_indexes().unwrap();
    check(&log.reader(), "full");
}
