//! The bytes of a run. Little-endian; rebuildable, so there is one version and no reading of older
//! ones.
//!
//! Invariant: every byte of a file is covered by the header's CRC or by its bucket's CRC.
//! Knows no files.
//!
//! | part | bytes | |
//! |---|---|---|
//! | header | 128 | see [`Header`] |
//! | lines | 64 × lines | one per bucket; bucket of fingerprint f = f × lines / 2^48 |
//! | entries | 10 × count | fingerprint (6), seq − from (4); sorted by both |
//!
//! Line: index of the bucket's first entry (4), CRC-32 of the bucket's entries, that index and the
//! filter (4), filter (7 words of 8 bytes; a fingerprint sets one bit in each).

use std::ops::Range;

use super::fingerprint::{FINGERPRINT_BITS, Fingerprint, IdKey};
use crate::types::LogId;

pub(super) const HEADER_LEN: usize = 128;
pub(super) const LINE_LEN: usize = 64;
pub(super) const ENTRY_LEN: usize = 10;

/// Entries of a bucket on average: 12.1 filter bits per key, about 0.4 % false hits.
const LINE_KEYS: u64 = 37;
const FILTER_WORDS: usize = 7;
const MAGIC: [u8; 8] = *b"SHSKIDS\n";
const VERSION: u32 = 1;
const HEADER_USED: usize = 8 + 4 + 4 + 16 + 16 + 5 * 8;

const _: () = assert!(HEADER_USED + 4 <= HEADER_LEN);
const _: () = assert!(4 + 4 + FILTER_WORDS * 8 == LINE_LEN);

/// Header: magic (8), version (4), zero (4), log id (16), key (16), from, to, count,
/// `received_at_max`, lines (8 each), zeros, CRC-32 of all before it (last 4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Header {
    /// The log whose ids these are.
    pub(super) log_id: LogId,
    /// Key of the fingerprints.
    pub(super) key: IdKey,
    /// Seqs that the run answers for.
    pub(super) seqs: Range<u64>,
    /// Entries; at most one per seq.
    pub(super) count: u64,
    /// Latest `received_at` of them, microseconds since 1970.
    pub(super) received_at_max: i64,
}

impl Header {
    /// Buckets, at least one.
    pub(super) fn lines(&self) -> u64 {
        self.count.div_ceil(LINE_KEYS).max(1)
    }

    pub(super) fn entries_offset(&self) -> u64 {
        HEADER_LEN as u64 + self.lines() * LINE_LEN as u64
    }

    pub(super) fn file_len(&self) -> u64 {
        self.entries_offset() + self.count * ENTRY_LEN as u64
    }

    /// Whether a run of these numbers can be written at all.
    pub(super) fn is_possible(&self) -> bool {
        let span = self.seqs.end.checked_sub(self.seqs.start);
        span.is_some_and(|span| span > 0 && span <= u64::from(u32::MAX) && self.count <= span)
    }

    /// The bucket that holds a fingerprint; rises with it.
    pub(super) fn line_of(&self, fingerprint: Fingerprint) -> u64 {
        let scaled = u128::from(fingerprint.get()) * u128::from(self.lines());
        // Below `lines`, as the fingerprint is below 2^48.
        u64::try_from(scaled >> FINGERPRINT_BITS).unwrap_or(u64::MAX)
    }

    pub(super) fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = Vec::with_capacity(HEADER_LEN);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.log_id.0);
        bytes.extend_from_slice(self.key.as_bytes());
        for number in [self.seqs.start, self.seqs.end, self.count] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.received_at_max.to_le_bytes());
        bytes.extend_from_slice(&self.lines().to_le_bytes());
        bytes.resize(HEADER_LEN - 4, 0);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        let mut header = [0; HEADER_LEN];
        header.copy_from_slice(&bytes);
        header
    }

    /// The header at the start of a file of `file_len` bytes; `None` for anything but what we
    /// write.
    pub(super) fn decode(file: &[u8]) -> Option<Self> {
        let head: &[u8; HEADER_LEN] = file.first_chunk()?;
        let mut rest = head.as_slice();
        let magic: [u8; 8] = take(&mut rest)?;
        let version: [u8; 4] = take(&mut rest)?;
        let _zero: [u8; 4] = take(&mut rest)?;
        let log_id = LogId(take(&mut rest)?);
        let key = IdKey::new(take(&mut rest)?);
        let from = u64::from_le_bytes(take(&mut rest)?);
        let to = u64::from_le_bytes(take(&mut rest)?);
        let count = u64::from_le_bytes(take(&mut rest)?);
        let received_at_max = i64::from_le_bytes(take(&mut rest)?);
        let header = Self { log_id, key, seqs: from..to, count, received_at_max };
        let known = magic == MAGIC && u32::from_le_bytes(version) == VERSION;
        // One comparison for everything else: lines, zeros and CRC are what we would write.
        (known
            && header.is_possible()
            && header.file_len() == file.len() as u64
            && header.encode() == *head)
            .then_some(header)
    }
}

/// One bucket's filter.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Filter([u64; FILTER_WORDS]);

impl Filter {
    pub(super) fn add(&mut self, fingerprint: Fingerprint) {
        for (word, bit) in self.0.iter_mut().zip(filter_bits(fingerprint)) {
            *word |= bit;
        }
    }
}

/// A line, taken apart.
pub(super) struct Line<'a>(&'a [u8; LINE_LEN]);

impl<'a> Line<'a> {
    /// Line number `line` of a file.
    pub(super) fn of(file: &'a [u8], line: u64) -> Option<Self> {
        let at = usize::try_from(line).ok()?.checked_mul(LINE_LEN)?.checked_add(HEADER_LEN)?;
        file.get(at..)?.first_chunk().map(Self)
    }

    pub(super) fn encode(start: u32, entries: &[u8], filter: &Filter) -> [u8; LINE_LEN] {
        let mut line = [0; LINE_LEN];
        let (head, words) = line.split_at_mut(8);
        for (place, word) in words.chunks_exact_mut(8).zip(filter.0) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        let crc = bucket_crc(entries, start.to_le_bytes(), words);
        for (place, byte) in head.iter_mut().zip(start.to_le_bytes().into_iter().chain(crc)) {
            *place = byte;
        }
        line
    }

    /// Index of the bucket's first entry.
    pub(super) fn start(&self) -> u64 {
        u64::from(u32::from_le_bytes(self.head().0))
    }

    /// Whether the fingerprint can be in the bucket.
    pub(super) fn may_hold(&self, fingerprint: Fingerprint) -> bool {
        let (words, _) = self.words().as_chunks::<8>();
        let mut present = true;
        for (word, bit) in words.iter().zip(filter_bits(fingerprint)) {
            present &= u64::from_le_bytes(*word) & bit != 0;
        }
        present
    }

    /// Whether the line and its bucket's entries are as they were written.
    pub(super) fn matches(&self, entries: &[u8]) -> bool {
        let (start, crc) = self.head();
        bucket_crc(entries, start, self.words()) == crc
    }

    fn head(&self) -> ([u8; 4], [u8; 4]) {
        let [a, b, c, d, e, f, g, h, ..] = *self.0;
        ([a, b, c, d], [e, f, g, h])
    }

    fn words(&self) -> &[u8] {
        self.0.split_at(8).1
    }
}

/// One id at one seq.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Entry {
    pub(super) fingerprint: Fingerprint,
    /// Seq minus the run's first.
    pub(super) place: u32,
}

impl Entry {
    pub(super) fn encode(self) -> [u8; ENTRY_LEN] {
        let [f0, f1, f2, f3, f4, f5, _, _] = self.fingerprint.get().to_le_bytes();
        let [p0, p1, p2, p3] = self.place.to_le_bytes();
        [f0, f1, f2, f3, f4, f5, p0, p1, p2, p3]
    }

    pub(super) fn decode(bytes: &[u8; ENTRY_LEN]) -> Self {
        let [f0, f1, f2, f3, f4, f5, p0, p1, p2, p3] = *bytes;
        let bits = u64::from_le_bytes([f0, f1, f2, f3, f4, f5, 0, 0]);
        Self {
            fingerprint: Fingerprint::from_low_bits(bits),
            place: u32::from_le_bytes([p0, p1, p2, p3]),
        }
    }
}

/// Entries first: a writer knows them before the filter is complete.
fn bucket_crc(entries: &[u8], start: [u8; 4], filter: &[u8]) -> [u8; 4] {
    let mut crc = crc32fast::Hasher::new();
    crc.update(entries);
    crc.update(&start);
    crc.update(filter);
    crc.finalize().to_le_bytes()
}

/// One bit for each word. The bucket comes from the top bits of the fingerprint, so they are mixed
/// again.
fn filter_bits(fingerprint: Fingerprint) -> impl Iterator<Item = u64> {
    let mut mixed = fingerprint.get().wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (1..=FILTER_WORDS).map(move |word| 1 << ((mixed >> (64 - 6 * word)) & 63))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*taken)
}
