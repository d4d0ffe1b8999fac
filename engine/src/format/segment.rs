//! The header of a sealed segment: its log, its range, its dictionary.
//!
//! Invariant: 256 bytes, CRC over all; the dictionary follows at once and is fixed by its SHA-256.
//! Byte table: format.md.

use super::codec::{FormatError, FormatErrorKind, Put, Reader, Structure, check_crc, layout};
use crate::types::{ChainHash, Seq};

layout!(pub(crate) LAYOUT, SEGMENT_HEADER_LEN = 256, {
    magic: 8, write_version: 2, read_version: 2, dictionary_len: 4, first_seq: 8, count: 8,
    identity_sha256: 32, chain_before: 64, dictionary_sha256: 32, group_records_max: 2,
    reserved: 90, crc32: 4,
});

const MAGIC: &[u8; 8] = b"SHOSEKIS";
/// The dictionary begins behind the header.
pub(crate) const DICTIONARY_OFFSET: u64 = 256;
const _: () = assert!(SEGMENT_HEADER_LEN == 256, "DICTIONARY_OFFSET counts on it");
/// Longest dictionary that a decoder takes.
const DICTIONARY_LEN_MAX: u32 = 4 << 20;

/// First 256 bytes of `sealed/<first>-<count>.seg`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegmentHeader {
    /// Bytes of the dictionary behind the header; 0 where none is used.
    pub dictionary_len: u32,
    /// Seq of the first record.
    pub first_seq: Seq,
    /// Records, erased ones included; at least one.
    pub count: u64,
    /// SHA-256 of `log.json`.
    pub identity_sha256: [u8; 32],
    /// Chain hash before the first record.
    pub chain_before: ChainHash,
    /// SHA-256 of the dictionary.
    pub dictionary_sha256: [u8; 32],
    /// Most records in one compressed group.
    pub group_records_max: u16,
}

impl SegmentHeader {
    /// Its bytes on disk.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SEGMENT_HEADER_LEN);
        out.bytes(MAGIC).versions().u32(self.dictionary_len).u64(self.first_seq.0).u64(self.count);
        out.bytes(&self.identity_sha256).bytes(&self.chain_before.0);
        out.bytes(&self.dictionary_sha256).u16(self.group_records_max).zeros(90).crc_since(0);
        debug_assert_eq!(out.len(), SEGMENT_HEADER_LEN);
        out
    }

    /// Reads exactly [`SEGMENT_HEADER_LEN`] bytes.
    ///
    /// # Errors
    /// [`FormatError`]: not such a header, a newer format, or damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        const S: Structure = Structure::SegmentHeader;
        let mut start = Reader::new(S, bytes);
        start.magic(MAGIC)?;
        start.versions()?;
        let mut r = Reader::new(S, check_crc(S, bytes)?);
        r.take(12)?;
        let header = Self {
            dictionary_len: r.u32()?,
            first_seq: Seq(r.u64()?),
            count: r.u64()?,
            identity_sha256: r.array()?,
            chain_before: ChainHash(r.array()?),
            dictionary_sha256: r.array()?,
            group_records_max: r.u16()?,
        };
        r.zeros(90)?;
        r.end()?;
        let end = header.first_seq.0.checked_add(header.count);
        let fits = header.dictionary_len <= DICTIONARY_LEN_MAX
            && header.count > 0
            && end.is_some_and(|end| end < u64::MAX)
            && (1..=256).contains(&header.group_records_max);
        if fits { Ok(header) } else { Err(r.error(FormatErrorKind::Value)) }
    }

    /// The seq behind the last record.
    #[must_use]
    pub fn end_seq(&self) -> Seq {
        Seq(self.first_seq.0 + self.count)
    }
}
