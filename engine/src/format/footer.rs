//! The footer of a sealed segment: totals, roots, what the tree of others needs, and the signed
//! anchor.
//!
//! Invariant: CRC at its end over all of it; `range_nodes` are the compact range of the segment's
//! leaves in log coordinates and the tile leaves are those of a partial first and last tile, so
//! that tree and proofs of other segments need no body of this one. Byte table: format.md.

use super::codec::{FormatError, FormatErrorKind, Put, Reader, Structure, check_crc, layout};
use super::directory::{Counts, TimeRange};
use crate::types::{ChainHash, NodeHash, Seq, TreeSize};

layout!(pub(crate) LAYOUT, FOOTER_FIXED_LEN = 464, {
    magic: 4, footer_len: 4, first_seq: 8, count: 8, timestamp_min: 8, timestamp_max: 8,
    received_min: 8, received_max: 8, raw_len: 8, chain_before: 64, chain_after: 64,
    segment_root: 32, log_size: 8, log_root: 32, result_counts: 24, sensitivity_counts: 24,
    actor_type_counts: 24, pii_count: 8, erased_count: 8, directory_offset: 8, block_count: 4,
    directory_crc32: 4, dictionary_offset: 8, range_nodes: 2, first_tile_leaves: 2,
    last_tile_leaves: 2, anchor_len: 2, reserved: 80,
});

const MAGIC: &[u8; 4] = b"SHFT";

/// What a sealed segment says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Footer {
    /// Seq of the first record.
    pub first_seq: Seq,
    /// Records, erased ones included.
    pub count: u64,
    /// `timestamp` of all records that are not erased.
    pub timestamp: TimeRange,
    /// `received_at` of the same.
    pub received: TimeRange,
    /// Bytes of all bodies.
    pub raw_len: u64,
    /// Chain hash before the first record.
    pub chain_before: ChainHash,
    /// Chain hash after the last record.
    pub chain_after: ChainHash,
    /// RFC 6962 root of the segment's own leaves.
    pub segment_root: NodeHash,
    /// Size of the log up to the end of this segment.
    pub log_size: TreeSize,
    /// Root of the log at that size.
    pub log_root: NodeHash,
    /// Counts of all records.
    pub counts: Counts,
    /// Where the directory begins.
    pub directory_offset: u64,
    /// Entries of the directory.
    pub block_count: u32,
    /// CRC-32 of the directory.
    pub directory_crc: u32,
    /// Compact range `[first_seq, first_seq + count)` in log coordinates, left to right.
    pub range_nodes: Vec<NodeHash>,
    /// Leaf hashes of the part of the first tile that is here, if the segment begins inside a tile.
    pub first_tile: Vec<NodeHash>,
    /// Leaf hashes of the part of the last tile that is here, if the segment ends inside another
    /// tile.
    pub last_tile: Vec<NodeHash>,
    /// The signed anchor, a note.
    pub anchor: String,
}

impl Footer {
    /// Its bytes on disk.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let clip = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        let hashes = self.range_nodes.len() + self.first_tile.len() + self.last_tile.len();
        let len = FOOTER_FIXED_LEN + hashes * NodeHash::LEN + self.anchor.len() + 4;
        let mut out = Vec::with_capacity(len);
        out.bytes(MAGIC).u32(u32::try_from(len).unwrap_or(u32::MAX)).u64(self.first_seq.0);
        out.u64(self.count).i64(self.timestamp.min).i64(self.timestamp.max);
        out.i64(self.received.min).i64(self.received.max).u64(self.raw_len);
        out.bytes(&self.chain_before.0).bytes(&self.chain_after.0).bytes(&self.segment_root.0);
        out.u64(self.log_size.0).bytes(&self.log_root.0);
        for counts in [self.counts.result, self.counts.sensitivity, self.counts.actor_type] {
            for n in counts {
                out.u64(n);
            }
        }
        out.u64(self.counts.pii).u64(self.counts.erased).u64(self.directory_offset);
        out.u32(self.block_count).u32(self.directory_crc).u64(super::segment::DICTIONARY_OFFSET);
        out.u16(clip(self.range_nodes.len())).u16(clip(self.first_tile.len()));
        out.u16(clip(self.last_tile.len())).u16(clip(self.anchor.len())).zeros(80);
        for node in self.range_nodes.iter().chain(&self.first_tile).chain(&self.last_tile) {
            out.bytes(&node.0);
        }
        out.bytes(self.anchor.as_bytes()).crc_since(0);
        debug_assert_eq!(out.len(), len);
        out
    }

    /// Reads a whole footer.
    ///
    /// # Errors
    /// [`FormatError`] where it is damaged or contradicts itself.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        const S: Structure = Structure::Footer;
        Reader::new(S, bytes).magic(MAGIC)?;
        let mut r = Reader::new(S, check_crc(S, bytes)?);
        r.take(4)?;
        let footer_len = r.len32()?;
        let mut footer = Self::decode_totals(&mut r)?;
        footer.directory_offset = r.u64()?;
        (footer.block_count, footer.directory_crc) = (r.u32()?, r.u32()?);
        let dictionary_offset = r.u64()?;
        let [nodes, first, last, anchor] = [r.u16()?, r.u16()?, r.u16()?, r.u16()?];
        r.zeros(80)?;
        let mut hashes = |n: u16| {
            (0..n).map(|_| r.array().map(NodeHash)).collect::<Result<Vec<_>, FormatError>>()
        };
        (footer.range_nodes, footer.first_tile, footer.last_tile) =
            (hashes(nodes)?, hashes(first)?, hashes(last)?);
        let value = r.error(FormatErrorKind::Value);
        let text = core::str::from_utf8(r.take(anchor.into())?).map_err(|_| value)?;
        footer.anchor = text.to_owned();
        r.end()?;
        let fits = footer_len == bytes.len()
            && footer.count > 0
            && footer.first_seq.0.checked_add(footer.count) == Some(footer.log_size.0)
            && dictionary_offset == super::segment::DICTIONARY_OFFSET;
        if fits { Ok(footer) } else { Err(value) }
    }

    fn decode_totals(r: &mut Reader<'_>) -> Result<Self, FormatError> {
        let (first_seq, count) = (Seq(r.u64()?), r.u64()?);
        let timestamp = TimeRange { min: r.i64()?, max: r.i64()? };
        let received = TimeRange { min: r.i64()?, max: r.i64()? };
        let raw_len = r.u64()?;
        let (chain_before, chain_after) = (ChainHash(r.array()?), ChainHash(r.array()?));
        let segment_root = NodeHash(r.array()?);
        let (log_size, log_root) = (TreeSize(r.u64()?), NodeHash(r.array()?));
        let mut triple = || Ok::<_, FormatError>([r.u64()?, r.u64()?, r.u64()?]);
        let (result, sensitivity, actor_type) = (triple()?, triple()?, triple()?);
        let counts = Counts { result, sensitivity, actor_type, pii: r.u64()?, erased: r.u64()? };
        Ok(Self {
            first_seq,
            count,
            timestamp,
            received,
            raw_len,
            chain_before,
            chain_after,
            segment_root,
            log_size,
            log_root,
            counts,
            directory_offset: 0,
            block_count: 0,
            directory_crc: 0,
            range_nodes: Vec::new(),
            first_tile: Vec::new(),
            last_tile: Vec::new(),
            anchor: String::new(),
        })
    }
}
