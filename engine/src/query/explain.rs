//! What a query took.
//!
//! Invariant: counters only; they explain an answer and are no part of it.

use std::time::Duration;

/// Counters of one query.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Explain {
    /// Sealed segments and active files that there are.
    pub segments: u64,
    /// Those that were left out as a whole.
    pub segments_pruned: u64,
    /// Shards of the indexes that there are.
    pub shards: u64,
    /// Shards that were left out by their times.
    pub shards_pruned: u64,
    /// Shards that were asked.
    pub shards_asked: u64,
    /// Shards that could not answer because they are damaged.
    pub shards_damaged: u64,
    /// Records that the indexes named.
    pub candidates: u64,
    /// Groups that were read, decompressed and verified.
    pub groups_read: u64,
    /// Groups that were verified before and still at hand.
    pub groups_cached: u64,
    /// Records that were compared with the filter.
    pub records_read: u64,
    /// Those of them that no index covers.
    pub scanned: u64,
    /// Records that match.
    pub matched: u64,
    /// Damaged records among them.
    pub damaged: u64,
    /// How long it took.
    pub elapsed: Duration,
}

impl Explain {
    /// Adds what another page of the same query took. What there is is not added up.
    pub fn add(&mut self, page: &Self) {
        self.segments = page.segments;
        self.shards = self.shards.max(page.shards);
        self.segments_pruned = page.segments_pruned;
        self.shards_pruned = page.shards_pruned;
        self.shards_asked += page.shards_asked;
        self.shards_damaged += page.shards_damaged;
        self.candidates += page.candidates;
        self.groups_read += page.groups_read;
        self.groups_cached += page.groups_cached;
        self.records_read += page.records_read;
        self.scanned += page.scanned;
        self.matched += page.matched;
        self.damaged += page.damaged;
        self.elapsed += page.elapsed;
    }
}
