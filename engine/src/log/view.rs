//! What can be read right now: sealed segments and the durable part of the active files.
//!
//! Invariant: a [`View`] never shows a record that is not durable, and the records that it shows are
//! contiguous unless `damage` says otherwise. Sealed entries are only ever added; a view fixes how many of
//! them it sees. Readers hold a view as long as they like: files that were removed meanwhile stay open.

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::catalogue::SegmentEntry;
use crate::format::ActiveHeader;
use crate::io::StorageFile;
use crate::recovery::Damage;
use crate::segment::ScanPosition;

/// Distance of the remembered positions in an active file, bytes.
const POSITION_DISTANCE: u64 = 64 << 10;

/// An active file as readers see it.
pub(crate) struct ActiveFile {
    pub(crate) header: ActiveHeader,
    pub(crate) file: Arc<dyn StorageFile>,
    visible: Mutex<Visible>,
}

struct Visible {
    /// Behind the last durable frame.
    end: ScanPosition,
    /// Ascending, the first at the file's start, at least [`POSITION_DISTANCE`] apart.
    positions: Vec<ScanPosition>,
}

impl ActiveFile {
    /// A file of which nothing is visible yet.
    pub(crate) fn new(header: ActiveHeader, file: Arc<dyn StorageFile>) -> Self {
        let start = ScanPosition::start(&header);
        let visible = Mutex::new(Visible { end: start, positions: vec![start] });
        Self { header, file, visible }
    }

    /// Remembers that a frame begins at `position`; ascending.
    pub(crate) fn note(&self, position: ScanPosition) {
        let mut visible = self.visible.lock();
        let last = visible.positions.last().map_or(0, |p| p.offset);
        if position.offset >= last + POSITION_DISTANCE {
            visible.positions.push(position);
        }
    }

    /// Makes everything before `end` visible.
    pub(crate) fn publish(&self, end: ScanPosition) {
        self.visible.lock().end = end;
    }

    /// Behind the last durable frame.
    pub(crate) fn end(&self) -> ScanPosition {
        self.visible.lock().end
    }

    /// The last remembered position at or before a seq.
    pub(crate) fn position_before(&self, seq: u64) -> ScanPosition {
        let visible = self.visible.lock();
        let behind = visible.positions.partition_point(|p| p.next_seq.0 <= seq);
        let index = behind.saturating_sub(1);
        visible.positions.get(index).copied().unwrap_or(ScanPosition::start(&self.header))
    }
}

/// The sealed segments of a log; only ever grows.
#[derive(Default)]
pub(crate) struct SealedList(RwLock<Vec<Arc<SegmentEntry>>>);

impl SealedList {
    pub(crate) fn push(&self, entry: SegmentEntry) -> usize {
        let mut list = self.0.write();
        list.push(Arc::new(entry));
        list.len()
    }

    pub(crate) fn get(&self, index: usize) -> Option<Arc<SegmentEntry>> {
        self.0.read().get(index).cloned()
    }

    /// Position of the last of the first `len` segments that begins at or before a seq.
    pub(crate) fn find(&self, seq: u64, len: usize) -> Option<usize> {
        let list = self.0.read();
        let list = list.get(..len)?;
        list.partition_point(|entry| entry.first_seq <= seq).checked_sub(1)
    }

    pub(crate) fn first(&self, len: usize) -> Vec<Arc<SegmentEntry>> {
        self.0.read().iter().take(len).cloned().collect()
    }
}

/// One moment of a log.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) sealed: Arc<SealedList>,
    /// How many of `sealed` belong to this view.
    pub(crate) sealed_len: usize,
    /// Active files in order; all but the last wait to be sealed.
    pub(crate) actives: Vec<Arc<ActiveFile>>,
    /// What is missing or bad; empty in a sound log.
    pub(crate) damage: Arc<Vec<Damage>>,
}

impl View {
    /// Records that can be read: the seqs below it.
    pub(crate) fn size(&self) -> u64 {
        let sealed = self.sealed_end();
        self.actives.last().map_or(sealed, |active| active.end().next_seq.0.max(sealed))
    }

    /// The seq behind the last sealed record.
    pub(crate) fn sealed_end(&self) -> u64 {
        self.sealed_len
            .checked_sub(1)
            .and_then(|last| self.sealed.get(last))
            .map_or(0, |entry| entry.end_seq())
    }

    /// The active file that holds a seq.
    pub(crate) fn active_of(&self, seq: u64) -> Option<&Arc<ActiveFile>> {
        let holds = |a: &&Arc<ActiveFile>| a.header.first_seq.0 <= seq && seq < a.end().next_seq.0;
        self.actives.iter().find(holds)
    }
}

/// The current view, replaced as a whole.
pub(crate) struct SharedView(RwLock<Arc<View>>);

impl SharedView {
    pub(crate) fn new(view: View) -> Self {
        Self(RwLock::new(Arc::new(view)))
    }

    pub(crate) fn get(&self) -> Arc<View> {
        Arc::clone(&self.0.read())
    }

    /// Replaces the view by a changed copy.
    pub(crate) fn change(&self, change: impl FnOnce(&mut View)) {
        let mut current = self.0.write();
        let mut next = View::clone(&current);
        change(&mut next);
        *current = Arc::new(next);
    }
}
