//! What a query took.
//!
//! Invariant: counters only; they explain an answer and are no part of it.

/// Counters of one query.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Explain {
    /// Segments that there are.
    pub segments: u64,
    /// Segments that were left out as a whole.
    pub segments_pruned: u64,
    /// Shards of the indexes that there are.
    pub shards: u64,
    /// Shards that were left out by their times.
    pub shards_pruned: u64,
    /// Shards that were asked.
    pub shards_answered: u64,
    /// Records that the indexes named.
    pub candidates: u64,
    /// Groups that were read, decompressed and verified.
    pub groups_read: u64,
    /// Groups that were verified before and still at hand.
    pub groups_cached: u64,
    /// Records that match.
    pub matched: u64,
    /// Records that were looked at because no index covers them.
    pub scanned: u64,
    /// Records that are damaged.
    pub damaged: u64,
}
