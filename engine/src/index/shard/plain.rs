//! What a shard in plain memory answers.
//!
//! Invariant: as [`ShardLookup`] says; spans are exact here.

use std::ops::RangeInclusive;

use super::builder::{Placed, ShardBuilder, Values};
use super::error::ShardError;
use super::input::{Keyword, TermKey};
use super::lookup::{EachCount, ShardLookup, TimeSpan};
use super::record_set::RecordSet;
use super::times::TILE_RECORDS;
use crate::format::TimeRange;

/// Lets `add` put octets in and takes out again what it put outside the places `first..end`: an
/// octet may reach over to records of another shard.
pub(super) fn add_inside<R>(
    (first, end): (u32, u32),
    out: &mut RecordSet,
    add: impl FnOnce(&mut RecordSet) -> R,
) -> R {
    let outside = || {
        let octet = |place: u32| place & !7;
        let places = (octet(first)..first).chain(end..octet(end.saturating_add(7)));
        places.filter_map(|place| u16::try_from(place).ok())
    };
    // Eight bits for either edge.
    let bit = |place: u16| 1_u16 << (place & 7 | u16::from(u32::from(place) >= end) << 3);
    let before: u16 = outside().filter(|place| out.contains(*place)).map(bit).sum();
    let result = add(out);
    outside().filter(|place| before & bit(*place) == 0).for_each(|place| out.remove(place));
    result
}

impl ShardBuilder {
    fn lists<'a>(
        &'a self,
        field: Keyword,
        mut wanted: impl FnMut(&str) -> bool + 'a,
    ) -> impl Iterator<Item = u16> + 'a {
        let lists = self.fields.get(field.place()).map(Values::iter);
        let chosen = lists.into_iter().flatten().filter(move |(value, _)| wanted(value));
        chosen.flat_map(|(_, list)| list.iter().copied())
    }

    /// Times of a tile, by position; none where the tile has no records here.
    fn tile(&self, tile: usize) -> impl Iterator<Item = (usize, i64)> + '_ {
        let (first, end) = self.places();
        let start = u32::try_from(tile).map_or(u32::MAX, |tile| tile.saturating_mul(TILE_RECORDS));
        let from = first.max(start);
        let to = end.min(start.saturating_add(TILE_RECORDS));
        (from..to).filter_map(move |place| {
            let live = u16::try_from(place).is_ok_and(|place| self.live.contains(place));
            let time = self.times.get((place - first) as usize).filter(|_| live)?;
            Some(((place - start) as usize, *time))
        })
    }
}

impl ShardLookup for ShardBuilder {
    fn first_seq(&self) -> u64 {
        self.first_seq
    }

    fn record_count(&self) -> u32 {
        self.count()
    }

    fn times(&self) -> TimeRange {
        self.range
    }

    fn keyword(&self, f: Keyword, value: &str, out: &mut RecordSet) -> Result<(), ShardError> {
        let list = self.fields.get(f.place()).and_then(|values| values.get(value));
        list.into_iter().flatten().for_each(|place| out.insert(*place));
        Ok(())
    }

    fn keywords(
        &self,
        field: Keyword,
        wanted: &mut dyn FnMut(&str) -> bool,
        out: &mut RecordSet,
    ) -> Result<(), ShardError> {
        self.lists(field, wanted).for_each(|place| out.insert(place));
        Ok(())
    }

    fn prefix(&self, field: Keyword, prefix: &str, out: &mut RecordSet) -> Result<(), ShardError> {
        self.lists(field, |value| value.starts_with(prefix)).for_each(|place| out.insert(place));
        Ok(())
    }

    fn term(&self, key: TermKey, out: &mut RecordSet) -> Result<(), ShardError> {
        let key = Placed::of_term(key);
        add_inside(self.places(), out, |out| self.terms.find(key, key, out));
        Ok(())
    }

    fn addresses(&self, range: RangeInclusive<u32>, out: &mut RecordSet) -> Result<(), ShardError> {
        if !range.is_empty() {
            let (low, high) = (*range.start(), *range.end());
            let (low, high) = (Placed::of_address(low), Placed::of_address(high));
            add_inside(self.places(), out, |out| self.addresses.find(low, high, out));
        }
        Ok(())
    }

    fn unreadable(&self, out: &mut RecordSet) -> Result<(), ShardError> {
        self.unreadable.iter().for_each(|place| out.insert(*place));
        Ok(())
    }

    fn erased(&self, out: &mut RecordSet) -> Result<(), ShardError> {
        self.erased.iter().for_each(|place| out.insert(*place));
        Ok(())
    }

    fn tile_times(&self, tile: usize) -> Result<TimeRange, ShardError> {
        let mut range = TimeRange::EMPTY;
        self.tile(tile).for_each(|(_, time)| range.add(time));
        Ok(range)
    }

    fn spans(&self, tile: usize, out: &mut Vec<Option<TimeSpan>>) -> Result<(), ShardError> {
        out.clear();
        out.resize(TILE_RECORDS as usize, None);
        for (place, time) in self.tile(tile) {
            if let Some(span) = out.get_mut(place) {
                *span = Some(TimeSpan { min: time, max: time });
            }
        }
        Ok(())
    }

    fn counts(&self, field: Keyword, each: EachCount<'_>) -> Result<(), ShardError> {
        if let Some(values) = self.fields.get(field.place()) {
            values.sorted().iter().for_each(|(value, list)| each(value, list.len() as u64));
        }
        Ok(())
    }

    fn counts_in(
        &self,
        field: Keyword,
        within: &RecordSet,
        each: EachCount<'_>,
    ) -> Result<(), ShardError> {
        let Some(values) = self.fields.get(field.place()) else { return Ok(()) };
        for (value, list) in values.sorted() {
            let count = list.iter().filter(|place| within.contains(**place)).count() as u64;
            if count > 0 {
                each(value, count);
            }
        }
        Ok(())
    }
}

const _: () = assert!(super::OCTET_RECORDS == 8, "add_inside() counts on it");
