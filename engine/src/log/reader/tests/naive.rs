//! A shard that keeps everything as it is: what the search of an index is tried with.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::format::TimeRange;
use crate::index::shard::{
    EachCount, Keyword, RecordSet, SHARD_RECORDS, ShardError, ShardLookup, TermKey, TimeSpan,
};
use crate::record::{Body, Member};

/// What it answers of one record.
#[derive(Clone)]
pub(super) enum Known {
    Record { time: i64, keywords: Vec<Option<String>> },
    Unreadable,
}

/// An index over records that begin at `first_seq`.
pub(super) struct NaiveShard {
    pub(super) first_seq: u64,
    pub(super) records: Vec<Known>,
    /// Times are known as multiples of it.
    pub(super) quantum: i64,
    /// The tile whose times are damaged.
    pub(super) bad_tile: Option<usize>,
}

pub(super) fn known(body: &[u8]) -> Known {
    let body = Body::parse(body).unwrap();
    let text = |member| body.text(member).map(std::borrow::Cow::into_owned);
    let keywords = Keyword::ALL.map(|keyword| match keyword {
        Keyword::Action => text(Member::Action),
        Keyword::ActorId => text(Member::ActorId),
        Keyword::ActorRole => text(Member::ActorRole),
        Keyword::ActorType => Some(body.actor_type().as_str().to_owned()),
        Keyword::FacilityId => text(Member::FacilityId),
        Keyword::IngestedBy => body.producer().map(std::borrow::Cow::into_owned),
        Keyword::PiiFlag => Some(body.pii_flag().to_string()),
        Keyword::Result => Some(body.result().as_str().to_owned()),
        Keyword::Sensitivity => Some(body.sensitivity().as_str().to_owned()),
        Keyword::TargetType => text(Member::TargetType),
    });
    Known::Record { time: body.timestamp().unix_nanos(), keywords: keywords.to_vec() }
}

impl NaiveShard {
    fn all(&self) -> impl Iterator<Item = (u16, &Known)> {
        let places = (0..).map(|n| ((self.first_seq + n) % SHARD_RECORDS) as u16);
        places.zip(&self.records)
    }

    fn tile(&self, tile: usize) -> impl Iterator<Item = (u16, i64)> {
        let first = (self.first_seq % SHARD_RECORDS) as usize;
        let skip = (tile * 256).saturating_sub(first);
        self.all().skip(skip).take(256).filter_map(move |(place, known)| match known {
            Known::Record { time, .. } if usize::from(place) / 256 == tile => Some((place, *time)),
            _ => None,
        })
    }

    fn each(&self, field: Keyword, mut f: impl FnMut(u16, &str)) {
        for (place, known) in self.all() {
            if let Known::Record { keywords, .. } = known
                && let Some(value) = &keywords[field.place()]
            {
                f(place, value);
            }
        }
    }

    fn count(
        &self,
        field: Keyword,
        within: impl Fn(u16) -> bool,
        each: EachCount<'_>,
    ) -> Result<(), ShardError> {
        let mut counts = BTreeMap::new();
        self.each(field, |place, value| {
            if within(place) {
                *counts.entry(value.to_owned()).or_insert(0) += 1;
            }
        });
        counts.into_iter().for_each(|(value, n)| each(&value, n));
        Ok(())
    }
}

impl ShardLookup for NaiveShard {
    fn first_seq(&self) -> u64 {
        self.first_seq
    }

    fn record_count(&self) -> u32 {
        self.records.len() as u32
    }

    fn times(&self) -> TimeRange {
        let mut times = TimeRange::EMPTY;
        for (_, known) in self.all() {
            if let Known::Record { time, .. } = known {
                times.add(*time);
            }
        }
        times
    }

    fn keyword(&self, f: Keyword, value: &str, out: &mut RecordSet) -> Result<(), ShardError> {
        self.keywords(f, &mut |v| v == value, out)
    }

    fn keywords(
        &self,
        field: Keyword,
        wanted: &mut dyn FnMut(&str) -> bool,
        out: &mut RecordSet,
    ) -> Result<(), ShardError> {
        self.each(field, |place, value| {
            if wanted(value) {
                out.insert(place);
            }
        });
        Ok(())
    }

    fn prefix(&self, f: Keyword, prefix: &str, out: &mut RecordSet) -> Result<(), ShardError> {
        self.keywords(f, &mut |v| v.starts_with(prefix), out)
    }

    fn term(&self, _: TermKey, out: &mut RecordSet) -> Result<(), ShardError> {
        out.insert_range(0, 65_536);
        Ok(())
    }

    fn addresses(&self, _: RangeInclusive<u32>, out: &mut RecordSet) -> Result<(), ShardError> {
        out.insert_range(0, 65_536);
        Ok(())
    }

    fn unreadable(&self, out: &mut RecordSet) -> Result<(), ShardError> {
        let is = |(_, known): &(u16, &Known)| matches!(known, Known::Unreadable);
        self.all().filter(is).for_each(|(place, _)| out.insert(place));
        Ok(())
    }

    fn erased(&self, _: &mut RecordSet) -> Result<(), ShardError> {
        Ok(())
    }

    fn tile_times(&self, tile: usize) -> Result<TimeRange, ShardError> {
        let mut times = TimeRange::EMPTY;
        self.tile(tile).for_each(|(_, time)| times.add(time));
        Ok(times)
    }

    fn spans(&self, tile: usize, out: &mut Vec<Option<TimeSpan>>) -> Result<(), ShardError> {
        out.clear();
        out.resize(256, None);
        if self.bad_tile == Some(tile) {
            return Err(ShardError::Page { page: tile as u64 });
        }
        let whole = self.tile_times(tile)?;
        for (place, time) in self.tile(tile) {
            let min = time - time.rem_euclid(self.quantum);
            let (min, max) = (min.max(whole.min), (min + self.quantum - 1).min(whole.max));
            out[usize::from(place) % 256] = Some(TimeSpan { min, max });
        }
        Ok(())
    }

    fn counts(&self, field: Keyword, each: EachCount<'_>) -> Result<(), ShardError> {
        self.count(field, |_| true, each)
    }

    fn counts_in(
        &self,
        field: Keyword,
        within: &RecordSet,
        each: EachCount<'_>,
    ) -> Result<(), ShardError> {
        self.count(field, |place| within.contains(place), each)
    }
}
