//! The index of one active file while it grows, in memory.
//!
//! Invariant: shards cover the records from the first one on without gaps, unless the budget made
//! the oldest go; encoded shards hold at most the budget in bytes, the growing one at most a
//! window.

use std::sync::Arc;

use super::known::Pieces;
use crate::format::TimeRange;
use crate::index::shard::{EncodedShard, GrowingShard, SHARD_RECORDS, ShardError, ShardLookup};

/// An encoded shard in memory.
type MemoryShard = EncodedShard<Arc<[u8]>>;

/// The index of the file that begins with `first_seq`.
pub(super) struct Building {
    first_seq: u64,
    complete: Vec<(Arc<MemoryShard>, Arc<[u8]>)>,
    growing: Arc<GrowingShard>,
    memory: usize,
    whole: bool,
}

impl Building {
    pub(super) fn new(first_seq: u64) -> Self {
        let growing = Arc::new(GrowingShard::new(first_seq));
        Self { first_seq, complete: Vec::new(), growing, memory: 0, whole: true }
    }

    /// Whether it is the index of the file that begins with a seq.
    pub(super) fn is_of(&self, first_seq: u64) -> bool {
        self.first_seq == first_seq
    }

    pub(super) fn first_seq(&self) -> u64 {
        self.first_seq
    }

    /// The shard that takes the next record.
    pub(super) fn growing(&self) -> &Arc<GrowingShard> {
        &self.growing
    }

    /// The first seq that it does not know.
    pub(super) fn next_seq(&self) -> u64 {
        self.growing.first_seq() + u64::from(self.growing.record_count())
    }

    /// Records that its shards hold.
    pub(super) fn indexed(&self) -> u64 {
        let complete = self.complete.iter().map(|(shard, _)| u64::from(shard.record_count()));
        complete.sum::<u64>() + u64::from(self.growing.record_count())
    }

    /// Bytes of the shards, in order; `None` where some had to go.
    pub(super) fn encoded(&self) -> Option<Vec<Arc<[u8]>>> {
        let bytes = self.complete.iter().map(|(_, bytes)| Arc::clone(bytes));
        self.whole.then(|| bytes.collect())
    }

    /// Takes the bytes of the growing shard, whose window is full, and begins the next one. Where
    /// the budget is passed the oldest shards go.
    pub(super) fn turn(&mut self, bytes: Vec<u8>, budget: usize) -> Result<(), ShardError> {
        let bytes: Arc<[u8]> = bytes.into();
        let shard = Arc::new(EncodedShard::open(Arc::clone(&bytes))?);
        self.memory += bytes.len();
        self.complete.push((shard, bytes));
        self.growing = Arc::new(GrowingShard::new(self.next_seq()));
        while self.memory > budget && !self.complete.is_empty() {
            let (_, bytes) = self.complete.remove(0);
            self.memory -= bytes.len();
            self.whole = false;
        }
        Ok(())
    }

    /// What it knows up to `end`; `times` of the file, where they are known.
    pub(super) fn add_to(&self, out: &mut Pieces, end: u64, times: Option<TimeRange>) {
        let end_of = |shard: &dyn ShardLookup| shard.first_seq() + u64::from(shard.record_count());
        for (shard, _) in &self.complete {
            out.bare_to(shard.first_seq().min(end), times);
            out.shard_to(end_of(&**shard).min(end), Arc::clone(shard) as _);
        }
        out.bare_to(self.growing.first_seq().min(end), times);
        out.shard_to(end_of(&*self.growing).min(end), Arc::clone(&self.growing) as _);
        out.bare_to(end, times);
    }
}

/// One behind the last seq of the window that holds a seq.
pub(super) fn window_end(seq: u64) -> u64 {
    (seq / SHARD_RECORDS + 1).saturating_mul(SHARD_RECORDS)
}
