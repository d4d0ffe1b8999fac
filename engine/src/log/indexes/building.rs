//! The index of one active file while it grows, in memory.
//!
//! Invariant: shards cover the records from the first one on without gaps, unless the budget made
//! the oldest go; encoded shards hold at most the budget in bytes and the newest of them, the
//! growing one at most a window. Each encoded shard is offered once to be kept in a file.

use std::ops::Range;
use std::sync::Arc;

use super::known::Pieces;
use crate::index::shard::{EncodedShard, GrowingShard, SHARD_RECORDS, ShardError, ShardLookup};

/// An encoded shard in memory.
type MemoryShard = EncodedShard<Arc<[u8]>>;

/// A full window.
struct Complete {
    shard: Arc<MemoryShard>,
    bytes: Arc<[u8]>,
    kept: Kept,
}

/// Whether the file of a full window is of concern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// It is to be written.
    Wanted,
    /// It is there, or was tried.
    Settled,
}

/// The index of the file that begins with `first_seq`.
pub(super) struct Building {
    first_seq: u64,
    complete: Vec<Complete>,
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

    /// The seqs that its shards hold.
    pub(super) fn indexed(&self) -> Vec<Range<u64>> {
        let complete =
            self.complete.iter().map(|done| done.shard.first_seq()..end_of(&*done.shard));
        let growing = self.growing.first_seq()..end_of(&*self.growing);
        complete.chain(std::iter::once(growing)).collect()
    }

    /// Bytes of the shards, in order; `None` where some had to go.
    pub(super) fn encoded(&self) -> Option<Vec<Arc<[u8]>>> {
        let bytes = self.complete.iter().map(|done| Arc::clone(&done.bytes));
        self.whole.then(|| bytes.collect())
    }

    /// Takes the bytes of the growing shard, whose window is full, and begins the next one.
    pub(super) fn turn(&mut self, bytes: Vec<u8>, budget: usize) -> Result<(), ShardError> {
        self.push(bytes, Kept::Wanted, budget)
    }

    /// Takes the bytes of the next window, of which no record has come in yet, from its file.
    pub(super) fn take_over(&mut self, bytes: Vec<u8>, budget: usize) -> Result<(), ShardError> {
        self.push(bytes, Kept::Settled, budget)
    }

    fn push(&mut self, bytes: Vec<u8>, kept: Kept, budget: usize) -> Result<(), ShardError> {
        let bytes: Arc<[u8]> = bytes.into();
        let shard = Arc::new(EncodedShard::open(Arc::clone(&bytes))?);
        self.growing = Arc::new(GrowingShard::new(end_of(&*shard)));
        self.shrink(budget);
        self.memory += bytes.len();
        self.complete.push(Complete { shard, bytes, kept });
        if kept == Kept::Settled {
            self.shrink(budget);
        }
        Ok(())
    }

    /// The oldest shards go until the budget is kept.
    fn shrink(&mut self, budget: usize) {
        while self.memory > budget && !self.complete.is_empty() {
            self.memory -= self.complete.remove(0).bytes.len();
            self.whole = false;
        }
    }

    /// The first full window that is to have a file, and its shard.
    pub(super) fn wanted(&self) -> Option<(Range<u64>, Arc<[u8]>)> {
        let done = self.complete.iter().find(|done| done.kept == Kept::Wanted)?;
        Some((done.shard.first_seq()..end_of(&*done.shard), Arc::clone(&done.bytes)))
    }

    /// The window that begins with a seq has its file, or can't have one.
    pub(super) fn settle(&mut self, first_seq: u64, budget: usize) {
        let of = self.complete.iter_mut().filter(|done| done.shard.first_seq() == first_seq);
        of.for_each(|done| done.kept = Kept::Settled);
        self.shrink(budget);
    }

    /// What it knows up to `end`; `rest` adds what it does not know up to a seq.
    pub(super) fn add_to(&self, out: &mut Pieces, end: u64, rest: impl Fn(&mut Pieces, u64)) {
        for Complete { shard, .. } in &self.complete {
            rest(out, shard.first_seq().min(end));
            out.shard_to(end_of(&**shard).min(end), Arc::clone(shard) as _);
        }
        rest(out, self.growing.first_seq().min(end));
        out.shard_to(end_of(&*self.growing).min(end), Arc::clone(&self.growing) as _);
        rest(out, end);
    }
}

fn end_of(shard: &dyn ShardLookup) -> u64 {
    shard.first_seq() + u64::from(shard.record_count())
}

/// One behind the last seq of the window that holds a seq.
pub(super) fn window_end(seq: u64) -> u64 {
    (seq / SHARD_RECORDS + 1).saturating_mul(SHARD_RECORDS)
}
