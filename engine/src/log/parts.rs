//! What all reads share: where the bytes are, and how a seq becomes a verified group.
//!
//! Invariant: one decoding path for every read; what it returns was verified or is marked as
//! damaged. A seq is looked up in a [`View`] that the caller holds, so that one answer never mixes
//! two moments of the log.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::active_read;
use super::cache::{GroupCache, GroupKey, OpenSegment, SegmentCache};
use super::catalogue::SegmentEntry;
use super::group::{Group, audit_id_of};
use super::indexes::Indexes;
use super::open_read::Follow;
use super::read_error::ReadError;
use super::source::MapSource;
use super::view::{ActiveFile, SharedView, Step, View};
use crate::format::BlockHead;
use crate::io::{OpenMode, Storage};
use crate::proof::{KeyList, LogIdentity, NodeId};
use crate::record::AuditId;
use crate::segment::{
    ByteSource, GroupPlace, PackedItem, SealedSegment, SegmentErrorKind, Unpacked,
};
use crate::types::{NodeHash, Seq};

/// What a writer has in memory of the tree.
pub(crate) trait LiveTree: Send + Sync {
    /// Hash of a node whose leaves are all durable; `None` where it is not at hand.
    fn node(&self, id: NodeId) -> Option<NodeHash>;
}

/// Everything that a reader is made of.
pub(crate) struct Parts {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) identity: LogIdentity,
    pub(crate) identity_sha256: [u8; 32],
    /// `None` where `log.vkeys` could not be read.
    pub(crate) keys: RwLock<Option<Arc<KeyList>>>,
    pub(crate) view: Arc<SharedView>,
    pub(crate) groups: GroupCache,
    pub(crate) segments: SegmentCache,
    pub(crate) indexes: Arc<Indexes>,
    pub(crate) live: Option<Arc<dyn LiveTree>>,
    /// What a reader beside a writer knows of the files; `None` where a writer keeps the view.
    pub(crate) follow: Option<Mutex<Follow>>,
}

/// Whether a decoded group is kept for later reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Keep {
    /// Single reads.
    Cached,
    /// Passes over many records, which would push everything else out.
    Passing,
}

/// Groups that a pass over a segment reads before it gives the memory of the map back: some 16 MiB,
/// so that a pass over a log of any size takes up little.
const PASSED_MAX: u32 = 1 << 14;

/// Where a caller that reads in order was last.
#[derive(Default)]
pub(crate) struct Nearby {
    step: Option<(u64, Step)>,
    segment: Option<(u64, Arc<OpenSegment>)>,
    /// Groups of that segment that were read since its memory was released.
    passed: u32,
    /// Groups that were found in the cache.
    pub(crate) cached: u64,
    /// Groups that were read and verified.
    pub(crate) decoded: u64,
}

impl Parts {
    /// The group that holds a seq below the view's size.
    pub(crate) fn group_at(
        &self,
        view: &View,
        seq: u64,
        keep: Keep,
        near: &mut Nearby,
    ) -> Result<Arc<Group>, ReadError> {
        if let Some(entry) = sealed_of(view, seq) {
            self.sealed_group(&entry, seq, keep, near)
        } else if let Some(active) = view.active_of(seq) {
            self.active_group(active, seq, keep, near)
        } else {
            Ok(Arc::new(Group::damaged(gap(view, seq), Vec::new())))
        }
    }

    /// An open segment; `None` where the file is not the one of this entry or can't be opened as
    /// such.
    pub(crate) fn segment(
        &self,
        entry: &SegmentEntry,
    ) -> Result<Option<Arc<OpenSegment>>, ReadError> {
        if let Some(open) = self.segments.get(entry.first_seq) {
            return Ok(Some(open));
        }
        let path = entry.path();
        let file = match self.storage.open(&path, OpenMode::Read) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(ReadError::io(&path))?,
        };
        // An empty file can't be mapped; it is damage like any other.
        if file.len().map_err(ReadError::io(&path))? == 0 {
            return Ok(None);
        }
        let map = MapSource(file.map().map_err(ReadError::io(&path))?);
        let Ok(segment) = SealedSegment::open(map) else { return Ok(None) };
        let (header, footer) = (segment.header(), segment.footer());
        let ours = header.identity_sha256 == self.identity_sha256
            && (header.first_seq.0, header.count) == (entry.first_seq, entry.count)
            && footer.chain_before == entry.chain_before
            && footer.chain_after == entry.chain_after;
        if !ours {
            return Ok(None);
        }
        let open = Arc::new(OpenSegment::new(segment));
        self.segments.insert(entry.first_seq, &open);
        Ok(Some(open))
    }

    fn sealed_group(
        &self,
        entry: &SegmentEntry,
        seq: u64,
        keep: Keep,
        near: &mut Nearby,
    ) -> Result<Arc<Group>, ReadError> {
        if let Some(group) = self.groups.sealed(entry.first_seq, seq) {
            near.cached += 1;
            return Ok(group);
        }
        near.decoded += 1;
        let open = match near.segment.take() {
            Some((first, open)) if first == entry.first_seq => Some(open),
            before => {
                near.passed = 0;
                if let Some((_, before)) = before.filter(|_| keep == Keep::Passing) {
                    before.segment.source().0.release();
                }
                self.segment(entry)?
            }
        };
        let Some(open) = open else {
            let range = entry.first_seq..entry.end_seq();
            return Ok(Arc::new(Group::damaged(range, Vec::new())));
        };
        let group = self.group_in(entry, &open, seq, keep);
        if keep == Keep::Passing {
            near.passed += 1;
            if near.passed == PASSED_MAX {
                near.passed = 0;
                open.segment.source().0.release();
            }
        }
        near.segment = Some((entry.first_seq, open));
        group
    }

    fn group_in(
        &self,
        entry: &SegmentEntry,
        open: &OpenSegment,
        seq: u64,
        keep: Keep,
    ) -> Result<Arc<Group>, ReadError> {
        let segment = &open.segment;
        let block = segment.block_of(Seq(seq)).unwrap_or(usize::MAX);
        let head = match open.head(block) {
            Ok(head) => head,
            Err(e) => {
                let (first, end) = segment.block_range(block);
                return damaged_or_io(e.kind, &entry.path(), first..end, Vec::new);
            }
        };
        let group = SealedSegment::<MapSource>::group_of(&head, Seq(seq)).unwrap_or(usize::MAX);
        let place = GroupPlace { block, group };
        match segment.read_group(&head, place) {
            Ok(decoded) => {
                let group = Arc::new(Group::sealed(decoded));
                if keep == Keep::Cached {
                    let first_seq = group.first_seq();
                    let key = GroupKey::Sealed { segment: entry.first_seq, first_seq };
                    self.groups.insert(key, &group);
                }
                Ok(group)
            }
            Err(e) => {
                let range = group_range(&head, group).unwrap_or(seq..seq + 1);
                damaged_or_io(e.kind, &entry.path(), range, || ids_of(open, &head, place))
            }
        }
    }

    fn active_group(
        &self,
        active: &Arc<ActiveFile>,
        seq: u64,
        keep: Keep,
        near: &mut Nearby,
    ) -> Result<Arc<Group>, ReadError> {
        let file_tag = active.header.file_tag;
        if keep == Keep::Cached
            && let Some(group) = self.groups.frame(file_tag, seq)
        {
            near.cached += 1;
            return Ok(group);
        }
        near.decoded += 1;
        let path = || format!("active/{}", crate::format::active_name(active.header.first_seq));
        let fail = |e| ReadError::Io { path: path(), source: e };
        let hint = near.step.filter(|(tag, _)| *tag == file_tag).map(|(_, step)| step);
        let found = match active_read::find(active, seq, hint).map_err(fail)? {
            Ok(found) => found,
            Err(lost) => return Ok(Arc::new(Group::damaged(lost, Vec::new()))),
        };
        let (group, next) = active_read::read(active, &found).map_err(fail)?;
        near.step = Some((file_tag, next));
        let group = Arc::new(group);
        if keep == Keep::Cached {
            let key = GroupKey::Frame { file_tag, first_seq: group.first_seq() };
            self.groups.insert(key, &group);
        }
        Ok(group)
    }

    /// The bytes at a damaged seq, as they are: the record's where they can be told apart,
    /// otherwise those of its group or frame; empty where there are none.
    pub(crate) fn raw(&self, view: &View, seq: u64) -> Result<Vec<u8>, ReadError> {
        if let Some(entry) = sealed_of(view, seq) {
            let Some(open) = self.segment(&entry)? else { return Ok(Vec::new()) };
            return Ok(raw_sealed(&open, seq).unwrap_or_default());
        }
        let Some(active) = view.active_of(seq) else { return Ok(Vec::new()) };
        let raw = active_read::find(active, seq, None).and_then(|found| match found {
            Ok(found) => active_read::raw(active, &found, seq),
            Err(_) => active_read::raw_lost(active, seq),
        });
        raw.map_err(ReadError::io("active"))
    }
}

/// The sealed segment that holds a seq.
pub(crate) fn sealed_of(view: &View, seq: u64) -> Option<Arc<SegmentEntry>> {
    let index = view.sealed.find(seq, view.sealed_len)?;
    view.sealed.get(index).filter(|entry| seq < entry.end_seq())
}

/// The seqs around one that no file holds.
fn gap(view: &View, seq: u64) -> Range<u64> {
    let before = view.sealed.find(seq, view.sealed_len);
    let after = before.map_or(0, |index| index + 1);
    let sealed_before = before.and_then(|index| view.sealed.get(index)).map_or(0, |e| e.end_seq());
    let sealed_after = (after < view.sealed_len).then(|| view.sealed.get(after)).flatten();
    let ends = view.actives.iter().map(|a| a.end_seq()).filter(|end| *end <= seq);
    let starts = view.actives.iter().map(|a| a.header.first_seq.0).filter(|first| *first > seq);
    let start = ends.chain([sealed_before]).max().unwrap_or(0);
    let end = starts.chain(sealed_after.map(|e| e.first_seq)).min();
    start.min(seq)..end.unwrap_or(view.size()).max(seq + 1)
}

fn group_range(head: &BlockHead, group: usize) -> Option<Range<u64>> {
    let (entry, first, _) = head.group(group)?;
    let first = head.first_seq.0 + first as u64;
    Some(first..first + u64::from(entry.record_count))
}

/// Damage is an answer; a medium that fails is not.
fn damaged_or_io(
    kind: SegmentErrorKind,
    path: &str,
    range: Range<u64>,
    ids: impl FnOnce() -> Vec<Option<AuditId>>,
) -> Result<Arc<Group>, ReadError> {
    match kind {
        SegmentErrorKind::Io(e) if e.kind() != io::ErrorKind::UnexpectedEof => {
            Err(ReadError::Io { path: path.to_owned(), source: e })
        }
        _ => Ok(Arc::new(Group::damaged(range, ids()))),
    }
}

/// What can still be unpacked of a group that did not verify.
fn salvage(open: &OpenSegment, head: &BlockHead, place: GroupPlace) -> Option<Unpacked> {
    let entry = head.groups.get(place.group)?;
    let stored = stored_bytes(open, head, place)?;
    open.segment.unpack_stored(entry, &stored).ok()
}

fn stored_bytes(open: &OpenSegment, head: &BlockHead, place: GroupPlace) -> Option<Vec<u8>> {
    let (entry, _, offset) = head.group(place.group)?;
    let block = open.segment.directory().get(place.block)?;
    let start = block.offset + head.encoded_len() as u64 + offset;
    let bytes = open.segment.source().bytes(start, entry.stored_len as usize).ok()?;
    Some(bytes.into_owned())
}

fn ids_of(open: &OpenSegment, head: &BlockHead, place: GroupPlace) -> Vec<Option<AuditId>> {
    let Some(items) = salvage(open, head, place) else { return Vec::new() };
    let id = |item| match item {
        PackedItem::Body(body) => audit_id_of(body),
        PackedItem::Erased(audit_id, _) => Some(audit_id),
    };
    items.iter().map(id).collect()
}

fn raw_sealed(open: &OpenSegment, seq: u64) -> Option<Vec<u8>> {
    let block = open.segment.block_of(Seq(seq))?;
    let Ok(head) = open.head(block) else {
        let entry = open.segment.directory().get(block)?;
        let bytes = open.segment.source().bytes(entry.offset, entry.len as usize).ok()?;
        return Some(bytes.into_owned());
    };
    let group = SealedSegment::<MapSource>::group_of(&head, Seq(seq))?;
    let place = GroupPlace { block, group };
    let first = group_range(&head, group)?.start;
    let body = salvage(open, &head, place).and_then(|items| {
        match items.get(usize::try_from(seq.checked_sub(first)?).ok()?)? {
            PackedItem::Body(body) => Some(body.to_vec()),
            PackedItem::Erased(..) => None,
        }
    });
    body.or_else(|| stored_bytes(open, &head, place))
}
