//! A disk that is full: what is refused is not there, and the log goes on once there is space.
//!
//! Invariant: a batch that was refused with "disk full" is never found, not after a crash either;
//! the log stops only where a sync failed.

use std::io::ErrorKind;

use shoseki_engine::log::{AppendError, Entry, ErrorClass, Log, Reader};
use shoseki_engine::query::Order;
use shoseki_engine::segment::{ScanTail, scan_active};
use shoseki_lab::{Fault, FaultKind};

use crate::model::{DAY, batch};
use crate::workload::{Machine, Stop};

const FULL: [FaultKind; 2] =
    [FaultKind::ErrorBefore(ErrorKind::StorageFull), FaultKind::ErrorAfter(ErrorKind::StorageFull)];
const REFUSED: u64 = 77;

/// The disk is full at the writing call `after` from now.
fn full_at(machine: &Machine, after: u64, kind: FaultKind) {
    let call = machine.storage.writes() + after;
    machine.storage.plan(Some(Fault { call, reads: false, kind }));
}

/// A log with a batch; the next one goes into the same file, or begins the next with a new day.
fn begun(new_day: bool) -> (Machine, Log) {
    let mut machine = Machine::new(3);
    let log = machine.open().unwrap();
    machine.append(&log, 1, 2).unwrap();
    if new_day {
        machine.environment.advance(DAY);
    }
    (machine, log)
}

fn is_there(reader: &Reader, number: u64) -> bool {
    let name = format!("{number}/");
    reader.scan(0..u64::MAX, Order::Ascending).any(|entry| match entry.unwrap() {
        Entry::Record(record) => {
            let body = String::from_utf8_lossy(record.body()).into_owned();
            body.contains(&format!("\"target_id\":\"{name}"))
        }
        _ => panic!("not a record"),
    })
}

#[test]
fn a_write_without_space_refuses_its_batch_and_the_log_goes_on() {
    let both = [false, true];
    let runs = both.into_iter().flat_map(|day| both.map(|killed| (day, killed)));
    for ((new_day, killed), kind) in runs.flat_map(|run| FULL.map(|kind| (run, kind))) {
        let mut refused_writes = 0;
        for after in 0.. {
            let (mut machine, log) = begun(new_day);
            full_at(&machine, after, kind);
            let refused = log.append(None, batch(REFUSED, 40));
            let Some(hit) = machine.storage.hit() else { break };
            machine.storage.plan(None);
            let what = format!("{hit}, new day {new_day}: {refused:?}");
            match refused {
                Ok(_) => {
                    // Cleaning up may fail unseen.
                    assert!(hit.starts_with("remove"), "{what}");
                    continue;
                }
                Err(AppendError::DiskFull { .. }) => refused_writes += 1,
                Err(AppendError::Poisoned(_)) => {
                    assert!(hit.starts_with("sync"), "{what}");
                    continue;
                }
                Err(_) => panic!("{what}"),
            }
            assert!(!is_there(&log.reader(), REFUSED), "{what}");
            // Less than before: what was written of the refused batch stands behind it, or nothing.
            machine.append(&log, 2, 1).unwrap();
            machine.append(&log, 3, 1).unwrap();
            // Of a process that was killed, names that were never synced are there too.
            machine.storage =
                if killed { machine.storage.kill() } else { machine.storage.restart() };
            drop(log);
            let log = machine.open().unwrap();
            assert_eq!(log.report().quarantined, None, "{what}");
            assert_eq!(machine.model.check(&log.reader()), 4, "{what}");
            assert!(!is_there(&log.reader(), REFUSED), "{what}");
        }
        assert!(refused_writes >= if new_day { 3 } else { 1 }, "{refused_writes} of {kind:?}");
    }
}

#[test]
fn a_refused_batch_does_not_come_back_when_the_power_goes_at_once() {
    for kind in FULL {
        for after in 0..6 {
            let (mut machine, log) = begun(false);
            full_at(&machine, after, kind);
            let refused = log.append(None, batch(REFUSED, 3));
            machine.storage = machine.storage.restart();
            drop(log);
            let log = machine.open().unwrap();
            if matches!(refused, Err(AppendError::DiskFull { .. })) {
                assert!(!is_there(&log.reader(), REFUSED), "call {after}, {kind:?}");
            }
            machine.model.check(&log.reader());
        }
    }
}

#[test]
fn work_in_the_background_ends_on_a_full_disk_and_says_why() {
    let (mut machine, log) = begun(false);
    machine.steps(&log).unwrap();
    machine.environment.advance(DAY);
    machine.storage.set_capacity(machine.storage.used());
    let Err(Stop::Log(error)) = machine.steps(&log) else { panic!("it did not say so") };
    assert_eq!(error.class(), ErrorClass::Full, "{error}");
    machine.storage.set_capacity(1 << 40);
    machine.steps(&log).unwrap();
    let files = machine.storage.paths();
    assert!(files.iter().any(|path| path.starts_with("sealed/")), "{files:?}");
    machine.model.check(&log.reader());
}

/// Every call of a close finds the disk full once: either it says so or the file says that it was
/// closed.
#[test]
fn a_close_without_a_close_frame_is_an_error() {
    let closed = |machine: &Machine| {
        let active = machine.storage.bytes("active/00000000000000000000.log").unwrap();
        scan_active(&active, &mut ()).unwrap().tail == ScanTail::Closed
    };
    let mut told = 0;
    for after in 0.. {
        let (mut machine, log) = begun(false);
        let first = machine.storage.writes();
        full_at(&machine, after, FULL[0]);
        let outcome = log.close();
        if machine.storage.hit().is_none() {
            outcome.unwrap();
            assert!(closed(&machine) && machine.storage.writes() > first);
            break;
        }
        told += u64::from(outcome.is_err());
        assert!(outcome.is_err() || closed(&machine), "call {after}");
        machine.storage = machine.storage.restart();
        machine.model.check(&machine.open().unwrap().reader());
    }
    assert!(told > 0, "no call failed");
}
