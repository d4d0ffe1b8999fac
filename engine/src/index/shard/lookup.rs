//! The questions that a shard answers, whether it is still growing in memory or lies in a file.
//!
//! Invariant: answers are supersets of the matching records for terms, and exact for keywords,
//! addresses and [`TimeSpan`]s. Answers are added to the given set, which spans the window.

use std::ops::RangeInclusive;

use super::error::ShardError;
use super::input::{Keyword, TermKey};
use super::record_set::RecordSet;
use crate::format::TimeRange;

/// A record's `timestamp` as far as the index knows it: `min <= timestamp <= max`, nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeSpan {
    /// Not before.
    pub min: i64,
    /// Not after.
    pub max: i64,
}

/// Gets a value and how many records have it.
pub type EachCount<'a> = &'a mut dyn FnMut(&str, u64);

/// An index over the records of one window.
///
/// # Errors
/// Each method: [`ShardError`] where the stored index is damaged.
pub trait ShardLookup: Send + Sync {
    /// Seq of its first record.
    fn first_seq(&self) -> u64;

    /// Records, up to the end of its window.
    fn record_count(&self) -> u32;

    /// The times of its records; empty where all of them are erased or unreadable.
    fn times(&self) -> TimeRange;

    /// Records that have this value.
    fn keyword(&self, f: Keyword, value: &str, out: &mut RecordSet) -> Result<(), ShardError>;

    /// Records that have one of the values that `wanted` takes.
    fn keywords(
        &self,
        field: Keyword,
        wanted: &mut dyn FnMut(&str) -> bool,
        out: &mut RecordSet,
    ) -> Result<(), ShardError>;

    /// Records whose value begins so.
    fn prefix(&self, field: Keyword, prefix: &str, out: &mut RecordSet) -> Result<(), ShardError>;

    /// Octets in which this term may occur.
    fn term(&self, key: TermKey, out: &mut RecordSet) -> Result<(), ShardError>;

    /// Octets with an IPv4 address in this range.
    fn addresses(&self, range: RangeInclusive<u32>, out: &mut RecordSet) -> Result<(), ShardError>;

    /// Records that can't be read.
    fn unreadable(&self, out: &mut RecordSet) -> Result<(), ShardError>;

    /// Records whose content is erased.
    fn erased(&self, out: &mut RecordSet) -> Result<(), ShardError>;

    /// The times of the records of one tile of 256, by its position in the window (0 to 255);
    /// empty where none has one.
    fn tile_times(&self, tile: usize) -> Result<TimeRange, ShardError>;

    /// The time of each record of one tile of 256, by position in the tile; `None` for places
    /// without a record, erased and unreadable ones. `out` is cleared and gets 256 entries.
    fn spans(&self, tile: usize, out: &mut Vec<Option<TimeSpan>>) -> Result<(), ShardError>;

    /// Each value of a field with its number of records, ascending by the bytes of the value.
    fn counts(&self, field: Keyword, each: EachCount<'_>) -> Result<(), ShardError>;

    /// The same for the records of a set; values without any are left out.
    fn counts_in(
        &self,
        field: Keyword,
        within: &RecordSet,
        each: EachCount<'_>,
    ) -> Result<(), ShardError>;
}
