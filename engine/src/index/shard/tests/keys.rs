//! Tables of keys.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use proptest::prelude::*;

use super::super::error::ShardError;
use super::super::keys::{KeyShape, KeyTable, encode};
use super::super::postings::OCTET_PLACES;
use super::{Numbers, Watched, each_damage};

type Model = BTreeMap<u64, BTreeSet<u16>>;

fn encoded(pairs: &[(u64, u16)], shape: KeyShape) -> Vec<u8> {
    let mut out = Vec::new();
    encode(pairs.iter().copied(), shape, &mut out);
    out
}

fn model(pairs: &[(u64, u16)], shape: KeyShape) -> Model {
    let mut model = Model::new();
    for (key, place) in pairs {
        let kept = key >> (shape.given_bits - shape.kept_bits);
        model.entry(kept).or_default().insert(*place);
    }
    model
}

fn in_range(table: &KeyTable<&[u8]>, keys: RangeInclusive<u64>) -> Result<Vec<u16>, ShardError> {
    let mut places = Vec::new();
    table.range(keys, |place| places.push(place))?;
    Ok(places)
}

fn check(pairs: &[(u64, u16)], shape: KeyShape, others: &[u64]) {
    let bytes = encoded(pairs, shape);
    let table = KeyTable::open(bytes.as_slice()).unwrap();
    let model = model(pairs, shape);
    let drop = shape.given_bits - shape.kept_bits;
    assert_eq!(table.keys(), model.len() as u64);
    let near = others.iter().flat_map(|key| [*key, key.saturating_add(1 << drop)]);
    for key in pairs.iter().map(|(key, _)| *key).chain(near) {
        let found = in_range(&table, key..=key).unwrap();
        let wanted = model.get(&(key >> drop)).into_iter().flatten();
        assert!(found.iter().eq(wanted), "{key}: {found:?}");
    }
    for bounds in others.windows(2) {
        let found = in_range(&table, bounds[0]..=bounds[1]).unwrap();
        let wanted: Vec<u16> = if bounds[0] > bounds[1] {
            Vec::new()
        } else {
            let kept = model.range(bounds[0] >> drop..=bounds[1] >> drop);
            kept.flat_map(|(_, places)| places.iter().copied()).collect()
        };
        assert_eq!(found, wanted, "{bounds:?}");
    }
}

/// Keys anywhere, near each other, and near both ends.
fn key(bits: u32) -> impl Strategy<Value = u64> {
    let most = u64::MAX >> (64 - bits);
    prop_oneof![
        (0..=most),
        (0..=most.min(500)),
        (most - most.min(500)..=most),
        (0..=most).prop_map(|key| key & 0xF0F0_F0F0_F0F0_F0F0),
    ]
}

fn table() -> impl Strategy<Value = (KeyShape, Vec<(u64, u16)>, Vec<u64>)> {
    let bits =
        prop_oneof![Just((32, 32)), Just((64, 64)), Just((64, 20)), Just((64, 5)), Just((1, 1))];
    let places = prop_oneof![Just(1_u32), Just(OCTET_PLACES), Just(1000_u32), Just(65_536)];
    (bits, places).prop_flat_map(|((given_bits, kept_bits), places)| {
        let place = (0..places).prop_map(|place| u16::try_from(place).unwrap());
        let many = proptest::collection::vec(place.clone(), 0..40);
        let few = proptest::collection::vec(place, 1..3);
        let keys = (key(given_bits), prop_oneof![4 => few, 1 => many]);
        let pairs = proptest::collection::vec(keys, 0..200).prop_map(|keys| {
            let each = |(key, places): (u64, Vec<u16>)| places.into_iter().map(move |p| (key, p));
            let mut pairs: Vec<(u64, u16)> = keys.into_iter().flat_map(each).collect();
            pairs.sort_by_key(|(key, _)| *key);
            pairs
        });
        let others = proptest::collection::vec(key(given_bits), 0..20);
        (Just(KeyShape { given_bits, kept_bits, places }), pairs, others)
    })
}

proptest! {
    #[test]
    fn behaves_as_a_sorted_map((shape, pairs, others) in table()) {
        check(&pairs, shape, &others);
    }
}

#[test]
fn many_uniform_keys_and_many_near_ones_are_found() {
    let mut numbers = Numbers(3);
    let mut uniform: Vec<u64> = (0..6_000).map(|_| numbers.next()).collect();
    // Half of them in one small corner: nothing lies where it is expected.
    let mut skewed: Vec<u64> = (0..6_000).map(|i| (i % 2 * 0xFFFF_0000) << 32 | i << 20).collect();
    for keys in [&mut uniform, &mut skewed] {
        keys.sort_unstable();
        let pairs: Vec<_> = keys.iter().map(|key| (*key, numbers.place(OCTET_PLACES))).collect();
        let others: Vec<u64> = (0..50).map(|_| numbers.next()).collect();
        check(&pairs, KeyShape::terms(6_000), &others);
    }
}

#[test]
fn a_unique_term_costs_25_bits_at_most_and_touches_few_pages() {
    const KEYS: u64 = 300_000;
    let mut numbers = Numbers(4);
    let mut pairs: Vec<(u64, u16)> =
        (0..KEYS).map(|_| (numbers.next(), numbers.place(OCTET_PLACES))).collect();
    pairs.sort_unstable();
    let shape = KeyShape::terms(KEYS);
    assert_eq!(shape.kept_bits, 19 + 6);
    let bytes = encoded(&pairs, shape);
    let bits = bytes.len() as u64 * 8;
    assert!(bits <= KEYS * 25, "{} / 100 bits per key", bits * 100 / KEYS);

    let watched = Watched::new(bytes);
    let table = KeyTable::open(&watched).unwrap();
    watched.take();
    for (key, place) in pairs.iter().step_by(1009) {
        let mut is_found = false;
        table.find(*key, |found| is_found |= found == *place).unwrap();
        assert!(is_found);
        assert!(watched.take() <= 4);
    }
    // Of the terms that are not there, about one in 112 seems to be.
    let mut strangers = 0;
    for _ in 0..20_000 {
        let mut is_found = false;
        table.find(numbers.next(), |_| is_found = true).unwrap();
        strangers += u32::from(is_found);
    }
    assert!((100..=20_000 / 64).contains(&strangers), "{strangers}");
}

/// Keys with one place, some, and long lists of each kind.
fn sample() -> Vec<(u64, u16)> {
    let mut numbers = Numbers(5);
    let mut pairs = Vec::new();
    for i in 0..40_u8 {
        let count = [1, 1, 1, 3, 12, 1, 1, 20][usize::from(i % 8)];
        let places = numbers.places(count, OCTET_PLACES);
        pairs.extend(places.into_iter().map(|place| (u64::from(i).pow(2) << 20, place)));
    }
    pairs
}

/// Whatever the bytes are, every question ends, with an error or places of the universe.
fn ask_everything(bytes: &[u8], pairs: &[(u64, u16)]) -> bool {
    let Ok(table) = KeyTable::open(bytes) else { return false };
    assert!(table.keys() <= bytes.len() as u64 * 8);
    let mut is_sound = in_range(&table, 0..=u64::MAX).is_ok();
    for (key, _) in pairs.iter().step_by(70) {
        is_sound &= in_range(&table, *key..=*key).is_ok();
    }
    is_sound
}

#[test]
fn every_damage_gives_an_error_or_an_answer() {
    let pairs = sample();
    let bytes = encoded(&pairs, KeyShape::ADDRESSES);
    assert!(ask_everything(&bytes, &pairs));
    let mut refused = 0;
    each_damage(&bytes, |damaged| refused += usize::from(!ask_everything(damaged, &pairs)));
    assert!(refused > bytes.len());
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = encoded(&sample(), KeyShape::ADDRESSES);
    for len in 0..bytes.len() {
        assert!(KeyTable::open(&bytes[..len]).is_err(), "{len}");
    }
}

#[test]
fn more_keys_than_bits_are_refused() {
    let mut bytes = encoded(&[], KeyShape::terms(0));
    assert_eq!(KeyTable::open(bytes.as_slice()).unwrap().keys(), 0);
    // Rows without any width take no bytes, however many there are.
    bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(KeyTable::open(bytes.as_slice()).is_err());
}
