//! Queries: the newest or oldest records that match a filter, and passes over all that do.
//!
//! Invariant: memory is bounded by the limit and one group. Blocks and segments are left out only
//! by their range of times, so a damaged record, which might be anything, shows up wherever the
//! query reads. Erased records have no content to match and show up only where nothing but times is
//! asked.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;

use super::entry::Entry;
use super::group::{Group, Item};
use super::parts::sealed_of;
use super::read_error::ReadError;
use super::reader::Reader;
use super::scan::Groups;
use crate::format::TimeRange;
use crate::query::{Filter, Order, QuickCheck};
use crate::record::{Body, Timestamp};
use crate::types::Seq;

/// Result of [`Reader::query`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct QueryResult {
    /// Entries by (`timestamp`, seq) in the order asked for.
    pub entries: Vec<Entry>,
    /// How many of them are damaged.
    pub damaged: u64,
}

impl Reader {
    /// The first `limit` matches in the order of (`timestamp`, seq).
    ///
    /// A damaged record stands at the newest time that it can have had, as its block's zone map or
    /// the record before it say.
    ///
    /// # Errors
    /// [`ReadError::Io`] where the medium fails.
    pub fn query(
        &self,
        filter: &Filter,
        order: Order,
        limit: usize,
    ) -> Result<QueryResult, ReadError> {
        let mut best = Best { order, limit, heap: BinaryHeap::new() };
        if limit > 0 {
            let mut pass = Pass::new(self, filter, order);
            while let Some(group) = pass.next_group(|range| best.takes_range(range))? {
                pass.each_match(&group, |time, seq| {
                    best.offer(time, seq, || group.entry(seq).detached());
                })?;
            }
        }
        Ok(best.into_result())
    }

    /// All matches in the order of their seqs: what an export writes.
    #[must_use]
    pub fn select(&self, filter: &Filter, order: Order) -> Select {
        Select { pass: Pass::new(self, filter, order), group: None }
    }
}

/// Iterator of [`Reader::select`].
pub struct Select {
    pass: Pass,
    /// The group at hand and the seqs in it that match and are still to come.
    group: Option<(Arc<Group>, std::vec::IntoIter<u64>)>,
}

impl Iterator for Select {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((group, seqs)) = &mut self.group
                && let Some(seq) = seqs.next()
            {
                return Some(Ok(group.entry(seq)));
            }
            let group = match self.pass.next_group(|_| true) {
                Ok(group) => group?,
                Err(error) => return Some(Err(self.pass.stop(error))),
            };
            let mut seqs = Vec::new();
            if let Err(error) = self.pass.each_match(&group, |_, seq| seqs.push(seq)) {
                return Some(Err(self.pass.stop(error)));
            }
            if self.pass.order == Order::Descending {
                seqs.reverse();
            }
            self.group = Some((group, seqs.into_iter()));
        }
    }
}

/// The groups that a filter's times don't rule out, in order.
struct Pass {
    groups: Groups,
    filter: Filter,
    quick: QuickCheck,
    order: Order,
    seqs: Range<u64>,
}

impl Pass {
    fn new(reader: &Reader, filter: &Filter, order: Order) -> Self {
        let view = reader.view();
        let seqs = 0..view.size();
        let groups = Groups::new(Arc::clone(&reader.parts), view, order);
        Self { groups, filter: filter.clone(), quick: filter.quick_check(), order, seqs }
    }

    fn stop(&mut self, error: ReadError) -> ReadError {
        self.seqs = 0..0;
        error
    }

    /// The next group that `wanted` and the filter's times don't rule out.
    fn next_group(
        &mut self,
        wanted: impl Fn(&TimeRange) -> bool,
    ) -> Result<Option<Arc<Group>>, ReadError> {
        while !self.seqs.is_empty() {
            let seq = match self.order {
                Order::Ascending => self.seqs.start,
                Order::Descending => self.seqs.end - 1,
            };
            let takes = |range: &TimeRange| self.filter.takes_range(range) && wanted(range);
            if let Some(skipped) = self.prune(seq, takes)? {
                self.pass_over(&skipped);
                continue;
            }
            let group = self.groups.at(seq)?;
            self.pass_over(&(group.first_seq()..group.end_seq()));
            return Ok(Some(group));
        }
        Ok(None)
    }

    fn pass_over(&mut self, seqs: &Range<u64>) {
        match self.order {
            Order::Ascending => self.seqs.start = self.seqs.end.min(seqs.end),
            Order::Descending => self.seqs.end = self.seqs.start.max(seqs.start),
        }
    }

    /// The seqs of the segment or block around `seq` where its times rule it out.
    fn prune(
        &self,
        seq: u64,
        takes: impl Fn(&TimeRange) -> bool,
    ) -> Result<Option<Range<u64>>, ReadError> {
        let Some(entry) = sealed_of(&self.groups.view, seq) else { return Ok(None) };
        // Erased records are in no range of times; they are rare enough to be read.
        if entry.counts.erased == 0 && !takes(&entry.timestamp) {
            return Ok(Some(entry.first_seq..entry.end_seq()));
        }
        let Some(open) = self.groups.parts.segment(&entry)? else { return Ok(None) };
        let Some(block) = open.segment.block_of(Seq(seq)) else { return Ok(None) };
        let zone = open.segment.directory().get(block);
        let ruled_out = zone.is_some_and(|z| z.counts.erased == 0 && !takes(&z.timestamp));
        let (first, end) = open.segment.block_range(block);
        Ok(ruled_out.then_some(first..end))
    }

    /// Calls back with time and seq of each match of a group, ascending.
    fn each_match(&self, group: &Group, mut found: impl FnMut(i64, u64)) -> Result<(), ReadError> {
        let mut around = None;
        for seq in group.first_seq()..group.end_seq() {
            if let Item::Record { body, .. } = group.item(seq) {
                if let Some(time) = self.match_time(body) {
                    found(time.unix_nanos(), seq);
                }
                continue;
            }
            let erased = matches!(group.item(seq), Item::Erased { .. });
            if erased && !self.filter.is_time_only() {
                continue;
            }
            let range = match around {
                Some(range) => range,
                None => *around.insert(self.times_around(group.first_seq(), group.end_seq())?),
            };
            if self.filter.takes_range(&range) {
                found(range.max, seq);
            }
        }
        Ok(())
    }

    fn match_time(&self, body: &[u8]) -> Option<Timestamp> {
        if !self.quick.passes(body) {
            return None;
        }
        // The body has its hash, so it is what was stored; one that is no body matches nothing.
        let body = Body::parse(body).ok()?;
        self.filter.matches(&body).then(|| body.timestamp())
    }

    /// The times that records without content may have had.
    fn times_around(&self, first_seq: u64, end_seq: u64) -> Result<TimeRange, ReadError> {
        let any = TimeRange { min: i64::MIN, max: i64::MAX };
        let Some(entry) = sealed_of(&self.groups.view, first_seq) else {
            return self.times_beside(first_seq, end_seq);
        };
        let zone = match self.groups.parts.segment(&entry)? {
            Some(open) => {
                let block = open.segment.block_of(Seq(first_seq));
                block.and_then(|b| open.segment.directory().get(b)).map(|zone| zone.timestamp)
            }
            None => None,
        };
        let range = zone.unwrap_or(entry.timestamp);
        Ok(if range.min > range.max { any } else { range })
    }

    /// In an active file: from the record before to the record behind, as far as there are such.
    fn times_beside(&self, first_seq: u64, end_seq: u64) -> Result<TimeRange, ReadError> {
        let mut range = TimeRange::EMPTY;
        let size = self.groups.view.size();
        for seq in [first_seq.checked_sub(1), Some(end_seq).filter(|seq| *seq < size)] {
            let Some(seq) = seq else { continue };
            let mut groups = Groups::new(
                Arc::clone(&self.groups.parts),
                Arc::clone(&self.groups.view),
                self.order,
            );
            let group = groups.at(seq)?;
            if let Item::Record { body, .. } = group.item(seq)
                && let Ok(body) = Body::parse(body)
            {
                range.add(body.timestamp().unix_nanos());
            }
        }
        let any = TimeRange { min: i64::MIN, max: i64::MAX };
        Ok(if range.min > range.max { any } else { range })
    }
}

/// The best matches so far; the worst of them on top.
struct Best {
    order: Order,
    limit: usize,
    heap: BinaryHeap<Kept>,
}

/// An entry with its rank: the lower, the earlier it stands in the result.
struct Kept {
    rank: Rank,
    entry: Entry,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Oldest(i64, u64),
    Newest(Reverse<(i64, u64)>),
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Kept {}

impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kept {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank.cmp(&other.rank)
    }
}

impl Best {
    fn rank(&self, time: i64, seq: u64) -> Rank {
        match self.order {
            Order::Ascending => Rank::Oldest(time, seq),
            Order::Descending => Rank::Newest(Reverse((time, seq))),
        }
    }

    fn worst(&self) -> Option<Rank> {
        let full = self.heap.len() >= self.limit;
        self.heap.peek().filter(|_| full).map(|kept| kept.rank)
    }

    /// Whether a record with a time in this range could still be among the best.
    fn takes_range(&self, range: &TimeRange) -> bool {
        let best = match self.order {
            Order::Ascending => Rank::Oldest(range.min, 0),
            Order::Descending => Rank::Newest(Reverse((range.max, u64::MAX))),
        };
        self.worst().is_none_or(|worst| best < worst)
    }

    fn offer(&mut self, time: i64, seq: u64, entry: impl FnOnce() -> Entry) {
        let rank = self.rank(time, seq);
        if self.worst().is_some_and(|worst| worst <= rank) {
            return;
        }
        self.heap.push(Kept { rank, entry: entry() });
        if self.heap.len() > self.limit {
            self.heap.pop();
        }
    }

    fn into_result(self) -> QueryResult {
        let entries: Vec<Entry> =
            self.heap.into_sorted_vec().into_iter().map(|kept| kept.entry).collect();
        let damaged = entries.iter().filter(|entry| entry.is_damaged()).count() as u64;
        QueryResult { entries, damaged }
    }
}
