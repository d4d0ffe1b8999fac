//! Ascending lists of places in a window, each in the smallest of four forms. (A bitmap may take a
//! sixteenth more, so fast is it read.)
//!
//! Invariant: a list says how many places it has without being decoded; decoding gives ascending
//! places below the universe, or an error, and ends after at most as many steps as the universe has
//! places.
//! Knows nothing about values, keys or where a list is stored.
//!
//! A list is a varint `count * 4 + form`, then:
//! - *gaps* (0): Rice codes of the places between one and the next, the `k` that `rice_width` gives
//!   for `universe - count` and `count`;
//! - *tuned gaps* (1): a byte `k`, then the same with that `k`;
//! - *bitmap* (2): a bit for each place of the universe;
//! - *runs* (3): gamma code of the number of runs, then for each the Rice code of the places
//!   before it (`k` for `universe - count` and the runs) and the gamma code of its length.

use super::bits::{self, BitReader, BitWriter, gamma_len, rice_len, rice_width};
use super::error::ShardError;
use super::record_set::RecordSet;
use super::{OCTET_RECORDS, SHARD_RECORDS};
use crate::format::Put;

/// Places of a window's records.
pub(crate) const RECORD_PLACES: u32 = 1 << 16;
/// Places of a window's octets.
pub(crate) const OCTET_PLACES: u32 = RECORD_PLACES / OCTET_RECORDS as u32;
const _: () = assert!(RECORD_PLACES as u64 == SHARD_RECORDS);

const GAPS: u64 = 0;
const TUNED: u64 = 1;
const BITMAP: u64 = 2;
const RUNS: u64 = 3;
/// How far below the expected `k` a better one is looked for; clustered lists have it there.
const TUNING: u32 = 5;
/// No gap needs a larger `k`.
const K_MAX: u32 = 16;

const DAMAGED: ShardError = ShardError::Structure("postings");

/// The places between one place and the next.
pub(super) fn gaps(places: &[u16]) -> impl Iterator<Item = u64> + '_ {
    let mut next = 0_u64;
    places.iter().map(move |place| {
        let gap = u64::from(*place).saturating_sub(next);
        next = u64::from(*place) + 1;
        gap
    })
}

/// The places before each run of neighbours, and its length.
fn runs(places: &[u16]) -> impl Iterator<Item = (u64, u32)> + '_ {
    let mut next = 0_u64;
    places.chunk_by(|a, b| u32::from(*a) + 1 == u32::from(*b)).map(move |run| {
        let first = run.first().map_or(next, |place| u64::from(*place));
        let gap = first.saturating_sub(next);
        next = first + run.len() as u64;
        (gap, u32::try_from(run.len()).unwrap_or(u32::MAX))
    })
}

/// Appends the list `places`: ascending, distinct, below `universe`, which is at most 65,536.
pub(crate) fn encode(places: &[u16], universe: u32, out: &mut Vec<u8>) {
    let count = places.len() as u64;
    let free = u64::from(universe).saturating_sub(count);
    let cost_of = |k: u32| gaps(places).map(|gap| rice_len(gap, k)).sum::<u64>();
    let expected = rice_width(free, count);
    let mut best = (cost_of(expected), GAPS, expected);
    for k in expected.saturating_sub(TUNING)..expected {
        best = best.min((cost_of(k) + 8, TUNED, k));
    }
    let (mut run_count, mut run_bits) = (0_u32, 0);
    runs(places).for_each(|(_, len)| {
        run_count += 1;
        run_bits += gamma_len(len);
    });
    let k = rice_width(free, u64::from(run_count));
    run_bits += gamma_len(run_count) + runs(places).map(|(gap, _)| rice_len(gap, k)).sum::<u64>();
    if run_count > 0 {
        best = best.min((run_bits, RUNS, k));
    }
    // Sixty-four places at a time instead of one are worth a sixteenth more.
    let bitmap_bits = u64::from(universe.div_ceil(8) * 8);
    if bitmap_bits <= best.0 + best.0 / 16 {
        best = (bitmap_bits, BITMAP, 0);
    }
    let (_, form, k) = best;
    out.varint(count << 2 | form);
    match form {
        BITMAP => write_bitmap(places, universe, out),
        RUNS => write_runs(places, run_count, k, out),
        form => {
            if form == TUNED {
                out.push(k.to_le_bytes()[0]);
            }
            let mut writer = BitWriter::new(out);
            gaps(places).for_each(|gap| writer.rice(gap, k));
            writer.finish();
        }
    }
}

fn write_bitmap(places: &[u16], universe: u32, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + universe.div_ceil(8) as usize, 0);
    for place in places {
        if let Some(byte) = out.get_mut(start + usize::from(place >> 3)) {
            *byte |= 1 << (place & 7);
        }
    }
}

fn write_runs(places: &[u16], run_count: u32, k: u32, out: &mut Vec<u8>) {
    let mut writer = BitWriter::new(out);
    writer.gamma(run_count);
    for (gap, len) in runs(places) {
        writer.rice(gap, k);
        writer.gamma(len);
    }
    writer.finish();
}

/// How many places a list has; needs its first bytes only (at most 10).
///
/// # Errors
/// [`ShardError::Structure`] where they don't begin a list.
pub(crate) fn count(bytes: &[u8]) -> Result<u32, ShardError> {
    let head = bits::varint(&mut &*bytes).ok_or(DAMAGED)?;
    u32::try_from(head >> 2).ok().filter(|count| *count <= RECORD_PLACES).ok_or(DAMAGED)
}

/// Gives each place of a list, ascending; `universe` as when it was encoded.
///
/// # Errors
/// [`ShardError::Structure`] where the bytes are not one list; places may have been given before.
pub(crate) fn decode(bytes: &[u8], universe: u32, each: impl FnMut(u16)) -> Result<(), ShardError> {
    walk(bytes, universe, &mut Each(each))
}

/// Adds the records of a list over the universe [`RECORD_PLACES`].
///
/// # Errors
/// As [`decode`]; records may have been added before.
pub(crate) fn add_records(bytes: &[u8], out: &mut RecordSet) -> Result<(), ShardError> {
    walk(bytes, RECORD_PLACES, &mut Records(out))
}

/// Adds the records of each octet of a list over the universe [`OCTET_PLACES`].
///
/// # Errors
/// As [`decode`]; records may have been added before.
pub(crate) fn add_octets(bytes: &[u8], out: &mut RecordSet) -> Result<(), ShardError> {
    walk(bytes, OCTET_PLACES, &mut Octets(out))
}

/// Takes what is decoded; everything it gets is inside the universe.
trait Sink {
    fn place(&mut self, place: u16);

    /// The places `[first, end)`.
    fn run(&mut self, first: u32, end: u32) {
        (first..end).filter_map(|place| u16::try_from(place).ok()).for_each(|p| self.place(p));
    }

    /// The places `first` to `first + 63` whose bit is set.
    fn word(&mut self, first: u32, mut word: u64) {
        while word != 0 {
            if let Ok(place) = u16::try_from(first + word.trailing_zeros()) {
                self.place(place);
            }
            word &= word - 1;
        }
    }
}

struct Each<F>(F);

impl<F: FnMut(u16)> Sink for Each<F> {
    fn place(&mut self, place: u16) {
        (self.0)(place);
    }
}

struct Records<'a>(&'a mut RecordSet);

impl Sink for Records<'_> {
    fn place(&mut self, place: u16) {
        self.0.insert(place);
    }

    fn run(&mut self, first: u32, end: u32) {
        self.0.insert_range(first, end);
    }

    fn word(&mut self, first: u32, word: u64) {
        if let Some(mine) = self.0.words_mut().get_mut(first as usize / 64) {
            *mine |= word;
        }
    }
}

struct Octets<'a>(&'a mut RecordSet);

impl Sink for Octets<'_> {
    fn place(&mut self, place: u16) {
        self.0.insert_octet(place);
    }

    fn run(&mut self, first: u32, end: u32) {
        let each = u32::from(OCTET_RECORDS);
        self.0.insert_range(first * each, end * each);
    }
}

fn walk(bytes: &[u8], universe: u32, sink: &mut impl Sink) -> Result<(), ShardError> {
    let mut rest = bytes;
    let head = bits::varint(&mut rest).ok_or(DAMAGED)?;
    let universe = universe.min(RECORD_PLACES);
    let count = u32::try_from(head >> 2).map_err(|_| DAMAGED)?;
    let free = u64::from(universe.checked_sub(count).ok_or(DAMAGED)?);
    let done = match head & 3 {
        GAPS => walk_gaps(rest, count, universe, rice_width(free, u64::from(count)), sink),
        TUNED => rest.split_first().and_then(|(k, rest)| {
            let k = Some(u32::from(*k)).filter(|k| *k <= K_MAX)?;
            walk_gaps(rest, count, universe, k, sink)
        }),
        BITMAP => walk_bitmap(rest, count, universe, sink),
        _ => walk_runs(rest, count, universe, sink),
    };
    done.ok_or(DAMAGED)
}

fn walk_gaps(bytes: &[u8], count: u32, universe: u32, k: u32, sink: &mut impl Sink) -> Option<()> {
    let mut reader = BitReader::new(bytes);
    let mut next = 0_u64;
    for _ in 0..count {
        let place = next.checked_add(reader.rice(k)?)?;
        if place >= u64::from(universe) {
            return None;
        }
        sink.place(u16::try_from(place).ok()?);
        next = place + 1;
    }
    reader.finish()
}

fn walk_bitmap(bytes: &[u8], count: u32, universe: u32, sink: &mut impl Sink) -> Option<()> {
    if bytes.len() != universe.div_ceil(8) as usize {
        return None;
    }
    let mut found = 0;
    for (index, chunk) in (0_u32..).zip(bytes.chunks(8)) {
        let mut word = [0; 8];
        word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        let word = u64::from_le_bytes(word);
        let first = index * 64;
        // Places from the end of the universe on do not exist.
        let inside = universe.saturating_sub(first);
        if inside < 64 && word >> inside != 0 {
            return None;
        }
        found += word.count_ones();
        sink.word(first, word);
    }
    (found == count).then_some(())
}

fn walk_runs(bytes: &[u8], count: u32, universe: u32, sink: &mut impl Sink) -> Option<()> {
    let mut reader = BitReader::new(bytes);
    let run_count = reader.gamma()?;
    if run_count > count {
        return None;
    }
    let k = rice_width(u64::from(universe.checked_sub(count)?), u64::from(run_count));
    let (mut next, mut found) = (0_u32, 0_u32);
    for _ in 0..run_count {
        let first = next.checked_add(u32::try_from(reader.rice(k)?).ok()?)?;
        let len = reader.gamma()?;
        let end = first.checked_add(len)?;
        if end > universe {
            return None;
        }
        sink.run(first, end);
        found += len;
        next = end;
    }
    if found != count {
        return None;
    }
    reader.finish()
}
