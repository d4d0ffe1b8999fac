//! A table from numbers to places: identifiers and words by their hash, IPv4 addresses.
//!
//! Invariant: a key that was written is found with each of its places. Keys that agree in the kept
//! bits are one key, so there may be places too many where bits were dropped. Finding a key touches
//! the restarts on the way to it, one block of 64 keys and its own list.
//! Knows nothing about what is hashed or what a place is.
//!
//! Header (36 bytes): keys, bytes of the blocks, bytes of the lists (`u64` each), the universe of
//! the places (`u32`), given bits, kept bits, widths of the three columns of the restarts (a byte
//! each), zeros. Then the restarts ([`Rows`]: for each block its first key, its place, the place of
//! its first list), the blocks, the lists.
//!
//! A block is six bits `k`; then for each key, except the first of the block, the Rice code of the
//! keys between the one before and this one, and its places: gamma code of their number, then
//! - 1: the place, in as many bits as the universe needs;
//! - 2 to 15: Rice codes of the places between, as in a list of *gaps*;
//! - 16 stands for 16 or more: gamma code of the bytes of the list, which is a [`postings`] list.

use std::ops::RangeInclusive;

use super::bits::{BitReader, BitWriter, Rows, rice_len, rice_width};
use super::bytes::Source;
use super::error::ShardError;
use super::postings;
use crate::format::Put;

const HEADER_LEN: usize = 36;
const BLOCK: u64 = 64;
/// So many places and more are a list of their own.
const LONG: u32 = 16;
/// Blocks stepped over at first where the guessed one is wrong; enough for uniform keys.
const STEP: u64 = 8;
const DAMAGED: ShardError = ShardError::Structure("keys");

/// What the keys and places of a table are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct KeyShape {
    /// Bits of a key as callers give it, 1 to 64.
    pub(crate) given_bits: u32,
    /// The upper bits of those that are kept, 1 to `given_bits`.
    pub(crate) kept_bits: u32,
    /// The universe of the places, 1 to 65,536.
    pub(crate) places: u32,
}

impl KeyShape {
    /// IPv4 addresses to octets, exact.
    pub(crate) const ADDRESSES: Self =
        Self { given_bits: 32, kept_bits: 32, places: postings::OCTET_PLACES };

    /// Terms to octets: of so many different ones, one in 64 to 128 that is not there seems to be.
    pub(crate) fn terms(distinct: u64) -> Self {
        let bits = u64::BITS - distinct.max(1).saturating_sub(1).leading_zeros();
        let places = postings::OCTET_PLACES;
        Self { given_bits: u64::BITS, kept_bits: (bits + 6).min(u64::BITS), places }
    }

    fn checked(self) -> Option<Self> {
        let kept = (1..=self.given_bits).contains(&self.kept_bits);
        let places = (1..=postings::RECORD_PLACES).contains(&self.places);
        (kept && places && self.given_bits <= u64::BITS).then_some(self)
    }

    /// What is kept of a key.
    fn keep(self, key: u64) -> u64 {
        key >> (self.given_bits - self.kept_bits)
    }

    /// Bits of one place.
    fn place_bits(self) -> u32 {
        u32::BITS - (self.places - 1).leading_zeros()
    }

    fn gap_width(self, count: u32) -> u32 {
        rice_width(u64::from(self.places.saturating_sub(count)), u64::from(count))
    }
}

/// Appends the table of these pairs of key and place, which ascend by key; the places of one key
/// may come in any order and repeat.
pub(crate) fn encode(
    pairs: impl IntoIterator<Item = (u64, u16)>,
    shape: KeyShape,
    out: &mut Vec<u8>,
) {
    let mut writer = Writer { shape, ..Writer::default() };
    let mut current = None;
    let mut places = Vec::new();
    for (key, place) in pairs {
        let key = shape.keep(key);
        if current.is_some_and(|current| current != key) {
            writer.end_key(current, &mut places);
        }
        debug_assert!(current.is_none_or(|current| current <= key), "keys ascend");
        debug_assert!(u32::from(place) < shape.places, "a place outside the universe");
        current = Some(key);
        places.push(place);
    }
    writer.end_key(current, &mut places);
    writer.finish(out);
}

impl Default for KeyShape {
    fn default() -> Self {
        Self::ADDRESSES
    }
}

#[derive(Default)]
struct Writer {
    shape: KeyShape,
    keys: u64,
    restarts: Vec<[u64; 3]>,
    blocks: Vec<u8>,
    lists: Vec<u8>,
    /// Keys of the block that grows, each with the end of its places.
    block: Vec<(u64, usize)>,
    places: Vec<u16>,
}

impl Writer {
    fn end_key(&mut self, key: Option<u64>, places: &mut Vec<u16>) {
        let Some(key) = key else { return };
        places.sort_unstable();
        places.dedup();
        self.places.append(places);
        self.block.push((key, self.places.len()));
        self.keys += 1;
        if self.block.len() as u64 == BLOCK {
            self.end_block();
        }
    }

    fn end_block(&mut self) {
        let Some((first, _)) = self.block.first() else { return };
        self.restarts.push([*first, self.blocks.len() as u64, self.lists.len() as u64]);
        let keys = || self.block.iter().map(|(key, _)| *key);
        let between = || keys().zip(keys().skip(1)).map(|(a, b)| b - a - 1);
        let sum = between().fold(0, u64::saturating_add);
        let expected = rice_width(sum, self.block.len() as u64 - 1);
        let cost = |k: &u32| between().map(|gap| rice_len(gap, *k)).sum::<u64>();
        let around = expected.saturating_sub(4)..=(expected + 1).min(63);
        let k = around.min_by_key(cost).unwrap_or(expected);
        let mut writer = BitWriter::new(&mut self.blocks);
        writer.bits(u64::from(k), 6);
        let (mut before, mut start) = (None, 0);
        for (key, end) in &self.block {
            if let Some(before) = before {
                writer.rice(key - before - 1, k);
            }
            let places = self.places.get(start..*end).unwrap_or_default();
            write_places(places, self.shape, &mut writer, &mut self.lists);
            (before, start) = (Some(key), *end);
        }
        writer.finish();
        self.block.clear();
        self.places.clear();
    }

    fn finish(mut self, out: &mut Vec<u8>) {
        self.end_block();
        let rows = Rows::fitting(&self.restarts);
        out.u64(self.keys).u64(self.blocks.len() as u64).u64(self.lists.len() as u64);
        out.u32(self.shape.places);
        let [a, b, c] = rows.widths();
        for byte in [self.shape.given_bits, self.shape.kept_bits, a, b, c] {
            out.push(byte.to_le_bytes()[0]);
        }
        out.zeros(3);
        rows.write(&self.restarts, out);
        out.extend_from_slice(&self.blocks);
        out.extend_from_slice(&self.lists);
    }
}

fn write_places(places: &[u16], shape: KeyShape, writer: &mut BitWriter<'_>, lists: &mut Vec<u8>) {
    let count = u32::try_from(places.len()).unwrap_or(LONG).min(LONG);
    writer.gamma(count);
    if count == LONG {
        let start = lists.len();
        postings::encode(places, shape.places, lists);
        writer.gamma(u32::try_from(lists.len() - start).unwrap_or(u32::MAX));
    } else if let [place] = places {
        writer.bits(u64::from(*place), shape.place_bits());
    } else {
        let k = shape.gap_width(count);
        postings::gaps(places).for_each(|gap| writer.rice(gap, k));
    }
}

/// A table in the bytes of a source.
#[derive(Clone, Debug)]
pub(crate) struct KeyTable<S> {
    source: S,
    shape: KeyShape,
    keys: u64,
    rows: Rows<3>,
    blocks_at: u64,
    lists_at: u64,
    lists_len: u64,
}

impl<S: Source> KeyTable<S> {
    /// Reads the header; the source holds the table and nothing else.
    ///
    /// # Errors
    /// [`ShardError`] where this is no table.
    pub(crate) fn open(source: S) -> Result<Self, ShardError> {
        let header = source.bytes(0, HEADER_LEN)?;
        let number = |at: usize| {
            let bytes = header.get(at..).and_then(<[u8]>::first_chunk).ok_or(DAMAGED)?;
            Ok(u64::from_le_bytes(*bytes))
        };
        let (keys, blocks_len, lists_len) = (number(0)?, number(8)?, number(16)?);
        let places = header.get(24..).and_then(<[u8]>::first_chunk).ok_or(DAMAGED)?;
        let places = u32::from_le_bytes(*places);
        let Some([given, kept, a, b, c, 0, 0, 0]) = header.get(28..) else { return Err(DAMAGED) };
        let (given_bits, kept_bits) = (u32::from(*given), u32::from(*kept));
        let shape = KeyShape { given_bits, kept_bits, places }.checked().ok_or(DAMAGED)?;
        let rows = Rows::new([*a, *b, *c].map(u32::from)).ok_or(DAMAGED)?;
        let restarts = rows.bytes(keys.div_ceil(BLOCK)).ok_or(DAMAGED)?;
        let blocks_at = restarts.checked_add(HEADER_LEN as u64).ok_or(DAMAGED)?;
        let lists_at = blocks_at.checked_add(blocks_len).ok_or(DAMAGED)?;
        let whole = lists_at.checked_add(lists_len) == Some(source.len());
        // No key takes less than a bit.
        if !whole || keys.div_ceil(8) > blocks_len {
            return Err(DAMAGED);
        }
        Ok(Self { source, shape, keys, rows, blocks_at, lists_at, lists_len })
    }

    /// How many keys there are.
    #[cfg(test)]
    pub(crate) fn keys(&self) -> u64 {
        self.keys
    }

    /// Gives the places of a key, ascending; none where it is not there.
    ///
    /// # Errors
    /// [`ShardError`] where the bytes on the way are damaged; places may have been given before.
    pub(crate) fn find(&self, key: u64, each: impl FnMut(u16)) -> Result<(), ShardError> {
        self.range(key..=key, each)
    }

    /// Gives the places of each key of a range, which may repeat.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub(crate) fn range(
        &self,
        keys: RangeInclusive<u64>,
        mut each: impl FnMut(u16),
    ) -> Result<(), ShardError> {
        let (low, high) = (self.shape.keep(*keys.start()), self.shape.keep(*keys.end()));
        if keys.is_empty() {
            return Ok(());
        }
        let first = self.locate(low)?.unwrap_or(0);
        for index in first..self.keys.div_ceil(BLOCK) {
            let mut block = self.block(index)?;
            let mut next = block.next_key()?;
            while let Some(key) = next {
                if key > high {
                    return Ok(());
                }
                if key < low {
                    next = block.pass_single();
                    if next.is_some() {
                        continue;
                    }
                    block.skip_places()?;
                } else {
                    block.places(&mut each)?;
                    // No need to find the end of the block, or to touch the next one.
                    if key == high {
                        return Ok(());
                    }
                }
                next = block.next_key()?;
            }
        }
        Ok(())
    }

    fn row(&self, block: u64) -> Result<[u64; 3], ShardError> {
        self.rows.read(&self.source, HEADER_LEN as u64, block)
    }

    /// The last block whose first key is not greater. Uniform keys are near where they are expected
    /// to be; from there the steps double, so others are found in logarithmic time too.
    fn locate(&self, key: u64) -> Result<Option<u64>, ShardError> {
        let blocks = self.keys.div_ceil(BLOCK);
        let guess = (u128::from(blocks) * u128::from(key)) >> self.shape.kept_bits;
        let guess = u64::try_from(guess).map_or(blocks, |guess| guess.min(blocks));
        // All blocks before `low` begin at or before the key, all from `high` on behind it.
        let (mut low, mut high) = (0, blocks);
        let mut step = STEP;
        let mut probe = guess.min(blocks.saturating_sub(1));
        while low < high {
            let [first, ..] = self.row(probe)?;
            if first <= key {
                low = probe + 1;
                probe = probe.saturating_add(step);
            } else {
                high = probe;
                probe = probe.saturating_sub(step);
            }
            step = step.saturating_mul(2);
            if !(low..high).contains(&probe) || high - low <= STEP {
                probe = low + (high - low) / 2;
            }
        }
        Ok(low.checked_sub(1))
    }

    fn block(&self, index: u64) -> Result<Block<'_, S>, ShardError> {
        let [key, at, list_at] = self.row(index)?;
        let left = self.keys.saturating_sub(index * BLOCK).min(BLOCK);
        let end = if index + 1 < self.keys.div_ceil(BLOCK) {
            let [_, end, _] = self.row(index + 1)?;
            end
        } else {
            self.lists_at - self.blocks_at
        };
        let len = end.checked_sub(at).and_then(|len| usize::try_from(len).ok()).ok_or(DAMAGED)?;
        let at = self.blocks_at.checked_add(at).ok_or(DAMAGED)?;
        let bytes = self.source.bytes(at, len)?;
        let mut reader = BitReader::new(bytes);
        let k = reader.bits(6).and_then(|k| u32::try_from(k).ok()).ok_or(DAMAGED)?;
        Ok(Block { table: self, reader, k, key, is_first: true, left, list_at })
    }
}

/// Reads a block: [`Self::next_key`], then its places, [`Self::skip_places`] or both that and the
/// next key by [`Self::pass_single`].
struct Block<'a, S> {
    table: &'a KeyTable<S>,
    reader: BitReader<'a>,
    k: u32,
    key: u64,
    is_first: bool,
    left: u64,
    list_at: u64,
}

impl<S: Source> Block<'_, S> {
    fn next_key(&mut self) -> Result<Option<u64>, ShardError> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        if !self.is_first {
            let between = self.reader.rice(self.k).ok_or(DAMAGED)?;
            let step = between.checked_add(1).ok_or(DAMAGED)?;
            self.key = self.key.checked_add(step).ok_or(DAMAGED)?;
        }
        self.is_first = false;
        Ok(Some(self.key))
    }

    /// The next key, where the places of this one are a single place; `None`, and nothing is read,
    /// where it takes more than one look.
    #[inline]
    fn pass_single(&mut self) -> Option<u64> {
        let left = self.left.checked_sub(1)?;
        // The count of one is a single one.
        let before = self.reader.clone();
        let between = self.reader.rice_behind(1 + self.table.shape.place_bits(), self.k)?;
        let Some(key) = self.key.checked_add(between).and_then(|key| key.checked_add(1)) else {
            self.reader = before;
            return None;
        };
        (self.left, self.key) = (left, key);
        Some(key)
    }

    /// How many places follow; [`LONG`] stands for a list.
    fn count(&mut self) -> Result<u32, ShardError> {
        self.reader.gamma().filter(|count| *count <= LONG).ok_or(DAMAGED)
    }

    fn list(&mut self) -> Result<(u64, usize), ShardError> {
        let len = self.reader.gamma().ok_or(DAMAGED)?;
        let at = self.list_at;
        let end = at.checked_add(u64::from(len)).filter(|end| *end <= self.table.lists_len);
        self.list_at = end.ok_or(DAMAGED)?;
        Ok((at, len as usize))
    }

    fn skip_places(&mut self) -> Result<(), ShardError> {
        let shape = self.table.shape;
        match self.count()? {
            1 => self.reader.skip(shape.place_bits() as usize).ok_or(DAMAGED),
            LONG => self.list().map(|_| ()),
            count => {
                let k = shape.gap_width(count);
                (0..count).try_for_each(|_| self.reader.rice(k).map(|_| ())).ok_or(DAMAGED)
            }
        }
    }

    fn places(&mut self, each: &mut impl FnMut(u16)) -> Result<(), ShardError> {
        let shape = self.table.shape;
        let inside = |place: u64| {
            let place = u16::try_from(place).ok()?;
            (u32::from(place) < shape.places).then_some(place)
        };
        match self.count()? {
            1 => {
                let place = self.reader.bits(shape.place_bits()).and_then(inside);
                each(place.ok_or(DAMAGED)?);
                Ok(())
            }
            LONG => {
                let (at, len) = self.list()?;
                let at = self.table.lists_at.checked_add(at).ok_or(DAMAGED)?;
                let bytes = self.table.source.bytes(at, len)?;
                postings::decode(bytes, shape.places, each)
            }
            count => {
                let k = shape.gap_width(count);
                let mut next = 0_u64;
                for _ in 0..count {
                    let gap = self.reader.rice(k).ok_or(DAMAGED)?;
                    let place = next.checked_add(gap).and_then(inside).ok_or(DAMAGED)?;
                    each(place);
                    next = u64::from(place) + 1;
                }
                Ok(())
            }
        }
    }
}
