//! Lists of places.

use proptest::prelude::*;

use super::super::postings::{
    OCTET_PLACES, RECORD_PLACES, add_octets, add_records, count, decode, encode,
};
use super::super::record_set::RecordSet;
use super::{Numbers, each_damage};

fn encoded(places: &[u16], universe: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(places, universe, &mut bytes);
    bytes
}

fn decoded(bytes: &[u8], universe: u32) -> Option<Vec<u16>> {
    let mut places = Vec::new();
    decode(bytes, universe, |place| places.push(place)).ok().map(|()| places)
}

/// Ranges `(first, length)` within a universe: many short ones, a few long ones.
fn places() -> impl Strategy<Value = (Vec<u16>, u32)> {
    let universe = prop_oneof![1_u32..100, Just(OCTET_PLACES), Just(RECORD_PLACES)];
    let ranges = prop_oneof![
        proptest::collection::vec((any::<u32>(), Just(1_u32)), 0..300),
        proptest::collection::vec((any::<u32>(), 1_u32..2_000), 0..20),
        proptest::collection::vec((any::<u32>(), 1_u32..4), 2_000..4_000),
        Just(vec![(0, RECORD_PLACES)]),
    ];
    (ranges, universe).prop_map(|(ranges, universe)| {
        let mut wanted = vec![false; universe as usize];
        for (first, len) in ranges {
            let first = first % universe;
            wanted[first as usize..(first + len).min(universe) as usize].fill(true);
        }
        let places = (0_u16..=u16::MAX).zip(wanted).filter_map(|(p, wanted)| wanted.then_some(p));
        (places.collect(), universe)
    })
}

proptest! {
    #[test]
    fn a_list_comes_back((places, universe) in places()) {
        let bytes = encoded(&places, universe);
        prop_assert_eq!(count(&bytes).unwrap() as usize, places.len());
        prop_assert_eq!(count(&bytes[..bytes.len().min(10)]).unwrap() as usize, places.len());
        prop_assert!(bytes.len() <= 3 + universe.div_ceil(8) as usize);
        prop_assert_eq!(decoded(&bytes, universe), Some(places));
        for len in 0..bytes.len() {
            prop_assert_eq!(decoded(&bytes[..len], universe), None);
        }
        let mut longer = bytes.clone();
        longer.push(0);
        prop_assert_eq!(decoded(&longer, universe), None);
    }

    #[test]
    fn a_list_becomes_a_set((places, universe) in places()) {
        let mut wanted = RecordSet::new();
        wanted.insert(77);
        let mut found = wanted.clone();
        if universe == RECORD_PLACES {
            places.iter().for_each(|place| wanted.insert(*place));
            add_records(&encoded(&places, universe), &mut found).unwrap();
        } else if universe == OCTET_PLACES {
            places.iter().for_each(|place| wanted.insert_octet(*place));
            add_octets(&encoded(&places, universe), &mut found).unwrap();
        }
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn any_bytes_give_an_error_or_ascending_places(
        bytes in proptest::collection::vec(any::<u8>(), 0..40),
        universe in 1_u32..=RECORD_PLACES,
    ) {
        if let Some(places) = decoded(&bytes, universe) {
            prop_assert!(places.is_sorted_by(|a, b| a < b));
            prop_assert!(places.iter().all(|place| u32::from(*place) < universe));
            prop_assert_eq!(count(&bytes).unwrap() as usize, places.len());
        }
    }
}

/// One list for each form, with the form's number.
fn forms() -> [(u8, Vec<u16>, u32); 5] {
    let mut numbers = Numbers(1);
    let clusters = (0..8_u16).flat_map(|c| (0..40).map(move |i| c * 8_000 + i * 3)).collect();
    [
        (0, numbers.places(100, RECORD_PLACES), RECORD_PLACES),
        (1, clusters, RECORD_PLACES),
        (2, numbers.places(300, 700), 700),
        (3, (100..5_000).chain(6_000..6_500).collect(), OCTET_PLACES),
        (0, Vec::new(), RECORD_PLACES),
    ]
}

#[test]
fn each_form_is_chosen_where_it_is_the_smallest() {
    for (form, places, universe) in forms() {
        let bytes = encoded(&places, universe);
        assert_eq!(bytes[0] & 3, form, "{form}");
        assert_eq!(decoded(&bytes, universe), Some(places), "{form}");
    }
}

#[test]
fn every_damage_gives_an_error_or_ascending_places() {
    for (form, places, universe) in forms() {
        let bytes = encoded(&places, universe);
        let mut errors = 0;
        each_damage(&bytes, |damaged| match decoded(damaged, universe) {
            None => errors += 1,
            Some(found) => {
                assert!(found.is_sorted_by(|a, b| a < b), "{form}");
                assert!(found.iter().all(|place| u32::from(*place) < universe), "{form}");
            }
        });
        assert!(errors > 0, "{form}");
    }
}

#[test]
fn a_list_for_one_universe_is_no_list_for_a_smaller_one() {
    let bytes = encoded(&[60_000], RECORD_PLACES);
    let mut set = RecordSet::new();
    assert!(add_octets(&bytes, &mut set).is_err());
    let everything: Vec<u16> = (0..=u16::MAX).collect();
    let bytes = encoded(&everything, RECORD_PLACES);
    assert!(bytes.len() < 10);
    assert!(add_octets(&bytes, &mut set).is_err());
    assert_eq!(decoded(&bytes, RECORD_PLACES), Some(everything));
    assert!(count(&[0xFF; 10]).is_err());
    assert!(count(&[]).is_err());
}

#[test]
fn a_place_in_five_thousand_costs_its_information() {
    let mut numbers = Numbers(2);
    let lists = 500;
    let bytes: usize =
        (0..lists).map(|_| encoded(&numbers.places(13, RECORD_PLACES), RECORD_PLACES).len()).sum();
    // log2(5,041) + log2(e) = 13.7 bits, a byte for the head and half a byte to the end.
    assert!(bytes * 8 <= lists * (13 * 14 + 12), "{bytes}");
}
