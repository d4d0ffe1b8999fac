//! Times: spans hold their times, whatever the clocks did.

use proptest::prelude::*;

use super::super::lookup::TimeSpan;
use super::super::times::{self, Times, TimesWriter};
use crate::format::TimeRange;

const TILE_RECORDS: usize = times::TILE_RECORDS as usize;
const SECOND: i64 = 1_000_000_000;

fn write(tiles: &[Vec<i64>]) -> Vec<u8> {
    let mut writer = TimesWriter::default();
    tiles.iter().for_each(|tile| writer.tile(tile));
    let mut bytes = Vec::new();
    writer.finish(&mut bytes);
    bytes
}

fn spans(bytes: &[u8], tiles: &[Vec<i64>], tile: usize) -> Vec<TimeSpan> {
    let mut spans = Vec::new();
    let times = Times::open(bytes, tiles.len()).unwrap();
    times.spans(tile, tiles[tile].len(), |span| spans.push(span)).unwrap();
    spans
}

fn check(tiles: &[Vec<i64>]) {
    let bytes = write(tiles);
    for (index, tile) in tiles.iter().enumerate() {
        let mut range = TimeRange::EMPTY;
        tile.iter().for_each(|time| range.add(*time));
        assert_eq!(Times::open(&*bytes, tiles.len()).unwrap().range(index), Ok(range));
        let spans = spans(&bytes, tiles, index);
        assert_eq!(spans.len(), tile.len());
        for (time, span) in tile.iter().zip(spans) {
            assert!((span.min..=span.max).contains(time), "{time} in {span:?}");
            assert!(range.min <= span.min && span.max <= range.max);
        }
    }
}

fn any_time() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => (0_i64..1_000).prop_map(|n| 1_767_225_600 * SECOND + n * SECOND / 7),
        1 => Just(i64::MIN),
        1 => Just(i64::MAX),
        1 => -5_i64..5,
        1 => any::<i64>(),
    ]
}

proptest! {
    #[test]
    fn a_span_holds_its_time_and_lies_in_its_tile(
        tiles in proptest::collection::vec(
            proptest::collection::vec(any_time(), 0..=TILE_RECORDS), 0..4),
    ) {
        check(&tiles);
    }

    #[test]
    fn steady_times_take_few_bits_and_few_share_a_span(
        step in 1_i64..400 * SECOND,
        jitter in proptest::collection::vec(0.0_f64..1.0, TILE_RECORDS),
    ) {
        #[expect(clippy::cast_possible_truncation, reason = "of a test's jitter")]
        let time = |(n, part): (i64, &f64)| n * step + (part * step as f64) as i64;
        let tiles = vec![(0..).zip(&jitter).map(time).collect::<Vec<i64>>()];
        check(&tiles);
        let bytes = write(&tiles);
        // The row is 20 bytes. A step of the ladder is at most 100 times finer than the one above.
        prop_assert!(bytes.len() < 20 + TILE_RECORDS * 11 / 8, "{} bytes", bytes.len());
        let mut last = spans(&bytes, &tiles, 0);
        last.dedup();
        // Four share a step on average, but for the first, the last and the unevenness.
        prop_assert!(last.len() >= TILE_RECORDS / 10, "{} spans", last.len());
    }
}

#[test]
fn a_wrong_clock_costs_its_own_bytes_only() {
    let steady: Vec<i64> = (0..256).map(|n| 1_767_225_600 * SECOND + n * SECOND / 4).collect();
    let plain = write(std::slice::from_ref(&steady)).len();
    for wrong in [i64::MIN, 0, i64::MAX] {
        for place in [0, 1, 100, 255] {
            let mut times = steady.clone();
            times[place] = wrong;
            check(std::slice::from_ref(&times));
            let len = write(std::slice::from_ref(&times)).len();
            // An earliest time that is wrong makes the first one far, too, and the second.
            assert!(len <= plain + 24, "{wrong} at {place}: {len} bytes, {plain} without");
            let spans = spans(&write(&[times.clone()]), &[times], 0);
            assert!(spans.iter().all(|span| span.max - span.min < SECOND));
        }
    }
}

#[test]
fn one_moment_takes_a_bit_a_record_and_stays_exact() {
    let tiles = vec![vec![77; 256]];
    assert_eq!(write(&tiles).len(), 20 + (4 + 6 + 256_usize).div_ceil(8));
    assert!(spans(&write(&tiles), &tiles, 0).iter().all(|s| *s == TimeSpan { min: 77, max: 77 }));
}

#[test]
fn damage_gives_an_error_or_spans_inside_the_tile() {
    let tiles =
        vec![(0..40).map(|n| n * SECOND).collect::<Vec<i64>>(), vec![], vec![5, -7 * SECOND]];
    let clean = write(&tiles);
    let look = |bytes: &[u8]| {
        let Ok(times) = Times::open(bytes, tiles.len()) else { return };
        for (index, tile) in tiles.iter().enumerate() {
            let mut spans = Vec::new();
            if let Ok(range) = times.range(index)
                && times.spans(index, tile.len(), |span| spans.push(span)).is_ok()
            {
                assert_eq!(spans.len(), tile.len());
                assert!(spans.iter().all(|span| range.min <= span.min && span.max <= range.max));
            }
        }
    };
    for bit in 0..clean.len() * 8 {
        let mut bytes = clean.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        look(&bytes);
    }
    (0..clean.len()).for_each(|len| look(&clean[..len]));
}
