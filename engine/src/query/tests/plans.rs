//! The candidates of a plan against the filter, record by record.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::naive::{NaiveShard, Place};
use super::samples;
use crate::index::terms::Extractor;
use crate::query::*;
use crate::record::Body;

/// A record, or a place without one.
#[derive(Clone, Debug)]
enum Slot {
    Body(Vec<u8>),
    Erased,
    Unreadable,
}

fn slot() -> impl Strategy<Value = Slot> {
    prop_oneof![
        30 => samples::body().prop_map(Slot::Body),
        1 => Just(Slot::Erased),
        1 => Just(Slot::Unreadable),
    ]
}

fn shard(first_seq: u64, quantum: i64, slots: &[Slot]) -> NaiveShard {
    let mut extractor = Extractor::new();
    let places = slots.iter().map(|slot| match slot {
        Slot::Body(bytes) => Place::of(&extractor.slot_keys(&Body::parse(bytes).unwrap())),
        Slot::Erased => Place::Erased,
        Slot::Unreadable => Place::Unreadable,
    });
    let by_octets = quantum % 2 == 0;
    NaiveShard { first_seq, quantum, by_octets, places: places.collect() }
}

/// Positions in the window of the slots that `wanted` takes.
fn positions(first_seq: u64, slots: &[Slot], wanted: impl Fn(&Slot) -> bool) -> BTreeSet<u16> {
    let first = u16::try_from(first_seq % 65_536).unwrap();
    (first..=u16::MAX).zip(slots).filter(|(_, slot)| wanted(slot)).map(|(at, _)| at).collect()
}

fn check(first_seq: u64, quantum: i64, slots: &[Slot], filter: &Filter) {
    let shard = shard(first_seq, quantum, slots);
    let found = Plan::new(filter).candidates(&shard, &mut PlanScratch::default()).unwrap();
    let all = positions(first_seq, slots, |_| true);
    let (candidates, exact): (BTreeSet<u16>, bool) = match &found {
        Verdict::None => (BTreeSet::new(), true),
        Verdict::All { exact } => (all.clone(), *exact),
        Verdict::Some { set, exact } => (set.iter().collect(), *exact),
    };
    assert!(candidates.is_subset(&all), "no places outside the shard");
    let bodies = positions(first_seq, slots, |slot| matches!(slot, Slot::Body(_)));
    let matching = positions(first_seq, slots, |slot| match slot {
        Slot::Body(bytes) => filter.matches(&Body::parse(bytes).unwrap()),
        Slot::Erased => filter.is_time_only(),
        Slot::Unreadable => filter.facility_scope.is_none(),
    });
    assert!(matching.is_subset(&candidates), "{filter:?} lost {:?}", &matching - &candidates);
    if filter.facility_scope.is_some() {
        let odd = positions(first_seq, slots, |slot| !matches!(slot, Slot::Body(_)));
        assert!(candidates.is_disjoint(&odd), "{filter:?} shows what may be of another scope");
    }
    if exact {
        let both = |set: &BTreeSet<u16>| set & &bodies;
        assert_eq!(both(&candidates), both(&matching), "{filter:?} is not exact");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn candidates_hold_all_matches_and_exact_ones_nothing_else(
        first in prop_oneof![Just(0_u64), 0_u64..70_000],
        quantum in prop_oneof![Just(1_i64), 1_i64..100],
        slots in proptest::collection::vec(slot(), 1..40),
        filters in proptest::collection::vec(samples::filter(), 8),
    ) {
        // A shard ends with its window.
        let room = usize::try_from(65_536 - first % 65_536).unwrap();
        let slots = &slots[..slots.len().min(room)];
        for filter in filters {
            check(first, quantum, slots, &filter);
        }
    }
}

fn slots(details: &[&str]) -> Vec<Slot> {
    details.iter().map(|detail| Slot::Body(samples::with_detail(detail))).collect()
}

/// Octets whose records are candidates.
fn octets(slots: &[Slot], filter: &Filter) -> Vec<u16> {
    let found = Plan::new(filter).candidates(&shard(0, 2, slots), &mut PlanScratch::default());
    match found.unwrap() {
        Verdict::None => Vec::new(),
        Verdict::All { .. } => vec![u16::MAX],
        Verdict::Some { set, .. } => {
            let octets: BTreeSet<u16> = set.iter().map(|at| at / 8).collect();
            octets.into_iter().collect()
        }
    }
}

/// Each detail is alone in its octet.
fn apart(details: &[&str]) -> Vec<Slot> {
    details.iter().flat_map(|d| slots(&[*d, "{}", "{}", "{}", "{}", "{}", "{}", "{}"])).collect()
}

#[test]
fn values_in_detail_are_found_by_the_index() {
    let slots = apart(&[
        r#"{"patientId":"P1"}"#,
        r#"{"patient_id":"P00001234"}"#,
        r#"{"patientId":12}"#,
        r#"{"runId":"P1"}"#,
        r#"{"items":[{"code":"CRP 5"},{"code":"HbA1c"}]}"#,
        r#"{"after":{"inDays":1234567}}"#,
        r#"{"note":"高血圧"}"#,
        r#"{"patientId":["P8",[34]],"claimId":{"patientId":"P9"}}"#,
        r#"{"patientIds":["Q1",56]}"#,
        r#"{"patient_ids":"Q2"}"#,
    ]);
    let detail = |text: &str| Filter {
        detail: vec![DetailFilter::parse(text).unwrap()],
        ..Filter::default()
    };
    for (text, expected) in [
        ("patientId=P1", &[0][..]),
        ("patient_id=P1", &[0]),
        ("patientId=P00001234", &[1]),
        ("patientId=12", &[2]),
        ("runId=P1", &[3]),
        ("patientId=P8", &[7]),
        ("patientId=34", &[7]),
        ("patientId=P9", &[]),
        ("claimId.patientId=P9", &[7]),
        ("note=P1", &[0, 3]),
        ("items.code=CRP 5", &[4]),
        ("items.code=crp 6", &[]),
        ("after.inDays=1234567", &[5]),
        ("after.inDays=1234568", &[]),
        ("after.inDays=7", &[u16::MAX]),
        ("note=高血圧", &[6]),
        ("note=血圧高", &[]),
        ("note=--", &[u16::MAX]),
    ] {
        assert_eq!(octets(&slots, &detail(text)), expected, "{text}");
    }
    let patient = |id: &str| Filter {
        detail: vec![DetailFilter::patient(vec![id.to_owned()])],
        ..Filter::default()
    };
    for (id, expected) in
        [("P1", &[0][..]), ("P00001234", &[1]), ("Q1", &[8]), ("56", &[8]), ("Q2", &[9])]
    {
        assert_eq!(octets(&slots, &patient(id)), expected, "{id}");
    }
}

#[test]
fn words_and_identifiers_are_found_by_the_index() {
    let at = |extra: &str| {
        let fixed = r#""timestamp":"2026-03-01T10:00:00Z","actor_type":"user","result":"success""#;
        let record = format!(r#"{{{fixed},{extra}}}"#);
        let other = format!(r#"{{{fixed},"actor_id":"x","action":"X"}}"#);
        let mut octet = vec![Slot::Body(samples::body_of(&record))];
        octet.resize(8, Slot::Body(samples::body_of(&other)));
        octet
    };
    let slots = [
        at(r#""actor_id":"dr-sato","action":"READ_CHART""#),
        at(r#""actor_id":"x","action":"X","request_id":"r-1""#),
        at(r#""actor_id":"x","action":"X","source_ip":"192.0.2.7""#),
        at(r#""actor_id":"x","action":"X","source_ip":"2001:db8::7""#),
        at(r#""actor_id":"x","action":"X","target_id":"カルテ 9""#),
        at(r#""actor_id":"x","action":"X","trace_id":"4BF92F3577B34DA6A3CE929D0E0E4736""#),
    ]
    .concat();
    for (word, expected) in [
        ("sato", &[0][..]),
        ("read chart", &[0]),
        ("R-1", &[1]),
        ("192.0.2.7", &[2]),
        ("2001:DB8:0::7", &[3]),
        ("ｶﾙﾃ", &[4]),
        ("4bf92f35-77b3-4da6-a3ce-929d0e0e4736", &[5]),
        ("nothing", &[]),
        ("07070707070707070707070707070707", &[0, 1, 2, 3, 4, 5]),
    ] {
        let filter = Filter { words: vec![Word::new(word)], ..Filter::default() };
        assert_eq!(octets(&slots, &filter), expected, "{word}");
    }
    let source = |text| Filter {
        source_ip: vec![AddressPattern::parse(text).unwrap()],
        ..Filter::default()
    };
    for (text, expected) in [
        ("192.0.2.0/24", &[2][..]),
        ("192.0.3.0/24", &[]),
        ("2001:db8::/33", &[3]),
        ("2001:db9::/33", &[]),
        ("2001::/31", &[u16::MAX]),
    ] {
        assert_eq!(octets(&slots, &source(text)), expected, "{text}");
    }
}

#[test]
fn only_what_the_index_knows_exactly_needs_no_reading() {
    let slots = slots(&["{}", "{}", "{}"]);
    let verdict = |filter: &Filter| {
        let shard = shard(0, 60_000_000_000, &slots);
        Plan::new(filter).candidates(&shard, &mut PlanScratch::default()).unwrap()
    };
    assert_eq!(verdict(&Filter::default()), Verdict::All { exact: true });
    let result = vec![crate::record::Outcome::Success];
    let exact = verdict(&Filter { result, ..Filter::default() });
    assert!(matches!(exact, Verdict::Some { exact: true, .. }));
    let other = vec![crate::record::Outcome::Failure];
    assert_eq!(verdict(&Filter { result: other, ..Filter::default() }), Verdict::None);
    let words = vec![Word::new("a")];
    let word = verdict(&Filter { words, ..Filter::default() });
    assert!(matches!(word, Verdict::Some { exact: false, .. }));
    let at = |text| Some(crate::record::Timestamp::parse(text).unwrap());
    let later = Filter { from: at("2026-03-01T10:00:00.000000001Z"), ..Filter::default() };
    assert_eq!(verdict(&later), Verdict::None);
    let from = Filter { from: at("2026-03-01T10:00:00Z"), ..Filter::default() };
    assert_eq!(verdict(&from), Verdict::All { exact: true });
}
