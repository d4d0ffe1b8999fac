//! Numbers in as few bits as they need: fixed widths, Rice and Elias gamma codes, varints.
//!
//! Invariant: bits lie lowest first; reading past the end gives `None`, never a panic; what follows
//! the last bit up to the end of its byte is zero.
//! Knows nothing about what the numbers stand for.

use super::bytes::Source;
use super::error::ShardError;

/// Zeros before the one that ends the unary part of a Rice code; with so many comes, instead of
/// the one, the width of the number in six bits and the number itself.
pub(crate) const UNARY_MAX: u32 = 24;
/// Bits that one look ahead surely shows.
const LOOK_BITS: u32 = 57;
/// Bytes of the longest varint.
pub(crate) const VARINT_LEN_MAX: usize = 10;

const fn low(value: u64, width: u32) -> u64 {
    if width >= u64::BITS { value } else { value & ((1 << width) - 1) }
}

/// Appends bits to a buffer; whole bytes only after [`Self::finish`].
pub(crate) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    word: u64,
    filled: u32,
}

impl<'a> BitWriter<'a> {
    /// Begins at the end of `out`.
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, word: 0, filled: 0 }
    }

    /// The lowest `width` bits of `value`, at most 64.
    pub(crate) fn bits(&mut self, value: u64, width: u32) {
        if width > 32 {
            self.put(low(value, 32), 32);
            self.put(low(value >> 32, width - 32), width - 32);
        } else {
            self.put(low(value, width), width);
        }
    }

    fn put(&mut self, value: u64, width: u32) {
        self.word |= value << self.filled;
        self.filled += width;
        if self.filled >= 32 {
            let [a, b, c, d, ..] = self.word.to_le_bytes();
            self.out.extend_from_slice(&[a, b, c, d]);
            self.word >>= 32;
            self.filled -= 32;
        }
    }

    /// A number from 1 to `u32::MAX`, in few bits where it is small.
    pub(crate) fn gamma(&mut self, value: u32) {
        let width = value.max(1).ilog2();
        self.bits(1 << width, width + 1);
        self.bits(u64::from(value), width);
    }

    /// Any number, in few bits where it is not much above `2^k`; `k` is 0 to 63.
    pub(crate) fn rice(&mut self, value: u64, k: u32) {
        let over = value >> k;
        if over < u64::from(UNARY_MAX) {
            // Less than 24: one, behind that many zeros.
            self.bits(1 << over, u32::try_from(over).unwrap_or_default() + 1);
            self.bits(value, k);
        } else {
            let width = value.ilog2() + 1;
            self.bits(0, UNARY_MAX);
            self.bits(u64::from(width - 1), 6);
            self.bits(value, width);
        }
    }

    /// Writes the last bits, with zeros up to the end of their byte.
    pub(crate) fn finish(self) {
        let bytes = self.word.to_le_bytes();
        self.out.extend(bytes.iter().take(self.filled.div_ceil(8) as usize));
    }
}

/// Bits that [`BitWriter::gamma`] writes.
pub(crate) fn gamma_len(value: u32) -> u64 {
    u64::from(2 * value.max(1).ilog2() + 1)
}

/// Bits that [`BitWriter::rice`] writes.
pub(crate) fn rice_len(value: u64, k: u32) -> u64 {
    let over = value >> k;
    if over < u64::from(UNARY_MAX) {
        over + 1 + u64::from(k)
    } else {
        u64::from(UNARY_MAX + 6 + value.ilog2() + 1)
    }
}

/// The `k` for `count` numbers that fall anywhere and whose sum is `sum`: ln 2 of their mean.
pub(crate) fn rice_width(sum: u64, count: u64) -> u32 {
    let scaled = u128::from(sum) * 11 / (u128::from(count.max(1)) * 16);
    scaled.max(1).ilog2()
}

/// Takes bits from the front of a slice.
#[derive(Clone)]
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    /// Bits read so far.
    at: usize,
    /// Bits there are.
    end: usize,
}

impl<'a> BitReader<'a> {
    /// Begins at the first bit.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, end: bytes.len().saturating_mul(8) }
    }

    /// The next [`LOOK_BITS`] bits and perhaps more; zeros behind the end.
    #[inline]
    fn look(&self) -> u64 {
        let from = self.at >> 3;
        let word = match self.bytes.get(from..).and_then(<[u8]>::first_chunk) {
            Some(chunk) => u64::from_le_bytes(*chunk),
            None => self.look_at_end(from),
        };
        word >> (self.at & 7)
    }

    #[cold]
    fn look_at_end(&self, from: usize) -> u64 {
        let rest = self.bytes.get(from..).unwrap_or_default();
        rest.iter().take(8).rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
    }

    /// Goes on by so many bits.
    #[inline]
    pub(crate) fn skip(&mut self, bits: usize) -> Option<()> {
        let at = self.at.checked_add(bits)?;
        if at > self.end {
            return None;
        }
        self.at = at;
        Some(())
    }

    /// A number of `width` bits, at most 64.
    #[inline]
    pub(crate) fn bits(&mut self, width: u32) -> Option<u64> {
        if width >= LOOK_BITS {
            let lower = self.bits(32)?;
            return Some(lower | self.bits(width.min(u64::BITS) - 32)? << 32);
        }
        let value = low(self.look(), width);
        self.skip(width as usize)?;
        Some(value)
    }

    /// What [`BitWriter::gamma`] wrote.
    #[inline]
    pub(crate) fn gamma(&mut self) -> Option<u32> {
        let width = self.look().trailing_zeros();
        if width >= u32::BITS {
            return None;
        }
        self.skip(width as usize + 1)?;
        u32::try_from(1 << width | self.bits(width)?).ok()
    }

    /// What [`BitWriter::rice`] wrote with the same `k`.
    #[inline]
    pub(crate) fn rice(&mut self, k: u32) -> Option<u64> {
        let word = self.look();
        let over = word.trailing_zeros();
        if over < UNARY_MAX && over + 1 + k < LOOK_BITS {
            self.skip((over + 1 + k) as usize)?;
            return Some(u64::from(over) << k | low(word >> (over + 1), k));
        }
        self.rice_long(over, k)
    }

    /// Skips `width` bits, of which the first must be one, and reads a Rice code. `None`, and
    /// nothing is read, where that takes more than one look.
    #[inline]
    pub(crate) fn rice_behind(&mut self, width: u32, k: u32) -> Option<u64> {
        let word = self.look();
        let code = word.checked_shr(width)?;
        let over = code.trailing_zeros();
        if word & 1 == 0 || over >= UNARY_MAX || width + over + 1 + k >= LOOK_BITS {
            return None;
        }
        self.skip((width + over + 1 + k) as usize)?;
        Some(u64::from(over) << k | low(code >> (over + 1), k))
    }

    #[cold]
    fn rice_long(&mut self, over: u32, k: u32) -> Option<u64> {
        if over < UNARY_MAX {
            self.skip(over as usize + 1)?;
            return Some(u64::from(over) << (k & 63) | self.bits(k)?);
        }
        self.skip(UNARY_MAX as usize)?;
        let width = self.bits(6)? + 1;
        self.bits(u32::try_from(width).ok()?)
    }

    /// Checks that nothing is left but the zeros that fill the last byte.
    pub(crate) fn finish(self) -> Option<()> {
        (self.end - self.at < 8 && self.look() == 0).then_some(())
    }
}

/// The number that `Put::varint` wrote at the beginning of `bytes`, which loses it; `None` where it
/// has no end or more than 64 bits.
pub(crate) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    let mut rest = *bytes;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, tail) = rest.split_first()?;
        rest = tail;
        let part = u64::from(byte & 0x7F);
        if part << shift >> shift != part {
            return None;
        }
        value |= part << shift;
        if byte & 0x80 == 0 {
            *bytes = rest;
            return Some(value);
        }
    }
    None
}

/// Rows of numbers with a fixed width per column, one behind the other without gaps: any row can be
/// read alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rows<const COLUMNS: usize> {
    widths: [u32; COLUMNS],
}

impl<const COLUMNS: usize> Rows<COLUMNS> {
    /// Columns of these widths, at most 64 bits each.
    pub(crate) fn new(widths: [u32; COLUMNS]) -> Option<Self> {
        widths.iter().all(|width| *width <= u64::BITS).then_some(Self { widths })
    }

    /// Columns wide enough for these rows.
    pub(crate) fn fitting(rows: &[[u64; COLUMNS]]) -> Self {
        let mut all = [0; COLUMNS];
        for row in rows {
            all.iter_mut().zip(row).for_each(|(all, value)| *all |= value);
        }
        Self { widths: all.map(|all| u64::BITS - all.leading_zeros()) }
    }

    /// Bits of each column.
    pub(crate) fn widths(self) -> [u32; COLUMNS] {
        self.widths
    }

    fn row_bits(self) -> u64 {
        self.widths.iter().map(|width| u64::from(*width)).sum()
    }

    /// Bytes of so many rows.
    pub(crate) fn bytes(self, rows: u64) -> Option<u64> {
        Some(rows.checked_mul(self.row_bits())?.div_ceil(8))
    }

    /// Appends rows.
    pub(crate) fn write(self, rows: &[[u64; COLUMNS]], out: &mut Vec<u8>) {
        let mut writer = BitWriter::new(out);
        for row in rows {
            row.iter().zip(self.widths).for_each(|(value, width)| writer.bits(*value, width));
        }
        writer.finish();
    }

    /// Row `index` of the rows that begin at `at`; touches the bytes of that row only.
    pub(crate) fn read<S: Source + ?Sized>(
        self,
        source: &S,
        at: u64,
        index: u64,
    ) -> Result<[u64; COLUMNS], ShardError> {
        let error = ShardError::Structure("restarts");
        let first = index.checked_mul(self.row_bits()).ok_or(error)?;
        let begin = usize::try_from(first % 8).map_err(|_| error)?;
        let len = (first % 8 + self.row_bits()).div_ceil(8);
        let place = at.checked_add(first / 8).ok_or(error)?;
        let bytes = source.bytes(place, usize::try_from(len).map_err(|_| error)?)?;
        let mut reader = BitReader::new(bytes);
        reader.skip(begin).ok_or(error)?;
        let mut row = [0; COLUMNS];
        for (value, width) in row.iter_mut().zip(self.widths) {
            *value = reader.bits(width).ok_or(error)?;
        }
        Ok(row)
    }
}
