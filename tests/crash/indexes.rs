//! Search indexes on a disk that is full, and in the lives of `points`: the log goes on without
//! them and gets them when it can.

use shoseki_engine::log::{ErrorClass, IndexState, Log, LogOptions};
use shoseki_lab::{Fault, FaultKind};

use crate::workload::Machine;

/// Bytes of the disk that are kept free.
const RESERVE: u64 = 256 << 10;

fn states(log: &Log) -> Vec<IndexState> {
    log.reader().index_files().iter().map(|info| info.state).collect()
}

fn indexes(machine: &Machine) -> Vec<String> {
    let mut paths = machine.storage.paths();
    paths.retain(|path| path.contains(".idx"));
    paths
}

/// Two sealed segments and an active file with room, no index yet.
fn unindexed() -> (Machine, Log) {
    let mut machine = Machine::new(3);
    let log = machine.open().unwrap();
    for batch in 0..2 {
        machine.append(&log, batch, 3).unwrap();
        log.seal().unwrap();
    }
    machine.append(&log, 2, 1).unwrap();
    assert_eq!(indexes(&machine), [""; 0]);
    (machine, log)
}

#[test]
fn an_index_leaves_the_last_of_the_disk_to_the_appends() {
    let (mut machine, log) = unindexed();
    drop(log);
    let options = LogOptions { free_space_reserve: Some(RESERVE), ..machine.options() };
    let log = Log::open_storage(machine.shared(), options).unwrap();
    // Enough for what is appended, its checkpoints and their like.
    machine.storage.set_capacity(machine.storage.used() + 2 * RESERVE);
    machine.steps(&log).unwrap();
    let failure = log.background_failure().expect("told");
    assert_eq!(failure.class(), ErrorClass::Full, "{failure}");
    machine.append(&log, 10, 3).unwrap();
    machine.steps(&log).unwrap();
    assert_eq!(log.background_failure().map(|e| e.class()), Some(ErrorClass::Full));
    assert_eq!(states(&log), [IndexState::Missing, IndexState::Missing, IndexState::Active]);
    assert_eq!(indexes(&machine), [""; 0]);
    machine.storage.set_capacity(1 << 40);
    machine.steps(&log).unwrap();
    assert!(log.background_failure().is_none());
    assert_eq!(states(&log), [IndexState::Ready, IndexState::Ready, IndexState::Active]);
    machine.model.check(&log.reader());
}

#[test]
fn a_call_that_fails_while_an_index_is_written_is_told_and_tried_again() {
    let calls = {
        let (machine, log) = unindexed();
        let before = machine.storage.writes();
        log.complete_indexes().unwrap();
        machine.storage.writes() - before
    };
    assert!(calls >= 12, "{calls} calls for two files");
    for call in 0..calls {
        for kind in [FaultKind::ErrorBefore, FaultKind::ErrorAfter] {
            let (mut machine, log) = unindexed();
            let call = machine.storage.writes() + call;
            let kind = kind(std::io::ErrorKind::Other);
            machine.storage.plan(Some(Fault { call, reads: false, kind }));
            let refused = log.complete_indexes();
            let hit = machine.storage.hit().expect("the call is made");
            // Removing a leftover that is not there is all that may fail unseen.
            assert!(refused.is_err() || hit.starts_with("remove"), "{hit} was hidden");
            machine.append(&log, 10, 3).unwrap();
            log.complete_indexes().unwrap();
            let ready = [IndexState::Ready, IndexState::Ready, IndexState::Active];
            assert_eq!(states(&log), ready, "{hit}");
            assert!(indexes(&machine).iter().all(|path| path.ends_with(".idx")), "{hit}");
            machine.model.check(&log.reader());
        }
    }
}

#[test]
fn an_index_that_was_half_written_when_the_power_went_is_made_anew() {
    let calls = {
        let (machine, log) = unindexed();
        let before = machine.storage.writes();
        log.complete_indexes().unwrap();
        machine.storage.writes() - before
    };
    let whole: Vec<Vec<u8>> = {
        let (machine, log) = unindexed();
        log.complete_indexes().unwrap();
        indexes(&machine).iter().filter_map(|path| machine.storage.bytes(path)).collect()
    };
    for call in 0..calls {
        for kind in [FaultKind::CrashBefore, FaultKind::CrashAfter] {
            let (mut machine, log) = unindexed();
            let call = machine.storage.writes() + call;
            machine.storage.plan(Some(Fault { call, reads: false, kind }));
            assert!(log.complete_indexes().is_err());
            drop(log);
            machine.storage = machine.storage.restart();
            let log = machine.open().unwrap();
            machine.model.check(&log.reader());
            machine.steps(&log).unwrap();
            let bytes = |path: &String| machine.storage.bytes(path);
            let now: Vec<_> = indexes(&machine).iter().filter_map(bytes).collect();
            assert!(now == whole, "call {call}");
        }
    }
}
