//! Counts of a server, as the engine has them.
//!
//! Invariant: a value that the server left out is counted as nothing; nothing is counted here.

use std::collections::BTreeMap;

use serde::Deserialize;
use shoseki_engine::query::{BucketCount, Stats, ValueCount};
use shoseki_engine::record::{ActorType, Outcome, Sensitivity, Timestamp};

/// Most values of a list that a server gives.
pub(crate) const TOP_MAX: usize = 1_000;

/// What a server says (SERVER.md 6).
#[derive(Deserialize)]
pub(crate) struct Statistics {
    total: u64,
    #[serde(default)]
    erased: u64,
    #[serde(default)]
    unreadable: u64,
    by_result: BTreeMap<String, u64>,
    by_sensitivity: BTreeMap<String, u64>,
    by_actor_type: BTreeMap<String, u64>,
    #[serde(default)]
    by_facility: BTreeMap<String, u64>,
    top_actors: Vec<Named>,
    top_actions: Vec<Named>,
    buckets: Vec<Span>,
}

#[derive(Deserialize)]
struct Named {
    value: String,
    count: u64,
}

#[derive(Deserialize)]
struct Span {
    start: String,
    total: u64,
    failures: u64,
}

impl Statistics {
    /// The same with at most `top` values of a list; `None` where a time is none.
    pub(crate) fn counted(self, top: usize) -> Option<Stats> {
        let number = |map: &BTreeMap<String, u64>, name: &str| map.get(name).copied().unwrap_or(0);
        let list = |values: Vec<Named>| {
            let values = values.into_iter().take(top);
            values.map(|named| ValueCount { value: named.value, count: named.count }).collect()
        };
        let mut facilities: Vec<Named> =
            self.by_facility.into_iter().map(|(value, count)| Named { value, count }).collect();
        facilities.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        let bucket = |span: &Span| {
            let start = Timestamp::parse(&span.start).ok()?.unix_nanos();
            Some(BucketCount { start, total: span.total, failures: span.failures })
        };
        Some(Stats {
            total: self.total,
            erased: self.erased,
            unreadable: self.unreadable,
            by_result: [Outcome::Success, Outcome::Failure, Outcome::Warning]
                .map(|value| number(&self.by_result, value.as_str())),
            by_sensitivity: [Sensitivity::Low, Sensitivity::Medium, Sensitivity::High]
                .map(|value| number(&self.by_sensitivity, value.as_str())),
            by_actor_type: [ActorType::User, ActorType::Device, ActorType::System]
                .map(|value| number(&self.by_actor_type, value.as_str())),
            actions: list(self.top_actions),
            facilities: list(facilities),
            actors: list(self.top_actors),
            buckets: self.buckets.iter().map(bucket).collect::<Option<_>>()?,
        })
    }
}
