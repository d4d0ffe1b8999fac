//! The block directory of a sealed segment: where each block lies, its Merkle root and its zone
//! map.
//!
//! Invariant: one entry per block in seq order; the footer holds the CRC of all entries. Zone maps
//! are for pruning and statistics, and full verification recomputes them. Byte table: format.md.

use super::codec::{FormatError, FormatErrorKind, Put, Reader, Structure, layout};
use crate::types::NodeHash;

layout!(pub(crate) LAYOUT, DIRECTORY_ENTRY_LEN = 100, {
    offset: 8, len: 4, record_count: 2, erased_count: 2, timestamp_min: 8, timestamp_max: 8,
    received_min: 8, received_max: 8, result_counts: 6, sensitivity_counts: 6,
    actor_type_counts: 6, pii_count: 2, root: 32,
});

/// Smallest and largest of a set of times, nanoseconds since 1970. Empty: `min > max`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeRange {
    /// Smallest.
    pub min: i64,
    /// Largest.
    pub max: i64,
}

impl TimeRange {
    /// The range of no time at all.
    pub const EMPTY: Self = Self { min: i64::MAX, max: i64::MIN };

    /// Widens the range to `time`.
    pub fn add(&mut self, time: i64) {
        self.min = self.min.min(time);
        self.max = self.max.max(time);
    }

    /// Widens the range to all of `other`.
    pub fn merge(&mut self, other: Self) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}

/// How many records of each kind; erased ones are counted nowhere else.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// success, failure, warning.
    pub result: [u64; 3],
    /// low, medium, high.
    pub sensitivity: [u64; 3],
    /// user, device, system.
    pub actor_type: [u64; 3],
    /// Records with `pii_flag`.
    pub pii: u64,
    /// Erased records.
    pub erased: u64,
}

impl Counts {
    /// Adds another count to this one.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in [
            (&mut self.result, &other.result),
            (&mut self.sensitivity, &other.sensitivity),
            (&mut self.actor_type, &other.actor_type),
        ] {
            for (a, b) in mine.iter_mut().zip(theirs) {
                *a = a.saturating_add(*b);
            }
        }
        self.pii = self.pii.saturating_add(other.pii);
        self.erased = self.erased.saturating_add(other.erased);
    }
}

/// One block in the directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DirectoryEntry {
    /// Where the block begins in the file.
    pub offset: u64,
    /// Bytes of the block.
    pub len: u32,
    /// Records, erased ones included.
    pub record_count: u16,
    /// `timestamp` of its records.
    pub timestamp: TimeRange,
    /// `received_at` of its records.
    pub received: TimeRange,
    /// Counts of its records.
    pub counts: Counts,
    /// RFC 6962 root of the block's own leaves; of a full block, the level-8 node of the log.
    pub root: NodeHash,
}

impl DirectoryEntry {
    /// Its bytes on disk, appended to `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let clip = |n: u64| u16::try_from(n).unwrap_or(u16::MAX);
        out.u64(self.offset).u32(self.len).u16(self.record_count).u16(clip(self.counts.erased));
        out.i64(self.timestamp.min).i64(self.timestamp.max);
        out.i64(self.received.min).i64(self.received.max);
        for counts in [self.counts.result, self.counts.sensitivity, self.counts.actor_type] {
            for n in counts {
                out.u16(clip(n));
            }
        }
        out.u16(clip(self.counts.pii)).bytes(&self.root.0);
    }

    /// Reads all entries of a directory.
    ///
    /// # Errors
    /// [`FormatError`] where the length is no multiple of an entry or a count is impossible.
    pub fn decode_all(bytes: &[u8]) -> Result<Vec<Self>, FormatError> {
        let mut r = Reader::new(Structure::Directory, bytes);
        let mut entries = Vec::with_capacity(bytes.len() / DIRECTORY_ENTRY_LEN);
        while r.remaining() > 0 {
            entries.push(Self::decode(&mut r)?);
        }
        Ok(entries)
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, FormatError> {
        let at = r.error(FormatErrorKind::Value);
        let (offset, len, record_count) = (r.u64()?, r.u32()?, r.u16()?);
        let erased = r.u16()?.into();
        let timestamp = TimeRange { min: r.i64()?, max: r.i64()? };
        let received = TimeRange { min: r.i64()?, max: r.i64()? };
        let mut triple =
            || Ok::<_, FormatError>([r.u16()?.into(), r.u16()?.into(), r.u16()?.into()]);
        let (result, sensitivity, actor_type) = (triple()?, triple()?, triple()?);
        let counts = Counts { result, sensitivity, actor_type, pii: r.u16()?.into(), erased };
        let root = NodeHash(r.array()?);
        if record_count == 0 || record_count > 256 || offset.checked_add(len.into()).is_none() {
            return Err(at);
        }
        Ok(Self { offset, len, record_count, timestamp, received, counts, root })
    }
}
