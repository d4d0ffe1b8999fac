//! Statistics against a count of everything.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fixture::Fixture;
use super::indexed::{MODES, index};
use super::naive::{Known, NaiveShard, known};
use super::search::filters;
use crate::log::indexes::Piece;
use crate::log::{Cancel, ReadError, SegmentInfo};
use crate::query::{Bucket, BucketCount, BucketUnit, Filter, Stats, StatsQuery, ValueCount};
use crate::record::{ActorType, Body, Outcome, Sensitivity};
use crate::types::Seq;

fn expected(fixture: &Fixture, query: &StatsQuery) -> Stats {
    let bodies: Vec<Body<'_>> = fixture.bodies.iter().map(|b| Body::parse(b).unwrap()).collect();
    let of = |wanted: &dyn Fn(&Body<'_>) -> bool| {
        bodies.iter().filter(|body| query.filter.matches(body) && wanted(body)).count() as u64
    };
    let listed = |value: &dyn Fn(&Body<'_>) -> Option<String>| {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for body in bodies.iter().filter(|body| query.filter.matches(body)) {
            if let Some(value) = value(body) {
                *counts.entry(value).or_default() += 1;
            }
        }
        let mut counts: Vec<ValueCount> =
            counts.into_iter().map(|(value, count)| ValueCount { value, count }).collect();
        counts.sort_by(|a, b| b.count.cmp(&a.count).then(a.value.cmp(&b.value)));
        counts.truncate(query.top);
        counts
    };
    let mut buckets: BTreeMap<i64, [u64; 2]> = BTreeMap::new();
    for body in bodies.iter().filter(|body| query.filter.matches(body)) {
        let Some(division) = query.buckets else { continue };
        let start = division.around(body.timestamp().unix_nanos()).start;
        let [total, failures] = buckets.entry(start).or_default();
        *total += 1;
        *failures += u64::from(body.result() == Outcome::Failure);
    }
    let buckets = buckets.into_iter();
    Stats {
        total: of(&|_| true),
        by_result: [Outcome::Success, Outcome::Failure, Outcome::Warning]
            .map(|wanted| of(&|body| body.result() == wanted)),
        by_sensitivity: [Sensitivity::Low, Sensitivity::Medium, Sensitivity::High]
            .map(|wanted| of(&|body| body.sensitivity() == wanted)),
        by_actor_type: [ActorType::User, ActorType::Device, ActorType::System]
            .map(|wanted| of(&|body| body.actor_type() == wanted)),
        actions: listed(&|body| Some(body.action().into_owned())),
        facilities: listed(&|body| body.facility_id().map(std::borrow::Cow::into_owned)),
        actors: listed(&|body| Some(body.actor_id().into_owned())),
        buckets: buckets
            .map(|(start, [total, failures])| BucketCount { start, total, failures })
            .collect(),
        ..Stats::default()
    }
}

#[test]
fn counts_are_those_of_the_records_whatever_is_indexed() {
    let fixture = super::mixed();
    let reader = fixture.open();
    let divisions = [None, Some((BucketUnit::Minute, 0)), Some((BucketUnit::Day, 540))];
    for modes in MODES {
        let pieces = || index(&reader, &fixture, modes);
        for filter in filters() {
            for division in divisions {
                let buckets =
                    division.map(|(unit, utc_offset_minutes)| Bucket { unit, utc_offset_minutes });
                let query = StatsQuery { filter: filter.clone(), buckets, top: 4 };
                let stats = reader.stats_in(&query, None, &reader.view(), &pieces).unwrap();
                assert_eq!(stats, expected(&fixture, &query), "{query:?} {modes:?}");
            }
        }
    }
}

#[test]
fn damaged_indexes_are_found_in_one_pass() {
    let fixture = super::mixed();
    let reader = fixture.open();
    let all: Vec<Known> = fixture.bodies.iter().map(|body| known(body)).collect();
    let passes = std::cell::Cell::new(0);
    let pieces = || {
        passes.set(passes.get() + 1);
        let damaged = |file: SegmentInfo| {
            let range = file.first_seq.0..file.first_seq.0 + file.count;
            let shard = NaiveShard {
                first_seq: range.start,
                records: all[range.start as usize..range.end as usize].to_vec(),
                quantum: 7_000_000_000,
                bad_tile: Some(range.start as usize / 256),
            };
            Piece::Shard { shard: Arc::new(shard), range }
        };
        reader.segments().into_iter().map(damaged).collect()
    };
    let buckets = Some(Bucket { unit: BucketUnit::Minute, utc_offset_minutes: 0 });
    let query = StatsQuery { buckets, top: 4, ..StatsQuery::default() };
    let stats = reader.stats_in(&query, None, &reader.view(), &pieces).unwrap();
    assert_eq!(stats, expected(&fixture, &query));
    assert!(reader.segments().len() > 3);
    assert_eq!(passes.get(), 2, "one that finds them, one without them");
}

#[test]
fn records_that_cant_be_read_are_counted_apart() {
    let mut fixture = Fixture::new();
    (0..3).for_each(|_| drop(fixture.seal(256)));
    let name = "sealed/00000000000000000256-00000000000000000256.seg";
    let bytes = std::fs::read(fixture.path().join(name)).unwrap();
    let id = super::fixture::audit_id(300);
    fixture.flip(name, bytes.windows(16).position(|w| w == id.as_bytes()).unwrap() + 1);
    let reader = fixture.open();
    let whole = StatsQuery { top: 1, ..StatsQuery::default() };
    let stats = reader.stats(&whole, None).unwrap();
    let lost: Vec<u64> =
        (0..768).filter(|seq| reader.read(Seq(*seq)).unwrap().is_damaged()).collect();
    assert!(lost.contains(&300) && lost.len() < 32, "{lost:?}");
    let readable = fixture.bodies.iter().zip(0..).filter(|(_, seq)| !lost.contains(seq));
    let failed = readable
        .filter(|(body, _)| Body::parse(body).unwrap().result() == Outcome::Failure)
        .count() as u64;
    let lost = lost.len() as u64;
    assert_eq!((stats.total, stats.unreadable, stats.failures()), (768 - lost, lost, failed));
    let early = Filter { to: super::fixture::time_of(100).into(), ..Filter::default() };
    let stats = reader.stats(&StatsQuery { filter: early, ..whole }, None).unwrap();
    assert_eq!(stats.unreadable, 0);
    assert!(stats.total > 0 && stats.failure_rate() > 0.3 && stats.failure_rate() < 0.4);
}

#[test]
fn a_cancelled_count_stops() {
    let fixture = super::mixed();
    let cancel = Cancel::new();
    cancel.cancel();
    let done = fixture.open().stats(&StatsQuery::default(), Some(&cancel));
    assert!(matches!(done, Err(ReadError::Cancelled)));
}
