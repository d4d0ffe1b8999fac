//! What can be read right now: sealed segments and the durable part of the active files.
//!
//! Invariant: a [`View`] never shows a record that is not durable, and the records that it shows
//! are contiguous unless `damage` says otherwise. Sealed entries are only ever added; a view fixes
//! how many of them it sees. Readers hold a view as long as they like: files that were removed
//! meanwhile stay open.

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::catalogue::SegmentEntry;
use crate::format::ActiveHeader;
use crate::io::StorageFile;
use crate::recovery::Damage;
use crate::segment::ScanPosition;
use crate::types::ChainHash;

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
    /// What can be read behind damage; empty in a sound file.
    behind: Behind,
}

/// The part of a damaged active file behind its first bad byte.
#[derive(Clone, Default)]
pub(crate) struct Behind {
    /// Runs of valid frames, ascending.
    pub(crate) runs: Vec<Run>,
    /// One behind the last seq that belongs to the file, readable or not.
    pub(crate) end_seq: u64,
}

/// Valid frames in a row.
#[derive(Clone)]
pub(crate) struct Run {
    /// Places inside, ascending, the first at its start.
    pub(crate) steps: Vec<Step>,
    /// One behind its last seq.
    pub(crate) end_seq: u64,
    /// One behind its last byte.
    pub(crate) end_offset: u64,
}

/// The beginning of a frame, and what is needed to verify from it on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Step {
    pub(crate) offset: u64,
    pub(crate) next_seq: u64,
    /// Chain hash before the frame; unknown right behind damage.
    pub(crate) chain: Option<ChainHash>,
}

impl From<ScanPosition> for Step {
    fn from(at: ScanPosition) -> Self {
        Self { offset: at.offset, next_seq: at.next_seq.0, chain: Some(at.chain) }
    }
}

/// Where a seq lies in an active file.
pub(crate) enum Place {
    /// In frames that can be walked from `from` on.
    Frames {
        /// The last remembered place at or before it.
        from: Step,
        /// Seq of the next remembered place, or the end of the run.
        next_seq: u64,
        /// One behind the last byte of the run.
        end_offset: u64,
    },
    /// In bytes that can't be read.
    Lost {
        /// First seq that is lost with it.
        first_seq: u64,
        /// One behind the last.
        end_seq: u64,
    },
}

impl ActiveFile {
    /// A file of which nothing is visible yet.
    pub(crate) fn new(header: ActiveHeader, file: Arc<dyn StorageFile>) -> Self {
        let start = ScanPosition::start(&header);
        let visible =
            Mutex::new(Visible { end: start, positions: vec![start], behind: Behind::default() });
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

    /// The last remembered position at or before a seq.
    pub(crate) fn position(&self, seq: u64) -> ScanPosition {
        let visible = self.visible.lock();
        let behind = visible.positions.partition_point(|p| p.next_seq.0 <= seq);
        let last = behind.checked_sub(1).and_then(|i| visible.positions.get(i).copied());
        last.unwrap_or(ScanPosition::start(&self.header))
    }

    /// Makes everything before `end` visible.
    pub(crate) fn publish(&self, end: ScanPosition) {
        self.visible.lock().end = end;
    }

    /// Makes what stands behind damage visible.
    pub(crate) fn publish_behind(&self, behind: Behind) {
        self.visible.lock().behind = behind;
    }

    /// Behind the last durable frame in order.
    pub(crate) fn end(&self) -> ScanPosition {
        self.visible.lock().end
    }

    /// One behind the last seq of the file, whether it can be read or not.
    pub(crate) fn end_seq(&self) -> u64 {
        let visible = self.visible.lock();
        visible.end.next_seq.0.max(visible.behind.end_seq)
    }

    /// One behind the last byte that holds visible frames.
    pub(crate) fn end_offset(&self) -> u64 {
        let visible = self.visible.lock();
        let runs = visible.behind.runs.last().map_or(0, |run| run.end_offset);
        visible.end.offset.max(runs)
    }

    /// Whether there are bad bytes before the end.
    pub(crate) fn is_damaged(&self) -> bool {
        let visible = self.visible.lock();
        !visible.behind.runs.is_empty() || visible.behind.end_seq > visible.end.next_seq.0
    }

    /// The bytes around a seq that can't be reached: from the end of what is readable before it to
    /// the beginning of what is readable behind it.
    pub(crate) fn lost_bytes(&self, seq: u64) -> (u64, u64) {
        let visible = self.visible.lock();
        let (mut start, mut start_seq) = (visible.end.offset, visible.end.next_seq.0);
        if seq < start_seq {
            let behind = visible.positions.partition_point(|p| p.next_seq.0 <= seq);
            let from = behind.checked_sub(1).and_then(|i| visible.positions.get(i));
            let to = visible.positions.get(behind).map_or(start, |p| p.offset);
            return (from.map_or(0, |p| p.offset), to);
        }
        for run in &visible.behind.runs {
            let Some(first) = run.steps.first() else { continue };
            if seq < first.next_seq && start_seq <= seq {
                return (start, first.offset);
            }
            (start, start_seq) = (run.end_offset, run.end_seq);
        }
        (start, u64::MAX)
    }

    /// Where a seq of this file lies.
    pub(crate) fn place(&self, seq: u64) -> Place {
        let visible = self.visible.lock();
        if seq < visible.end.next_seq.0 {
            let behind = visible.positions.partition_point(|p| p.next_seq.0 <= seq);
            let from = behind.checked_sub(1).and_then(|i| visible.positions.get(i).copied());
            let next = visible.positions.get(behind).map(|p| p.next_seq.0);
            return Place::Frames {
                from: from.unwrap_or(ScanPosition::start(&self.header)).into(),
                next_seq: next.unwrap_or(u64::MAX).min(visible.end.next_seq.0),
                end_offset: visible.end.offset,
            };
        }
        visible.behind.place(seq, visible.end.next_seq.0)
    }
}

impl Behind {
    fn place(&self, seq: u64, end: u64) -> Place {
        let mut first_seq = end;
        for run in &self.runs {
            let start = run.steps.first().map_or(run.end_seq, |step| step.next_seq);
            if seq < start {
                return Place::Lost { first_seq, end_seq: start };
            }
            let behind = run.steps.partition_point(|step| step.next_seq <= seq);
            if seq < run.end_seq
                && let Some(from) = behind.checked_sub(1).and_then(|i| run.steps.get(i))
            {
                return Place::Frames {
                    from: *from,
                    next_seq: run.steps.get(behind).map_or(run.end_seq, |step| step.next_seq),
                    end_offset: run.end_offset,
                };
            }
            first_seq = run.end_seq;
        }
        Place::Lost { first_seq, end_seq: self.end_seq.max(seq.saturating_add(1)) }
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

    /// A list of segments in seq order that don't overlap.
    pub(crate) fn of(entries: impl IntoIterator<Item = SegmentEntry>) -> Self {
        Self(RwLock::new(entries.into_iter().map(Arc::new).collect()))
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

    /// The first of the first `len` segments that begins at or behind a seq.
    pub(crate) fn next(&self, seq: u64, len: usize) -> Option<Arc<SegmentEntry>> {
        let list = self.0.read();
        let list = list.get(..len)?;
        list.get(list.partition_point(|entry| entry.first_seq < seq)).cloned()
    }

    /// Calls back with each of the first `len` segments.
    pub(crate) fn each(&self, len: usize, each: impl FnMut(&Arc<SegmentEntry>)) {
        self.0.read().iter().take(len).for_each(each);
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
        self.actives.last().map_or(sealed, |active| active.end_seq().max(sealed))
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
        let holds = |a: &&Arc<ActiveFile>| a.header.first_seq.0 <= seq && seq < a.end_seq();
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
