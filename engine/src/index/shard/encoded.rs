//! What an encoded shard answers, from its bytes.
//!
//! Invariant: as [`ShardLookup`] says; only the bytes on the way to an answer are touched. Damaged
//! bytes give an error or, where their source has no checksums, another answer.
//! Knows nothing about where the bytes come from.

use std::ops::RangeInclusive;

use super::bits::{self, VARINT_LEN_MAX};
use super::bytes::{Part, Source};
use super::error::ShardError;
use super::header::{SHARD_HEADER_LEN, Section, ShardHeader};
use super::input::{Keyword, TermKey};
use super::keys::KeyTable;
use super::lookup::{EachCount, ShardLookup, TimeSpan};
use super::plain::add_inside;
use super::postings;
use super::record_set::RecordSet;
use super::strings::{Entry, Strings};
use super::times::{TILE_RECORDS, Times};
use crate::format::TimeRange;

/// A finished shard in the bytes of a source.
#[derive(Clone, Debug)]
pub(crate) struct EncodedShard<S> {
    source: S,
    header: ShardHeader,
}

/// The values of a field.
pub(crate) struct Values<'a, S> {
    /// List of the records without one; empty where it is not needed.
    absent: &'a [u8],
    pub(crate) strings: Strings<Part<&'a S>>,
}

impl<S: Source> EncodedShard<S> {
    /// Reads the header; the source holds the shard and nothing else.
    ///
    /// # Errors
    /// [`ShardError`] where this is no shard.
    pub(crate) fn open(source: S) -> Result<Self, ShardError> {
        let header = ShardHeader::decode(source.bytes(0, SHARD_HEADER_LEN)?)?;
        Self::with_header(source, header)
    }

    /// The same without touching the source.
    ///
    /// # Errors
    /// [`ShardError`] where the source has another length than the shard.
    pub(crate) fn with_header(source: S, header: ShardHeader) -> Result<Self, ShardError> {
        if source.len() == header.shard_len() {
            Ok(Self { source, header })
        } else {
            Err(ShardError::Structure("shard"))
        }
    }

    /// What the shard says about itself.
    pub(crate) fn header(&self) -> &ShardHeader {
        &self.header
    }

    /// The values of a field.
    ///
    /// # Errors
    /// [`ShardError`] where their first bytes are damaged.
    pub(crate) fn values(&self, field: Keyword) -> Result<Values<'_, S>, ShardError> {
        let damaged = ShardError::Structure("values");
        let place = self.header.section(Section::Keyword(field));
        let len = usize::try_from(place.end - place.start).map_err(|_| damaged)?;
        let mut rest = self.source.bytes(place.start, len.min(VARINT_LEN_MAX))?;
        let before = rest.len();
        let absent = bits::varint(&mut rest).ok_or(damaged)?;
        let at = place.start + (before - rest.len()) as u64;
        let end = at.checked_add(absent).ok_or(damaged)?;
        let strings = Strings::open(Part::new(&self.source, end..place.end)?)?;
        // Inside the section, as the part behind it is.
        let absent = self.source.bytes(at, usize::try_from(absent).map_err(|_| damaged)?)?;
        Ok(Values { absent, strings })
    }

    fn section(&self, section: Section) -> Result<Part<&S>, ShardError> {
        Part::new(&self.source, self.header.section(section))
    }

    fn list(&self, section: Section) -> Result<&[u8], ShardError> {
        let place = self.header.section(section);
        let len = usize::try_from(place.end - place.start);
        self.source.bytes(place.start, len.map_err(|_| ShardError::Structure("list"))?)
    }

    /// Records that are neither erased nor unreadable.
    fn live(&self) -> Result<RecordSet, ShardError> {
        let (first, end) = self.header.places();
        let mut live = RecordSet::new();
        live.insert_range(first, end);
        if let Some(dead) = self.dead()? {
            live.subtract(&dead);
        }
        Ok(live)
    }

    /// Records that are erased or unreadable, if there are any.
    fn dead(&self) -> Result<Option<RecordSet>, ShardError> {
        let lists = [self.list(Section::Erased)?, self.list(Section::Unreadable)?];
        let mut dead = None;
        for list in lists {
            if postings::count(list)? > 0 {
                postings::add_records(list, dead.get_or_insert_default())?;
            }
        }
        Ok(dead)
    }

    /// The records that no list of a field has.
    fn rest(&self, values: &Values<'_, S>) -> Result<RecordSet, ShardError> {
        let (mut rest, mut listed) = (self.live()?, RecordSet::new());
        if !values.absent.is_empty() {
            postings::add_records(values.absent, &mut listed)?;
        }
        let mut walk = values.strings.iter()?;
        while let Some(entry) = walk.next_entry()? {
            if let Some(place) = entry.place {
                postings::add_records(values.strings.postings(place)?, &mut listed)?;
            }
        }
        rest.subtract(&listed);
        Ok(rest)
    }

    fn add(
        &self,
        values: &Values<'_, S>,
        entry: &Entry<'_>,
        out: &mut RecordSet,
    ) -> Result<(), ShardError> {
        match entry.place {
            Some(place) => postings::add_records(values.strings.postings(place)?, out),
            None => {
                out.unite(&self.rest(values)?);
                Ok(())
            }
        }
    }

    /// Position of a tile among those that the shard has, and its first place.
    fn tile(&self, tile: usize) -> Option<(usize, u32)> {
        let (first, end) = self.header.places();
        let start = u32::try_from(tile).ok()?.checked_mul(TILE_RECORDS)?;
        let index = tile.checked_sub((first / TILE_RECORDS) as usize)?;
        (start < end).then_some((index, start))
    }

    fn tiles(&self) -> Result<Times<Part<&S>>, ShardError> {
        let (first, end) = self.header.places();
        let tiles = end.div_ceil(TILE_RECORDS) - first / TILE_RECORDS;
        Times::open(self.section(Section::Times)?, tiles as usize)
    }
}

impl<S: Source + Send + Sync> ShardLookup for EncodedShard<S> {
    fn first_seq(&self) -> u64 {
        self.header.first_seq
    }

    fn record_count(&self) -> u32 {
        self.header.count
    }

    fn times(&self) -> TimeRange {
        self.header.times
    }

    fn keyword(&self, f: Keyword, value: &str, out: &mut RecordSet) -> Result<(), ShardError> {
        let values = self.values(f)?;
        match values.strings.find(value)? {
            Some(entry) => self.add(&values, &entry, out),
            None => Ok(()),
        }
    }

    fn keywords(
        &self,
        field: Keyword,
        wanted: &mut dyn FnMut(&str) -> bool,
        out: &mut RecordSet,
    ) -> Result<(), ShardError> {
        let values = self.values(field)?;
        let mut walk = values.strings.iter()?;
        while let Some(entry) = walk.next_entry()? {
            if wanted(entry.value) {
                self.add(&values, &entry, out)?;
            }
        }
        Ok(())
    }

    fn prefix(&self, field: Keyword, prefix: &str, out: &mut RecordSet) -> Result<(), ShardError> {
        let values = self.values(field)?;
        values.strings.prefix(prefix, |entry| self.add(&values, &entry, out))
    }

    fn term(&self, key: TermKey, out: &mut RecordSet) -> Result<(), ShardError> {
        add_inside(self.header.places(), out, |out| {
            let terms = KeyTable::open(self.section(Section::Terms)?)?;
            terms.find(key.0, |octet| out.insert_octet(octet))?;
            postings::add_octets(self.list(Section::Wild)?, out)
        })
    }

    fn addresses(&self, range: RangeInclusive<u32>, out: &mut RecordSet) -> Result<(), ShardError> {
        add_inside(self.header.places(), out, |out| {
            let addresses = KeyTable::open(self.section(Section::Addresses)?)?;
            let range = u64::from(*range.start())..=u64::from(*range.end());
            addresses.range(range, |octet| out.insert_octet(octet))
        })
    }

    fn unreadable(&self, out: &mut RecordSet) -> Result<(), ShardError> {
        postings::add_records(self.list(Section::Unreadable)?, out)
    }

    fn erased(&self, out: &mut RecordSet) -> Result<(), ShardError> {
        postings::add_records(self.list(Section::Erased)?, out)
    }

    fn tile_times(&self, tile: usize) -> Result<TimeRange, ShardError> {
        match self.tile(tile) {
            Some((index, _)) => self.tiles()?.range(index),
            None => Ok(TimeRange::EMPTY),
        }
    }

    fn spans(&self, tile: usize, out: &mut Vec<Option<TimeSpan>>) -> Result<(), ShardError> {
        out.clear();
        out.resize(TILE_RECORDS as usize, None);
        let Some((index, start)) = self.tile(tile) else { return Ok(()) };
        let (first, end) = self.header.places();
        let (first, end) = (first.max(start), end.min(start + TILE_RECORDS));
        let slots = (first..end).zip(out.iter_mut().skip((first - start) as usize));
        let tiles = self.tiles()?;
        let Some(dead) = self.dead()? else {
            let mut slots = slots.map(|(_, slot)| slot);
            return tiles.spans(index, (end - first) as usize, |span| {
                if let Some(slot) = slots.next() {
                    *slot = Some(span);
                }
            });
        };
        let is_live = |place: u32| !u16::try_from(place).is_ok_and(|place| dead.contains(place));
        let count = (first..end).filter(|place| is_live(*place)).count();
        let mut slots = slots.filter(|(place, _)| is_live(*place));
        tiles.spans(index, count, |span| {
            if let Some((_, slot)) = slots.next() {
                *slot = Some(span);
            }
        })
    }

    fn counts(&self, field: Keyword, each: EachCount<'_>) -> Result<(), ShardError> {
        let values = self.values(field)?;
        let mut walk = values.strings.iter()?;
        while let Some(entry) = walk.next_entry()? {
            each(entry.value, entry.count);
        }
        Ok(())
    }

    fn counts_in(
        &self,
        field: Keyword,
        within: &RecordSet,
        each: EachCount<'_>,
    ) -> Result<(), ShardError> {
        let values = self.values(field)?;
        let mut walk = values.strings.iter()?;
        while let Some(entry) = walk.next_entry()? {
            let mut count = 0_u64;
            match entry.place {
                Some(place) => {
                    let list = values.strings.postings(place)?;
                    postings::decode(list, postings::RECORD_PLACES, |place| {
                        count += u64::from(within.contains(place));
                    })?;
                }
                None => count = u64::from(self.rest(&values)?.len_with(within)),
            }
            if count > 0 {
                each(entry.value, count);
            }
        }
        Ok(())
    }
}
