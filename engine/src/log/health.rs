//! How a writer is doing, and who is told of what it does.
//!
//! Invariant: asking changes nothing and waits for no disk but for the file system's free space;
//! an observer is told only of what is durable.

use std::time::Duration;

use super::active_write::STEP_MIN;
use super::core::Core;
use super::error::{AppendError, LogError};
use super::handle::Log;
use super::room::reserve;
use crate::types::TreeSize;

/// Is told of a writer's work, for counters. It is called by the thread that did the work, which
/// others wait for: it must be quick, and must not call the log.
pub trait Observer: Send + Sync {
    /// A commit is durable: so many records, so many bytes of frames, and how long it took to write
    /// and sync them. Marks are commits without records.
    fn committed(&self, records: u64, bytes: u64, sync: Duration) {
        let _ = (records, bytes, sync);
    }

    /// A commit failed; its callers were told.
    fn commit_failed(&self) {}

    /// A file was sealed: so many records, bytes of the sealed file, and how long it took.
    fn sealed(&self, records: u64, bytes: u64, took: Duration) {
        let _ = (records, bytes, took);
    }
}

/// A writer at one moment.
#[derive(Clone, Debug)]
pub struct Health {
    /// Why an append would be refused now; `None` where it would be taken. A full queue is none of
    /// the reasons: it passes.
    pub refusal: Option<AppendError>,
    /// Durable records.
    pub size: TreeSize,
    /// Size of the newest checkpoint that was signed; `None` before the first.
    pub checkpoint: Option<TreeSize>,
    /// Finished active files that wait to be sealed.
    pub unsealed_files: u64,
    /// Bytes of frames in them.
    pub unsealed_bytes: u64,
    /// Bytes of batches that wait in the queue.
    pub queue_bytes: u64,
    /// Most bytes that may wait there.
    pub queue_bytes_max: u64,
    /// Bytes free on the file system; `None` where it does not say.
    pub free_bytes: Option<u64>,
    /// Bytes that records leave free; the log's own leave a quarter of them.
    pub reserve_bytes: Option<u64>,
    /// The last failure of work in the background, if it did not succeed since.
    pub background_failure: Option<LogError>,
}

impl Log {
    /// How the writer is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        health(self.core())
    }
}

fn health(core: &Core) -> Health {
    let view = core.view.get();
    let waiting = view.actives.len().saturating_sub(1);
    let unsealed = view.actives.iter().take(waiting).map(|active| active.end().offset);
    let space = core.storage.space().ok();
    let reserve_bytes = space.map(|space| reserve(space, core.options.free_space_reserve));
    let full = space.zip(reserve_bytes).and_then(|(space, reserve)| {
        // The next piece of space would be refused.
        let full = space.free < reserve.saturating_add(STEP_MIN);
        full.then_some(AppendError::DiskFull { free: space.free, reserve })
    });
    let (queue_len, closed) = core.intake.state();
    Health {
        refusal: core.stopped().or(closed).or(full),
        size: TreeSize(view.size()),
        checkpoint: core.signed(),
        unsealed_files: waiting as u64,
        unsealed_bytes: unsealed.sum(),
        queue_bytes: queue_len as u64,
        queue_bytes_max: core.options.queue_len_max as u64,
        free_bytes: space.map(|space| space.free),
        reserve_bytes,
        background_failure: core.keeper.failure(),
    }
}
