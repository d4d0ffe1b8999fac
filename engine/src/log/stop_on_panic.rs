//! What becomes of the others when a thread dies while they wait for it.
//!
//! Batches are sequenced and commits are written by whichever caller comes first, for everybody.
//! Invariant: where that caller panics the log is poisoned and everyone gets an answer; nobody
//! waits for a thread that is gone. A commit that another thread is writing is left to it.

use std::sync::Arc;

use super::commit;
use super::core::Core;
use super::intake::Slot;
use super::sequencer::Answers;

/// Armed from [`Self::new`] to [`Self::disarm`]; dropped in between, it stops the log.
pub(crate) struct StopOnPanic<'a> {
    core: &'a Core,
    /// Whether it is this thread that leads.
    leads: bool,
    /// Answers that are due and not given yet.
    pub(crate) answers: Answers,
    /// The batch in hand: taken from the queue and not in a commit yet.
    pub(crate) current: Option<Arc<Slot>>,
    armed: bool,
}

impl<'a> StopOnPanic<'a> {
    /// For a thread that sequences.
    pub(crate) fn new(core: &'a Core) -> Self {
        Self { core, leads: false, answers: Answers::new(), current: None, armed: true }
    }

    /// For the thread that leads.
    pub(crate) fn leading(core: &'a Core) -> Self {
        let mut armed = Self::new(core);
        armed.leads = true;
        armed
    }

    /// It went well; what is to be answered.
    pub(crate) fn disarm(mut self) -> Answers {
        self.armed = false;
        std::mem::take(&mut self.answers)
    }
}

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        let core = self.core;
        let error = core.set_poison("a thread panicked while others waited for it");
        let mut answers = std::mem::take(&mut self.answers);
        {
            let mut sequencer = core.sequencer.lock();
            if self.leads || !sequencer.leading {
                answers.extend(sequencer.abandon(&error));
            }
            let waiting = self.current.take().into_iter().chain(core.intake.drain());
            answers.extend(waiting.map(|slot| (slot, Err(error.clone()))));
        }
        commit::answer_all(core, answers);
    }
}
