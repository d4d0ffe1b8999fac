//! What one read decodes: a group of a sealed block, a frame of an active file, or damage.
//!
//! Invariant: a record in a [`Group`] was hashed and stands in a chain that ends where the stored
//! chain hash says; everything else in it is damage. Groups never change once they are made.

use std::ops::Range;
use std::sync::Arc;

use super::entry::{Entry, StoredRecord};
use crate::record::AuditId;
use crate::segment::{DecodedGroup, PackedItem};
use crate::types::{ChainHash, RecordHash, Seq};

/// Records `[first_seq, end_seq)`, decoded together.
pub(crate) struct Group {
    first_seq: u64,
    end_seq: u64,
    content: Content,
}

enum Content {
    Sealed(DecodedGroup),
    Frame(FrameRecords),
    /// The identifiers that can be made out, by position; may be shorter than the group.
    Damaged(Vec<Option<AuditId>>),
}

/// The verified records of one frame.
pub(crate) struct FrameRecords {
    pub(crate) payload: Vec<u8>,
    pub(crate) bodies: Vec<Range<usize>>,
    pub(crate) hashes: Vec<RecordHash>,
    pub(crate) chain: Vec<ChainHash>,
}

/// One place of the log, borrowed.
#[derive(Clone, Copy)]
pub(crate) enum Item<'a> {
    Record { body: &'a [u8], hash: RecordHash },
    Erased { audit_id: AuditId, hash: RecordHash },
    Damaged,
}

impl Group {
    pub(crate) fn sealed(group: DecodedGroup) -> Self {
        let first_seq = group.first_seq.0;
        let end_seq = first_seq + group.items.len() as u64;
        Self { first_seq, end_seq, content: Content::Sealed(group) }
    }

    pub(crate) fn frame(first_seq: u64, records: FrameRecords) -> Self {
        let end_seq = first_seq + records.bodies.len() as u64;
        Self { first_seq, end_seq, content: Content::Frame(records) }
    }

    pub(crate) fn damaged(range: Range<u64>, ids: Vec<Option<AuditId>>) -> Self {
        Self { first_seq: range.start, end_seq: range.end, content: Content::Damaged(ids) }
    }

    pub(crate) fn first_seq(&self) -> u64 {
        self.first_seq
    }

    pub(crate) fn end_seq(&self) -> u64 {
        self.end_seq
    }

    pub(crate) fn holds(&self, seq: u64) -> bool {
        (self.first_seq..self.end_seq).contains(&seq)
    }

    pub(crate) fn is_damaged(&self) -> bool {
        matches!(self.content, Content::Damaged(_))
    }

    /// Bytes of memory held.
    pub(crate) fn memory(&self) -> usize {
        const PER_RECORD: usize = RecordHash::LEN + ChainHash::LEN + size_of::<Range<usize>>();
        let own = match &self.content {
            Content::Sealed(group) => group.items.memory() + group.hashes.len() * PER_RECORD,
            Content::Frame(frame) => frame.payload.capacity() + frame.hashes.len() * PER_RECORD,
            Content::Damaged(ids) => ids.capacity() * size_of::<Option<AuditId>>(),
        };
        own + size_of::<Self>()
    }

    /// The body at a position in the group.
    pub(crate) fn body(&self, index: usize) -> Option<&[u8]> {
        match &self.content {
            Content::Sealed(group) => match group.items.get(index)? {
                PackedItem::Body(body) => Some(body),
                PackedItem::Erased(..) => None,
            },
            Content::Frame(frame) => frame.payload.get(frame.bodies.get(index)?.clone()),
            Content::Damaged(_) => None,
        }
    }

    /// What stands at a seq of the group.
    pub(crate) fn item(&self, seq: u64) -> Item<'_> {
        self.index(seq).and_then(|index| self.item_at(index)).unwrap_or(Item::Damaged)
    }

    fn index(&self, seq: u64) -> Option<usize> {
        usize::try_from(seq.checked_sub(self.first_seq)?).ok()
    }

    fn item_at(&self, index: usize) -> Option<Item<'_>> {
        let (hashes, _) = self.hashes()?;
        let hash = *hashes.get(index)?;
        if let Content::Sealed(group) = &self.content
            && let PackedItem::Erased(audit_id, hash) = group.items.get(index)?
        {
            return Some(Item::Erased { audit_id, hash });
        }
        Some(Item::Record { body: self.body(index)?, hash })
    }

    fn hashes(&self) -> Option<(&[RecordHash], &[ChainHash])> {
        match &self.content {
            Content::Sealed(group) => Some((&group.hashes, &group.chain)),
            Content::Frame(frame) => Some((&frame.hashes, &frame.chain)),
            Content::Damaged(_) => None,
        }
    }

    /// What stands at a seq of the group, on its own.
    pub(crate) fn entry(self: &Arc<Self>, seq: u64) -> Entry {
        self.index(seq)
            .and_then(|index| self.entry_at(index))
            .unwrap_or_else(|| Entry::Damaged { seq: Seq(seq), audit_id: self.damaged_id(seq) })
    }

    fn entry_at(self: &Arc<Self>, index: usize) -> Option<Entry> {
        let (_, chain) = self.hashes()?;
        let chain_hash = *chain.get(index)?;
        let seq = Seq(self.first_seq + index as u64);
        Some(match self.item_at(index)? {
            Item::Record { hash, .. } => {
                let group = Arc::clone(self);
                Entry::Record(StoredRecord::in_group(seq, group, index, hash, chain_hash))
            }
            Item::Erased { audit_id, hash } => Entry::Erased { seq, audit_id, hash, chain_hash },
            Item::Damaged => return None,
        })
    }

    fn damaged_id(&self, seq: u64) -> Option<AuditId> {
        let Content::Damaged(ids) = &self.content else { return None };
        ids.get(self.index(seq)?).copied().flatten()
    }
}

/// The identifier that a body begins with, verified or not.
pub(crate) fn audit_id_of(body: &[u8]) -> Option<AuditId> {
    let text = body.get(ID_START..)?.get(..AuditId::TEXT_LEN)?;
    AuditId::parse_canonical(core::str::from_utf8(text).ok()?)
}

/// Where a body's identifier stands: behind `{"audit_id":"`.
pub(crate) const ID_START: usize = 13;
