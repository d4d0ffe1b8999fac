//! Work behind the appends: tree, checkpoints and marks on one thread, sealing and the id index on another.
//!
//! Invariant: every piece of work is a step that a caller can also drive by hand ([`super::Log::step`]); no
//! step holds a lock that an append needs while it waits for a disk. A checkpoint is at most
//! [`CADENCE`] behind a commit, and a mark follows the last commit within the same time.

use std::io;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::anchors;
use super::commit;
use super::core::Core;
use super::error::LogError;
use super::ids;
use super::sequencer::day_of;
use super::tree::BACKLOG_MAX;
use crate::format::FrameKind;

/// How long commits are gathered before they are covered by a mark and a checkpoint.
const CADENCE: Duration = Duration::from_millis(400);
/// How often an idle writer looks whether the UTC day is over.
const DAY_WATCH: Duration = Duration::from_secs(30);

/// How the threads are told.
pub(crate) struct Signals {
    state: Mutex<State>,
    changed: Condvar,
    failure: Mutex<Option<LogError>>,
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
        Self { state: Mutex::default(), changed: Condvar::new(), failure: Mutex::default() }
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
        self.failure.lock().clone()
    }

    fn note(&self, result: Result<bool, LogError>) -> bool {
        match result {
            Ok(more) => {
                self.failure.lock().take();
                more
            }
            Err(error) => {
                *self.failure.lock() = Some(error);
                false
            }
        }
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

    /// Waits for anything to change. `false`: stop.
    fn rest(&self) -> bool {
        let mut state = self.state.lock();
        if !state.stop {
            self.changed.wait_for(&mut state, CADENCE);
        }
        !state.stop
    }

    fn stopped(&self) -> bool {
        self.state.lock().stop
    }
}

/// Starts the two threads; the returned handle ends when both have.
pub(crate) fn spawn(core: &Arc<Core>) -> io::Result<JoinHandle<()>> {
    let weak = Arc::downgrade(core);
    let builder = std::thread::Builder::new().name("shoseki-sealer".to_owned());
    let sealer = builder.spawn(move || sealer_loop(&weak))?;
    let weak = Arc::downgrade(core);
    std::thread::Builder::new().name("shoseki-keeper".to_owned()).spawn(move || {
        keeper_loop(&weak);
        let _ = sealer.join();
    })
}

fn keeper_loop(core: &Weak<Core>) {
    while let Some(core) = core.upgrade() {
        if !core.keeper.gather() {
            return;
        }
        core.keeper.note(tick(&core));
    }
}

fn sealer_loop(core: &Weak<Core>) {
    while let Some(core) = core.upgrade() {
        let more = !core.keeper.stopped() && core.keeper.note(work(&core));
        if !more && !core.keeper.rest() {
            return;
        }
    }
}

/// Tree, mark, checkpoint, end of the day.
fn tick(core: &Core) -> Result<bool, LogError> {
    core.check()?;
    let mut did = mark(core, FrameKind::Mark);
    did |= roll_past_day(core);
    let mut tree = core.tree.lock();
    tree.advance(core)?;
    if tree.wants_checkpoint(tree.size()) {
        tree.sign(core)?;
        did = true;
    }
    Ok(did)
}

/// One piece of sealing, indexing or anchoring.
fn work(core: &Core) -> Result<bool, LogError> {
    core.check()?;
    if ids::fill(core)? || ids::maintain(core)? {
        return Ok(true);
    }
    let mut sealer = core.sealer.lock();
    let view = core.view.get();
    if let [first, _, ..] = view.actives.as_slice() {
        sealer.seal(core, first)?;
        return Ok(true);
    }
    anchors::sign_missing(core, &mut sealer)
}

/// Everything that is due, once.
pub(crate) fn step(core: &Core) -> Result<bool, LogError> {
    let did = tick(core)?;
    Ok(work(core)? | did)
}

/// Writes a frame that repeats the durable seq, if nobody else is writing.
fn mark(core: &Core, kind: FrameKind) -> bool {
    let lead = {
        let mut sequencer = core.sequencer.lock();
        if kind == FrameKind::Mark && !sequencer.wants_mark() {
            return false;
        }
        let Some(time) = core.intake.time(core.options.environment.now_micros()) else {
            return false;
        };
        let lead = sequencer.add_mark(kind, time).is_some();
        sequencer.leading |= lead;
        lead
    };
    if lead {
        commit::lead(core);
    }
    lead
}

/// Begins a new file when the UTC day of the active one is over.
fn roll_past_day(core: &Core) -> bool {
    let today = day_of(core.options.environment.now_micros());
    let lead = {
        let mut sequencer = core.sequencer.lock();
        let over = sequencer.cursor.day.is_some_and(|day| day < today);
        if !over || sequencer.leading || sequencer.has_waiting() {
            return false;
        }
        sequencer.roll(core.random_tag());
        sequencer.leading = true;
        true
    };
    commit::lead(core);
    lead
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
        core.keeper.rest();
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
        core.keeper.note(core.tree.lock().advance(core).map(|()| false));
    }
    backlog > BACKLOG_MAX / 4
}

/// The last things a writer does.
pub(crate) fn close(core: &Core) -> Result<(), LogError> {
    core.check()?;
    checkpoint(core)?;
    mark(core, FrameKind::Close);
    core.check()?;
    let end = core.sequencer.lock().durable.at.offset;
    core.writer.lock().trim(end).map_err(LogError::io(super::active_write::ACTIVE))
}
