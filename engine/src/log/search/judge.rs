//! Whether the record at a seq matches, by its own content.
//!
//! Invariant: a record matches only after it was read and verified. A damaged one might be anything
//! and matches wherever its time may, in a scope only where an index names it; an erased one has no content and matches only where nothing
//! but times is asked. Keeps one group.

use std::ops::Range;
use std::sync::Arc;

use super::ahead::Ahead;
use crate::format::TimeRange;
use crate::log::group::{Group, Item};
use crate::log::parts::{Keep, Nearby, Parts, sealed_of};
use crate::log::read_error::ReadError;
use crate::log::view::View;
use crate::query::{Explain, Filter, QuickCheck};
use crate::record::Body;
use crate::types::Seq;

/// Any time at all.
pub(crate) const ANY_TIME: TimeRange = TimeRange { min: i64::MIN, max: i64::MAX };

/// Groups that one question may put into the cache: it is for asking again, and a question that
/// reads more would push everything else out.
const CACHED_MAX: u64 = 1024;

/// What an index knows of a record before it is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Known {
    /// Nothing: no index was asked, or it knows no more of the record.
    Nothing,
    /// That it may match, but not when it was.
    Named,
    /// That it may match, and this of its time.
    At(TimeRange),
}

/// A record that has no content to ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Odd {
    Erased,
    Damaged,
}

/// Reads the records of one moment of the log and asks them.
pub(crate) struct Judge {
    pub(crate) parts: Arc<Parts>,
    pub(crate) view: Arc<View>,
    pub(crate) filter: Filter,
    /// Whether erased records match.
    pub(crate) time_only: bool,
    /// Whether damaged records match only where the index named them.
    scoped: bool,
    quick: QuickCheck,
    near: Nearby,
    group: Option<Arc<Group>>,
    /// Where a long run is being read.
    ahead: Option<Ahead>,
    /// The times that the records of the last group without any may have had.
    around: Option<(Range<u64>, TimeRange)>,
    groups: u64,
    /// Records that were compared with the filter.
    read: u64,
}

impl Judge {
    pub(crate) fn new(parts: Arc<Parts>, view: Arc<View>, filter: Filter) -> Self {
        Self {
            parts,
            view,
            time_only: filter.is_time_only(),
            scoped: filter.facility_scope.is_some(),
            quick: filter.quick_check(),
            filter,
            near: Nearby::default(),
            group: None,
            ahead: None,
            around: None,
            groups: 0,
            read: 0,
        }
    }

    /// Adds what was read.
    pub(crate) fn explain(&self, explain: &mut Explain) {
        explain.records_read += self.read;
        explain.groups_read += self.near.decoded;
        explain.groups_cached += self.near.cached;
    }

    /// Tells that the groups of these seqs are asked for next, one after the other and not for the
    /// cache.
    pub(crate) fn read_ahead(&mut self, seqs: Range<u64>) {
        self.ahead = Ahead::begin(&self.parts, &self.view, seqs);
    }

    /// The group that holds a seq.
    pub(crate) fn group(&mut self, seq: u64, keep: Keep) -> Result<Arc<Group>, ReadError> {
        if let Some(group) = self.group.as_ref().filter(|group| group.holds(seq)) {
            return Ok(Arc::clone(group));
        }
        if let Some(group) = self.ahead.as_mut().and_then(|ahead| ahead.group(seq)) {
            let group = group?;
            self.near.decoded += 1;
            self.group = Some(Arc::clone(&group));
            return Ok(group);
        }
        let keep = if self.groups < CACHED_MAX { keep } else { Keep::Passing };
        self.groups += 1;
        let group = self.parts.group_at(&self.view, seq, keep, &mut self.near)?;
        self.group = Some(Arc::clone(&group));
        Ok(group)
    }

    /// The time at which the record at `seq` of a group stands in the result; `None` where it does
    /// not match. `known` is what the index knows of it.
    ///
    /// A record that can't be read stands at the newest time that it can have had: as the index
    /// says, or its block's zone map, or the records beside it.
    pub(crate) fn time_of_match(
        &mut self,
        group: &Group,
        seq: u64,
        known: Known,
    ) -> Result<Option<i64>, ReadError> {
        self.read += 1;
        let odd = match group.item(seq) {
            Item::Record { body, .. } => {
                return Ok(self.matching(body).map(|body| body.timestamp().unix_nanos()));
            }
            Item::Erased { .. } => Odd::Erased,
            Item::Damaged => Odd::Damaged,
        };
        Ok(self.times_of_odd(group, odd, known)?.map(|range| range.max))
    }

    /// The times that a record without content may have had; `None` where it does not match.
    pub(crate) fn times_of_odd(
        &mut self,
        group: &Group,
        odd: Odd,
        known: Known,
    ) -> Result<Option<TimeRange>, ReadError> {
        let hidden = match odd {
            Odd::Erased => !self.time_only,
            // It might be anyone's.
            Odd::Damaged => self.scoped && known == Known::Nothing,
        };
        if hidden {
            return Ok(None);
        }
        let range = match known {
            Known::At(range) => range,
            Known::Nothing | Known::Named => {
                self.times_around(group.first_seq()..group.end_seq())?
            }
        };
        Ok(Some(range).filter(|range| self.filter.takes_range(range)))
    }

    /// The record at a seq, if it matches, and the time at which it stands.
    pub(crate) fn at(
        &mut self,
        seq: u64,
        known: Known,
        keep: Keep,
    ) -> Result<Option<(i64, Arc<Group>)>, ReadError> {
        let group = self.group(seq, keep)?;
        let time = self.time_of_match(&group, seq, known)?;
        Ok(time.map(|time| (time, group)))
    }

    /// The body, if it matches.
    pub(crate) fn matching<'b>(&self, body: &'b [u8]) -> Option<Body<'b>> {
        if !self.quick.passes(body) {
            return None;
        }
        // The body has its hash, so it is what was stored; one that is no body matches nothing.
        let body = Body::parse(body).ok()?;
        self.filter.matches(&body).then_some(body)
    }

    /// The times that the record at a seq may have had, where the index does not know it.
    pub(crate) fn times_at(&mut self, seq: u64) -> Result<TimeRange, ReadError> {
        if let Some((_, range)) = self.around.as_ref().filter(|(seqs, _)| seqs.contains(&seq)) {
            return Ok(*range);
        }
        let group = self.group(seq, Keep::Cached)?;
        self.times_around(group.first_seq()..group.end_seq())
    }

    fn times_around(&mut self, seqs: Range<u64>) -> Result<TimeRange, ReadError> {
        if let Some((_, range)) = self.around.as_ref().filter(|(known, _)| *known == seqs) {
            return Ok(*range);
        }
        let range = match sealed_of(&self.view, seqs.start) {
            None => self.times_beside(&seqs)?,
            Some(entry) => {
                let open = self.parts.segment(&entry)?;
                let zone = open.and_then(|open| {
                    let block = open.segment.block_of(Seq(seqs.start))?;
                    open.segment.directory().get(block).map(|zone| zone.timestamp)
                });
                zone.unwrap_or(entry.timestamp)
            }
        };
        let range = if range.min > range.max { ANY_TIME } else { range };
        self.around = Some((seqs, range));
        Ok(range)
    }

    /// In an active file: from the record before to the record behind, as far as there are such.
    fn times_beside(&self, seqs: &Range<u64>) -> Result<TimeRange, ReadError> {
        let mut range = TimeRange::EMPTY;
        let behind = Some(seqs.end).filter(|seq| *seq < self.view.size());
        for seq in [seqs.start.checked_sub(1), behind].into_iter().flatten() {
            let near = &mut Nearby::default();
            let group = self.parts.group_at(&self.view, seq, Keep::Passing, near)?;
            if let Item::Record { body, .. } = group.item(seq)
                && let Ok(body) = Body::parse(body)
            {
                range.add(body.timestamp().unix_nanos());
            }
        }
        Ok(range)
    }
}
