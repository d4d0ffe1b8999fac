//! An index that keeps what it was told and looks through all of it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::format::TimeRange;
use crate::index::shard::{
    Keyword, RecordKeys, RecordSet, ShardError, ShardLookup, TermKey, TimeSpan,
};

/// One place of a [`NaiveShard`].
#[derive(Clone, Debug)]
pub(super) enum Place {
    Record { time: i64, keywords: Vec<Option<String>>, address: Option<u32>, terms: Vec<TermKey> },
    Erased,
    Unreadable,
}

impl Place {
    pub(super) fn of(keys: &RecordKeys<'_>) -> Self {
        let text = |value: &Option<std::borrow::Cow<'_, str>>| value.as_deref().map(str::to_owned);
        Self::Record {
            time: keys.timestamp,
            keywords: keys.keywords.iter().map(text).collect(),
            address: keys.address,
            terms: keys.terms.to_vec(),
        }
    }

    fn time(&self) -> Option<i64> {
        match self {
            Self::Record { time, .. } => Some(*time),
            Self::Erased | Self::Unreadable => None,
        }
    }
}

/// Times are known to whole multiples of `quantum`, terms by octets or, so that nothing is found by
/// chance, by records.
#[derive(Debug)]
pub(super) struct NaiveShard {
    pub(super) first_seq: u64,
    pub(super) quantum: i64,
    pub(super) by_octets: bool,
    pub(super) places: Vec<Place>,
}

impl NaiveShard {
    /// Each place of the shard with its position in the window.
    fn each(&self) -> impl Iterator<Item = (u16, &Place)> {
        let first = u16::try_from(self.first_seq % 65_536).unwrap();
        (first..=u16::MAX).zip(&self.places)
    }

    fn having(&self, out: &mut RecordSet, mut wanted: impl FnMut(&Place) -> bool) {
        self.each().filter(|(_, place)| wanted(place)).for_each(|(at, _)| out.insert(at));
    }

    fn octets(&self, out: &mut RecordSet, mut wanted: impl FnMut(&Place) -> bool) {
        for (at, _) in self.each().filter(|(_, place)| wanted(place)) {
            if self.by_octets { out.insert_octet(at / 8) } else { out.insert(at) }
        }
    }

    fn tile(&self, tile: usize) -> impl Iterator<Item = (u16, &Place)> {
        self.each().filter(move |(at, _)| usize::from(at / 256) == tile)
    }
}

fn value(place: &Place, field: Keyword) -> Option<&str> {
    match place {
        Place::Record { keywords, .. } => keywords[field.place()].as_deref(),
        Place::Erased | Place::Unreadable => None,
    }
}

fn range<'a>(places: impl Iterator<Item = &'a Place>) -> TimeRange {
    let mut times = TimeRange::EMPTY;
    places.filter_map(Place::time).for_each(|time| times.add(time));
    times
}

type Done = Result<(), ShardError>;
type EachCount<'a> = &'a mut dyn FnMut(&str, u64);

impl ShardLookup for NaiveShard {
    fn first_seq(&self) -> u64 {
        self.first_seq
    }

    fn record_count(&self) -> u32 {
        u32::try_from(self.places.len()).unwrap()
    }

    fn times(&self) -> TimeRange {
        range(self.places.iter())
    }

    fn keyword(&self, field: Keyword, wanted: &str, out: &mut RecordSet) -> Done {
        self.having(out, |place| value(place, field) == Some(wanted));
        Ok(())
    }

    fn keywords(
        &self,
        field: Keyword,
        wanted: &mut dyn FnMut(&str) -> bool,
        out: &mut RecordSet,
    ) -> Done {
        self.having(out, |place| value(place, field).is_some_and(&mut *wanted));
        Ok(())
    }

    fn prefix(&self, field: Keyword, prefix: &str, out: &mut RecordSet) -> Done {
        self.having(out, |place| value(place, field).is_some_and(|v| v.starts_with(prefix)));
        Ok(())
    }

    fn term(&self, key: TermKey, out: &mut RecordSet) -> Done {
        self.octets(out, |p| matches!(p, Place::Record { terms, .. } if terms.contains(&key)));
        Ok(())
    }

    fn addresses(&self, range: RangeInclusive<u32>, out: &mut RecordSet) -> Done {
        self.octets(out, |place| match place {
            Place::Record { address: Some(address), .. } => range.contains(address),
            _ => false,
        });
        Ok(())
    }

    fn unreadable(&self, out: &mut RecordSet) -> Done {
        self.having(out, |place| matches!(place, Place::Unreadable));
        Ok(())
    }

    fn erased(&self, out: &mut RecordSet) -> Done {
        self.having(out, |place| matches!(place, Place::Erased));
        Ok(())
    }

    fn tile_times(&self, tile: usize) -> Result<TimeRange, ShardError> {
        Ok(range(self.tile(tile).map(|(_, place)| place)))
    }

    fn spans(&self, tile: usize, out: &mut Vec<Option<TimeSpan>>) -> Done {
        let exact = self.tile_times(tile)?;
        out.clear();
        out.resize(256, None);
        for (at, place) in self.tile(tile) {
            out[usize::from(at % 256)] = place.time().map(|time| {
                let min = time.div_euclid(self.quantum) * self.quantum;
                TimeSpan { min: min.max(exact.min), max: (min + self.quantum - 1).min(exact.max) }
            });
        }
        Ok(())
    }

    fn counts(&self, field: Keyword, each: EachCount<'_>) -> Done {
        let mut all = RecordSet::new();
        all.insert_range(0, 65_536);
        self.counts_in(field, &all, each)
    }

    fn counts_in(&self, field: Keyword, within: &RecordSet, each: EachCount<'_>) -> Done {
        let mut counts = BTreeMap::new();
        for (_, place) in self.each().filter(|(at, _)| within.contains(*at)) {
            if let Some(value) = value(place, field) {
                *counts.entry(value).or_insert(0) += 1;
            }
        }
        counts.into_iter().for_each(|(value, count)| each(value, count));
        Ok(())
    }
}
