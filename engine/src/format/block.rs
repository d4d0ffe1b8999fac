//! The head of a block: up to 256 records aligned in the log, split into compressed groups.
//!
//! Invariant: a CRC covers head, group table and locators; each group has its own CRC and the
//! chain hash after its last record, so that reading one group verifies it. Byte tables:
//! format.md.
//! Knows nothing about compression.

use super::LOCATOR_LEN;
use super::codec::{FormatError, FormatErrorKind, Put, Reader, Structure, layout};
use crate::types::{ChainHash, Seq};

layout!(pub(crate) HEAD_LAYOUT, BLOCK_HEAD_LEN = 24, {
    magic: 4, record_count: 2, group_count: 2, first_seq: 8, data_len: 4, crc32: 4,
});
layout!(pub(crate) GROUP_LAYOUT, GROUP_ENTRY_LEN = 80, {
    stored_len: 4, raw_len: 4, record_count: 2, encoding: 1, reserved: 1, crc32: 4, chain_after: 64,
});

const MAGIC: &[u8; 4] = b"SHBK";
/// Records in a full block: one Merkle tile.
pub const BLOCK_RECORDS_MAX: u64 = 256;

/// How the text part of a group is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupEncoding {
    /// As it is.
    Plain,
    /// A zstd frame without dictionary.
    Zstd,
    /// A zstd frame with the segment's dictionary.
    ZstdDictionary,
}

/// One group of a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupEntry {
    /// Bytes stored in the block's data.
    pub stored_len: u32,
    /// Bytes of the text part when decompressed.
    pub raw_len: u32,
    /// Records.
    pub record_count: u16,
    /// How the text part is stored.
    pub encoding: GroupEncoding,
    /// CRC-32 of the stored bytes.
    pub crc: u32,
    /// Chain hash after the group's last record.
    pub chain_after: ChainHash,
}

/// Head, group table and locators of a block; the groups' bytes follow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockHead {
    /// Seq of the first record.
    pub first_seq: Seq,
    /// The groups in order.
    pub groups: Vec<GroupEntry>,
    /// First four bytes of each record's hash.
    pub locators: Vec<[u8; 4]>,
}

impl BlockHead {
    /// Bytes of head, table and locators together.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        BLOCK_HEAD_LEN + self.groups.len() * GROUP_ENTRY_LEN + self.locators.len() * LOCATOR_LEN
    }

    /// Bytes of the groups behind the head.
    #[must_use]
    pub fn data_len(&self) -> u64 {
        self.groups.iter().map(|g| u64::from(g.stored_len)).sum()
    }

    /// The bytes on disk, appended to `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let clip = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        let mut head = Vec::with_capacity(self.encoded_len());
        head.bytes(MAGIC).u16(clip(self.locators.len())).u16(clip(self.groups.len()));
        head.u64(self.first_seq.0).u32(u32::try_from(self.data_len()).unwrap_or(u32::MAX));
        let mut table = Vec::with_capacity(self.encoded_len());
        for g in &self.groups {
            let encoding = match g.encoding {
                GroupEncoding::Plain => 0,
                GroupEncoding::Zstd => 1,
                GroupEncoding::ZstdDictionary => 2,
            };
            table.u32(g.stored_len).u32(g.raw_len).u16(g.record_count).u8(encoding).u8(0);
            table.u32(g.crc).bytes(&g.chain_after.0);
        }
        for locator in &self.locators {
            table.bytes(locator);
        }
        let crc = head_crc(&head, &table);
        head.u32(crc).bytes(&table);
        out.bytes(&head);
    }

    /// Reads head, table and locators from the front of `bytes`; what follows is the groups' data.
    ///
    /// # Errors
    /// [`FormatError`] where they are damaged or contradict themselves.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut r = Reader::new(Structure::BlockHead, bytes);
        r.magic(MAGIC)?;
        let (record_count, group_count) = (usize::from(r.u16()?), usize::from(r.u16()?));
        let first_seq = Seq(r.u64()?);
        let data_len = r.u32()?;
        let crc = r.u32()?;
        let value = r.error(FormatErrorKind::Value);
        let in_tile = 256 - usize::from(first_seq.0.to_le_bytes()[0]);
        if record_count == 0 || record_count > in_tile || group_count > record_count {
            return Err(value);
        }
        let table = r.take(group_count * GROUP_ENTRY_LEN + record_count * LOCATOR_LEN)?;
        let head = bytes.get(..BLOCK_HEAD_LEN - 4).unwrap_or_default();
        if head_crc(head, table) != crc {
            return Err(FormatError { kind: FormatErrorKind::Checksum, ..value });
        }
        let mut t = Reader::new(Structure::GroupTable, table);
        let groups =
            (0..group_count).map(|_| GroupEntry::decode(&mut t)).collect::<Result<Vec<_>, _>>()?;
        let locators = (0..record_count).map(|_| t.array()).collect::<Result<Vec<[u8; 4]>, _>>()?;
        let block = Self { first_seq, groups, locators };
        let records: usize = block.groups.iter().map(|g| usize::from(g.record_count)).sum();
        if records != record_count || block.data_len() != u64::from(data_len) {
            return Err(value);
        }
        Ok(block)
    }

    /// Where group `index` lies: its entry, the position of its first record in the block, and the
    /// offset of its bytes behind the head.
    #[must_use]
    pub fn group(&self, index: usize) -> Option<(&GroupEntry, usize, u64)> {
        let before = self.groups.get(..index)?;
        let first = before.iter().map(|g| usize::from(g.record_count)).sum();
        let offset = before.iter().map(|g| u64::from(g.stored_len)).sum();
        Some((self.groups.get(index)?, first, offset))
    }
}

fn head_crc(head: &[u8], table: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(head);
    crc.update(table);
    crc.finalize()
}

impl GroupEntry {
    fn decode(t: &mut Reader<'_>) -> Result<Self, FormatError> {
        let at = t.error(FormatErrorKind::Value);
        let (stored_len, raw_len) = (t.u32()?, t.u32()?);
        let record_count = t.u16()?;
        let encoding = match t.u8()? {
            0 => GroupEncoding::Plain,
            1 => GroupEncoding::Zstd,
            2 => GroupEncoding::ZstdDictionary,
            _ => return Err(at),
        };
        t.zeros(1)?;
        let entry = Self {
            stored_len,
            raw_len,
            record_count,
            encoding,
            crc: t.u32()?,
            chain_after: ChainHash(t.array()?),
        };
        let raw_len = usize::try_from(raw_len).unwrap_or(usize::MAX);
        if record_count == 0 || raw_len > super::GROUP_RAW_LEN_MAX { Err(at) } else { Ok(entry) }
    }
}
