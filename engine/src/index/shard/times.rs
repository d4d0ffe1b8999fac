//! The times of a shard's records, tile by tile, in steps that suit each tile.
//!
//! Invariant: the earliest and the latest time of a tile are kept exactly; a record's span holds
//! its time and lies between them. Order does not matter: one wrong clock costs its own bytes.
//! Knows nothing about seqs: whoever reads a tile says how many records of it have a time.
//!
//! First a row of 20 bytes per tile: earliest, latest (`i64` each; `i64::MAX`, `i64::MIN` where
//! there is none), the end of the tile's bytes behind the rows (`u32`). Then the tiles' bytes: the
//! step (4 bits, a place in [`STEPS`]), `k` (6 bits), then for each time the Rice code of how many
//! steps it lies from the one expected, zigzag (0, -1, 1, -2, …). Expected is the earliest time at
//! first, then the one before. A *far* time, one whose Rice code is the long form, changes what is
//! expected only if the one before was far too.

use super::bits::{BitReader, BitWriter, UNARY_MAX, rice_len};
use super::bytes::Source;
use super::error::ShardError;
use super::lookup::TimeSpan;
use crate::format::{Put, TimeRange};

/// Records of a tile.
pub(crate) const TILE_RECORDS: u32 = 256;
const ROW_LEN: usize = 20;
/// Nanoseconds; all but the last divide a minute into whole parts that people ask for.
const STEPS: [i64; 11] = [
    60_000_000_000,
    10_000_000_000,
    1_000_000_000,
    100_000_000,
    10_000_000,
    1_000_000,
    100_000,
    10_000,
    1_000,
    100,
    1,
];
const STEP_BITS: u32 = 4;
const K_BITS: u32 = 6;
/// Records that may share a step on average.
const SHARED: u128 = 4;
const DAMAGED: ShardError = ShardError::Structure("times");

/// Collects the tiles of a shard.
#[derive(Debug, Default)]
pub(crate) struct TimesWriter {
    rows: Vec<u8>,
    tiles: Vec<u8>,
}

impl TimesWriter {
    /// Adds the next tile: the times of those of its records that have one, in order of seq.
    pub(crate) fn tile(&mut self, times: &[i64]) {
        let mut range = TimeRange::EMPTY;
        times.iter().for_each(|time| range.add(*time));
        if !times.is_empty() {
            let index = best_step(times);
            let step = STEPS.get(index).copied().unwrap_or(1);
            let k = best_k(times, step, range.min);
            let mut writer = BitWriter::new(&mut self.tiles);
            writer.bits(index as u64, STEP_BITS);
            writer.bits(u64::from(k), K_BITS);
            distances(times, step, range.min, k).for_each(|distance| writer.rice(distance, k));
            writer.finish();
        }
        let end = u32::try_from(self.tiles.len()).unwrap_or(u32::MAX);
        self.rows.i64(range.min).i64(range.max).u32(end);
    }

    /// Appends all of it.
    pub(crate) fn finish(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.rows);
        out.extend_from_slice(&self.tiles);
    }
}

/// The coarsest step that few enough records share, judged by the middle of the times, which wrong
/// clocks do not move; by more of them where the middle is a single moment.
fn best_step(times: &[i64]) -> usize {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let mut outside = sorted.len() / 4;
    loop {
        let inside = sorted.get(outside..sorted.len() - outside).unwrap_or_default();
        let span = inside.first().zip(inside.last()).map_or(0, |(a, b)| b.abs_diff(*a));
        if span > 0 {
            let suits = |step: &i64| {
                u128::from(step.unsigned_abs()) * inside.len() as u128 <= u128::from(span) * SHARED
            };
            return STEPS.iter().position(suits).unwrap_or(STEPS.len() - 1);
        }
        if outside == 0 {
            return STEPS.len() - 1;
        }
        outside /= 2;
    }
}

fn best_k(times: &[i64], step: i64, first: i64) -> u32 {
    let mut plain: Vec<u64> = distances(times, step, first, 0).collect();
    plain.sort_unstable();
    let median = plain.get(plain.len() / 2).copied().unwrap_or(0);
    let around = (median + 1).ilog2();
    let cost = |k: &u32| distances(times, step, first, *k).map(|d| rice_len(d, *k)).sum::<u64>();
    (around.saturating_sub(2)..=around + 2)
        .filter(|k| *k < 1 << K_BITS)
        .min_by_key(cost)
        .unwrap_or(0)
}

/// What is expected, and whether the time before was far from it.
struct Expected {
    steps: i64,
    far: bool,
}

impl Expected {
    fn new(first: i64, step: i64) -> Self {
        Self { steps: first.div_euclid(step), far: false }
    }

    fn next(&mut self, steps: i64, distance: u64, k: u32) {
        let far = distance >> k >= u64::from(UNARY_MAX);
        if far && !self.far {
            self.far = true;
        } else {
            *self = Self { steps, far: false };
        }
    }
}

/// The zigzag distance of each time from what is expected; any two times have one.
fn distances(times: &[i64], step: i64, first: i64, k: u32) -> impl Iterator<Item = u64> + '_ {
    let mut expected = Expected::new(first, step);
    times.iter().map(move |time| {
        let steps = time.div_euclid(step);
        let distance = steps.wrapping_sub(expected.steps);
        let distance = (distance.wrapping_shl(1) ^ (distance >> 63)).cast_unsigned();
        expected.next(steps, distance, k);
        distance
    })
}

/// The times in the bytes of a source.
#[derive(Clone, Debug)]
pub(crate) struct Times<S> {
    source: S,
    tiles: usize,
}

impl<S: Source> Times<S> {
    /// The source holds the times of so many tiles and nothing else.
    ///
    /// # Errors
    /// [`ShardError::Structure`] where it is too short.
    pub(crate) fn open(source: S, tiles: usize) -> Result<Self, ShardError> {
        if source.len() < (tiles * ROW_LEN) as u64 {
            return Err(DAMAGED);
        }
        Ok(Self { source, tiles })
    }

    /// Earliest and latest time of a tile; empty where it has none.
    ///
    /// # Errors
    /// [`ShardError`] where the tile's row is damaged or there is none.
    pub(crate) fn range(&self, tile: usize) -> Result<TimeRange, ShardError> {
        self.row(tile).map(|(range, _)| range)
    }

    /// Gives the spans of the `count` records of a tile that have a time, in order of seq.
    ///
    /// # Errors
    /// [`ShardError`] where the bytes are damaged; spans may have been given before.
    pub(crate) fn spans(
        &self,
        tile: usize,
        count: usize,
        each: impl FnMut(TimeSpan),
    ) -> Result<(), ShardError> {
        let (range, end) = self.row(tile)?;
        let start = match tile.checked_sub(1) {
            Some(before) => self.row(before)?.1,
            None => 0,
        };
        if count == 0 {
            return if start == end && range == TimeRange::EMPTY { Ok(()) } else { Err(DAMAGED) };
        }
        let len = end.checked_sub(start).ok_or(DAMAGED)?;
        let at = (self.tiles * ROW_LEN) as u64 + u64::from(start);
        let bytes = self.source.bytes(at, len as usize)?;
        decode(bytes, range, count.min(TILE_RECORDS as usize), each).ok_or(DAMAGED)
    }

    fn row(&self, tile: usize) -> Result<(TimeRange, u32), ShardError> {
        if tile >= self.tiles {
            return Err(DAMAGED);
        }
        let row = self.source.bytes((tile * ROW_LEN) as u64, ROW_LEN)?;
        let (min, row) = row.split_first_chunk().ok_or(DAMAGED)?;
        let (max, row) = row.split_first_chunk().ok_or(DAMAGED)?;
        let (end, _) = row.split_first_chunk().ok_or(DAMAGED)?;
        let range = TimeRange { min: i64::from_le_bytes(*min), max: i64::from_le_bytes(*max) };
        Ok((range, u32::from_le_bytes(*end)))
    }
}

fn decode(
    bytes: &[u8],
    range: TimeRange,
    count: usize,
    mut each: impl FnMut(TimeSpan),
) -> Option<()> {
    let mut reader = BitReader::new(bytes);
    let step = *STEPS.get(usize::try_from(reader.bits(STEP_BITS)?).ok()?)?;
    let k = u32::try_from(reader.bits(K_BITS)?).ok()?;
    let mut expected = Expected::new(range.min, step);
    for _ in 0..count {
        let distance = reader.rice(k)?;
        let signed = (distance >> 1).cast_signed() ^ -(distance & 1).cast_signed();
        let steps = expected.steps.wrapping_add(signed);
        expected.next(steps, distance, k);
        let from = steps.saturating_mul(step);
        let span = TimeSpan {
            min: from.max(range.min),
            max: from.saturating_add(step - 1).min(range.max),
        };
        if span.min > span.max {
            return None;
        }
        each(span);
    }
    reader.finish()
}
