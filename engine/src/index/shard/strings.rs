//! A sorted dictionary of distinct strings, each with a count and perhaps a list of places.
//!
//! Invariant: finding a value touches the restarts on the way to it and fewer than 17 entries; the
//! lists lie apart, so that values and counts are read without them. Memory is bounded by the
//! longest value.
//! Knows nothing about fields or what the lists hold.
//!
//! Header (32 bytes): entries, bytes of the values, bytes of the lists (`u64` each), whether there
//! are lists, the widths of the two columns of the restarts (a byte each), zeros. Then the restarts
//! ([`Rows`]: for every sixteenth entry its place in the values and that of its list), the values,
//! the lists.
//!
//! An entry: a byte with the bytes shared with the value before (low half) and the bytes of its own
//! (high half), where 15 means that a varint with what exceeds 15 follows; its own bytes; a varint,
//! the count; with lists a varint, the list's bytes plus one, or 0 for *rest*: no list.

use std::cmp::Ordering;

use super::bits::Rows;
use super::bytes::{Cursor, Source};
use super::error::ShardError;
use crate::format::Put;

const HEADER_LEN: usize = 32;
const RESTART: u64 = 16;
const SHORT: usize = 15;
const WHAT: &str = "values";
const DAMAGED: ShardError = ShardError::Structure(WHAT);

/// Where the list of a value lies: for [`Strings::postings`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    at: u64,
    len: usize,
}

/// One value of a dictionary.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Entry<'v> {
    /// The value.
    pub(crate) value: &'v str,
    /// As it was given to the writer.
    pub(crate) count: u64,
    /// `None` for the *rest* and in dictionaries without lists.
    pub(crate) place: Option<Place>,
}

/// Collects a dictionary.
#[derive(Debug)]
pub(crate) struct StringsWriter {
    with_lists: bool,
    entries: u64,
    last: Vec<u8>,
    restarts: Vec<[u64; 2]>,
    values: Vec<u8>,
    lists: Vec<u8>,
}

impl StringsWriter {
    /// An empty one; without lists, entries are a byte shorter.
    pub(crate) fn new(with_lists: bool) -> Self {
        let (last, restarts, values, lists) = Default::default();
        Self { with_lists, entries: 0, last, restarts, values, lists }
    }

    /// Adds a value, greater (by bytes) than the one before; `None` stands for *rest*.
    pub(crate) fn push(&mut self, value: &str, count: u64, list: Option<&[u8]>) {
        let value = value.as_bytes();
        debug_assert!(self.entries == 0 || self.last.as_slice() < value, "values ascend");
        debug_assert!(self.with_lists || list.is_none(), "a dictionary without lists");
        let shared = if self.entries.is_multiple_of(RESTART) {
            self.restarts.push([self.values.len() as u64, self.lists.len() as u64]);
            0
        } else {
            common(&self.last, value)
        };
        let own = value.get(shared..).unwrap_or_default();
        let halves = shared.min(SHORT) | own.len().min(SHORT) << 4;
        self.values.push(halves.to_le_bytes()[0]);
        for len in [shared, own.len()] {
            if let Some(more) = len.checked_sub(SHORT) {
                self.values.varint(more as u64);
            }
        }
        self.values.extend_from_slice(own);
        self.values.varint(count);
        if self.with_lists {
            self.values.varint(list.map_or(0, |list| list.len() as u64 + 1));
            self.lists.extend_from_slice(list.unwrap_or_default());
        }
        self.last.truncate(shared);
        self.last.extend_from_slice(own);
        self.entries += 1;
    }

    /// Bytes of the values and lists so far.
    pub(crate) fn len(&self) -> usize {
        self.values.len() + self.lists.len()
    }

    /// Appends the dictionary.
    pub(crate) fn finish(self, out: &mut Vec<u8>) {
        let rows = Rows::fitting(&self.restarts);
        out.u64(self.entries).u64(self.values.len() as u64).u64(self.lists.len() as u64);
        out.u8(u8::from(self.with_lists));
        rows.widths().iter().for_each(|width| out.push(width.to_le_bytes()[0]));
        out.zeros(5);
        rows.write(&self.restarts, out);
        out.extend_from_slice(&self.values);
        out.extend_from_slice(&self.lists);
    }
}

/// How many bytes both begin with.
fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// A dictionary in the bytes of a source.
#[derive(Clone, Debug)]
pub(crate) struct Strings<S> {
    source: S,
    entries: u64,
    with_lists: bool,
    rows: Rows<2>,
    values_at: u64,
    lists_at: u64,
    end: u64,
}

impl<S: Source> Strings<S> {
    /// Reads the header; the source holds the dictionary and nothing else.
    ///
    /// # Errors
    /// [`ShardError`] where this is no dictionary.
    pub(crate) fn open(source: S) -> Result<Self, ShardError> {
        let end = source.len();
        let header = source.bytes(0, HEADER_LEN)?;
        let number = |at: usize| {
            let bytes = header.get(at..).and_then(<[u8]>::first_chunk).ok_or(DAMAGED)?;
            Ok(u64::from_le_bytes(*bytes))
        };
        let (entries, values, lists) = (number(0)?, number(8)?, number(16)?);
        let Some([with_lists, first, second, 0, 0, 0, 0, 0]) = header.get(24..) else {
            return Err(DAMAGED);
        };
        let rows = Rows::new([u32::from(*first), u32::from(*second)]).ok_or(DAMAGED)?;
        let restarts = rows.bytes(entries.div_ceil(RESTART)).ok_or(DAMAGED)?;
        let values_at = restarts.checked_add(HEADER_LEN as u64).ok_or(DAMAGED)?;
        let lists_at = values_at.checked_add(values).ok_or(DAMAGED)?;
        let whole = lists_at.checked_add(lists) == Some(end);
        // No entry is shorter than two bytes.
        if !whole || *with_lists > 1 || entries > values / 2 {
            return Err(DAMAGED);
        }
        let with_lists = *with_lists == 1;
        Ok(Self { source, entries, with_lists, rows, values_at, lists_at, end })
    }

    /// How many values there are.
    #[cfg(test)]
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    /// The bytes of a list.
    ///
    /// # Errors
    /// [`ShardError`] where the bytes are damaged.
    pub(crate) fn postings(&self, place: Place) -> Result<&[u8], ShardError> {
        let at = self.lists_at.checked_add(place.at).ok_or(DAMAGED)?;
        self.source.bytes(at, place.len)
    }

    /// The entry of a value.
    ///
    /// # Errors
    /// [`ShardError`] where the bytes on the way are damaged.
    pub(crate) fn find<'v>(&self, value: &'v str) -> Result<Option<Entry<'v>>, ShardError> {
        let Some(restart) = self.locate(value.as_bytes())? else { return Ok(None) };
        let mut raw = self.raw(restart)?;
        // What the entry before begins with like `value`, less than which it is.
        let (mut alike, mut before) = (0, 0);
        for _ in 0..RESTART.min(raw.left) {
            let (shared, own) = raw.head()?;
            if shared > before {
                return Err(DAMAGED);
            }
            before = shared.checked_add(own).ok_or(DAMAGED)?;
            if shared < alike {
                return Ok(None);
            }
            let wanted = value.as_bytes().get(alike..).unwrap_or_default();
            if shared > alike {
                raw.cursor.skip(own as u64)?;
            } else {
                let looked = raw.cursor.take(own.min(wanted.len()))?;
                let same = common(looked, wanted);
                match (looked.get(same), wanted.get(same)) {
                    (None, None) if own == wanted.len() => {
                        let (count, place) = raw.tail()?;
                        return Ok(Some(Entry { value, count, place }));
                    }
                    (Some(found), Some(wanted)) if found < wanted => {}
                    (None, Some(_)) => {}
                    _ => return Ok(None),
                }
                raw.cursor.skip((own - looked.len()) as u64)?;
                alike += same;
            }
            raw.tail()?;
        }
        Ok(None)
    }

    /// Gives each value that begins with `prefix`, ascending.
    ///
    /// # Errors
    /// That of `each`, or [`ShardError`] where the bytes on the way are damaged; values may have
    /// been given before.
    pub(crate) fn prefix(
        &self,
        prefix: &str,
        mut each: impl FnMut(Entry<'_>) -> Result<(), ShardError>,
    ) -> Result<(), ShardError> {
        let restart = self.locate(prefix.as_bytes())?.unwrap_or(0);
        let mut walk = Walk { raw: self.raw(restart)?, value: Vec::new() };
        while let Some(entry) = walk.next_entry()? {
            if entry.value.starts_with(prefix) {
                each(entry)?;
            } else if entry.value > prefix {
                break;
            }
        }
        Ok(())
    }

    /// All values from the first on.
    ///
    /// # Errors
    /// [`ShardError`] where the first restart is damaged.
    pub(crate) fn iter(&self) -> Result<Walk<'_, S>, ShardError> {
        Ok(Walk { raw: self.raw(0)?, value: Vec::new() })
    }

    /// The last restart whose value is not greater.
    fn locate(&self, value: &[u8]) -> Result<Option<u64>, ShardError> {
        let (mut low, mut high) = (0, self.entries.div_ceil(RESTART));
        while low < high {
            let middle = low + (high - low) / 2;
            let mut raw = self.raw(middle)?;
            let (_, own) = raw.head()?;
            let looked = raw.cursor.take(own.min(value.len()))?;
            match looked.cmp(value.get(..looked.len()).unwrap_or_default()) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal if own <= value.len() => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low.checked_sub(1))
    }

    /// The entries from a restart on.
    fn raw(&self, restart: u64) -> Result<Raw<'_, S>, ShardError> {
        let index = restart * RESTART;
        let left = self.entries.saturating_sub(index);
        let [at, list_at] = if left == 0 {
            [0, 0]
        } else {
            self.rows.read(&self.source, HEADER_LEN as u64, restart)?
        };
        let at = self.values_at.checked_add(at).ok_or(DAMAGED)?;
        let cursor = Cursor::new(&self.source, at, self.lists_at, WHAT);
        let lists_len = self.end - self.lists_at;
        Ok(Raw { cursor, index, left, list_at, lists_len, with_lists: self.with_lists })
    }
}

/// Reads the parts of entries one by one: [`Self::head`], its own bytes, [`Self::tail`].
struct Raw<'a, S> {
    cursor: Cursor<'a, S>,
    index: u64,
    left: u64,
    list_at: u64,
    lists_len: u64,
    with_lists: bool,
}

impl<S: Source> Raw<'_, S> {
    /// How many bytes the entry shares with the one before, and how many follow.
    fn head(&mut self) -> Result<(usize, usize), ShardError> {
        let [halves] = *self.cursor.take(1)? else { return Err(DAMAGED) };
        let mut len = |half: u8| match usize::from(half) {
            SHORT => {
                let more = usize::try_from(self.cursor.varint()?).map_err(|_| DAMAGED)?;
                more.checked_add(SHORT).ok_or(DAMAGED)
            }
            short => Ok(short),
        };
        let (shared, own) = (len(halves & 15)?, len(halves >> 4)?);
        if self.index.is_multiple_of(RESTART) && shared > 0 {
            return Err(DAMAGED);
        }
        Ok((shared, own))
    }

    /// The count and the place of the list.
    fn tail(&mut self) -> Result<(u64, Option<Place>), ShardError> {
        let count = self.cursor.varint()?;
        let list = if self.with_lists { self.cursor.varint()? } else { 0 };
        self.index += 1;
        self.left = self.left.checked_sub(1).ok_or(DAMAGED)?;
        let Some(len) = list.checked_sub(1) else { return Ok((count, None)) };
        let at = self.list_at;
        self.list_at = at.checked_add(len).filter(|end| *end <= self.lists_len).ok_or(DAMAGED)?;
        Ok((count, Some(Place { at, len: usize::try_from(len).map_err(|_| DAMAGED)? })))
    }
}

/// Goes through a dictionary, ascending.
pub(crate) struct Walk<'a, S> {
    raw: Raw<'a, S>,
    value: Vec<u8>,
}

impl<S: Source> Walk<'_, S> {
    /// The next value; it can be looked at until the one after it is asked for.
    ///
    /// # Errors
    /// [`ShardError`] where its bytes are damaged.
    pub(crate) fn next_entry(&mut self) -> Result<Option<Entry<'_>>, ShardError> {
        if self.raw.left == 0 {
            return if self.raw.cursor.is_at_end() { Ok(None) } else { Err(DAMAGED) };
        }
        let (shared, own) = self.raw.head()?;
        if shared > self.value.len() {
            return Err(DAMAGED);
        }
        let own = self.raw.cursor.take(own)?;
        self.value.truncate(shared);
        self.value.extend_from_slice(own);
        let (count, place) = self.raw.tail()?;
        let value = str::from_utf8(&self.value).map_err(|_| DAMAGED)?;
        Ok(Some(Entry { value, count, place }))
    }
}
