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
    /// Blocks of 256 records that were left out of the others by their times.
    pub blocks_pruned: u64,
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
    /// Adds what another page of the same query took; what there is stays what the last one saw.
    pub fn add(&mut self, other: &Self) {
        self.segments = other.segments;
        self.shards = other.shards;
        for (mine, theirs) in [
            (&mut self.segments_pruned, other.segments_pruned),
            (&mut self.blocks_pruned, other.blocks_pruned),
            (&mut self.shards_pruned, other.shards_pruned),
            (&mut self.shards_asked, other.shards_asked),
            (&mut self.shards_damaged, other.shards_damaged),
            (&mut self.candidates, other.candidates),
            (&mut self.groups_read, other.groups_read),
            (&mut self.groups_cached, other.groups_cached),
            (&mut self.records_read, other.records_read),
            (&mut self.scanned, other.scanned),
            (&mut self.matched, other.matched),
            (&mut self.damaged, other.damaged),
        ] {
            *mine += theirs;
        }
        self.elapsed += other.elapsed;
    }

    /// The counters by their names.
    #[must_use]
    pub fn counters(&self) -> [(&'static str, u64); 14] {
        [
            ("segments", self.segments),
            ("segments_pruned", self.segments_pruned),
            ("blocks_pruned", self.blocks_pruned),
            ("shards", self.shards),
            ("shards_pruned", self.shards_pruned),
            ("shards_asked", self.shards_asked),
            ("shards_damaged", self.shards_damaged),
            ("candidates", self.candidates),
            ("groups_read", self.groups_read),
            ("groups_cached", self.groups_cached),
            ("records_read", self.records_read),
            ("scanned", self.scanned),
            ("matched", self.matched),
            ("damaged", self.damaged),
        ]
    }
}
