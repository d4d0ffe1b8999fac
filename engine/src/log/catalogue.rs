//! `segments.cat`: what is known of each sealed segment, so that opening reads one file and not all
//! of them.
//!
//! Rebuildable from the footers at any time and never trusted by verification. An entry is `[length
//! u32][crc32 u32][bincode]`, appended after each seal without a sync; what is torn or stale is
//! read from the footers again.
//! Invariant: entries are in seq order, and the entries that load are those of files that exist.

use std::io;

use bincode::{Decode, Encode};

use crate::format::{Counts, Footer, TimeRange, sealed_name};
use crate::io::{OpenMode, Storage};
use crate::proof::CompactRange;
use crate::types::{ChainHash, NodeHash, Seq};

/// Name in the data directory.
pub(crate) const NAME: &str = "segments.cat";
const MAGIC: &[u8; 8] = b"SHOSEKIC";
const VERSION: u32 = 0;
const ENTRY_LEN_MAX: usize = 16 << 10;

/// One sealed segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegmentEntry {
    /// Seq of the first record.
    pub first_seq: u64,
    /// Records.
    pub count: u64,
    /// `timestamp` of its records, nanoseconds since 1970.
    pub timestamp: TimeRange,
    /// `received_at` of its records, nanoseconds since 1970.
    pub received: TimeRange,
    /// Bytes of its bodies.
    pub raw_len: u64,
    /// Bytes of the file.
    pub file_len: u64,
    /// Chain hash before the first record.
    pub chain_before: ChainHash,
    /// Chain hash after the last record.
    pub chain_after: ChainHash,
    /// Counts of its records.
    pub counts: Counts,
    /// Compact range of its leaves in log coordinates.
    pub range_nodes: Vec<NodeHash>,
}

#[derive(Encode, Decode)]
struct Stored {
    first_seq: u64,
    count: u64,
    times: [i64; 4],
    raw_len: u64,
    file_len: u64,
    chain_before: [u8; 64],
    chain_after: [u8; 64],
    result: [u64; 3],
    sensitivity: [u64; 3],
    actor_type: [u64; 3],
    pii: u64,
    erased: u64,
    range_nodes: Vec<[u8; 32]>,
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_fixed_int_encoding().with_limit::<ENTRY_LEN_MAX>()
}

impl SegmentEntry {
    /// The entry of a segment with this footer.
    #[must_use]
    pub fn from_footer(footer: &Footer, file_len: u64) -> Self {
        Self {
            first_seq: footer.first_seq.0,
            count: footer.count,
            timestamp: footer.timestamp,
            received: footer.received,
            raw_len: footer.raw_len,
            file_len,
            chain_before: footer.chain_before,
            chain_after: footer.chain_after,
            counts: footer.counts,
            range_nodes: footer.range_nodes.clone(),
        }
    }

    /// The seq behind the last record.
    #[must_use]
    pub fn end_seq(&self) -> u64 {
        self.first_seq.saturating_add(self.count)
    }

    /// Path in the data directory.
    #[must_use]
    pub fn path(&self) -> String {
        format!("sealed/{}", sealed_name(Seq(self.first_seq), self.count))
    }

    /// Its leaves as a compact range.
    #[must_use]
    pub fn range(&self) -> Option<CompactRange> {
        CompactRange::from_nodes(self.first_seq, self.end_seq(), self.range_nodes.clone()).ok()
    }

    fn encode(&self) -> Vec<u8> {
        let stored = Stored {
            first_seq: self.first_seq,
            count: self.count,
            times: [self.timestamp.min, self.timestamp.max, self.received.min, self.received.max],
            raw_len: self.raw_len,
            file_len: self.file_len,
            chain_before: self.chain_before.0,
            chain_after: self.chain_after.0,
            result: self.counts.result,
            sensitivity: self.counts.sensitivity,
            actor_type: self.counts.actor_type,
            pii: self.counts.pii,
            erased: self.counts.erased,
            range_nodes: self.range_nodes.iter().map(|n| n.0).collect(),
        };
        bincode::encode_to_vec(stored, config()).unwrap_or_default()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (s, used): (Stored, _) = bincode::decode_from_slice(bytes, config()).ok()?;
        let [t_min, t_max, r_min, r_max] = s.times;
        (used == bytes.len()).then(|| Self {
            first_seq: s.first_seq,
            count: s.count,
            timestamp: TimeRange { min: t_min, max: t_max },
            received: TimeRange { min: r_min, max: r_max },
            raw_len: s.raw_len,
            file_len: s.file_len,
            chain_before: ChainHash(s.chain_before),
            chain_after: ChainHash(s.chain_after),
            counts: Counts {
                result: s.result,
                sensitivity: s.sensitivity,
                actor_type: s.actor_type,
                pii: s.pii,
                erased: s.erased,
            },
            range_nodes: s.range_nodes.into_iter().map(NodeHash).collect(),
        })
    }
}

/// Loads what can be loaded; whatever is wrong just ends the list.
pub(crate) fn load(storage: &dyn Storage) -> Vec<SegmentEntry> {
    let Ok(bytes) = read(storage) else { return Vec::new() };
    let Some(mut rest) = bytes.strip_prefix(header().as_slice()) else { return Vec::new() };
    let mut entries = Vec::new();
    while let Some((entry, behind)) = next(rest) {
        entries.push(entry);
        rest = behind;
    }
    entries
}

fn next(bytes: &[u8]) -> Option<(SegmentEntry, &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    let (crc, rest) = rest.split_first_chunk()?;
    let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
    let (entry, rest) = rest.split_at_checked(len)?;
    if crc32fast::hash(entry) != u32::from_le_bytes(*crc) {
        return None;
    }
    Some((SegmentEntry::decode(entry)?, rest))
}

fn header() -> Vec<u8> {
    [MAGIC.as_slice(), &VERSION.to_le_bytes()].concat()
}

fn framed(entry: &SegmentEntry) -> Vec<u8> {
    let bytes = entry.encode();
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&len.to_le_bytes()[..], &crc32fast::hash(&bytes).to_le_bytes(), &bytes].concat()
}

fn read(storage: &dyn Storage) -> io::Result<Vec<u8>> {
    let file = storage.open(NAME, OpenMode::Read)?;
    let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or(0)];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Adds one entry behind the others.
///
/// # Errors
/// What the storage says; the catalogue is then at worst rebuilt at the next open.
pub(crate) fn append(storage: &dyn Storage, entry: &SegmentEntry) -> io::Result<()> {
    let file = match storage.open(NAME, OpenMode::Write) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return rewrite(storage, std::slice::from_ref(entry));
        }
        Err(e) => return Err(e),
    };
    let end = file.len()?;
    file.write_at(end, &framed(entry))
}

/// Writes the whole catalogue anew.
///
/// # Errors
/// What the storage says.
pub(crate) fn rewrite(storage: &dyn Storage, entries: &[SegmentEntry]) -> io::Result<()> {
    let mut bytes = header();
    for entry in entries {
        bytes.extend_from_slice(&framed(entry));
    }
    crate::io::write_atomic(storage, NAME, &bytes)
}
