//! A shard that one thread fills while others ask it.
//!
//! Invariant: a record is seen whole or not at all. Questions share the lock; one that asks again
//! from inside an answer never waits for a writer that waits for it.

use std::ops::RangeInclusive;

use parking_lot::RwLock;

use super::builder::{Room, ShardBuilder};
use super::error::ShardError;
use super::input::{Keyword, Slot, TermKey};
use super::lookup::{EachCount, ShardLookup, TimeSpan};
use super::record_set::RecordSet;
use crate::format::TimeRange;

/// The shard at the end of the log.
///
/// A question may see more records than an earlier one did: cut its answers at the seq that you
/// ask for.
#[derive(Debug)]
pub struct GrowingShard(RwLock<ShardBuilder>);

impl GrowingShard {
    /// An empty shard whose first record will be this one.
    #[must_use]
    pub fn new(first_seq: u64) -> Self {
        Self(RwLock::new(ShardBuilder::new(first_seq)))
    }

    /// Takes one record; [`Self::grow`] is cheaper for many.
    pub fn push(&self, slot: &Slot<'_>) -> Room {
        self.grow(|builder| builder.push(slot))
    }

    /// Lets `fill` push a batch. Questions wait meanwhile: about a microsecond per record.
    pub fn grow<R>(&self, fill: impl FnOnce(&mut ShardBuilder) -> R) -> R {
        fill(&mut self.0.write())
    }

    /// As [`ShardBuilder::next_seq`].
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.0.read_recursive().next_seq()
    }

    /// As [`ShardBuilder::memory`].
    #[must_use]
    pub fn memory(&self) -> usize {
        self.0.read_recursive().memory()
    }

    /// As [`ShardBuilder::encode`]; questions go on meanwhile, pushing waits.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.0.read_recursive().encode()
    }
}

impl ShardLookup for GrowingShard {
    fn first_seq(&self) -> u64 {
        self.0.read_recursive().first_seq()
    }

    fn record_count(&self) -> u32 {
        self.0.read_recursive().record_count()
    }

    fn times(&self) -> TimeRange {
        self.0.read_recursive().times()
    }

    fn keyword(&self, f: Keyword, value: &str, out: &mut RecordSet) -> Result<(), ShardError> {
        self.0.read_recursive().keyword(f, value, out)
    }

    fn keywords(
        &self,
        field: Keyword,
        wanted: &mut dyn FnMut(&str) -> bool,
        out: &mut RecordSet,
    ) -> Result<(), ShardError> {
        self.0.read_recursive().keywords(field, wanted, out)
    }

    fn prefix(&self, field: Keyword, prefix: &str, out: &mut RecordSet) -> Result<(), ShardError> {
        self.0.read_recursive().prefix(field, prefix, out)
    }

    fn term(&self, key: TermKey, out: &mut RecordSet) -> Result<(), ShardError> {
        self.0.read_recursive().term(key, out)
    }

    fn addresses(&self, range: RangeInclusive<u32>, out: &mut RecordSet) -> Result<(), ShardError> {
        self.0.read_recursive().addresses(range, out)
    }

    fn unreadable(&self, out: &mut RecordSet) -> Result<(), ShardError> {
        self.0.read_recursive().unreadable(out)
    }

    fn erased(&self, out: &mut RecordSet) -> Result<(), ShardError> {
        self.0.read_recursive().erased(out)
    }

    fn tile_times(&self, tile: usize) -> Result<TimeRange, ShardError> {
        self.0.read_recursive().tile_times(tile)
    }

    fn spans(&self, tile: usize, out: &mut Vec<Option<TimeSpan>>) -> Result<(), ShardError> {
        self.0.read_recursive().spans(tile, out)
    }

    fn counts(&self, field: Keyword, each: EachCount<'_>) -> Result<(), ShardError> {
        self.0.read_recursive().counts(field, each)
    }

    fn counts_in(
        &self,
        field: Keyword,
        within: &RecordSet,
        each: EachCount<'_>,
    ) -> Result<(), ShardError> {
        self.0.read_recursive().counts_in(field, within, each)
    }
}
