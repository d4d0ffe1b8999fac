//! Corruption schedules: a log at rest or at work, one corruption, and who reports it.
//!
//! Invariant: what lies below the last durable mark is reported by the audit, is never cut away by
//! an open and never returned by a read; what can be rebuilt costs nothing; everything else that
//! was acknowledged is still there.

use shoseki_engine::log::{Entry, Log, OpenError, Reader};
use shoseki_engine::record::IntegrityStatus;
use shoseki_engine::types::Seq;

use crate::crash::{Outcome, Setup};
use crate::invariant::{Broken, Checked, Invariant, broken, keeps};
use crate::machine::{Machine, Next, shown};
use crate::rot::{self, Done, Kind, Rot};

/// What is due after a corruption.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Due {
    /// The audit finds it, and goes on to find it.
    Reported,
    /// It may pass for a write that was never acknowledged; then the open says what it cut.
    Perhaps,
    /// It costs nothing.
    Nothing,
}

/// Runs the corruption schedule of a seed.
#[must_use]
pub fn corruption_schedule(seed: u64, setup: &Setup) -> Outcome {
    let mut machine = Machine::new(seed, &setup.sample, setup.lie);
    machine.storage.keep_trace(setup.calls_kept);
    let mut met = Vec::new();
    let mut told = false;
    let checked = corrupted(&mut machine, &mut met, &mut told);
    let (trace, calls) = (machine.storage.trace(), machine.storage.last_calls());
    Outcome { checked, met, told, trace, calls }
}

fn corrupted(machine: &mut Machine, met: &mut Vec<&'static str>, told: &mut bool) -> Checked {
    let running = build(machine)?;
    let Some((done, kind)) = choose(machine, running) else { return Ok(()) };
    met.push(done.rot.as_str());
    let due = due(machine, &done, kind, running);
    let context = |broken: Broken| Broken {
        detail: format!(
            "{} at {:?} of {} ({due:?}): {}",
            done.rot.as_str(),
            done.touched,
            done.path,
            broken.detail
        ),
        ..broken
    };
    if running {
        *told = at_work(machine, due).map_err(context)?;
    } else {
        *told = at_rest(machine, &done, kind, due).map_err(context)?;
    }
    Ok(())
}

/// A log with some history; `true` if it is still at work.
fn build(machine: &mut Machine) -> Checked<bool> {
    machine.open()?;
    for _ in 0..4 + machine.rng.below(16) {
        if machine.operate_soundly()? == Next::Reopen {
            machine.kill();
            machine.open()?;
        }
    }
    // Something is there to be corrupted.
    machine.append()?;
    if machine.rng.chance(30) {
        return Ok(true);
    }
    if machine.rng.chance(60) {
        machine.with_log(|log| log.step().map(|_| ()))?;
    }
    match machine.rng.below(3) {
        0 => machine.close()?,
        1 => machine.kill(),
        _ => machine.power_cut(),
    }
    machine.kill();
    Ok(false)
}

fn choose(machine: &mut Machine, running: bool) -> Option<(Done, Kind)> {
    let rng = &mut machine.rng;
    let kinds: &[Kind] = match rng.below(20) {
        0..7 => &[Kind::Active],
        7..14 => &[Kind::Sealed],
        _ if running => &[Kind::Active, Kind::Sealed],
        14..18 => &[Kind::Checkpoint, Kind::Identity, Kind::Anchor],
        _ => &[Kind::Rebuildable],
    };
    let mut paths = machine.storage.paths();
    let wanted = |path: &String| kinds.contains(&rot::kind(path));
    if !paths.iter().any(wanted) {
        paths.retain(|path| rot::kind(path) == Kind::Active);
    } else {
        paths.retain(wanted);
    }
    let chosen = usize::try_from(rng.below(paths.len() as u64)).unwrap_or(0);
    let path = paths.get(chosen)?;
    // A file that somebody has open does not end or go away under him here.
    let all = if running { 5 } else { Rot::ALL.len() as u64 };
    let chosen = usize::try_from(rng.below(all)).unwrap_or(0);
    let rot = Rot::ALL.get(chosen).copied()?;
    let done = rot::corrupt(&machine.storage, path, rot, rng)?;
    Some((done, rot::kind(path)))
}

fn due(machine: &Machine, done: &Done, kind: Kind, running: bool) -> Due {
    let whole = done.rot == Rot::Vanished;
    let reported = |reported: bool| if reported { Due::Reported } else { Due::Perhaps };
    match kind {
        Kind::Active => {
            // Where its records are sealed already, the file is only a leftover.
            let actives = paths_of(machine, Kind::Active, done);
            let first = seq_of(&done.path);
            if paths_of(machine, Kind::Sealed, done).iter().any(|path| seq_of(path) >= first) {
                return Due::Perhaps;
            }
            let next = actives.iter().map(|path| seq_of(path)).filter(|seq| *seq > first).max();
            let covered = rot::checkpoint_size(&machine.storage).max(next.unwrap_or(0));
            reported(rot::must_be_reported(done, covered, running))
        }
        Kind::Sealed => {
            let first = seq_of(&done.path);
            let spare = paths_of(machine, Kind::Active, done).iter().any(|p| seq_of(p) == first);
            reported(!spare)
        }
        Kind::Checkpoint | Kind::Anchor => reported(!whole),
        Kind::Identity => Due::Reported,
        Kind::Rebuildable | Kind::Other => Due::Nothing,
    }
}

/// The other files of a kind.
fn paths_of(machine: &Machine, kind: Kind, done: &Done) -> Vec<String> {
    let mut paths = machine.storage.paths();
    paths.retain(|path| rot::kind(path) == kind && *path != done.path);
    paths
}

/// The first seq, which the name of a segment begins with.
fn seq_of(path: &str) -> u64 {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split(['-', '.']).next().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn audited(machine: &Machine, due: Due, when: &str) -> Checked<bool> {
    let report = machine.audit()?;
    let found = report.status() != IntegrityStatus::Valid;
    match due {
        Due::Reported => keeps(found, Invariant::Reported, || {
            format!("{when}: the audit finds nothing; it mentions {:?}", report.notices)
        })?,
        Due::Perhaps => {}
        Due::Nothing => {
            keeps(!found, Invariant::NoFalseAlarm, || format!("{when}: {:?}", report.findings))?;
        }
    }
    Ok(found)
}

/// Nobody had the log open. Returns whether anybody said anything.
fn at_rest(machine: &mut Machine, done: &Done, kind: Kind, due: Due) -> Checked<bool> {
    let mut told = audited(machine, due, "before it is opened")?;
    if let Ok(reader) = Reader::open_storage(machine.shared()) {
        readable(machine, &reader, true, due == Due::Nothing)?;
    }
    let evidence = evidence(machine);
    let log = match machine.try_open() {
        Err(error) => {
            let harmless = due == Due::Nothing;
            keeps(!harmless, Invariant::Opens, || shown(&error))?;
            let now = self::evidence(machine);
            let same = evidence.iter().all(|file| now.contains(file));
            keeps(same, Invariant::NotRepaired, || {
                format!("the log was refused ({error}) and its segments were changed")
            })?;
            return Ok(true);
        }
        Ok(log) => log,
    };
    let report = log.report().clone();
    let said = report.quarantined.is_some()
        || report.checkpoint_rebuilt
        || !report.resealed.is_empty()
        || report.vkey_rebuilt;
    told |= said;
    let cut = report.quarantined.is_some() && due == Due::Reported && kind == Kind::Active;
    keeps(!cut, Invariant::NotRepaired, || "what was durable was cut off".to_owned())?;
    let lost = readable(machine, &log.reader(), false, due == Due::Nothing)?;
    keeps(lost == 0 || told || done.rot == Rot::Vanished, Invariant::Reported, || {
        format!("{lost} records are gone and nobody said so")
    })?;
    let closed = log.close();
    keeps(closed.is_ok() || due != Due::Nothing, Invariant::GoesOn, || format!("{closed:?}"))?;
    if due == Due::Reported && !said {
        audited(machine, due, "after it was opened and closed")?;
    }
    Ok(told || lost > 0)
}

/// The log goes on while its bytes rot.
fn at_work(machine: &mut Machine, due: Due) -> Checked<bool> {
    let Some(log) = machine.log.take() else { return broken(Invariant::Opens, "no log") };
    let lost = readable(machine, &log.reader(), false, false)?;
    let records = machine.model.content().batch(u64::MAX, 1, false);
    let errors = [
        log.append(None, records).err().map(|e| e.to_string()),
        log.seal().err().map(|e| e.to_string()),
        log.checkpoint().err().map(|e| e.to_string()),
        log.close().err().map(|e| e.to_string()),
    ];
    let found = audited(machine, due, "after it was sealed and closed")?;
    Ok(found || lost > 0 || errors.iter().flatten().next().is_some())
}

/// The bytes of the segments.
fn evidence(machine: &Machine) -> Vec<(String, Vec<u8>)> {
    let mut paths = machine.storage.paths();
    paths.retain(|path| matches!(rot::kind(path), Kind::Active | Kind::Sealed));
    let bytes = |path: String| machine.storage.bytes(&path).map(|bytes| (path, bytes));
    paths.into_iter().filter_map(bytes).collect()
}

/// Reads everything that was acknowledged; returns how many can't be read any more.
fn readable(machine: &Machine, reader: &Reader, alone: bool, all: bool) -> Checked<u64> {
    let mut lost = 0;
    // A reader by itself does not show the last commit before a mark covers it.
    let size = reader.size().0;
    for seq in machine.model.acknowledged().filter(|seq| *seq < size || !alone) {
        match reader.read(Seq(seq)) {
            Ok(Entry::Record(stored)) => machine.model.check_read(&stored)?,
            Ok(Entry::Erased { .. }) => {
                return broken(Invariant::Reads, format!("record {seq} is called erased"));
            }
            Ok(Entry::Damaged { .. }) | Err(_) => lost += 1,
        }
    }
    keeps(lost == 0 || !all, Invariant::Acknowledged, || format!("{lost} records are gone"))?;
    Ok(lost)
}

impl Machine {
    /// Opens the log whatever was done to it.
    fn try_open(&mut self) -> Result<Log, OpenError> {
        Log::open_storage(self.shared(), self.options())
    }
}
