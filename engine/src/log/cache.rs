//! Bounded memory of what was decoded and mapped.
//!
//! Invariant: a [`GroupCache`] holds at most its budget in bytes and a [`SegmentCache`] at most its
//! number of maps; the least recently used go first. What is handed out stays usable after it has
//! left. Only verified groups are kept: damage is looked at anew each time.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::group::Group;
use super::source::MapSource;
use crate::format::BlockHead;
use crate::segment::{SealedSegment, SegmentError};

/// Default budget of decoded groups, bytes.
pub(crate) const GROUPS_MEMORY_MAX: usize = 32 << 20;
/// Default number of mapped segments.
pub(crate) const SEGMENTS_MAX: usize = 256;

/// Least-recently-used map with a budget.
pub(crate) struct Lru<K, V> {
    entries: BTreeMap<K, Kept<V>>,
    order: BTreeMap<u64, K>,
    clock: u64,
    used: usize,
    budget: usize,
}

struct Kept<V> {
    value: V,
    weight: usize,
    last_use: u64,
}

impl<K: Copy + Ord, V: Clone> Lru<K, V> {
    pub(crate) fn new(budget: usize) -> Self {
        Self { entries: BTreeMap::new(), order: BTreeMap::new(), clock: 0, used: 0, budget }
    }

    pub(crate) fn get(&mut self, key: &K) -> Option<V> {
        self.get_before(*key, |found, _| found == key)
    }

    /// The last entry at or before a key, if it is the one.
    fn get_before(&mut self, key: K, is_it: impl Fn(&K, &V) -> bool) -> Option<V> {
        let (key, kept) = self.entries.range_mut(..=key).next_back()?;
        if !is_it(key, &kept.value) {
            return None;
        }
        self.clock += 1;
        self.order.remove(&kept.last_use);
        self.order.insert(self.clock, *key);
        kept.last_use = self.clock;
        Some(kept.value.clone())
    }

    pub(crate) fn remove(&mut self, key: &K) {
        if let Some(old) = self.entries.remove(key) {
            self.order.remove(&old.last_use);
            self.used -= old.weight;
        }
    }

    pub(crate) fn insert(&mut self, key: K, value: V, weight: usize) {
        // One entry may not push everything else out.
        if weight > self.budget / 4 && weight > 1 {
            return;
        }
        self.clock += 1;
        let last_use = self.clock;
        if let Some(old) = self.entries.insert(key, Kept { value, weight, last_use }) {
            self.order.remove(&old.last_use);
            self.used -= old.weight;
        }
        self.order.insert(last_use, key);
        self.used += weight;
        while self.used > self.budget {
            let Some((_, oldest)) = self.order.pop_first() else { return };
            if let Some(old) = self.entries.remove(&oldest) {
                self.used -= old.weight;
            }
        }
    }
}

/// Where a group comes from. It is found by any seq that it holds, without the table of its block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum GroupKey {
    /// A group of a sealed segment.
    Sealed { segment: u64, first_seq: u64 },
    /// A frame of an active file.
    Frame { file_tag: u64, first_seq: u64 },
}

/// Decoded groups.
pub(crate) struct GroupCache(Mutex<Lru<GroupKey, Arc<Group>>>);

impl GroupCache {
    /// A cache of at most so many bytes.
    pub(crate) fn new(memory_max: usize) -> Self {
        Self(Mutex::new(Lru::new(memory_max)))
    }

    /// The group of a sealed segment that holds a seq.
    pub(crate) fn sealed(&self, segment: u64, seq: u64) -> Option<Arc<Group>> {
        self.holding(GroupKey::Sealed { segment, first_seq: seq }, seq)
    }

    /// The frame of an active file that holds a seq.
    pub(crate) fn frame(&self, file_tag: u64, seq: u64) -> Option<Arc<Group>> {
        self.holding(GroupKey::Frame { file_tag, first_seq: seq }, seq)
    }

    fn holding(&self, key: GroupKey, seq: u64) -> Option<Arc<Group>> {
        let is_it =
            |found: &GroupKey, group: &Arc<Group>| found.file() == key.file() && group.holds(seq);
        self.0.lock().get_before(key, is_it)
    }

    pub(crate) fn insert(&self, key: GroupKey, group: &Arc<Group>) {
        if !group.is_damaged() {
            self.0.lock().insert(key, Arc::clone(group), group.memory());
        }
    }
}

impl GroupKey {
    /// The same for all groups of a file.
    fn file(self) -> Self {
        match self {
            Self::Sealed { segment, .. } => Self::Sealed { segment, first_seq: 0 },
            Self::Frame { file_tag, .. } => Self::Frame { file_tag, first_seq: 0 },
        }
    }
}

/// Heads of a segment that are kept beside it.
const HEADS_MAX: usize = 4;

/// A mapped segment with the block heads that were read last.
pub(crate) struct OpenSegment {
    pub(crate) segment: SealedSegment<MapSource>,
    heads: Mutex<Vec<(usize, Arc<BlockHead>)>>,
}

impl OpenSegment {
    pub(crate) fn new(segment: SealedSegment<MapSource>) -> Self {
        Self { segment, heads: Mutex::default() }
    }

    /// The head of a block.
    pub(crate) fn head(&self, block: usize) -> Result<Arc<BlockHead>, SegmentError> {
        if let Some((_, head)) = self.heads.lock().iter().find(|(at, _)| *at == block) {
            return Ok(Arc::clone(head));
        }
        let head = Arc::new(self.segment.block_head(block)?);
        let mut heads = self.heads.lock();
        if heads.len() >= HEADS_MAX {
            heads.remove(0);
        }
        heads.push((block, Arc::clone(&head)));
        Ok(head)
    }
}

/// Mapped segments by their first seq.
pub(crate) struct SegmentCache(Mutex<Lru<u64, Arc<OpenSegment>>>);

impl SegmentCache {
    /// A cache of at most so many maps.
    pub(crate) fn new(segments_max: usize) -> Self {
        Self(Mutex::new(Lru::new(segments_max)))
    }

    pub(crate) fn get(&self, first_seq: u64) -> Option<Arc<OpenSegment>> {
        self.0.lock().get(&first_seq)
    }

    pub(crate) fn insert(&self, first_seq: u64, segment: &Arc<OpenSegment>) {
        self.0.lock().insert(first_seq, Arc::clone(segment), 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn least_recently_used_leaves_first_and_the_budget_holds() {
        let mut lru = Lru::new(8);
        for key in 0..4 {
            lru.insert(key, key, 2);
        }
        assert_eq!(lru.get(&0), Some(0));
        lru.insert(4, 4, 2);
        assert_eq!((lru.get(&1), lru.get(&0), lru.used), (None, Some(0), 8));
        lru.insert(0, 9, 1);
        assert_eq!((lru.get(&0), lru.used, lru.order.len()), (Some(9), 7, lru.entries.len()));
        lru.insert(5, 5, 3);
        assert_eq!(lru.get(&5), None, "too large for a cache of 8");
    }
}
