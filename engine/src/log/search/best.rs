//! The order of results, and the best of them so far.
//!
//! Invariant: a lower [`Rank`] stands earlier in the result, whatever the order asked for; no two
//! records have the same rank.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::format::TimeRange;
use crate::log::entry::Entry;
use crate::query::{Order, Sort, SortBy};

/// Place in the order asked for, of (`timestamp`, seq) or of the seq alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Rank(i64, u64);

impl Rank {
    /// The rank of a record.
    pub(crate) fn of(sort: Sort, time: i64, seq: u64) -> Self {
        let time = match sort.by {
            SortBy::Time => time,
            SortBy::Seq => 0,
        };
        match sort.order {
            Order::Ascending => Self(time, seq),
            // The complement turns the order round and has no value without a counterpart.
            Order::Descending => Self(!time, !seq),
        }
    }

    /// Time and seq of the record that has this rank; by seq the time is 0.
    pub(crate) fn place(self, sort: Sort) -> (i64, u64) {
        let time_sort = Sort { by: SortBy::Time, ..sort };
        let Self(time, seq) = Self::of(time_sort, self.0, self.1);
        let time = if sort.by == SortBy::Seq { 0 } else { time };
        (time, seq)
    }

    /// The lowest rank that a record of these seqs with a time in this range can have.
    pub(crate) fn first(sort: Sort, times: &TimeRange, seqs: &Range<u64>) -> Self {
        match sort.order {
            Order::Ascending => Self::of(sort, times.min, seqs.start),
            Order::Descending => Self::of(sort, times.max, seqs.end.saturating_sub(1)),
        }
    }

    /// The highest.
    pub(crate) fn last(sort: Sort, times: &TimeRange, seqs: &Range<u64>) -> Self {
        match sort.order {
            Order::Ascending => Self::of(sort, times.max, seqs.end.saturating_sub(1)),
            Order::Descending => Self::of(sort, times.min, seqs.start),
        }
    }
}

/// The matches of the lowest ranks: at most `limit` of them, and of so many bytes that memory does
/// not grow with the length of records.
pub(crate) struct Best {
    limit: usize,
    bytes_max: usize,
    /// Bytes of all bodies.
    bytes: usize,
    /// Whether matches had to go for their length.
    cut: bool,
    entries: BTreeMap<Rank, Entry>,
}

impl Best {
    pub(crate) fn new(limit: usize, bytes_max: usize) -> Self {
        Self { limit, bytes_max, bytes: 0, cut: false, entries: BTreeMap::new() }
    }

    /// Whether a record of this rank, or one behind it, could still be among them.
    pub(crate) fn takes(&self, rank: Rank) -> bool {
        let full = self.entries.len() >= self.limit;
        !full || self.entries.last_key_value().is_some_and(|(worst, _)| rank < *worst)
    }

    /// Takes a match up. The same one may come again.
    pub(crate) fn offer(&mut self, rank: Rank, entry: impl FnOnce() -> Entry) {
        if !self.takes(rank) || self.entries.contains_key(&rank) {
            return;
        }
        let entry = entry();
        self.bytes += len(&entry);
        self.entries.insert(rank, entry);
        if self.entries.len() > self.limit {
            self.drop_last();
        }
        while self.bytes > self.bytes_max && self.entries.len() > 1 {
            self.drop_last();
            // What is left are the best of all so far, so that a worse one is never wanted again.
            self.limit = self.entries.len();
            self.cut = true;
        }
    }

    fn drop_last(&mut self) {
        if let Some((_, entry)) = self.entries.pop_last() {
            self.bytes -= len(&entry);
        }
    }

    /// Whether there are more matches than the bytes had room for.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether a record is among them at whatever rank. Looks at all of them.
    pub(crate) fn holds(&self, seq: u64) -> bool {
        self.entries.values().any(|entry| entry.seq().0 == seq)
    }

    /// All of them in order.
    pub(crate) fn into_entries(self) -> impl ExactSizeIterator<Item = (Rank, Entry)> {
        self.entries.into_iter()
    }
}

fn len(entry: &Entry) -> usize {
    entry.record().map_or(0, |record| record.body().len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Seq;

    #[test]
    fn ranks_go_by_time_and_then_by_seq_in_either_order() {
        let places = [(i64::MIN, 9), (-1, 4), (7, 0), (7, 1), (7, u64::MAX), (i64::MAX, 3)];
        let rank = |order: Order| move |(time, seq)| Rank::of(order.into(), time, seq);
        let up = places.map(rank(Order::Ascending));
        let down = places.map(rank(Order::Descending));
        assert!(up.is_sorted() && down.iter().rev().is_sorted());
        for (place, (up, down)) in places.into_iter().zip(up.into_iter().zip(down)) {
            let (up, down) =
                (up.place(Order::Ascending.into()), down.place(Order::Descending.into()));
            assert_eq!((up, down), (place, place));
        }
    }

    #[test]
    fn by_seq_the_time_does_not_matter() {
        for order in [Order::Ascending, Order::Descending] {
            let sort = Sort { by: SortBy::Seq, order };
            let rank = |time, seq| Rank::of(sort, time, seq);
            assert_eq!(rank(5, 1), rank(-5, 1));
            assert_eq!(rank(5, 1) < rank(-5, 2), order == Order::Ascending);
            assert_eq!(rank(5, 9).place(sort), (0, 9));
        }
    }

    #[test]
    fn the_best_are_kept_once() {
        let entry = |seq| Entry::Damaged { seq: Seq(seq), audit_id: None };
        let mut best = Best::new(2, 0);
        assert!(!best.is_cut());
        for seq in [5, 3, 3, 4, 9] {
            best.offer(Rank::of(Order::Ascending.into(), 1, seq), || entry(seq));
        }
        assert!(!best.takes(Rank::of(Order::Ascending.into(), 1, 4)));
        assert!(best.takes(Rank::of(Order::Ascending.into(), 0, 99)));
        assert!(best.holds(4) && !best.holds(5));
        let seqs: Vec<u64> = best.into_entries().map(|(_, entry)| entry.seq().0).collect();
        assert_eq!(seqs, [3, 4]);
    }
}
