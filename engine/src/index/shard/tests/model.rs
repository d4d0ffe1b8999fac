//! A naive shard: a list of records that every question goes through.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::Numbers;
use crate::format::TimeRange;
use crate::index::shard::{
    Keyword, RecordKeys, RecordSet, SHARD_RECORDS, ShardBuilder, ShardLookup, Slot, TermKey,
};

/// What one place of the log holds.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are records")]
pub(in crate::index) enum Kept {
    Record(Record),
    Erased,
    Unreadable,
}

#[derive(Clone, Debug, Default)]
pub(in crate::index) struct Record {
    pub(in crate::index) timestamp: i64,
    pub(in crate::index) keywords: [Option<String>; Keyword::COUNT],
    pub(in crate::index) address: Option<u32>,
    pub(in crate::index) terms: Vec<TermKey>,
}

#[derive(Clone, Debug)]
pub(in crate::index) struct Model {
    pub(in crate::index) first_seq: u64,
    pub(in crate::index) kept: Vec<Kept>,
}

/// The term of a small number, uniform as hashes are.
pub(in crate::index) fn term(number: u64) -> TermKey {
    TermKey(Numbers(number).next())
}

const VALUES: [&str; 9] = ["", "a", "ab", "abc", "READ", "READ_CHART", "記録", "記録する", "z"];
pub(in crate::index) const TERMS: u64 = 60;

fn record(rng: &mut Numbers) -> Record {
    let timestamp = match rng.below(20) {
        0 => i64::MIN,
        1 => i64::MAX,
        2 => 0,
        _ => i64::try_from(rng.below(1 << 40)).unwrap(),
    };
    let mut record = Record { timestamp, ..Record::default() };
    for (index, value) in (0_u64..).zip(&mut record.keywords) {
        // Some fields have one value nearly always, some never, some are spread.
        let choice = rng.below(10 + 30 * (index % 3));
        *value = match index {
            8 => None,
            7 if choice > 3 => Some("x".repeat(usize::from(rng.place(3_000)))),
            _ => VALUES
                .get(usize::try_from(choice).unwrap())
                .map(|value| (*value).to_owned())
                .or_else(|| (index % 2 == 0).then(|| "usual".to_owned())),
        };
    }
    record.address = (rng.below(3) > 0).then(|| 0x0a00_0000 | u32::from(rng.place(300)));
    record.terms = (0..rng.below(6)).map(|_| term(rng.below(TERMS))).collect();
    record
}

impl Model {
    pub(in crate::index) fn random(first_seq: u64, count: usize, seed: u64) -> Self {
        let rng = &mut Numbers(seed);
        let kept = (0..count).map(|_| match rng.below(12) {
            0 => Kept::Erased,
            1 => Kept::Unreadable,
            _ => Kept::Record(record(rng)),
        });
        Self { first_seq, kept: kept.collect() }
    }

    /// Gives each of its places to a builder.
    pub(in crate::index) fn push_to(&self, builder: &mut ShardBuilder) {
        self.kept.iter().for_each(|kept| push(kept, builder));
    }

    pub(in crate::index) fn builder(&self) -> ShardBuilder {
        let mut builder = ShardBuilder::new(self.first_seq);
        self.push_to(&mut builder);
        builder
    }

    fn places(&self) -> impl Iterator<Item = (u16, &Kept)> {
        let place = |seq: u64| u16::try_from(seq % SHARD_RECORDS).unwrap();
        (self.first_seq..).map(place).zip(&self.kept)
    }

    fn records(&self) -> impl Iterator<Item = (u16, &Record)> {
        self.places().filter_map(|(place, kept)| match kept {
            Kept::Record(record) => Some((place, record)),
            _ => None,
        })
    }

    fn set(&self, wanted: impl Fn(&Record) -> bool) -> Vec<u16> {
        self.records().filter(|(_, record)| wanted(record)).map(|(place, _)| place).collect()
    }

    /// All places of the octets that hold such a record.
    fn octets(&self, wanted: impl Fn(&Record) -> bool) -> Vec<u16> {
        let found = self.set(wanted);
        let near = |place: &u16| found.iter().any(|found| found / 8 == place / 8);
        self.places().map(|(place, _)| place).filter(near).collect()
    }

    fn counts(&self, field: Keyword, within: &RecordSet) -> Vec<(String, u64)> {
        let mut counts = BTreeMap::new();
        for (place, record) in self.records() {
            if let (true, Some(value)) = (within.contains(place), &record.keywords[field.place()]) {
                *counts.entry(value.clone()).or_default() += 1;
            }
        }
        counts.into_iter().collect()
    }

    pub(in crate::index) fn times(&self) -> TimeRange {
        let mut range = TimeRange::EMPTY;
        self.records().for_each(|(_, record)| range.add(record.timestamp));
        range
    }

    /// Asks a shard everything and compares; `exact` where terms must be, too.
    pub(in crate::index) fn check(&self, shard: &dyn ShardLookup, exact: bool) {
        assert_eq!(shard.first_seq(), self.first_seq);
        assert_eq!(shard.record_count() as usize, self.kept.len());
        assert_eq!(shard.times(), self.times());
        for field in Keyword::ALL {
            self.check_keyword(shard, field);
        }
        for number in 0..TERMS + 40 {
            let key = term(number);
            let wanted = self.octets(|record| record.terms.contains(&key));
            let found = asked(|out| shard.term(key, out).unwrap());
            assert!(wanted.iter().all(|place| found.contains(place)), "term {number}");
            let all: Vec<u16> = self.places().map(|(place, _)| place).collect();
            assert!(found.iter().all(|place| all.contains(place)), "term {number}");
            assert!(!exact || wanted == found, "term {number}");
        }
        let (empty, low) = (RangeInclusive::new(9, 3), 0x0a00_0000);
        for range in [0..=u32::MAX, low..=low + 9, low + 7..=low + 7, low + 900..=low + 999, empty]
        {
            let wanted = self.octets(|r| r.address.is_some_and(|a| range.contains(&a)));
            assert_eq!(asked(|out| shard.addresses(range.clone(), out).unwrap()), wanted);
        }
        let dead = |wanted: fn(&Kept) -> bool| {
            self.places().filter(|(_, kept)| wanted(kept)).map(|(p, _)| p).collect::<Vec<_>>()
        };
        let erased = dead(|kept| matches!(kept, Kept::Erased));
        assert_eq!(asked(|out| shard.erased(out).unwrap()), erased);
        let unreadable = dead(|kept| matches!(kept, Kept::Unreadable));
        assert_eq!(asked(|out| shard.unreadable(out).unwrap()), unreadable);
        self.check_times(shard);
    }

    fn check_keyword(&self, shard: &dyn ShardLookup, field: Keyword) {
        let of = |record: &Record| record.keywords[field.place()].clone();
        for value in VALUES.into_iter().chain(["usual", "never", "xxx"]) {
            let wanted = self.set(|record| of(record).as_deref() == Some(value));
            let found = asked(|out| shard.keyword(field, value, out).unwrap());
            assert_eq!(found, wanted, "{field:?} {value}");
            let wanted = self.set(|record| of(record).is_some_and(|v| v.starts_with(value)));
            let found = asked(|out| shard.prefix(field, value, out).unwrap());
            assert_eq!(found, wanted, "{field:?} {value}…");
        }
        let takes = |value: &str| value.contains('a');
        let wanted = self.set(|record| of(record).is_some_and(|value| takes(&value)));
        let found = asked(|out| shard.keywords(field, &mut |v| takes(v), out).unwrap());
        assert_eq!(found, wanted, "{field:?}");

        let mut some = RecordSet::new();
        some.insert_range(0, 65_536);
        let mut counts = Vec::new();
        shard.counts(field, &mut |value, n| counts.push((value.to_owned(), n))).unwrap();
        assert_eq!(counts, self.counts(field, &some), "{field:?}");
        let rng = &mut Numbers(self.first_seq);
        (0..=u16::MAX).filter(|_| rng.below(3) == 0).for_each(|place| some.remove(place));
        counts.clear();
        shard.counts_in(field, &some, &mut |value, n| counts.push((value.to_owned(), n))).unwrap();
        assert_eq!(counts, self.counts(field, &some), "{field:?}");
    }

    fn check_times(&self, shard: &dyn ShardLookup) {
        let tile_of = |place: u16| usize::from(place) / 256;
        let mut spans = vec![None];
        for tile in (0..256).filter(|tile| {
            *tile == 0 || *tile == 255 || self.places().any(|(place, _)| tile_of(place) == *tile)
        }) {
            let mut range = TimeRange::EMPTY;
            let mut times = [None; 256];
            for (place, record) in self.records().filter(|(place, _)| tile_of(*place) == tile) {
                range.add(record.timestamp);
                times[usize::from(place) % 256] = Some(record.timestamp);
            }
            assert_eq!(shard.tile_times(tile).unwrap(), range, "tile {tile}");
            shard.spans(tile, &mut spans).unwrap();
            assert_eq!(spans.len(), 256);
            for (time, span) in times.iter().zip(&spans) {
                assert_eq!(time.is_some(), span.is_some(), "tile {tile}");
                if let (Some(time), Some(span)) = (time, span) {
                    assert!((span.min..=span.max).contains(time), "{time} in {span:?}");
                    assert!(range.min <= span.min && span.max <= range.max);
                }
            }
        }
    }
}

pub(in crate::index) fn push(kept: &Kept, builder: &mut ShardBuilder) {
    builder.push(&match kept {
        Kept::Erased => Slot::Erased,
        Kept::Unreadable => Slot::Unreadable,
        Kept::Record(record) => {
            let keywords = record.keywords.each_ref();
            let keys = RecordKeys {
                timestamp: record.timestamp,
                keywords: keywords.map(|value| value.as_deref().map(Cow::Borrowed)),
                address: record.address,
                terms: &record.terms,
            };
            builder.push(&Slot::Record(&keys));
            return;
        }
    });
}

/// The places that a question adds; those that were there before stay, whatever it is.
fn asked(question: impl Fn(&mut RecordSet)) -> Vec<u16> {
    let mut found = RecordSet::new();
    question(&mut found);
    let mut added = RecordSet::new();
    (0..=u16::MAX).step_by(97).for_each(|place| added.insert(place));
    let mut wanted = added.clone();
    question(&mut added);
    wanted.unite(&found);
    assert!(added == wanted, "what was there before");
    found.iter().collect()
}
