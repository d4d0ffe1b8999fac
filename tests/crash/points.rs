//! The machine stops, or a call fails, at every single call of a log's life.

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use shoseki_lab::{Fault, FaultKind};

use crate::workload::Machine;

/// Calls of a life in which nothing fails: those that change something, and all.
fn calls() -> (u64, u64) {
    let mut machine = Machine::new(0);
    machine.live(0).unwrap();
    (machine.storage.writes(), machine.storage.calls())
}

/// Runs a test for every number below `end`, on as many threads as there are cores, and says which
/// failed.
fn for_each(end: u64, step: usize, test: impl Fn(u64) + Sync) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let test = &test;
            scope.spawn(move || {
                for n in (0..end).step_by(step).skip(thread).step_by(threads) {
                    let outcome = catch_unwind(AssertUnwindSafe(|| test(n)));
                    if let Err(panic) = outcome {
                        println!("failed at call and seed {n}");
                        resume_unwind(panic);
                    }
                }
            });
        }
    });
}

#[test]
fn a_life_without_faults() {
    let mut machine = Machine::new(7);
    machine.live(0).unwrap();
    machine.recover(100);
    let (writes, calls) = calls();
    println!("{writes} writing calls, {calls} calls");
}

fn crash(call: u64, kind: FaultKind) {
    let mut machine = Machine::new(call);
    machine.storage.plan(Some(Fault { call, reads: false, kind }));
    let stopped = machine.live(0);
    let hit = machine.storage.hit();
    assert!(hit.is_some(), "the call was not made");
    // Errors of cleaning up may be hidden; the model holds only what was acknowledged.
    drop(stopped);
    machine.storage = machine.storage.restart();
    let outcome = catch_unwind(AssertUnwindSafe(|| machine.recover(100)));
    if let Err(panic) = outcome {
        println!("crash at {}", hit.unwrap_or_default());
        resume_unwind(panic);
    }
}

#[test]
fn power_goes_before_every_call() {
    for_each(calls().0, 1, |call| crash(call, FaultKind::CrashBefore));
}

#[test]
fn power_goes_after_every_call() {
    for_each(calls().0, 1, |call| crash(call, FaultKind::CrashAfter));
}

/// One failing call; the log is opened again whenever it asks for it, and everything is tried
/// again.
fn fail(call: u64, reads: bool, kind: FaultKind) {
    let mut machine = Machine::new(call);
    machine.storage.plan(Some(Fault { call, reads, kind }));
    let first = machine.live(0);
    let hit = machine.storage.hit();
    assert!(hit.is_some(), "the call was not made");
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // The same machine goes on, then loses power: what was not durable goes.
        machine.recover(100);
        machine.storage = machine.storage.restart();
        machine.recover(200);
    }));
    if let Err(panic) = outcome {
        println!("failed at {}, which gave {first:?}", hit.unwrap_or_default());
        resume_unwind(panic);
    }
}

#[test]
fn every_writing_call_fails_once() {
    let error = ErrorKind::Other;
    for_each(calls().0, 1, |call| fail(call, false, FaultKind::ErrorBefore(error)));
    for_each(calls().0, 1, |call| fail(call, false, FaultKind::ErrorAfter(error)));
}

#[test]
fn every_writing_call_finds_the_disk_full_once() {
    let full = ErrorKind::StorageFull;
    for_each(calls().0, 1, |call| fail(call, false, FaultKind::ErrorBefore(full)));
    for_each(calls().0, 1, |call| fail(call, false, FaultKind::ErrorAfter(full)));
}

#[test]
fn reading_calls_fail_once() {
    let error = ErrorKind::Other;
    for_each(calls().1, 7, |call| fail(call, true, FaultKind::ErrorBefore(error)));
}
