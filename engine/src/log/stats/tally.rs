//! Counts under way.
//!
//! Invariant: one pass over the log feeds it each matching record once, be it by itself or in
//! counts of the index. Memory: the values that are kept, a bounded number of values of records
//! that were read, the buckets.

use std::collections::{BTreeMap, HashMap};

use super::values::{Top, Values};
use crate::index::shard::Keyword;
use crate::log::read_error::ReadError;
use crate::query::{Bucket, BucketCount, Stats, StatsQuery};
use crate::record::{ActorType, Body, Outcome, Sensitivity};

/// Buckets of one answer.
const BUCKETS_MAX: usize = 1 << 20;
/// Values of records that were read which wait to be merged.
const WAITING_MAX: usize = 1 << 14;

/// Fields whose most frequent values are listed.
pub(super) const LISTED: [Keyword; 3] = [Keyword::Action, Keyword::FacilityId, Keyword::ActorId];
/// Fields with three values.
const FIXED: [Keyword; 3] = [Keyword::Result, Keyword::Sensitivity, Keyword::ActorType];

/// What was counted so far.
pub(super) struct Tally {
    stats: Stats,
    division: Option<Bucket>,
    /// The bucket that was counted last, and its counts.
    bucket: Option<(std::ops::Range<i64>, [u64; 2])>,
    buckets: BTreeMap<i64, [u64; 2]>,
    values: [Values; LISTED.len()],
    /// Of records that were read.
    waiting: [HashMap<String, u64>; LISTED.len()],
    tops: [Top; LISTED.len()],
    /// Whether only values are counted that earlier passes left.
    again: bool,
}

impl Tally {
    pub(super) fn new(query: &StatsQuery) -> Self {
        Self {
            stats: Stats::default(),
            division: query.buckets,
            bucket: None,
            buckets: BTreeMap::new(),
            values: std::array::from_fn(|_| Values::new()),
            waiting: Default::default(),
            tops: std::array::from_fn(|_| Top::new(query.top)),
            again: false,
        }
    }

    /// Whether there is something to count over time.
    pub(super) fn division(&self) -> Option<Bucket> {
        self.division.filter(|_| !self.again)
    }

    /// A record that matches.
    pub(super) fn record(&mut self, body: &Body<'_>) -> Result<(), ReadError> {
        if !self.again {
            self.fixed(Keyword::Result, body.result().as_str(), 1);
            self.fixed(Keyword::Sensitivity, body.sensitivity().as_str(), 1);
            self.fixed(Keyword::ActorType, body.actor_type().as_str(), 1);
            let failed = u64::from(body.result() == Outcome::Failure);
            self.over_time(body.timestamp().unix_nanos(), 1, failed)?;
        }
        let texts = [Some(body.action()), body.facility_id(), Some(body.actor_id())];
        for (waiting, text) in self.waiting.iter_mut().zip(texts) {
            let Some(text) = text else { continue };
            match waiting.get_mut(&*text) {
                Some(count) => *count += 1,
                None => {
                    waiting.insert(text.into_owned(), 1);
                }
            }
        }
        if self.waiting.iter().any(|waiting| waiting.len() >= WAITING_MAX) {
            self.merge_waiting();
        }
        Ok(())
    }

    fn merge_waiting(&mut self) {
        for (values, waiting) in self.values.iter_mut().zip(&mut self.waiting) {
            let mut sorted: Vec<(String, u64)> = waiting.drain().collect();
            sorted.sort_unstable();
            values.begin();
            sorted.iter().for_each(|(value, count)| values.add(value, *count));
            values.end();
        }
    }

    /// The counts of an index, each field ascending by value: `source` gives them.
    pub(super) fn counts<E>(
        &mut self,
        mut source: impl FnMut(Keyword, &mut dyn FnMut(&str, u64)) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.again {
            for field in FIXED {
                source(field, &mut |value, count| self.fixed(field, value, count))?;
            }
        }
        for (field, values) in LISTED.into_iter().zip(&mut self.values) {
            values.begin();
            source(field, &mut |value, count| values.add(value, count))?;
            values.end();
        }
        Ok(())
    }

    fn fixed(&mut self, field: Keyword, value: &str, count: u64) {
        let stats = &mut self.stats;
        let (counts, place) = match field {
            Keyword::Result => {
                stats.total += count;
                let order = [Outcome::Success, Outcome::Failure, Outcome::Warning];
                (&mut stats.by_result, order.iter().position(|o| o.as_str() == value))
            }
            Keyword::Sensitivity => {
                let order = [Sensitivity::Low, Sensitivity::Medium, Sensitivity::High];
                (&mut stats.by_sensitivity, order.iter().position(|s| s.as_str() == value))
            }
            Keyword::ActorType => {
                let order = [ActorType::User, ActorType::Device, ActorType::System];
                (&mut stats.by_actor_type, order.iter().position(|a| a.as_str() == value))
            }
            _ => return,
        };
        if let Some(sum) = place.and_then(|place| counts.get_mut(place)) {
            *sum += count;
        }
    }

    /// Records of the bucket that holds a time.
    pub(super) fn over_time(
        &mut self,
        time: i64,
        total: u64,
        failures: u64,
    ) -> Result<(), ReadError> {
        let Some(division) = self.division() else { return Ok(()) };
        if !self.bucket.as_ref().is_some_and(|(range, _)| range.contains(&time)) {
            self.end_bucket()?;
            self.bucket = Some((division.around(time), [0, 0]));
        }
        if let Some((_, [all, failed])) = &mut self.bucket {
            *all += total;
            *failed += failures;
        }
        Ok(())
    }

    fn end_bucket(&mut self) -> Result<(), ReadError> {
        if let Some((range, [total, failures])) = self.bucket.take() {
            let [all, failed] = self.buckets.entry(range.start).or_default();
            *all += total;
            *failed += failures;
            if self.buckets.len() > BUCKETS_MAX {
                return Err(ReadError::TooManyBuckets { most: BUCKETS_MAX });
            }
        }
        Ok(())
    }

    pub(super) fn erased(&mut self) {
        self.stats.erased += u64::from(!self.again);
    }

    pub(super) fn unreadable(&mut self) {
        self.stats.unreadable += u64::from(!self.again);
    }

    /// Ends a pass; true where values are left for another one.
    pub(super) fn turn(&mut self) -> Result<bool, ReadError> {
        self.merge_waiting();
        self.end_bucket()?;
        let mut left = false;
        for (values, top) in self.values.iter_mut().zip(&mut self.tops) {
            left |= values.turn(top);
        }
        self.again = true;
        Ok(left)
    }

    pub(super) fn into_stats(self) -> Stats {
        let mut stats = self.stats;
        let [actions, facilities, actors] = self.tops.map(Top::into_values);
        (stats.actions, stats.facilities, stats.actors) = (actions, facilities, actors);
        let bucket =
            |(start, [total, failures]): (i64, [u64; 2])| BucketCount { start, total, failures };
        stats.buckets = self.buckets.into_iter().map(bucket).collect();
        stats
    }
}
