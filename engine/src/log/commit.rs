//! Leading a commit: one write and one sync for everything that was sequenced while the disk was busy.
//!
//! There is no committer thread: a caller that finds nobody leading leads, writes the commit that its batch
//! is in, answers everyone in it and hands the lead to a caller of the next commit. A lone caller thus never
//! waits for another thread, and while one commit is being synced the next one is being chained.
//! Invariant: commit n + 1 is written only after the sync of commit n returned; a failed write or sync
//! poisons the log and acknowledges nobody.

use std::sync::Arc;

use super::active_write::{self, NoRoom};
use super::core::Core;
use super::error::AppendError;
use super::sequencer::{Answers, Commit};

/// Writes the next commit and hands the lead on.
pub(crate) fn lead(core: &Core) {
    let next = core.sequencer.lock().next_commit();
    let Some(commit) = next else {
        core.sequencer.lock().leading = false;
        return;
    };
    let written = core.poisoned().map_or_else(|| write(core, &commit), Err);
    let (answers, next) = {
        let mut sequencer = core.sequencer.lock();
        let answers = match written {
            Ok(()) => {
                publish(core, &commit);
                sequencer.committed(commit)
            }
            Err(error) => {
                core.view_file(&mut sequencer.durable);
                sequencer.take_back(commit, &error)
            }
        };
        let next = sequencer.next_leader();
        if next.is_none() {
            // A commit without batches (a mark) is led by whoever made it.
            sequencer.leading = false;
        }
        (answers, next)
    };
    if let Some(slot) = next {
        slot.lead();
    }
    answer_all(core, answers);
    core.keeper.wake();
}

/// Answers callers and gives their room in the queue back.
pub(crate) fn answer_all(core: &Core, answers: Answers) {
    for (slot, result) in answers {
        core.intake.release(&slot);
        slot.complete(result);
    }
}

fn write(core: &Core, commit: &Commit) -> Result<(), AppendError> {
    let mut writer = core.writer.lock();
    let reserve = core.options.free_space_reserve;
    let refuse = |no_room| match no_room {
        NoRoom::Full { free, reserve } => NoRoom::full(free, reserve),
        NoRoom::Failed(error) => core.set_poison(&format!("making room failed: {error}")),
    };
    if let Some(header) = &commit.begins {
        let (new_writer, file) =
            active_write::create(&*core.storage, header, reserve).map_err(refuse)?;
        *writer = new_writer;
        core.view.change(|view| view.actives.push(Arc::new(file)));
    }
    let end = commit.offset + commit.bytes.len() as u64;
    writer.make_room(&*core.storage, end, reserve).map_err(refuse)?;
    writer
        .commit(commit.offset, &commit.bytes)
        .map_err(|error| core.set_poison(&format!("writing a commit failed: {error}")))
}

/// Shows a durable commit to readers and to the tree.
fn publish(core: &Core, commit: &Commit) {
    core.backlog.lock().push(commit.end.at.next_seq.0, &commit.hashes);
    let view = core.view.get();
    if let Some(active) = view.actives.last() {
        for position in &commit.positions {
            active.note(*position);
        }
        active.publish(commit.end.at);
    }
}
