//! Stand-in for the growing and the encoded shard, until those are there.

use std::ops::RangeInclusive;

use bincode::{Decode, Encode};
use parking_lot::RwLock;

use super::SHARD_RECORDS;
use super::error::ShardError;
use super::input::{Keyword, Slot, TermKey};
use super::lookup::{EachCount, ShardLookup, TimeSpan};
use super::record_set::RecordSet;
use crate::format::TimeRange;

#[derive(Encode, Decode, Clone)]
enum Kept {
    Record(i64, Vec<Option<String>>, Option<u32>, Vec<u64>),
    Erased,
    Unreadable,
}

#[derive(Encode, Decode, Clone)]
struct Plain {
    first_seq: u64,
    slots: Vec<Kept>,
}

impl Plain {
    fn each(&self, mut each: impl FnMut(u16, &Kept)) {
        for (seq, slot) in (self.first_seq..).zip(&self.slots) {
            each(u16::try_from(seq % SHARD_RECORDS).unwrap_or(0), slot);
        }
    }

    fn add(&self, out: &mut RecordSet, wanted: impl Fn(&Kept) -> bool) {
        self.each(|place, slot| {
            if wanted(slot) {
                out.insert(place);
            }
        });
    }
}

/// Shard that takes records.
pub struct GrowingShard(RwLock<Plain>);

impl GrowingShard {
    /// An empty one.
    #[must_use]
    pub fn new(first_seq: u64) -> Self {
        Self(RwLock::new(Plain { first_seq, slots: Vec::new() }))
    }

    /// Takes the next record.
    pub fn push(&self, slot: &Slot<'_>) {
        let kept = match slot {
            Slot::Record(keys) => Kept::Record(
                keys.timestamp,
                keys.keywords.iter().map(|k| k.as_ref().map(|k| k.to_string())).collect(),
                keys.address,
                keys.terms.iter().map(|t| t.0).collect(),
            ),
            Slot::Erased => Kept::Erased,
            Slot::Unreadable => Kept::Unreadable,
        };
        self.0.write().slots.push(kept);
    }

    /// Bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = bincode::encode_to_vec(&*self.0.read(), bincode::config::standard())
            .unwrap_or_default();
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }
}

/// Shard of bytes.
pub struct EncodedShard<S> {
    plain: Plain,
    _bytes: S,
}

impl<S: AsRef<[u8]>> EncodedShard<S> {
    /// Decodes.
    ///
    /// # Errors
    /// Bad bytes.
    pub fn open(bytes: S) -> Result<Self, ShardError> {
        let (body, crc) = bytes.as_ref().split_last_chunk().ok_or(ShardError::Structure("crc"))?;
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return Err(ShardError::Page { page: 0 });
        }
        let (plain, _) = bincode::decode_from_slice(body, bincode::config::standard())
            .map_err(|_| ShardError::Structure("plain"))?;
        Ok(Self { plain, _bytes: bytes })
    }
}

macro_rules! lookup {
    ($self:ident, $plain:expr) => {
        fn first_seq(&$self) -> u64 {
            $plain.first_seq
        }
        fn record_count(&$self) -> u32 {
            u32::try_from($plain.slots.len()).unwrap_or(0)
        }
        fn times(&$self) -> TimeRange {
            let mut range = TimeRange::EMPTY;
            $plain.each(|_, slot| if let Kept::Record(time, ..) = slot { range.add(*time) });
            range
        }
        fn keyword(&$self, f: Keyword, value: &str, out: &mut RecordSet) -> Result<(), ShardError> {
            $plain.add(out, |s| matches!(s, Kept::Record(_, k, ..) if k.get(f.place()).and_then(|k| k.as_deref()) == Some(value)));
            Ok(())
        }
        fn keywords(&$self, field: Keyword, wanted: &mut dyn FnMut(&str) -> bool, out: &mut RecordSet) -> Result<(), ShardError> {
            $plain.each(|place, s| {
                if let Kept::Record(_, k, ..) = s
                    && let Some(Some(value)) = k.get(field.place())
                    && wanted(value)
                {
                    out.insert(place);
                }
            });
            Ok(())
        }
        fn prefix(&$self, field: Keyword, prefix: &str, out: &mut RecordSet) -> Result<(), ShardError> {
            $self.keywords(field, &mut |value| value.starts_with(prefix), out)
        }
        fn term(&$self, key: TermKey, out: &mut RecordSet) -> Result<(), ShardError> {
            $plain.each(|place, s| {
                if matches!(s, Kept::Record(_, _, _, terms) if terms.contains(&key.0)) {
                    out.insert_octet(place / 8);
                }
            });
            Ok(())
        }
        fn addresses(&$self, range: RangeInclusive<u32>, out: &mut RecordSet) -> Result<(), ShardError> {
            $plain.each(|place, s| {
                if matches!(s, Kept::Record(_, _, Some(a), _) if range.contains(a)) {
                    out.insert_octet(place / 8);
                }
            });
            Ok(())
        }
        fn unreadable(&$self, out: &mut RecordSet) -> Result<(), ShardError> {
            $plain.add(out, |s| matches!(s, Kept::Unreadable));
            Ok(())
        }
        fn erased(&$self, out: &mut RecordSet) -> Result<(), ShardError> {
            $plain.add(out, |s| matches!(s, Kept::Erased));
            Ok(())
        }
        fn tile_times(&$self, tile: usize) -> Result<TimeRange, ShardError> {
            let mut range = TimeRange::EMPTY;
            $plain.each(|place, slot| {
                if let Kept::Record(time, ..) = slot
                    && usize::from(place) / 256 == tile
                {
                    range.add(*time);
                }
            });
            Ok(range)
        }
        fn spans(&$self, tile: usize, out: &mut Vec<Option<TimeSpan>>) -> Result<(), ShardError> {
            out.clear();
            out.resize(256, None);
            $plain.each(|place, slot| {
                if let Kept::Record(time, ..) = slot
                    && usize::from(place) / 256 == tile
                    && let Some(span) = out.get_mut(usize::from(place) % 256)
                {
                    *span = Some(TimeSpan { min: *time, max: *time });
                }
            });
            Ok(())
        }
        fn counts(&$self, field: Keyword, each: EachCount<'_>) -> Result<(), ShardError> {
            let mut all = RecordSet::new();
            all.insert_range(0, 65_536);
            $self.counts_in(field, &all, each)
        }
        fn counts_in(&$self, field: Keyword, within: &RecordSet, each: EachCount<'_>) -> Result<(), ShardError> {
            let mut counts = std::collections::BTreeMap::<String, u64>::new();
            $plain.each(|place, s| {
                if let Kept::Record(_, k, ..) = s
                    && within.contains(place)
                    && let Some(Some(value)) = k.get(field.place())
                {
                    *counts.entry(value.clone()).or_default() += 1;
                }
            });
            counts.iter().for_each(|(value, count)| each(value, *count));
            Ok(())
        }
    };
}

impl<S: Send + Sync> ShardLookup for EncodedShard<S> {
    lookup!(self, self.plain);
}

impl ShardLookup for GrowingShard {
    lookup!(self, self.0.read());
}
