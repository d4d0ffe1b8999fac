//! The newest ids, in memory.
//!
//! Invariant: entries are in order of seq, so that the newest can be taken back and the oldest
//! frozen.
//! Belongs to one owner (the sequencer); a frozen table never changes and is shared.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::BuildHasherDefault;
use std::ops::Range;

use super::fingerprint::{Fingerprint, FingerprintHasher};

/// Entries at which the owner freezes the table: about 7 MB of heap, 1.5 MB as a run.
pub const FLUSH_LEN: usize = 131_072;

/// Ids by fingerprint, and in order of seq.
#[derive(Default)]
struct Table {
    /// The first place in `entries` under a fingerprint.
    first: HashMap<Fingerprint, usize, BuildHasherDefault<FingerprintHasher>>,
    /// Further places; few ids come twice.
    more: HashMap<Fingerprint, Vec<usize>, BuildHasherDefault<FingerprintHasher>>,
    entries: Vec<(Fingerprint, u64)>,
}

impl Table {
    fn insert(&mut self, fingerprint: Fingerprint, seq: u64) {
        let place = self.entries.len();
        self.entries.push((fingerprint, seq));
        match self.first.entry(fingerprint) {
            Entry::Vacant(first) => {
                first.insert(place);
            }
            Entry::Occupied(_) => self.more.entry(fingerprint).or_default().push(place),
        }
    }

    fn pop(&mut self) {
        let Some((fingerprint, _)) = self.entries.pop() else { return };
        match self.more.get_mut(&fingerprint) {
            Some(places) if places.len() > 1 => {
                places.pop();
            }
            Some(_) => {
                self.more.remove(&fingerprint);
            }
            None => {
                self.first.remove(&fingerprint);
            }
        }
    }

    fn lookup(&self, fingerprint: Fingerprint, out: &mut Vec<u64>) {
        let Some(first) = self.first.get(&fingerprint) else { return };
        let more = self.more.get(&fingerprint).into_iter().flatten();
        let entries = std::iter::once(first).chain(more).filter_map(|i| self.entries.get(*i));
        out.extend(entries.map(|(_, seq)| *seq));
    }
}

/// The ids that are in no snapshot yet.
#[derive(Default)]
pub struct RecentIds {
    table: Table,
}

impl RecentIds {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an id; seqs rise from call to call. Returns whether it was taken: a seq that is not
    /// above the last one is not.
    pub fn insert(&mut self, fingerprint: Fingerprint, seq: u64) -> bool {
        let rises = self.table.entries.last().is_none_or(|(_, last)| *last < seq);
        if rises {
            self.table.insert(fingerprint, seq);
        }
        rises
    }

    /// Appends the seqs under `fingerprint` to `out`, rising.
    pub fn lookup(&self, fingerprint: Fingerprint, out: &mut Vec<u64>) {
        self.table.lookup(fingerprint, out);
    }

    /// Takes back every id from `seq` on: its commit was given up.
    pub fn remove_from(&mut self, seq: u64) {
        while self.table.entries.last().is_some_and(|(_, last)| *last >= seq) {
            self.table.pop();
        }
    }

    /// Ids in the table.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the ids below `range.end` out as the table of `range`; those of later seqs stay.
    /// `range` must start where the last frozen table ended, hold all of this table's older ids,
    /// and end at what is durable. `received_at_max` is the latest time in it, microseconds since
    /// 1970.
    #[must_use]
    pub fn freeze(&mut self, range: Range<u64>, received_at_max: i64) -> FrozenTable {
        let mut table = std::mem::take(&mut self.table);
        let kept = table.entries.partition_point(|(_, seq)| *seq < range.end);
        let later = table.entries.get(kept..).unwrap_or_default().to_vec();
        for _ in &later {
            table.pop();
        }
        for (fingerprint, seq) in later {
            self.table.insert(fingerprint, seq);
        }
        FrozenTable { table, range, received_at_max }
    }
}

/// A table that waits to be written as a run; it answers until then.
pub struct FrozenTable {
    table: Table,
    range: Range<u64>,
    received_at_max: i64,
}

impl FrozenTable {
    /// The seqs it answers for.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// Latest `received_at` of them, microseconds since 1970.
    #[must_use]
    pub fn received_at_max(&self) -> i64 {
        self.received_at_max
    }

    pub(super) fn lookup(&self, fingerprint: Fingerprint, out: &mut Vec<u64>) {
        self.table.lookup(fingerprint, out);
    }

    pub(super) fn entries(&self) -> &[(Fingerprint, u64)] {
        &self.table.entries
    }
}
