//! What a process knows about the indexes of a log, shared by its readers and by the worker that
//! makes them.
//!
//! Invariant: at most [`OPEN_MAX`] files are mapped; what is marked as unusable is not looked at
//! again before it was made anew or the reader looks around. Locks here are held for moments, never
//! while the disk is waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::building::Building;
use super::piece::{ANY_TIME, Finished, IndexHandle, Indexed, Piece};
use super::store::{self, Opened};
use super::windows::{self, Window};
use crate::format::TimeRange;
use crate::index::file::IndexFile;
use crate::io::Storage;
use crate::log::cache::{Lru, SEGMENTS_MAX};
use crate::log::view::{ActiveFile, View};

/// Mapped index files; as many as segments.
const OPEN_MAX: usize = SEGMENTS_MAX;

/// Why an index can't be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unusable {
    Missing,
    Stale,
    Damaged,
}

/// Whose index is held open.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum OpenKey {
    /// Of the finished file that begins with a seq.
    File { first_seq: u64 },
    /// Of a window of the active file with this tag: its records don't change any more, so that
    /// their chain hash is asked only once.
    Window { file_tag: u64, first_seq: u64 },
}

impl OpenKey {
    fn of(window: &Window) -> Self {
        let file_tag = window.active.header.file_tag;
        Self::Window { file_tag, first_seq: window.seqs.start }
    }
}

/// The indexes of a log's files.
pub(crate) struct Indexes {
    pub(super) storage: Arc<dyn Storage>,
    open: Mutex<Lru<OpenKey, Arc<IndexFile>>>,
    pub(super) state: RwLock<State>,
    /// Held from a rename or a removal in `sealed/` to the sync that makes it durable: whoever
    /// syncs gets the errors of his own changes.
    pub(crate) directory: Mutex<()>,
}

#[derive(Default)]
pub(super) struct State {
    /// The file that is indexed in memory.
    pub(super) building: Option<Building>,
    /// Finished files, by first seq, whose index can't be used. A writer makes these anew.
    pub(super) unusable: BTreeMap<u64, Unusable>,
    /// Windows of active files, by first seq, whose index file can't be used.
    pub(super) unusable_windows: BTreeSet<u64>,
}

impl Indexes {
    pub(crate) fn new(storage: Arc<dyn Storage>) -> Arc<Self> {
        let open = Mutex::new(Lru::new(OPEN_MAX));
        Arc::new(Self { storage, open, state: RwLock::default(), directory: Mutex::default() })
    }

    /// Pieces in seq order that cover the view without gaps, from 0 to the size that it has now:
    /// the end of the last one.
    pub(crate) fn pieces(self: &Arc<Self>, view: &View) -> Vec<Piece> {
        self.pieces_within(view, |_| true)
    }

    /// As [`Self::pieces`], without the sealed segments whose times `wanted` refuses.
    pub(crate) fn pieces_within(
        self: &Arc<Self>,
        view: &View,
        wanted: impl Fn(&TimeRange) -> bool,
    ) -> Vec<Piece> {
        self.look_at_rolled(view);
        let size = view.size();
        let state = self.state.read();
        let mut out = Pieces { list: Vec::new(), next: 0 };
        view.sealed.each(view.sealed_len, |entry| {
            out.bare_to(entry.first_seq.min(size), None);
            let of = Finished::Sealed(Arc::clone(entry));
            let end = entry.end_seq().min(size);
            if of.times().is_some_and(|times| !wanted(&times)) {
                out.next = end;
            } else {
                self.add(&state, of, end, &mut out);
            }
        });
        for (i, active) in view.actives.iter().enumerate() {
            out.bare_to(active.header.first_seq.0.min(size), None);
            let end = active.end_seq().min(size);
            let newest = i + 1 == view.actives.len();
            match &state.building {
                Some(building) if building.is_of(active.header.first_seq.0) => {
                    let rest = |out: &mut Pieces, end| self.add_windows(&state, active, end, out);
                    building.add_to(&mut out, end, rest);
                }
                _ if newest => self.add_windows(&state, active, end, &mut out),
                _ => self.add(&state, Finished::Rolled(Arc::clone(active)), end, &mut out),
            }
        }
        out.bare_to(size, None);
        out.list
    }

    /// Opens the indexes of files that wait to be sealed: only where one is known to be missing do
    /// the windows stand in for it.
    fn look_at_rolled(&self, view: &View) {
        let building = self.state.read().building.as_ref().map(Building::first_seq);
        for active in view.actives.iter().take(view.actives.len().saturating_sub(1)) {
            let of = Finished::Rolled(Arc::clone(active));
            let seqs = of.first_seq()..of.end_seq();
            if building != Some(seqs.start) && windows::finished(seqs).next().is_some() {
                let _ = self.open(&of);
            }
        }
    }

    /// The rest of a finished file up to `end`.
    fn add(self: &Arc<Self>, state: &State, of: Finished, end: u64, out: &mut Pieces) {
        let (first_seq, times) = (of.first_seq(), of.times());
        if let Some(building) = state.building.as_ref().filter(|b| b.is_of(first_seq)) {
            building.add_to(out, end, |out, end| out.bare_to(end, times));
        } else if state.unusable.contains_key(&first_seq) || out.next != first_seq {
            match &of {
                Finished::Sealed(_) => out.bare_to(end, times),
                Finished::Rolled(active) => self.add_windows(state, active, end, out),
            }
        } else if first_seq < end {
            let file = IndexHandle { indexes: Arc::clone(self), of: Indexed::File(of) };
            let range = first_seq..end;
            out.next = end;
            out.list.push(Piece::File { range, times: times.unwrap_or(ANY_TIME), file });
        }
    }

    /// The rest of an active file up to `end` by the files of its windows. Those of a damaged file
    /// don't count: whatever is asked, its damage is to be met.
    fn add_windows(
        self: &Arc<Self>,
        state: &State,
        active: &Arc<ActiveFile>,
        end: u64,
        out: &mut Pieces,
    ) {
        let sound = !active.is_damaged();
        for seqs in windows::finished(active.header.first_seq.0..end) {
            let known = sound && !state.unusable_windows.contains(&seqs.start);
            if !known || seqs.start < out.next {
                continue;
            }
            out.bare_to(seqs.start, None);
            let of = Window { active: Arc::clone(active), seqs: seqs.clone() };
            let file = IndexHandle { indexes: Arc::clone(self), of: Indexed::Window(of) };
            out.next = seqs.end;
            out.list.push(Piece::File { range: seqs, times: ANY_TIME, file });
        }
        out.bare_to(end, None);
    }

    /// The index file of a window, if it can be used.
    pub(super) fn open_window(&self, window: &Window) -> Option<Arc<IndexFile>> {
        let (key, first_seq) = (OpenKey::of(window), window.seqs.start);
        if let Some(file) = self.open.lock().get(&key) {
            return Some(file);
        }
        if self.state.read().unusable_windows.contains(&first_seq) {
            return None;
        }
        match window.open(&*self.storage) {
            Opened::Ready(file) => {
                let file = Arc::new(file);
                self.open.lock().insert(key, Arc::clone(&file), 1);
                Some(file)
            }
            Opened::Unusable(_) => {
                self.state.write().unusable_windows.insert(first_seq);
                None
            }
            Opened::Failed(_) => None,
        }
    }

    /// The index file of a window gave an error: its records are read instead.
    pub(super) fn report_window(&self, window: &Window) {
        self.open.lock().remove(&OpenKey::of(window));
        self.state.write().unusable_windows.insert(window.seqs.start);
    }

    /// The index of a finished file, if it can be used.
    pub(super) fn open(&self, of: &Finished) -> Option<Arc<IndexFile>> {
        let (first_seq, identity) = (of.first_seq(), of.identity());
        let key = OpenKey::File { first_seq };
        let held = self.open.lock().get(&key);
        if let Some(file) = held.filter(|file| *file.identity() == identity) {
            return Some(file);
        }
        if self.state.read().unusable.contains_key(&first_seq) {
            return None;
        }
        match store::open(&*self.storage, &identity) {
            Opened::Ready(file) => {
                let file = Arc::new(file);
                self.open.lock().insert(key, Arc::clone(&file), 1);
                Some(file)
            }
            Opened::Unusable(why) => {
                self.state.write().unusable.insert(first_seq, why);
                None
            }
            // Not a word about the index itself: the next query tries again.
            Opened::Failed(_) => None,
        }
    }

    /// An index of the file that begins with a seq gave an error.
    pub(crate) fn report(&self, first_seq: u64) {
        self.open.lock().remove(&OpenKey::File { first_seq });
        let mut state = self.state.write();
        match &state.building {
            Some(building) if building.is_of(first_seq) => {}
            _ => {
                state.unusable.insert(first_seq, Unusable::Damaged);
            }
        }
    }

    /// Seqs of the file that begins with a seq that are indexed in memory.
    pub(super) fn in_memory(&self, first_seq: u64) -> Vec<Range<u64>> {
        let state = self.state.read();
        let building = state.building.as_ref().filter(|building| building.is_of(first_seq));
        building.map_or_else(Vec::new, Building::indexed)
    }

    /// Looks at every file again: a writer in another process may have made what was missing.
    pub(crate) fn look_again(&self) {
        let mut state = self.state.write();
        state.unusable.clear();
        state.unusable_windows.clear();
    }

    /// The index of the file of these seqs was written: it is used from now on.
    pub(super) fn stored(&self, seqs: &Range<u64>) {
        let first_seq = seqs.start;
        self.open.lock().remove(&OpenKey::File { first_seq });
        let mut state = self.state.write();
        state.unusable.remove(&first_seq);
        state.unusable_windows.retain(|window| !seqs.contains(window));
        state.building.take_if(|building| building.is_of(first_seq));
    }
}

/// Pieces under way.
pub(super) struct Pieces {
    list: Vec<Piece>,
    /// The seq that comes next.
    pub(super) next: u64,
}

impl Pieces {
    /// Nothing is known up to `end`.
    pub(super) fn bare_to(&mut self, end: u64, times: Option<TimeRange>) {
        if self.next < end {
            let range: Range<u64> = self.next..end;
            self.list.push(Piece::Bare { range, times });
            self.next = end;
        }
    }

    /// A shard of the seqs up to `end`.
    pub(super) fn shard_to(&mut self, end: u64, shard: Arc<dyn crate::index::shard::ShardLookup>) {
        if self.next < end {
            self.list.push(Piece::Shard { range: self.next..end, shard });
            self.next = end;
        }
    }
}
