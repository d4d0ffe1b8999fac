//! Leading a commit: one write and one sync for everything that was sequenced while the disk was
//! busy.
//!
//! There is no committer thread: a caller that finds nobody leading leads, writes the commit that
//! its batch is in, answers everyone in it and hands the lead to a caller of the next commit. A
//! lone caller thus never waits for another thread, and while one commit is being synced the next
//! one is being chained.
//! Invariant: commit n + 1 is written only after the sync of commit n returned; a commit that fails
//! acknowledges nobody. It poisons the log, unless the disk was full and nothing of it is in a
//! file. So does a leader that dies.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::active_write::{self, NoRoom};
use super::core::Core;
use super::error::AppendError;
use super::framed::Commit;
use super::intake::Slot;
use super::keeper;
use super::room::{Bound, Room};
use super::sequencer::Answers;
use super::stop_on_panic::StopOnPanic;

/// Writes the next commit and hands the lead on.
pub(crate) fn lead(core: &Core) {
    loop {
        let armed = StopOnPanic::leading(core);
        let next = {
            let mut sequencer = core.sequencer.lock();
            let next = sequencer.next_commit();
            sequencer.leading = next.is_some();
            next
        };
        let Some(commit) = next else {
            armed.disarm();
            return;
        };
        let written = write(core, &commit);
        let told = Told::of(&commit, written.as_ref().ok().copied().flatten());
        let (answers, next, again) = finish(core, commit, written);
        // Whoever leads next answers for what waits; where nobody does, the lead is still here.
        let armed = if again {
            Some(armed)
        } else {
            armed.disarm();
            None
        };
        if let Some(slot) = &next {
            slot.lead();
        }
        answer_all(core, answers);
        told.tell(core);
        core.keeper.wake(keeper::help(core));
        match armed {
            Some(armed) => armed.disarm(),
            None => return,
        };
    }
}

/// Notes what became of a commit: who is to be answered, who leads next, and whether the lead stays
/// here because the commits that wait have no callers.
fn finish(
    core: &Core,
    commit: Commit,
    written: Result<Option<Duration>, Unwritten>,
) -> (Answers, Option<Arc<Slot>>, bool) {
    let mut sequencer = core.sequencer.lock();
    let answers = match written {
        Ok(_) => {
            publish(core, &commit);
            sequencer.committed(&commit)
        }
        Err(Unwritten { error, file_begun }) => sequencer.take_back(commit, file_begun, &error),
    };
    let next = sequencer.next_leader();
    let again = next.is_none() && sequencer.has_waiting();
    sequencer.leading = next.is_some() || again;
    (answers, next, again)
}

/// Answers callers and gives their room in the queue back.
pub(crate) fn answer_all(core: &Core, answers: Answers) {
    for (slot, result) in answers {
        core.intake.release(&slot);
        slot.complete(result);
    }
}

/// A commit of which nothing counts.
struct Unwritten {
    error: AppendError,
    /// Whether the file that it begins was made all the same.
    file_begun: bool,
}

/// Makes a commit durable: how long writing and syncing took, where somebody wants to know.
fn write(core: &Core, commit: &Commit) -> Result<Option<Duration>, Unwritten> {
    let mut file_begun = false;
    write_to(core, commit, &mut file_begun).map_err(|error| Unwritten { error, file_begun })
}

fn write_to(
    core: &Core,
    commit: &Commit,
    file_begun: &mut bool,
) -> Result<Option<Duration>, AppendError> {
    if let Some(error) = core.stopped() {
        return Err(error);
    }
    if commit.begins.is_some() {
        keeper::help_sealing(core);
    }
    let mut bytes = core.buffers.take(usize::try_from(commit.len).unwrap_or(0));
    commit.assemble(&mut bytes);
    let mut writer = core.writer.lock();
    let bound = Bound { wanted: core.options.free_space_reserve, room: commit.room() };
    let refuse = |no_room| match no_room {
        NoRoom::Full { free, reserve } => {
            if bound.room == Room::Ordinary {
                core.full.store(true, Ordering::Relaxed);
            }
            AppendError::DiskFull { free, reserve }
        }
        NoRoom::Failed(error) => core.set_poison(&format!("writing failed: {error}")),
    };
    if let Some(header) = &commit.begins {
        let (new_writer, file) =
            active_write::create(&*core.storage, header, bound).map_err(refuse)?;
        *writer = new_writer;
        *file_begun = true;
        core.view.change(|view| view.actives.push(Arc::new(file)));
    }
    let end = commit.offset + commit.len;
    writer.make_room(&*core.storage, end, bound).map_err(refuse)?;
    let began = core.options.observer.as_ref().map(|_| Instant::now());
    writer.commit(&*core.storage, commit.offset, &bytes, bound).map_err(refuse)?;
    Ok(began.map(|began| began.elapsed()))
}

/// What an observer is told of a commit.
struct Told {
    records: u64,
    bytes: u64,
    /// `None` where it failed.
    sync: Option<Duration>,
}

impl Told {
    fn of(commit: &Commit, sync: Option<Duration>) -> Self {
        Self { records: commit.record_count(), bytes: commit.len, sync }
    }

    fn tell(&self, core: &Core) {
        let Some(observer) = &core.options.observer else { return };
        match self.sync {
            Some(sync) => observer.committed(self.records, self.bytes, sync),
            None => observer.commit_failed(),
        }
    }
}

/// Shows a durable commit to readers and to the tree.
fn publish(core: &Core, commit: &Commit) {
    core.backlog.lock().push(commit.end.at.next_seq.0, commit.hashes());
    let view = core.view.get();
    if let Some(active) = view.actives.last() {
        for position in &commit.positions {
            active.note(*position);
        }
        active.publish(commit.end.at);
    }
}
