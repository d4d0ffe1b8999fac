//! Builds a sealed segment, record by record, into a writer.
//!
//! Invariant: what comes out depends only on what goes in; chain, roots, zone maps and counts are
//! computed here from the records and are never taken over. Groups end at the configured count, at
//! 64 KiB of bodies or at a tile boundary; blocks at a tile boundary. Knows no file names and no
//! fsync.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::compress::Encoder;
use super::pack::{Packed, Packer};
use crate::format::{
    BLOCK_RECORDS_MAX, BlockHead, Counts, DirectoryEntry, Footer, GroupEntry, SegmentHeader, Tail,
    TimeRange, locator,
};
use crate::proof::{CompactRange, RangeError, chain_next, leaf_hash};
use crate::record::{AuditId, Body};
use crate::types::{ChainHash, NodeHash, RecordHash, Seq, TreeSize};

/// Bodies of a group beyond this many bytes end it.
const GROUP_BODIES_LEN_MAX: usize = 64 << 10;
/// Level of the node over a whole tile.
const TILE_LEVEL: u8 = 8;
const _: () = assert!(1 << TILE_LEVEL == BLOCK_RECORDS_MAX);

/// What a segment is built for.
#[derive(Clone, Debug)]
pub struct SegmentParams {
    /// Seq of the first record.
    pub first_seq: Seq,
    /// Records that will be pushed.
    pub count: u64,
    /// SHA-256 of `log.json`.
    pub identity_sha256: [u8; 32],
    /// Chain hash before the first record.
    pub chain_before: ChainHash,
    /// Most records in a group.
    pub group_records_max: u16,
    /// zstd level.
    pub compression_level: i32,
    /// Dictionary; empty for none.
    pub dictionary: Vec<u8>,
}

/// What stands at one place of the segment.
#[derive(Clone, Copy, Debug)]
pub enum SegmentInput<'a> {
    /// A record's body and its hash.
    Body(&'a [u8], RecordHash),
    /// A record erased by order.
    Erased(AuditId, RecordHash),
}

/// A segment that was written, as its footer describes it.
#[derive(Clone, Debug)]
pub struct BuiltSegment {
    /// The footer as written.
    pub footer: Footer,
    /// Compact range of the whole log up to the segment's end.
    pub frontier: CompactRange,
    /// Bytes of the file.
    pub file_len: u64,
}

/// The writer side of a sealed segment.
pub struct SegmentBuilder<W> {
    out: HashingWriter<W>,
    params: SegmentParams,
    encoder: Encoder,
    next_seq: u64,
    chain: ChainHash,
    group: Packer,
    /// Bytes of the bodies in it.
    group_len: usize,
    packed: Packed,
    block: Block,
    totals: Totals,
}

struct Block {
    first_seq: u64,
    groups: Vec<GroupEntry>,
    locators: Vec<[u8; 4]>,
    leaves: Vec<NodeHash>,
    data: Vec<u8>,
    zone: Zone,
}

/// What is known of a set of records without reading them again.
struct Zone {
    timestamp: TimeRange,
    received: TimeRange,
    counts: Counts,
}

impl Zone {
    const EMPTY: Self = Self {
        timestamp: TimeRange::EMPTY,
        received: TimeRange::EMPTY,
        counts: Counts {
            result: [0; 3],
            sensitivity: [0; 3],
            actor_type: [0; 3],
            pii: 0,
            erased: 0,
        },
    };
}

struct Totals {
    zone: Zone,
    raw_len: u64,
    directory: Vec<DirectoryEntry>,
    tree: CompactRange,
    range: CompactRange,
    first_tile: Vec<NodeHash>,
    last_tile: Vec<NodeHash>,
}

impl<W: Write> SegmentBuilder<W> {
    /// Writes header and dictionary.
    ///
    /// # Errors
    /// What the writer says.
    pub fn new(params: SegmentParams, out: W) -> io::Result<Self> {
        let mut out = HashingWriter { inner: out, sha256: Sha256::new(), written: 0 };
        let header = SegmentHeader {
            dictionary_len: u32::try_from(params.dictionary.len()).unwrap_or(u32::MAX),
            first_seq: params.first_seq,
            count: params.count,
            identity_sha256: params.identity_sha256,
            chain_before: params.chain_before,
            dictionary_sha256: Sha256::digest(&params.dictionary).into(),
            group_records_max: params.group_records_max,
        };
        out.write(&header.encode())?;
        out.write(&params.dictionary)?;
        let first = params.first_seq.0;
        Ok(Self {
            out,
            encoder: Encoder::new(&params.dictionary, params.compression_level),
            next_seq: first,
            chain: params.chain_before,
            group: Packer::default(),
            group_len: 0,
            packed: Packed::default(),
            block: Block::new(first),
            totals: Totals {
                zone: Zone::EMPTY,
                raw_len: 0,
                directory: Vec::new(),
                tree: CompactRange::new(0),
                range: CompactRange::new(first),
                first_tile: Vec::new(),
                last_tile: Vec::new(),
            },
            params,
        })
    }

    /// Adds the next record.
    ///
    /// # Errors
    /// What the writer says; `InvalidData` where a body is none.
    pub fn push(&mut self, input: SegmentInput<'_>) -> io::Result<()> {
        let hash = match input {
            SegmentInput::Body(bytes, hash) => {
                let body = Body::parse(bytes)
                    .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e.to_string()))?;
                self.block.zone.add(&body);
                self.totals.raw_len += bytes.len() as u64;
                self.group_len += bytes.len();
                self.group.body(&body);
                hash
            }
            SegmentInput::Erased(id, hash) => {
                self.block.zone.counts.erased += 1;
                self.group.erased(id, hash);
                hash
            }
        };
        self.block.locators.push(locator(&hash));
        self.block.leaves.push(leaf_hash(&hash));
        self.chain = chain_next(&self.chain, &hash);
        self.next_seq += 1;
        let full = self.group.count() >= usize::from(self.params.group_records_max)
            || self.group_len >= GROUP_BODIES_LEN_MAX;
        let tile_ends = self.next_seq.is_multiple_of(BLOCK_RECORDS_MAX);
        if full || tile_ends {
            self.end_group();
        }
        if tile_ends {
            self.end_block()?;
        }
        Ok(())
    }

    /// Chain hash behind the last record.
    #[must_use]
    pub fn chain(&self) -> &ChainHash {
        &self.chain
    }

    fn end_group(&mut self) {
        let count = self.group.count();
        if count == 0 {
            return;
        }
        self.group.take(&mut self.packed);
        let (encoding, text) = self.encoder.encode(&self.packed.text);
        let start = self.block.data.len();
        self.block.data.extend_from_slice(&self.packed.fixed);
        self.block.data.extend_from_slice(text);
        let stored = self.block.data.get(start..).unwrap_or_default();
        self.block.groups.push(GroupEntry {
            stored_len: u32::try_from(stored.len()).unwrap_or(u32::MAX),
            raw_len: u32::try_from(self.packed.text.len()).unwrap_or(u32::MAX),
            record_count: u16::try_from(count).unwrap_or(u16::MAX),
            encoding,
            crc: crc32fast::hash(stored),
            chain_after: self.chain,
        });
        self.group_len = 0;
    }

    fn end_block(&mut self) -> io::Result<()> {
        let block = std::mem::replace(&mut self.block, Block::new(self.next_seq));
        let head = BlockHead {
            first_seq: Seq(block.first_seq),
            groups: block.groups,
            locators: block.locators,
        };
        let mut bytes = Vec::with_capacity(head.encoded_len() + block.data.len());
        head.encode_into(&mut bytes);
        bytes.extend_from_slice(&block.data);
        let root = self
            .totals
            .add_leaves(block.leaves, block.first_seq, self.params.first_seq.0)
            .map_err(|_| io::ErrorKind::InvalidData)?;
        self.totals.directory.push(DirectoryEntry {
            offset: self.out.written,
            len: u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidData)?,
            record_count: u16::try_from(head.locators.len()).unwrap_or(u16::MAX),
            timestamp: block.zone.timestamp,
            received: block.zone.received,
            counts: block.zone.counts,
            root,
        });
        self.totals.zone.merge(&block.zone);
        self.out.write(&bytes)
    }

    /// Writes directory, footer, file seal and tail.
    ///
    /// `frontier` is the compact range `[0, first_seq)` of the log. `anchor` signs what the footer
    /// describes;
    /// `seal` signs the SHA-256 of all bytes before it.
    ///
    /// # Errors
    /// What the writer says; `InvalidData` where the count or the frontier does not fit.
    pub fn finish(
        mut self,
        mut frontier: CompactRange,
        anchor: impl FnOnce(&Footer) -> String,
        seal: impl FnOnce([u8; 32]) -> String,
    ) -> io::Result<(BuiltSegment, W)> {
        self.end_group();
        if !self.block.locators.is_empty() {
            self.end_block()?;
        }
        let invalid = |_| io::Error::from(io::ErrorKind::InvalidData);
        if self.next_seq - self.params.first_seq.0 != self.params.count {
            return Err(io::ErrorKind::InvalidData.into());
        }
        frontier.append(&self.totals.range).map_err(invalid)?;
        let mut directory = Vec::new();
        for entry in &self.totals.directory {
            entry.encode_into(&mut directory);
        }
        let mut footer = Footer {
            first_seq: self.params.first_seq,
            count: self.params.count,
            timestamp: self.totals.zone.timestamp,
            received: self.totals.zone.received,
            raw_len: self.totals.raw_len,
            chain_before: self.params.chain_before,
            chain_after: self.chain,
            segment_root: self.totals.tree.root().map_err(invalid)?,
            log_size: TreeSize(self.next_seq),
            log_root: frontier.root().map_err(invalid)?,
            counts: self.totals.zone.counts,
            directory_offset: self.out.written,
            block_count: u32::try_from(self.totals.directory.len())
                .map_err(|_| io::ErrorKind::InvalidData)?,
            directory_crc: crc32fast::hash(&directory),
            range_nodes: self.totals.range.nodes().to_vec(),
            first_tile: self.totals.first_tile,
            last_tile: self.totals.last_tile,
            anchor: String::new(),
        };
        footer.anchor = anchor(&footer);
        self.out.write(&directory)?;
        let footer_offset = self.out.written;
        let footer_bytes = footer.encode();
        self.out.write(&footer_bytes)?;
        let seal = seal(self.out.sha256.clone().finalize().into());
        let len32 =
            |n: usize| u32::try_from(n).map_err(|_| io::Error::from(io::ErrorKind::InvalidData));
        let tail = Tail {
            footer_offset,
            footer_len: len32(footer_bytes.len())?,
            seal_len: len32(seal.len())?,
            file_len: self.out.written + seal.len() as u64 + crate::format::TAIL_LEN as u64,
        };
        self.out.write(seal.as_bytes())?;
        self.out.write(&tail.encode())?;
        let file_len = self.out.written;
        Ok((BuiltSegment { footer, frontier, file_len }, self.out.inner))
    }
}

impl Block {
    fn new(first_seq: u64) -> Self {
        Self {
            first_seq,
            groups: Vec::new(),
            locators: Vec::new(),
            leaves: Vec::new(),
            data: Vec::new(),
            zone: Zone::EMPTY,
        }
    }
}

impl Zone {
    fn add(&mut self, body: &Body<'_>) {
        self.timestamp.add(body.timestamp().unix_nanos());
        self.received.add(body.received_at().unix_nanos());
        self.counts.add(body);
    }

    fn merge(&mut self, other: &Self) {
        self.timestamp.merge(other.timestamp);
        self.received.merge(other.received);
        self.counts.merge(&other.counts);
    }
}

impl Counts {
    /// Counts one record.
    pub fn add(&mut self, body: &Body<'_>) {
        let bump = |counts: &mut [u64; 3], index: usize| {
            if let Some(n) = counts.get_mut(index) {
                *n += 1;
            }
        };
        bump(&mut self.result, body.result() as usize);
        bump(&mut self.sensitivity, body.sensitivity() as usize);
        bump(&mut self.actor_type, body.actor_type() as usize);
        self.pii += u64::from(body.pii_flag());
    }
}

impl Totals {
    /// Takes in the leaves of one block of a segment that begins at `first`; returns the block's
    /// root.
    ///
    /// A whole tile goes into the larger trees as one node, so that its inside is hashed once.
    fn add_leaves(
        &mut self,
        leaves: Vec<NodeHash>,
        block_first: u64,
        first: u64,
    ) -> Result<NodeHash, RangeError> {
        let mut block = CompactRange::new(0);
        for leaf in &leaves {
            block.push(*leaf)?;
        }
        let root = block.root()?;
        let whole = leaves.len() as u64 == BLOCK_RECORDS_MAX;
        for tree in [&mut self.tree, &mut self.range] {
            if whole && tree.end().is_multiple_of(BLOCK_RECORDS_MAX) {
                tree.push_node(TILE_LEVEL, root)?;
            } else {
                for leaf in &leaves {
                    tree.push(*leaf)?;
                }
            }
        }
        if !whole {
            let in_first_tile = block_first == first && !first.is_multiple_of(BLOCK_RECORDS_MAX);
            *(if in_first_tile { &mut self.first_tile } else { &mut self.last_tile }) = leaves;
        }
        Ok(root)
    }
}

/// Counts and hashes what passes through.
struct HashingWriter<W> {
    inner: W,
    sha256: Sha256,
    written: u64,
}

impl<W: Write> HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_all(bytes)?;
        self.sha256.update(bytes);
        self.written += bytes.len() as u64;
        Ok(())
    }
}
