//! A shard that takes records, in plain memory.
//!
//! Invariant: what it holds depends on the records alone, not on how many came at a time. Memory is
//! bounded by the distinct values of one window's keywords, [`TERMS_MAX`] terms and the terms of
//! eight records.
//! Knows nothing about threads ([`super::GrowingShard`] does) and how a shard is stored.

use std::collections::HashMap;
use std::sync::Arc;

use super::SHARD_RECORDS;
use super::header::{octet_of, places};
use super::input::{Keyword, RecordKeys, Slot, TermKey};
use super::postings::OCTET_PLACES;
use super::record_set::RecordSet;
use crate::format::TimeRange;

/// Places of terms that are kept: 64 MiB. The octets behind them are candidates of every term.
const TERMS_MAX: usize = 8 << 20;

/// Whether a shard takes more records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Room {
    /// It does.
    More,
    /// Its window has ended; the next seq belongs to another shard.
    Full,
}

/// The mutable shard: takes one record after the other and answers meanwhile.
#[derive(Debug)]
pub struct ShardBuilder {
    pub(super) first_seq: u64,
    /// One per record; 0 for those without.
    pub(super) times: Vec<i64>,
    pub(super) range: TimeRange,
    /// Records that are neither erased nor unreadable.
    pub(super) live: RecordSet,
    pub(super) erased: Vec<u16>,
    pub(super) unreadable: Vec<u16>,
    pub(super) fields: [Values; Keyword::COUNT],
    pub(super) terms: Placed,
    pub(super) addresses: Placed,
}

impl ShardBuilder {
    /// An empty shard whose first record will be this one.
    #[must_use]
    pub fn new(first_seq: u64) -> Self {
        Self::with_terms_max(first_seq, TERMS_MAX)
    }

    pub(super) fn with_terms_max(first_seq: u64, terms_max: usize) -> Self {
        Self {
            first_seq,
            times: Vec::new(),
            range: TimeRange::EMPTY,
            live: RecordSet::new(),
            erased: Vec::new(),
            unreadable: Vec::new(),
            fields: Default::default(),
            terms: Placed::new(terms_max),
            addresses: Placed::new(usize::MAX),
        }
    }

    /// Takes the record of [`Self::next_seq`]; a full shard takes nothing.
    pub fn push(&mut self, slot: &Slot<'_>) -> Room {
        let Some(place) = self.next_place() else { return Room::Full };
        let time = match slot {
            Slot::Record(keys) => {
                self.live.insert(place);
                self.range.add(keys.timestamp);
                self.keys(place, keys);
                keys.timestamp
            }
            Slot::Erased => {
                self.erased.push(place);
                0
            }
            Slot::Unreadable => {
                self.unreadable.push(place);
                0
            }
        };
        self.times.push(time);
        if self.next_place().is_some() { Room::More } else { Room::Full }
    }

    fn keys(&mut self, place: u16, keys: &RecordKeys<'_>) {
        for (values, value) in self.fields.iter_mut().zip(&keys.keywords) {
            if let Some(value) = value {
                values.add(value, place);
            }
        }
        let octet = octet_of(place);
        keys.terms.iter().for_each(|term| self.terms.add(Placed::of_term(*term), octet));
        if let Some(address) = keys.address {
            self.addresses.add(Placed::of_address(address), octet);
        }
    }

    /// The seq of the record that comes next.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.first_seq.saturating_add(self.times.len() as u64)
    }

    /// Bytes of heap that it takes, nearly.
    #[must_use]
    pub fn memory(&self) -> usize {
        let lists = (self.erased.capacity() + self.unreadable.capacity()) * size_of::<u16>();
        let fields: usize = self.fields.iter().map(Values::memory).sum();
        let times = self.times.capacity() * size_of::<i64>();
        size_of::<Self>() + lists + fields + times + self.terms.memory() + self.addresses.memory()
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.times.len()).unwrap_or(u32::MAX)
    }

    /// Places of its records: first and end.
    pub(super) fn places(&self) -> (u32, u32) {
        places(self.first_seq, self.count())
    }

    fn next_place(&self) -> Option<u16> {
        let next = self.first_seq % SHARD_RECORDS + self.times.len() as u64;
        u16::try_from(next).ok()
    }
}

/// The values of a field and the records that have each, ascending.
#[derive(Debug, Default)]
pub(super) struct Values {
    places: HashMap<Arc<str>, usize>,
    lists: Vec<(Arc<str>, Vec<u16>)>,
    /// Where the list of the last value is: most fields repeat.
    last: usize,
    bytes: usize,
}

impl Values {
    fn add(&mut self, value: &str, place: u16) {
        let repeats = self.lists.get(self.last).is_some_and(|(last, _)| **last == *value);
        if !repeats {
            self.last = match self.places.get(value) {
                Some(known) => *known,
                None => self.begin(value),
            };
        }
        if let Some((_, list)) = self.lists.get_mut(self.last) {
            list.push(place);
        }
    }

    fn begin(&mut self, value: &str) -> usize {
        let at = self.lists.len();
        self.bytes += value.len();
        let value: Arc<str> = value.into();
        self.places.insert(Arc::clone(&value), at);
        self.lists.push((value, Vec::new()));
        at
    }

    /// The records with a value.
    pub(super) fn get(&self, value: &str) -> Option<&[u16]> {
        self.lists.get(*self.places.get(value)?).map(|(_, list)| list.as_slice())
    }

    /// All values, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[u16])> {
        self.lists.iter().map(|(value, list)| (&**value, list.as_slice()))
    }

    /// Ascending by the bytes of the value.
    pub(super) fn sorted(&self) -> Vec<(&str, &[u16])> {
        let mut all: Vec<(&str, &[u16])> = self.iter().collect();
        all.sort_unstable_by_key(|(value, _)| *value);
        all
    }

    fn memory(&self) -> usize {
        let lists: usize = self.lists.iter().map(|(_, list)| list.capacity()).sum();
        let table = self.places.capacity() * (size_of::<(Arc<str>, usize)>() + 1);
        let values = self.lists.capacity() * size_of::<(Arc<str>, Vec<u16>)>();
        self.bytes + lists * size_of::<u16>() + table + values
    }
}

/// Entries that are sorted together while the shard grows, so that few are looked at one by one.
const RUN: usize = 1 << 13;
const OCTET_BITS: u32 = OCTET_PLACES.trailing_zeros();
const OCTET_MASK: u64 = OCTET_PLACES as u64 - 1;

/// Keys with the octets in which they occur: the key in the upper bits, the octet in the lower 13.
#[derive(Debug)]
pub(super) struct Placed {
    /// Up to `sorted` in runs of [`RUN`], each ascending; behind them in order of octet.
    entries: Vec<u64>,
    sorted: usize,
    /// What belongs to the current octet; may repeat.
    pending: Vec<u64>,
    octet: u16,
    /// Octets of which nothing is kept.
    wild: Vec<u16>,
    entries_max: usize,
}

impl Placed {
    fn new(entries_max: usize) -> Self {
        let (entries, pending, wild) = Default::default();
        Self { entries, sorted: 0, pending, octet: 0, wild, entries_max }
    }

    /// The upper 51 bits of a term, more than a table keeps.
    pub(super) const fn of_term(term: TermKey) -> u64 {
        term.0 & !OCTET_MASK
    }

    pub(super) const fn of_address(address: u32) -> u64 {
        (address as u64) << OCTET_BITS
    }

    fn add(&mut self, key: u64, octet: u16) {
        if octet != self.octet {
            self.settle();
            self.octet = octet;
        }
        self.pending.push(key | u64::from(octet));
    }

    fn settle(&mut self) {
        self.pending.sort_unstable();
        self.pending.dedup();
        if self.entries.len() + self.pending.len() <= self.entries_max {
            self.entries.append(&mut self.pending);
            while let Some(run) = self.entries.get_mut(self.sorted..self.sorted + RUN) {
                run.sort_unstable();
                self.sorted += RUN;
            }
        } else {
            self.wild.push(self.octet);
            self.pending.clear();
        }
    }

    /// Adds the octets of the keys `low` to `high`.
    pub(super) fn find(&self, low: u64, high: u64, out: &mut RecordSet) {
        let span = (high | OCTET_MASK).wrapping_sub(low);
        let (sorted, rest) = self.entries.split_at(self.sorted);
        for run in sorted.chunks(RUN) {
            let first = run.partition_point(|entry| *entry < low);
            let found = run.iter().skip(first).take_while(|entry| **entry - low <= span);
            found.for_each(|entry| out.insert_octet(octet_in(*entry)));
        }
        for entry in rest.iter().chain(&self.pending) {
            if entry.wrapping_sub(low) <= span {
                out.insert_octet(octet_in(*entry));
            }
        }
        self.wild.iter().for_each(|octet| out.insert_octet(*octet));
    }

    /// Each key with its octets, ascending, and the octets of which nothing is kept.
    pub(super) fn sorted(&self) -> (Vec<u64>, Vec<u16>) {
        let mut entries = Vec::with_capacity(self.entries.len() + self.pending.len());
        entries.extend_from_slice(&self.entries);
        let mut last =
            Self { entries, wild: self.wild.clone(), pending: self.pending.clone(), ..*self };
        last.settle();
        // Stable sorting makes use of the runs.
        last.entries.sort();
        (last.entries, last.wild)
    }

    fn memory(&self) -> usize {
        let entries = self.entries.capacity() + self.pending.capacity();
        entries * size_of::<u64>() + self.wild.capacity() * size_of::<u16>()
    }
}

/// The key of an entry, the octet's bits zero.
pub(super) const fn key_in(entry: u64) -> u64 {
    entry & !OCTET_MASK
}

/// The address of a key.
pub(super) const fn address_in(entry: u64) -> u64 {
    entry >> OCTET_BITS
}

/// The octet of an entry.
pub(super) fn octet_in(entry: u64) -> u16 {
    u16::try_from(entry & OCTET_MASK).unwrap_or_default()
}
