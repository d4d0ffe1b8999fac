//! Crash schedules: lives of a log that end in power cuts, killed processes and failing disks.
//!
//! Invariant: a schedule is its seed. After every life the disk as it was left is audited, and at
//! the end the log is opened without faults and must hold everything that was promised.

use std::io::ErrorKind;
use std::sync::Arc;

use shoseki_engine::record::Record;

use crate::invariant::Checked;
use crate::machine::{Machine, Next};
use crate::{Fault, FaultKind, Lie};

/// What a schedule runs with.
#[derive(Clone, Default)]
pub struct Setup {
    /// Records that those of the schedules look like.
    pub sample: Arc<Vec<Record>>,
    /// A promise of the storage that is broken, to see that it is found.
    pub lie: Option<Lie>,
    /// Keeps the last calls as texts.
    pub calls_kept: usize,
    /// Run on every thread before its first schedule.
    pub before: Option<fn()>,
}

/// What became of a schedule.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Whether every promise was kept.
    pub checked: Checked,
    /// The classes of faults that it met.
    pub met: Vec<&'static str>,
    /// Whether anybody was told of a fault.
    pub told: bool,
    /// Stands for every call that was made.
    pub trace: u64,
    /// The last calls, where they are kept.
    pub calls: Vec<String>,
}

/// Runs the crash schedule of a seed.
#[must_use]
pub fn crash_schedule(seed: u64, setup: &Setup) -> Outcome {
    let mut machine = Machine::new(seed, &setup.sample, setup.lie);
    machine.storage.keep_trace(setup.calls_kept);
    let mut met = Vec::new();
    let checked = lives(&mut machine, &mut met);
    met.sort_unstable();
    met.dedup();
    Outcome {
        checked,
        met,
        told: machine.told > 0,
        trace: machine.storage.trace(),
        calls: machine.storage.last_calls(),
    }
}

fn lives(machine: &mut Machine, met: &mut Vec<&'static str>) -> Checked {
    for _ in 0..1 + machine.rng.below(3) {
        plan(machine);
        let lived = live(machine);
        met.extend(machine.storage.hits().iter().map(|kind| class(*kind)));
        lived?;
        end(machine, met)?;
    }
    machine.make_room();
    if machine.rng.chance(70) {
        machine.power_cut();
    } else {
        machine.kill();
    }
    machine.audit_is_clean("after the last life")?;
    machine.check_and_go_on()
}

/// Chooses what will happen to the disk in the next life.
fn plan(machine: &mut Machine) {
    let (rng, storage) = (&mut machine.rng, &machine.storage);
    let (writes, calls) = (storage.writes(), storage.calls());
    // Some faults come while the log opens, some later.
    let within = if rng.chance(25) { 30 } else { 160 };
    let kind = match rng.below(20) {
        0..5 => FaultKind::CrashBefore,
        5..9 => FaultKind::CrashAfter,
        9..12 => FaultKind::ErrorBefore(error(rng.below(3))),
        12..14 => FaultKind::ErrorAfter(error(rng.below(3))),
        14 => FaultKind::Gone,
        15..17 => FaultKind::Flip("sealed/"),
        _ => {
            storage.plan(None);
            return;
        }
    };
    let reads = matches!(kind, FaultKind::ErrorBefore(_)) && rng.chance(25);
    let from = if reads { calls } else { writes };
    let mut faults = vec![Fault { call: from + rng.below(within), reads, kind }];
    if rng.chance(25) {
        let kind = FaultKind::ErrorBefore(error(rng.below(3)));
        faults.push(Fault { call: writes + rng.below(within), reads: false, kind });
    }
    storage.plan_all(faults);
}

fn error(n: u64) -> ErrorKind {
    match n {
        0 => ErrorKind::StorageFull,
        1 => ErrorKind::Interrupted,
        // What the operating system calls EIO has no kind of its own.
        _ => ErrorKind::Other,
    }
}

fn live(machine: &mut Machine) -> Checked {
    let mut attempts = 0;
    let operations = 3 + machine.rng.below(14);
    for _ in 0..operations {
        if machine.log.is_none() {
            attempts += 1;
            if attempts > 3 || !machine.open()? {
                return Ok(());
            }
        }
        if machine.operate()? == Next::Reopen && !machine.storage.is_off() {
            machine.start_anew();
        }
    }
    Ok(())
}

/// Ends a life: the power goes, the process dies, or it closes in order.
fn end(machine: &mut Machine, met: &mut Vec<&'static str>) -> Checked {
    match machine.rng.below(10) {
        0..5 => {
            met.push("power cut");
            machine.power_cut();
        }
        5..8 => {
            met.push("process killed");
            machine.kill();
        }
        _ => {
            machine.close()?;
            machine.kill();
        }
    }
    machine.audit_is_clean("between two lives")
}

/// The name of a class of faults.
fn class(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::CrashBefore | FaultKind::CrashAfter => "power cut",
        FaultKind::ErrorBefore(ErrorKind::StorageFull)
        | FaultKind::ErrorAfter(ErrorKind::StorageFull) => "disk full",
        FaultKind::ErrorBefore(ErrorKind::Interrupted)
        | FaultKind::ErrorAfter(ErrorKind::Interrupted) => "call interrupted",
        FaultKind::ErrorBefore(_) => "call fails",
        FaultKind::ErrorAfter(_) => "call fails after its effect",
        FaultKind::Gone => "disk goes away",
        FaultKind::Flip(_) => "bit wrong between write and seal",
        FaultKind::Panic => "thread dies",
    }
}
