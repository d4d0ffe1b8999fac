//! The fixed structures of an index file: its header and its tail.
//!
//! Invariant: magic and version stand at both ends, at places that no version moves. Byte tables:
//! index-format.md.

use crate::format::{Field, Put, layout};
use crate::index::shard::{INDEX_VERSION, Keyword, SHARD_LAYOUT, ShardError, array};
use crate::types::ChainHash;

layout!(pub(super) HEADER_LAYOUT, INDEX_HEADER_LEN = 104, {
    magic: 8, version: 2, reserved: 6, first_seq: 8, count: 8, erased: 8, chain_after: 64,
});
layout!(pub(super) TAIL_LAYOUT, INDEX_TAIL_LEN = 32, {
    covered_len: 8, shard_count: 4, checksums_crc32: 4, reserved: 2, version: 2, crc32: 4,
    magic: 8,
});

/// Every fixed structure with its heading in `engine/docs/index-format.md`.
pub const LAYOUTS: &[(&str, &[Field])] =
    &[("Index header", HEADER_LAYOUT), ("Shard header", SHARD_LAYOUT), ("Index tail", TAIL_LAYOUT)];

/// Bytes that share a checksum.
pub(super) const PAGE_LEN: usize = 4096;
/// Bytes of the lengths of the totals, at the beginning of the shard table.
pub(super) const TOTALS_LENS_LEN: usize = 8 * Keyword::COUNT;

const MAGIC: &[u8; 8] = b"SHOSEKII";
const TAIL_MAGIC: &[u8; 8] = b"SHOSEKIJ";

/// The records for which an index was made. If one of these differs it is stale.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IndexIdentity {
    /// Seq of the first record.
    pub first_seq: u64,
    /// Records.
    pub count: u64,
    /// Chain hash behind the last record.
    pub chain_after: ChainHash,
    /// Records whose content was erased when it was made.
    pub erased: u64,
}

impl IndexIdentity {
    /// One behind the last seq.
    pub(super) fn end_seq(&self) -> u64 {
        self.first_seq.saturating_add(self.count)
    }

    /// The header of the file.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(INDEX_HEADER_LEN);
        out.bytes(MAGIC).u16(INDEX_VERSION).zeros(6);
        out.u64(self.first_seq).u64(self.count).u64(self.erased).bytes(&self.chain_after.0);
        debug_assert_eq!(out.len(), INDEX_HEADER_LEN);
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, ShardError> {
        const DAMAGED: ShardError = ShardError::Structure("header");
        let rest = &mut &*bytes;
        if array(rest) != Some(*MAGIC) {
            return Err(DAMAGED);
        }
        let version = array(rest).map(u16::from_le_bytes).ok_or(DAMAGED)?;
        if version != INDEX_VERSION {
            return Err(ShardError::Version(version));
        }
        let fields = |rest: &mut &[u8]| {
            let zeros: [u8; 6] = array(rest)?;
            let first_seq = u64::from_le_bytes(array(rest)?);
            let count = u64::from_le_bytes(array(rest)?);
            let erased = u64::from_le_bytes(array(rest)?);
            let chain_after = ChainHash(array(rest)?);
            first_seq.checked_add(count)?;
            let identity = Self { first_seq, count, chain_after, erased };
            (zeros == [0; 6] && rest.is_empty()).then_some(identity)
        };
        fields(rest).ok_or(DAMAGED)
    }
}

/// The last bytes of the file, from which everything else is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Tail {
    /// Bytes before the page checksums: all that have one.
    pub(super) covered_len: u64,
    pub(super) shard_count: u32,
    /// CRC-32 of the page checksums.
    pub(super) checksums_crc32: u32,
}

impl Tail {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(INDEX_TAIL_LEN);
        out.u64(self.covered_len).u32(self.shard_count).u32(self.checksums_crc32);
        out.zeros(2).u16(INDEX_VERSION).crc_since(0).bytes(TAIL_MAGIC);
        debug_assert_eq!(out.len(), INDEX_TAIL_LEN);
        out
    }

    /// Reads the last bytes of a file.
    pub(super) fn decode(file: &[u8]) -> Result<Self, ShardError> {
        const DAMAGED: ShardError = ShardError::Structure("tail");
        let tail: &[u8; INDEX_TAIL_LEN] = file.last_chunk().ok_or(DAMAGED)?;
        let Some((body, [crc @ .., _, _, _, _, _, _, _, _])) = tail.split_last_chunk::<12>() else {
            return Err(DAMAGED);
        };
        if !tail.ends_with(TAIL_MAGIC) {
            return Err(DAMAGED);
        }
        let rest = &mut &*body;
        let mut fields = || {
            let covered_len = u64::from_le_bytes(array(rest)?);
            let shard_count = u32::from_le_bytes(array(rest)?);
            let checksums_crc32 = u32::from_le_bytes(array(rest)?);
            let zeros: [u8; 2] = array(rest)?;
            let version = u16::from_le_bytes(array(rest)?);
            Some((Self { covered_len, shard_count, checksums_crc32 }, zeros, version))
        };
        let (tail, zeros, version) = fields().ok_or(DAMAGED)?;
        if version != INDEX_VERSION {
            return Err(ShardError::Version(version));
        }
        let intact = zeros == [0; 2] && crc32fast::hash(body).to_le_bytes() == *crc;
        if intact { Ok(tail) } else { Err(DAMAGED) }
    }
}
