//! Statistics (SERVER.md 6).
//!
//! Invariant: counts are the engine's; nothing is counted here.

use std::collections::BTreeMap;

use serde::Serialize;
use shoseki_engine::query::{Stats, ValueCount};
use shoseki_engine::record::{ActorType, Outcome, Sensitivity, Timestamp};
use utoipa::ToSchema;

/// Actions that are listed in `by_action`.
pub const ACTIONS_MAX: usize = 1000;

/// Counts of the records of a period.
#[derive(Clone, Serialize, ToSchema)]
pub struct Statistics {
    /// Records.
    pub total: u64,
    /// Failures among them, 0 to 1.
    pub failure_rate: f64,
    /// Erased records in the period; in no other count.
    pub erased: u64,
    /// Records that can't be read; in no other count.
    pub unreadable: u64,
    /// Records by `result`.
    pub by_result: BTreeMap<String, u64>,
    /// Records by `sensitivity`.
    pub by_sensitivity: BTreeMap<String, u64>,
    /// Records by `actor_type`.
    pub by_actor_type: BTreeMap<String, u64>,
    /// Records by `action`; where there are more than 1,000 actions, the most frequent.
    pub by_action: BTreeMap<String, u64>,
    /// Records by `facility_id`; where there are more than 1,000, the most frequent.
    pub by_facility: BTreeMap<String, u64>,
    /// The most frequent actors.
    pub top_actors: Vec<NamedCount>,
    /// The most frequent actions.
    pub top_actions: Vec<NamedCount>,
    /// Records over time, where it was asked: only buckets with records, oldest first.
    pub buckets: Vec<TimeBucket>,
}

/// A value and how many records have it.
#[derive(Clone, Serialize, ToSchema)]
pub struct NamedCount {
    /// The value.
    pub value: String,
    /// Records.
    pub count: u64,
}

/// A part of the calendar.
#[derive(Clone, Serialize, ToSchema)]
pub struct TimeBucket {
    /// Its beginning (RFC 3339, UTC).
    pub start: String,
    /// Records.
    pub total: u64,
    /// Failures among them.
    pub failures: u64,
}

impl Statistics {
    /// Of the engine's counts, with so many of the most frequent values.
    #[must_use]
    pub fn new(stats: &Stats, top: usize) -> Self {
        let map = |values: &[ValueCount]| {
            values.iter().map(|value| (value.value.clone(), value.count)).collect()
        };
        let list = |values: &[ValueCount]| {
            let one =
                |value: &ValueCount| NamedCount { value: value.value.clone(), count: value.count };
            values.iter().take(top).map(one).collect()
        };
        fn fixed(
            names: impl Iterator<Item = &'static str>,
            counts: [u64; 3],
        ) -> BTreeMap<String, u64> {
            names.map(str::to_owned).zip(counts).collect()
        }
        let bucket = |bucket: &shoseki_engine::query::BucketCount| TimeBucket {
            start: Timestamp::text_of(bucket.start),
            total: bucket.total,
            failures: bucket.failures,
        };
        Self {
            total: stats.total,
            failure_rate: stats.failure_rate(),
            erased: stats.erased,
            unreadable: stats.unreadable,
            by_result: fixed(Outcome::ALL.iter().map(|v| v.as_str()), stats.by_result),
            by_sensitivity: fixed(
                Sensitivity::ALL.iter().map(|v| v.as_str()),
                stats.by_sensitivity,
            ),
            by_actor_type: fixed(ActorType::ALL.iter().map(|v| v.as_str()), stats.by_actor_type),
            by_action: map(&stats.actions),
            by_facility: map(&stats.facilities),
            top_actors: list(&stats.actors),
            top_actions: list(&stats.actions),
            buckets: stats.buckets.iter().map(bucket).collect(),
        }
    }
}
