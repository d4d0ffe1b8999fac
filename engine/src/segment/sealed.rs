//! A sealed segment, read.
//!
//! Invariant: [`SealedSegment::read_group`] returns records only after it has hashed their bodies
//! and stepped the chain from the group before to the chain hash that the group table holds: every
//! read is a verification. Stored bytes can't make it panic or allocate beyond the format's
//! bounds.
//! Knows nothing about files, caches and the rest of the log.

use std::io;
use std::ops::Range;

use sha2::{Digest, Sha256};

use super::compress::Decoder;
use super::item_hashes::item_hashes;
use super::pack::PackedItem;
use super::source::ByteSource;
use super::unpack::{Unpacked, split, unpack};
use crate::format::{
    BLOCK_HEAD_LEN, BLOCK_RECORDS_MAX, BlockHead, DIRECTORY_ENTRY_LEN, DirectoryEntry, Footer,
    FormatError, GroupEntry, SEGMENT_HEADER_LEN, SegmentHeader, TAIL_LEN, Tail, locator,
};
use crate::proof::chain_next;
use crate::types::{ChainHash, RecordHash, Seq};

/// What is wrong with a sealed segment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentErrorKind {
    /// The medium failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A structure can't be decoded.
    #[error("{0}")]
    Format(#[from] FormatError),
    /// Two structures contradict each other.
    #[error("{0} does not match the rest of the segment")]
    Mismatch(&'static str),
    /// A group's stored bytes don't have their CRC or can't be decompressed.
    #[error("group is damaged")]
    Group,
    /// The records of a group don't lead from the chain hash before to the one after.
    #[error("records do not match the hash chain")]
    Chain,
    /// The segment does not hold this seq.
    #[error("seq is not in this segment")]
    NotHere,
}

/// A fault in a sealed segment and where.
#[derive(Debug, thiserror::Error)]
#[error("byte {offset}, seq {first_seq} to {last_seq}: {kind}")]
pub struct SegmentError {
    /// Where in the file the structure begins.
    pub offset: u64,
    /// First record that it concerns.
    pub first_seq: Seq,
    /// Last record that it concerns.
    pub last_seq: Seq,
    /// What is wrong.
    pub kind: SegmentErrorKind,
}

/// An opened sealed segment.
pub struct SealedSegment<S> {
    source: S,
    header: SegmentHeader,
    tail: Tail,
    footer: Footer,
    directory: Vec<DirectoryEntry>,
    decoder: Decoder,
}

/// Where a group lies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct GroupPlace {
    /// Position in the directory.
    pub block: usize,
    /// Position in the block.
    pub group: usize,
}

/// A group whose records were verified against the chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecodedGroup {
    /// Seq of the first record.
    pub first_seq: Seq,
    /// The records.
    pub items: Unpacked,
    /// Their hashes.
    pub hashes: Vec<RecordHash>,
    /// Chain hash after each.
    pub chain: Vec<ChainHash>,
}

impl<S: ByteSource> SealedSegment<S> {
    /// Reads header, tail, footer and directory.
    ///
    /// # Errors
    /// [`SegmentError`] where one of them is damaged or they contradict each other.
    pub fn open(source: S) -> Result<Self, SegmentError> {
        let whole = |offset: u64| {
            move |kind: SegmentErrorKind| SegmentError {
                offset,
                first_seq: Seq(0),
                last_seq: Seq(0),
                kind,
            }
        };
        let read = |offset: u64, len: usize| {
            source.bytes(offset, len).map_err(|e| whole(offset)(e.into()))
        };
        let header =
            SegmentHeader::decode(&read(0, SEGMENT_HEADER_LEN)?).map_err(|e| whole(0)(e.into()))?;
        let file_len = source.len();
        let tail_at = file_len.saturating_sub(TAIL_LEN as u64);
        let tail = Tail::decode(&read(tail_at, TAIL_LEN)?, file_len)
            .map_err(|e| whole(tail_at)(e.into()))?;
        let footer_at = tail.footer_offset;
        let footer = Footer::decode(&read(footer_at, tail.footer_len as usize)?)
            .map_err(|e| whole(footer_at)(e.into()))?;
        let at = footer.directory_offset;
        let len = u64::from(footer.block_count) * DIRECTORY_ENTRY_LEN as u64;
        if at.checked_add(len) != Some(footer_at) {
            return Err(whole(footer_at)(SegmentErrorKind::Mismatch("footer")));
        }
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let bytes = read(at, len)?;
        if crc32fast::hash(&bytes) != footer.directory_crc {
            return Err(whole(at)(SegmentErrorKind::Mismatch("directory checksum")));
        }
        let directory = DirectoryEntry::decode_all(&bytes).map_err(|e| whole(at)(e.into()))?;
        let dictionary = read(SEGMENT_HEADER_LEN as u64, header.dictionary_len as usize)?;
        if <[u8; 32]>::from(Sha256::digest(&dictionary)) != header.dictionary_sha256 {
            let kind = SegmentErrorKind::Mismatch("dictionary");
            return Err(whole(SEGMENT_HEADER_LEN as u64)(kind));
        }
        let decoder = Decoder::new(&dictionary);
        drop((bytes, dictionary));
        let segment = Self { source, header, tail, footer, directory, decoder };
        segment.check_layout().map_err(|what| whole(at)(SegmentErrorKind::Mismatch(what)))?;
        Ok(segment)
    }

    /// Header, footer and directory must describe one file without holes.
    fn check_layout(&self) -> Result<(), &'static str> {
        let (header, footer) = (&self.header, &self.footer);
        if (header.first_seq, header.count) != (footer.first_seq, footer.count)
            || header.chain_before != footer.chain_before
        {
            return Err("footer");
        }
        let mut offset = SEGMENT_HEADER_LEN as u64 + u64::from(header.dictionary_len);
        let mut seq = header.first_seq.0;
        for entry in &self.directory {
            let room = BLOCK_RECORDS_MAX - seq % BLOCK_RECORDS_MAX;
            let due = room.min(header.end_seq().0 - seq);
            if entry.offset != offset || u64::from(entry.record_count) != due {
                return Err("directory");
            }
            offset += u64::from(entry.len);
            seq += due;
        }
        let whole = offset == footer.directory_offset && seq == header.end_seq().0;
        if whole { Ok(()) } else { Err("directory") }
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// The footer.
    #[must_use]
    pub fn footer(&self) -> &Footer {
        &self.footer
    }

    /// The tail.
    #[must_use]
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    /// The block directory.
    #[must_use]
    pub fn directory(&self) -> &[DirectoryEntry] {
        &self.directory
    }

    /// The bytes that it reads.
    #[must_use]
    pub fn source(&self) -> &S {
        &self.source
    }

    /// Position of the block that holds a seq.
    #[must_use]
    pub fn block_of(&self, seq: Seq) -> Option<usize> {
        if seq < self.header.first_seq || seq >= self.header.end_seq() {
            return None;
        }
        let first_tile = self.header.first_seq.0 / BLOCK_RECORDS_MAX;
        usize::try_from(seq.0 / BLOCK_RECORDS_MAX - first_tile).ok()
    }

    /// Seqs of a block: first and one behind the last.
    #[must_use]
    pub fn block_range(&self, block: usize) -> (u64, u64) {
        let first = self.header.first_seq.0;
        let tile = first / BLOCK_RECORDS_MAX + block as u64;
        let start = (tile * BLOCK_RECORDS_MAX).max(first);
        (start, ((tile + 1) * BLOCK_RECORDS_MAX).min(self.header.end_seq().0))
    }

    fn error(&self, block: usize, kind: SegmentErrorKind) -> SegmentError {
        let (first, end) = self.block_range(block);
        let offset = self.directory.get(block).map_or(0, |entry| entry.offset);
        SegmentError { offset, first_seq: Seq(first), last_seq: Seq(end - 1), kind }
    }

    /// Head, group table and locators of a block.
    ///
    /// # Errors
    /// [`SegmentError`] where they are damaged or not what the directory says.
    pub fn block_head(&self, block: usize) -> Result<BlockHead, SegmentError> {
        let fail = |kind| self.error(block, kind);
        let entry = self.directory.get(block).ok_or(fail(SegmentErrorKind::NotHere))?;
        // Head and table of a block with one group per record are the longest that there can be.
        let most = BLOCK_HEAD_LEN + usize::from(entry.record_count) * 84;
        let len = most.min(entry.len as usize);
        let bytes = self.source.bytes(entry.offset, len).map_err(|e| fail(e.into()))?;
        let head = BlockHead::decode(&bytes).map_err(|e| fail(e.into()))?;
        let (first, end) = self.block_range(block);
        let len = head.encoded_len() as u64 + head.data_len();
        let fits = head.first_seq == Seq(first)
            && head.locators.len() as u64 == end - first
            && len == u64::from(entry.len);
        if fits { Ok(head) } else { Err(fail(SegmentErrorKind::Mismatch("block head"))) }
    }

    /// The records of a group, CRC checked, not yet verified against the chain.
    ///
    /// # Errors
    /// [`SegmentError`] where the bytes are damaged.
    pub fn unpack_group(
        &self,
        head: &BlockHead,
        place: GroupPlace,
    ) -> Result<Unpacked, SegmentError> {
        let fail = |kind| self.group_error(head, place, kind);
        let (entry, _, offset) = head.group(place.group).ok_or(fail(SegmentErrorKind::NotHere))?;
        let block = self.directory.get(place.block).ok_or(fail(SegmentErrorKind::NotHere))?;
        let start = block.offset + head.encoded_len() as u64 + offset;
        let stored =
            self.source.bytes(start, entry.stored_len as usize).map_err(|e| fail(e.into()))?;
        if crc32fast::hash(&stored) != entry.crc {
            return Err(fail(SegmentErrorKind::Group));
        }
        self.unpack_stored(entry, &stored).map_err(fail)
    }

    /// The records of some groups of a block, as [`Self::unpack_group`] gives them; the source is
    /// read once.
    fn unpack_run(
        &self,
        head: &BlockHead,
        block: usize,
        run: Range<usize>,
    ) -> Result<Vec<Unpacked>, SegmentError> {
        let place = |group| GroupPlace { block, group };
        let fail = |group, kind| self.group_error(head, place(group), kind);
        let nowhere = || fail(run.start, SegmentErrorKind::NotHere);
        let (_, _, offset) = head.group(run.start).ok_or_else(nowhere)?;
        let start = self.directory.get(block).ok_or_else(nowhere)?.offset;
        let start = start + head.encoded_len() as u64 + offset;
        let entries = head.groups.get(run.clone()).unwrap_or_default();
        let len = entries.iter().map(|entry| entry.stored_len as usize).sum();
        let bytes = self.source.bytes(start, len).map_err(|e| fail(run.start, e.into()))?;
        let mut rest = &*bytes;
        let mut groups = Vec::with_capacity(entries.len());
        for (group, entry) in run.zip(entries) {
            let stored = rest.split_off(..entry.stored_len as usize).unwrap_or_default();
            if crc32fast::hash(stored) != entry.crc {
                return Err(fail(group, SegmentErrorKind::Group));
            }
            groups.push(self.unpack_stored(entry, stored).map_err(|kind| fail(group, kind))?);
        }
        Ok(groups)
    }

    /// Unpacks a group's stored bytes whatever their CRC says: a verifier looks at those too.
    ///
    /// # Errors
    /// [`SegmentErrorKind`] where they can't be unpacked.
    pub fn unpack_stored(
        &self,
        entry: &GroupEntry,
        stored: &[u8],
    ) -> Result<Unpacked, SegmentErrorKind> {
        let parts = split(stored, entry.record_count.into())?;
        let text = self
            .decoder
            .decode(entry.encoding, parts.text, entry.raw_len as usize)
            .ok_or(SegmentErrorKind::Group)?;
        Ok(unpack(&parts, &text)?)
    }

    /// An error that names the records of one group.
    #[must_use]
    pub fn group_error(
        &self,
        head: &BlockHead,
        place: GroupPlace,
        kind: SegmentErrorKind,
    ) -> SegmentError {
        let mut error = self.error(place.block, kind);
        if let Some((entry, first, offset)) = head.group(place.group) {
            error.first_seq = Seq(head.first_seq.0 + first as u64);
            error.last_seq = Seq(error.first_seq.0 + u64::from(entry.record_count) - 1);
            error.offset += head.encoded_len() as u64 + offset;
        }
        error
    }

    /// Chain hash before a group, as stored.
    ///
    /// # Errors
    /// [`SegmentError`] where the block before can't be read.
    pub fn chain_before(
        &self,
        head: &BlockHead,
        place: GroupPlace,
    ) -> Result<ChainHash, SegmentError> {
        if let Some(index) = place.group.checked_sub(1) {
            let before = head.groups.get(index).ok_or(SegmentErrorKind::NotHere);
            return Ok(before.map_err(|kind| self.error(place.block, kind))?.chain_after);
        }
        let Some(block) = place.block.checked_sub(1) else {
            return Ok(self.header.chain_before);
        };
        let last = self.block_head(block)?.groups.pop();
        Ok(last.ok_or(self.error(block, SegmentErrorKind::NotHere))?.chain_after)
    }

    /// The group of a block that holds a seq.
    #[must_use]
    pub fn group_of(head: &BlockHead, seq: Seq) -> Option<usize> {
        let mut end = head.first_seq.0;
        head.groups.iter().position(|g| {
            end += u64::from(g.record_count);
            seq.0 < end
        })
    }

    /// Reads and verifies one group.
    ///
    /// # Errors
    /// [`SegmentError`] where the bytes are damaged or the records don't match the chain.
    pub fn read_group(
        &self,
        head: &BlockHead,
        place: GroupPlace,
    ) -> Result<DecodedGroup, SegmentError> {
        let items = self.unpack_group(head, place)?;
        let mut chain_hash = self.chain_before(head, place)?;
        let fail = |kind| self.group_error(head, place, kind);
        let (entry, first, _) = head.group(place.group).ok_or(fail(SegmentErrorKind::NotHere))?;
        let hashes = item_hashes(&items.iter().collect::<Vec<_>>());
        let mut chain = Vec::with_capacity(hashes.len());
        for (i, hash) in hashes.iter().enumerate() {
            if head.locators.get(first + i) != Some(&locator(hash)) {
                return Err(fail(SegmentErrorKind::Chain));
            }
            chain_hash = chain_next(&chain_hash, hash);
            chain.push(chain_hash);
        }
        if chain_hash != entry.chain_after {
            return Err(fail(SegmentErrorKind::Chain));
        }
        let first_seq = Seq(head.first_seq.0 + first as u64);
        Ok(DecodedGroup { first_seq, items, hashes, chain })
    }

    /// Reads and verifies a whole block that stands behind the chain hash `before`: the hashes of
    /// its records, and the chain hash behind them. The bodies of many groups are hashed side by
    /// side, so it costs less than group by group.
    ///
    /// # Errors
    /// As [`Self::read_group`], of the first group that is wrong.
    pub fn verify_block(
        &self,
        block: usize,
        before: ChainHash,
    ) -> Result<(Vec<RecordHash>, ChainHash), SegmentError> {
        let head = self.block_head(block)?;
        let mut all = Vec::with_capacity(head.locators.len());
        let mut chain = before;
        for run in group_runs(&head.groups) {
            let groups = self.unpack_run(&head, block, run.clone())?;
            let items: Vec<PackedItem<'_>> = groups.iter().flat_map(Unpacked::iter).collect();
            let hashes = item_hashes(&items);
            let mut rest = hashes.iter().zip(head.locators.iter().skip(all.len()));
            let entries = head.groups.get(run.clone()).unwrap_or_default();
            for (group, entry) in run.zip(entries) {
                let mut fits = true;
                for (hash, stored) in rest.by_ref().take(entry.record_count.into()) {
                    fits &= locator(hash) == *stored;
                    chain = chain_next(&chain, hash);
                }
                if !fits || chain != entry.chain_after {
                    let place = GroupPlace { block, group };
                    return Err(self.group_error(&head, place, SegmentErrorKind::Chain));
                }
            }
            all.extend_from_slice(&hashes);
        }
        let whole = all.len() == head.locators.len();
        let mismatch = || self.error(block, SegmentErrorKind::Mismatch("block head"));
        whole.then_some((all, chain)).ok_or_else(mismatch)
    }
}

/// Text of groups that are unpacked together, unless one alone has more.
const RUN_LEN_MAX: u64 = 256 << 10;

/// Groups in runs that are worth hashing side by side and take little memory.
pub(crate) fn group_runs(groups: &[GroupEntry]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = 0;
    std::iter::from_fn(move || {
        let mut len = 0;
        let fits = |entry: &&GroupEntry| {
            len += u64::from(entry.raw_len.max(entry.stored_len));
            len <= RUN_LEN_MAX
        };
        let count = groups.iter().skip(start).take_while(fits).count().max(1);
        let run = start..(start + count).min(groups.len());
        start = run.end;
        (!run.is_empty()).then_some(run)
    })
}
