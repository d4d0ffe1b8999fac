//! The same questions, answered by looking at every record.

use std::borrow::Cow;
use std::collections::BTreeMap;

use shoseki_engine::query::{BucketCount, Filter, Order, Stats, StatsQuery, ValueCount};
use shoseki_engine::record::{ActorType, Body, Outcome, Sensitivity};
use shoseki_engine::types::Seq;

/// Bodies, read.
pub(crate) fn parse(bodies: &[Vec<u8>]) -> Vec<Body<'_>> {
    bodies.iter().map(|body| Body::parse(body).unwrap()).collect()
}

/// The time and seq of each match, in order.
pub(crate) fn matches(bodies: &[Body<'_>], filter: &Filter, order: Order) -> Vec<(i64, u64)> {
    let found = bodies.iter().zip(0_u64..).filter(|(body, seq)| takes(filter, *seq, body));
    let mut found: Vec<(i64, u64)> =
        found.map(|(body, seq)| (body.timestamp().unix_nanos(), seq)).collect();
    sort(&mut found, order);
    found
}

pub(crate) fn takes(filter: &Filter, seq: u64, body: &Body<'_>) -> bool {
    filter.takes_seq(Seq(seq)) && filter.matches(body)
}

pub(crate) fn sort(places: &mut [(i64, u64)], order: Order) {
    places.sort_unstable();
    if order == Order::Descending {
        places.reverse();
    }
}

pub(crate) fn stats(bodies: &[Body<'_>], query: &StatsQuery) -> Stats {
    let mut stats = Stats::default();
    let mut values: [BTreeMap<String, u64>; 3] = Default::default();
    let mut buckets: BTreeMap<i64, BucketCount> = BTreeMap::new();
    let all = bodies.iter().zip(0_u64..);
    for (body, _) in all.filter(|(body, seq)| takes(&query.filter, *seq, body)) {
        let failed = u64::from(body.result() == Outcome::Failure);
        stats.total += 1;
        stats.by_result[match body.result() {
            Outcome::Success => 0,
            Outcome::Failure => 1,
            Outcome::Warning => 2,
        }] += 1;
        stats.by_sensitivity[match body.sensitivity() {
            Sensitivity::Low => 0,
            Sensitivity::Medium => 1,
            Sensitivity::High => 2,
        }] += 1;
        stats.by_actor_type[match body.actor_type() {
            ActorType::User => 0,
            ActorType::Device => 1,
            ActorType::System => 2,
        }] += 1;
        let texts = [Some(body.action()), body.facility_id(), Some(body.actor_id())];
        for (values, text) in values.iter_mut().zip(texts) {
            if let Some(text) = text.map(Cow::into_owned) {
                *values.entry(text).or_default() += 1;
            }
        }
        if let Some(division) = query.buckets {
            let start = division.around(body.timestamp().unix_nanos()).start;
            let bucket =
                buckets.entry(start).or_insert(BucketCount { start, total: 0, failures: 0 });
            bucket.total += 1;
            bucket.failures += failed;
        }
    }
    let top = |values: BTreeMap<String, u64>| {
        let count = |(value, count)| ValueCount { value, count };
        let mut all: Vec<ValueCount> = values.into_iter().map(count).collect();
        all.sort_by(|a, b| b.count.cmp(&a.count).then(a.value.cmp(&b.value)));
        all.truncate(query.top);
        all
    };
    let [actions, facilities, actors] = values.map(top);
    (stats.actions, stats.facilities, stats.actors) = (actions, facilities, actors);
    stats.buckets = buckets.into_values().collect();
    stats
}
