//! The index of a finished file, made from its records alone, a batch at a time.
//!
//! Invariant: heap holds one window; nothing is visible before the file has its name.

use std::ops::Range;
use std::sync::Arc;

use super::building::window_end;
use super::known::Indexes;
use super::piece::Finished;
use super::records::Records;
use super::store::Draft;
use super::windows;
use crate::index::shard::{GrowingShard, ShardLookup};
use crate::log::error::LogError;
use crate::log::parts::Parts;
use crate::log::view::View;

/// An index under way.
pub(super) struct Rebuild {
    draft: Draft,
    shard: GrowingShard,
    end_seq: u64,
}

impl Rebuild {
    pub(super) fn begin(
        indexes: &Arc<Indexes>,
        of: &Finished,
        wanted_reserve: Option<u64>,
    ) -> Result<Self, LogError> {
        let draft = Draft::create(indexes, of.identity(), wanted_reserve)?;
        Ok(Self { draft, shard: GrowingShard::new(of.first_seq()), end_seq: of.end_seq() })
    }

    /// Whether it is the index of this file as it is now.
    pub(super) fn is_of(&self, of: &Finished) -> bool {
        *self.draft.identity() == of.identity()
    }

    /// The seqs of the file.
    pub(super) fn seqs(&self) -> Range<u64> {
        self.draft.identity().first_seq..self.end_seq
    }

    /// Takes up to `most` records, or a window that has a file; `true` when it has all of them.
    pub(super) fn go_on(
        &mut self,
        parts: &Parts,
        view: &View,
        records: &mut Records,
        most: u64,
    ) -> Result<bool, LogError> {
        let next = self.shard.first_seq() + u64::from(self.shard.record_count());
        let window = window_end(self.shard.first_seq()).min(self.end_seq);
        let end = window.min(next.saturating_add(most));
        if let Some(bytes) = self.kept_window(parts, view, records) {
            self.draft.push(&bytes)?;
            self.shard = GrowingShard::new(window);
            return Ok(window == self.end_seq);
        }
        let shard = &self.shard;
        let read = records.each(parts, view, next..end, |slot| {
            shard.push(slot);
        });
        read.map_err(|e| LogError::damaged("sealed", e))?;
        if end < window {
            return Ok(false);
        }
        self.draft.push(&self.shard.encode())?;
        self.shard = GrowingShard::new(end);
        Ok(end == self.end_seq)
    }

    /// The shard of the window that comes next, where it has a file. Erased records must not stay
    /// in an index, and windows were indexed before.
    fn kept_window(&self, parts: &Parts, view: &View, records: &mut Records) -> Option<Vec<u8>> {
        let first_seq = self.shard.first_seq();
        let seqs = first_seq..window_end(first_seq);
        let begins = self.shard.record_count() == 0 && self.draft.identity().erased == 0;
        if !begins || seqs.end > self.end_seq {
            return None;
        }
        windows::load(&*parts.storage, &seqs, || records.group(parts, view, seqs.end - 1))
    }

    /// Gives the file its name.
    pub(super) fn finish(self) -> Result<(), LogError> {
        self.draft.finish()
    }
}

/// Writes the index of a file of which all shards are at hand.
pub(super) fn store(
    indexes: &Arc<Indexes>,
    of: &Finished,
    shards: &[Arc<[u8]>],
    wanted_reserve: Option<u64>,
) -> Result<(), LogError> {
    let mut draft = Draft::create(indexes, of.identity(), wanted_reserve)?;
    for shard in shards {
        draft.push(shard)?;
    }
    draft.finish()
}
