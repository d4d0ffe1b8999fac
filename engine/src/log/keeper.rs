//! Work behind the appends: tree, checkpoints and marks on one thread, sealing and the id index on
//! another, search indexes on a third.
//!
//! Invariant: every piece of work is a step that a caller can also drive by hand
//! ([`super::Log::step`]); no step holds a lock that an append needs while it waits for a disk. A
//! checkpoint is at most [`CADENCE`] behind a commit, and a mark follows the last commit within the
//! same time.

use std::io;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::active_write::ACTIVE;
use super::anchors;
use super::commit;
use super::core::Core;
use super::error::LogError;
use super::ids;
use super::indexes::{self, Did};
use super::seal::Sealer;
use super::sequencer::day_of;
use super::tree::BACKLOG_MAX;
use crate::format::FrameKind;
use crate::io::yield_to_others;

/// How long commits are gathered before they are covered by a mark and a checkpoint.
const CADENCE: Duration = Duration::from_millis(400);
/// How long new records are gathered before they are indexed.
const GATHER: Duration = Duration::from_millis(20);
/// How long work in the background rests after it failed.
const RETRY: Duration = Duration::from_secs(10);
/// How often an idle writer looks whether the UTC day is over.
const DAY_WATCH: Duration = Duration::from_secs(30);

/// How the threads are told.
pub(crate) struct Signals {
    state: Mutex<State>,
    changed: Condvar,
    /// The last failure of each thread that did not succeed since.
    failures: [Mutex<Option<LogError>>; 3],
}

/// Which thread speaks.
#[derive(Clone, Copy)]
enum Who {
    Keeper,
    Sealer,
    Indexer,
}

#[derive(Default)]
struct State {
    stop: bool,
    /// Commits that the keeper has not seen.
    commits: u64,
    seen: u64,
    /// The backlog is long: no waiting.
    urgent: bool,
}

impl Signals {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), failures: Default::default() }
    }

    /// A commit ended, well or not.
    pub(crate) fn wake(&self, urgent: bool) {
        let mut state = self.state.lock();
        state.commits += 1;
        let first = state.commits == state.seen + 1;
        let newly_urgent = urgent && !state.urgent;
        state.urgent |= urgent;
        drop(state);
        if first || newly_urgent {
            self.changed.notify_all();
        }
    }

    pub(crate) fn stop(&self) {
        self.state.lock().stop = true;
        self.changed.notify_all();
    }

    pub(crate) fn failure(&self) -> Option<LogError> {
        self.failures.iter().find_map(|failure| failure.lock().clone())
    }

    fn of(&self, who: Who) -> &Mutex<Option<LogError>> {
        let [keeper, sealer, indexer] = &self.failures;
        match who {
            Who::Keeper => keeper,
            Who::Sealer => sealer,
            Who::Indexer => indexer,
        }
    }

    fn failed(&self, who: Who) -> bool {
        self.of(who).lock().is_some()
    }

    fn note(&self, who: Who, result: Result<bool, LogError>) -> bool {
        let (more, error) = match result {
            Ok(more) => (more, None),
            Err(error) => (false, Some(error)),
        };
        *self.of(who).lock() = error;
        more
    }

    /// Waits for commits, then for more of them to gather. `false`: stop.
    fn gather(&self) -> bool {
        let mut state = self.state.lock();
        while !state.stop && state.commits == state.seen {
            if self.changed.wait_for(&mut state, DAY_WATCH).timed_out() {
                return true;
            }
        }
        if !state.stop && !state.urgent {
            self.changed.wait_for(&mut state, CADENCE);
        }
        state.seen = state.commits;
        state.urgent = false;
        !state.stop
    }

    /// Waits a while. `false`: stop.
    fn rest(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut state = self.state.lock();
        while !state.stop && !self.changed.wait_until(&mut state, until).timed_out() {}
        !state.stop
    }

    fn stopped(&self) -> bool {
        self.state.lock().stop
    }
}

/// Starts the threads; the returned handle ends when all have.
pub(crate) fn spawn(core: &Arc<Core>) -> io::Result<JoinHandle<()>> {
    let weak = Arc::downgrade(core);
    let builder = std::thread::Builder::new().name("shoseki-sealer".to_owned());
    let sealer = builder.spawn(move || sealer_loop(&weak))?;
    let indexer = if core.options.index {
        let weak = Arc::downgrade(core);
        let builder = std::thread::Builder::new().name("shoseki-indexer".to_owned());
        Some(builder.spawn(move || indexer_loop(&weak))?)
    } else {
        None
    };
    let weak = Arc::downgrade(core);
    std::thread::Builder::new().name("shoseki-keeper".to_owned()).spawn(move || {
        keeper_loop(&weak);
        let _ = sealer.join();
        if let Some(indexer) = indexer {
            let _ = indexer.join();
        }
    })
}

fn keeper_loop(core: &Weak<Core>) {
    while let Some(core) = core.upgrade() {
        if !core.keeper.gather() {
            return;
        }
        core.keeper.note(Who::Keeper, tick(&core));
    }
}

fn sealer_loop(core: &Weak<Core>) {
    while let Some(core) = core.upgrade() {
        if core.keeper.stopped() {
            return;
        }
        let more = core.keeper.note(Who::Sealer, work(&core));
        // What failed is not tried again at once: building a segment for nothing is a lot of work.
        let pause = if core.keeper.failed(Who::Sealer) { RETRY } else { CADENCE };
        if !more && !core.keeper.rest(pause) {
            return;
        }
    }
}

/// What is not indexed yet is read by queries, so nobody waits for this thread; it leaves the
/// processor to those that somebody waits for.
fn indexer_loop(core: &Weak<Core>) {
    yield_to_others();
    let mut pause = GATHER;
    let mut retry = None;
    while let Some(core) = core.upgrade() {
        if core.keeper.stopped() {
            return;
        }
        let may_write = retry.is_none_or(|at| at <= Instant::now());
        match indexes::step(&core, may_write) {
            Ok(Did::Nothing) => {
                if may_write {
                    retry = None;
                    core.keeper.note(Who::Indexer, Ok(false));
                }
                if !core.keeper.rest(pause) {
                    return;
                }
                pause = (pause * 2).min(CADENCE);
            }
            Ok(did) => pause = if did == Did::Followed { GATHER } else { pause },
            Err(error) => {
                core.keeper.note(Who::Indexer, Err(error));
                retry = Some(Instant::now() + RETRY);
                if !core.keeper.rest(CADENCE) {
                    return;
                }
            }
        }
    }
}

/// Tree, mark, checkpoint, end of the day.
fn tick(core: &Core) -> Result<bool, LogError> {
    core.check()?;
    // A disk without room for a frame may have it for a checkpoint: that is told at the end.
    let marked = mark(core, FrameKind::Mark);
    let rolled = roll_past_day(core);
    let mut tree = core.tree.lock();
    tree.advance(core)?;
    let unsigned = tree.wants_checkpoint(tree.size());
    if unsigned {
        tree.sign(core)?;
    }
    drop(tree);
    // Tables of ids hold memory until they are written: sealing, which takes long, may not delay
    // them.
    let wrote = ids::write_tables(core)?;
    Ok(marked? | rolled? | unsigned | wrote)
}

/// One piece of sealing, indexing or anchoring.
fn work(core: &Core) -> Result<bool, LogError> {
    core.check()?;
    if ids::fill(core)? || ids::maintain(core)? {
        return Ok(true);
    }
    let mut sealer = core.sealer.lock();
    Ok(seal_rolled(core, &mut sealer)? || anchors::sign_missing(core, &mut sealer)?)
}

/// Seals the oldest file that was rolled; `true` if there was one.
pub(crate) fn seal_rolled(core: &Core, sealer: &mut Sealer) -> Result<bool, LogError> {
    let view = core.view.get();
    let [first, _, ..] = view.actives.as_slice() else { return Ok(false) };
    sealer.seal(core, first)?;
    Ok(true)
}

/// Seals where too many files wait: each holds a file handle and space that sealing would give
/// back. What fails here is told by the sealer's own attempt.
pub(crate) fn help_sealing(core: &Core) {
    while core.view.get().actives.len() > core.options.unsealed_files_max {
        let mut sealer = core.sealer.lock();
        let waits = core.view.get().actives.len() > core.options.unsealed_files_max;
        if waits && !matches!(seal_rolled(core, &mut sealer), Ok(true)) {
            return;
        }
    }
}

/// Everything that is due, once.
pub(crate) fn step(core: &Core) -> Result<bool, LogError> {
    let did = tick(core)?;
    let did = work(core)? | did;
    // Nobody needs an index for an answer: a failure is told, and does not end the step.
    let indexed = indexes::step(core, true).map(|indexed| indexed != Did::Nothing);
    Ok(core.keeper.note(Who::Indexer, indexed) | did)
}

/// Makes every index that is missing.
pub(crate) fn complete_indexes(core: &Core) -> Result<(), LogError> {
    core.check()?;
    let completed = indexes::complete(core);
    core.keeper.note(Who::Indexer, completed.clone().map(|()| false));
    completed
}

/// Writes a frame that repeats the durable seq, if nobody else is writing; `true` once it is
/// durable.
fn mark(core: &Core, kind: FrameKind) -> Result<bool, LogError> {
    let commit = {
        let mut sequencer = core.sequencer.lock();
        if kind == FrameKind::Mark && !sequencer.wants_mark() {
            return Ok(false);
        }
        let Some(time) = core.intake.time(core.options.environment.now_micros()) else {
            return Ok(false);
        };
        if sequencer.add_mark(kind, time).is_none() {
            return Ok(false);
        }
        sequencer.leading = true;
        sequencer.cursor.at.commit
    };
    lead_to(core, commit)
}

/// Begins a new file when the UTC day of the active one is over; `true` once it is there.
fn roll_past_day(core: &Core) -> Result<bool, LogError> {
    let today = day_of(core.options.environment.now_micros());
    let commit = {
        let mut sequencer = core.sequencer.lock();
        let over = sequencer.cursor.day.is_some_and(|day| day < today);
        if !over || sequencer.leading || sequencer.has_waiting() {
            return Ok(false);
        }
        sequencer.roll(core.random_tag());
        sequencer.leading = true;
        sequencer.cursor.at.commit
    };
    lead_to(core, commit)
}

/// Leads a commit that no caller waits for; it must come out durable.
fn lead_to(core: &Core, commit: u64) -> Result<bool, LogError> {
    commit::lead(core);
    core.check()?;
    if core.sequencer.lock().durable.at.commit >= commit {
        Ok(true)
    } else {
        Err(LogError::DiskFull(Arc::from("no room for a frame or a file")))
    }
}

/// Rolls if there is anything to seal, then seals all files but the new one.
pub(crate) fn seal_all(core: &Core) -> Result<(), LogError> {
    core.check()?;
    let (target, lead) = {
        let mut sequencer = core.sequencer.lock();
        if sequencer.cursor.at.next_seq > sequencer.cursor.file.first_seq {
            sequencer.roll(core.random_tag());
        }
        let lead = sequencer.has_waiting() && !sequencer.leading;
        sequencer.leading |= lead;
        (sequencer.cursor.file.first_seq, lead)
    };
    if lead {
        commit::lead(core);
    }
    loop {
        core.check()?;
        let begun = core.view.get().actives.last().map(|a| a.header.first_seq);
        if begun >= Some(target) {
            break;
        }
        if core.sequencer.lock().cursor.file.first_seq < target {
            return Err(LogError::DiskFull(Arc::from("no room for a new active file")));
        }
        core.keeper.rest(Duration::from_millis(1));
    }
    loop {
        let mut sealer = core.sealer.lock();
        let view = core.view.get();
        match view.actives.first() {
            Some(first) if first.header.first_seq < target => sealer.seal(core, first)?,
            _ => break,
        }
    }
    checkpoint(core).map(|_| ())
}

/// Takes everything durable into the tree and signs it.
pub(crate) fn checkpoint(core: &Core) -> Result<String, LogError> {
    core.check()?;
    let mut tree = core.tree.lock();
    tree.advance(core)?;
    tree.sign(core)
}

/// Helps when the tree lags too far behind.
pub(crate) fn help(core: &Core) -> bool {
    let backlog = core.backlog.lock().len();
    if backlog > BACKLOG_MAX {
        let advanced = core.tree.lock().advance(core);
        core.keeper.note(Who::Keeper, advanced.map(|()| false));
    }
    backlog > BACKLOG_MAX / 4
}

/// The last things a writer does.
pub(crate) fn close(core: &Core) -> Result<(), LogError> {
    core.check()?;
    checkpoint(core)?;
    let closed = mark(core, FrameKind::Close);
    core.check()?;
    let end = core.sequencer.lock().durable.at.offset;
    core.writer.lock().trim(end).map_err(LogError::io(ACTIVE))?;
    // Only for a faster open: what could not be stored is read from the records again.
    let _ = ids::store(core);
    if closed? {
        Ok(())
    } else {
        let why = Arc::from("a batch still waits: the file does not say that it was closed");
        Err(LogError::Io { path: ACTIVE.to_owned(), why })
    }
}
