//! What a process knows about the indexes of a log, shared by its readers and by the worker that
//! makes them.
//!
//! Invariant: at most [`OPEN_MAX`] files are mapped; what is marked as unusable is not looked at
//! again before it was made anew or the reader looks around. Locks here are held for moments, never
//! while the disk is waited for.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::building::Building;
use super::piece::{ANY_TIME, Finished, IndexHandle, Piece};
use super::store::{self, Opened};
use crate::format::TimeRange;
use crate::index::file::IndexFile;
use crate::io::Storage;
use crate::log::cache::{Lru, SEGMENTS_MAX};
use crate::log::view::View;

/// Mapped index files; as many as segments.
const OPEN_MAX: usize = SEGMENTS_MAX;

/// Why an index can't be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unusable {
    Missing,
    Stale,
    Damaged,
}

/// The indexes of a log's files.
pub(crate) struct Indexes {
    pub(super) storage: Arc<dyn Storage>,
    open: Mutex<Lru<u64, Arc<IndexFile>>>,
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
                    building.add_to(&mut out, end, None);
                }
                _ if newest => out.bare_to(end, None),
                _ => self.add(&state, Finished::Rolled(Arc::clone(active)), end, &mut out),
            }
        }
        out.bare_to(size, None);
        out.list
    }

    /// The rest of a finished file up to `end`.
    fn add(self: &Arc<Self>, state: &State, of: Finished, end: u64, out: &mut Pieces) {
        let (first_seq, times) = (of.first_seq(), of.times());
        if let Some(building) = state.building.as_ref().filter(|b| b.is_of(first_seq)) {
            building.add_to(out, end, times);
        } else if state.unusable.contains_key(&first_seq) || out.next != first_seq {
            out.bare_to(end, times);
        } else if first_seq < end {
            let file = IndexHandle { indexes: Arc::clone(self), of };
            let range = first_seq..end;
            out.next = end;
            out.list.push(Piece::File { range, times: times.unwrap_or(ANY_TIME), file });
        }
    }

    /// The index of a finished file, if it can be used.
    pub(super) fn open(&self, of: &Finished) -> Option<Arc<IndexFile>> {
        let (first_seq, identity) = (of.first_seq(), of.identity());
        let held = self.open.lock().get(&first_seq);
        if let Some(file) = held.filter(|file| *file.identity() == identity) {
            return Some(file);
        }
        if self.state.read().unusable.contains_key(&first_seq) {
            return None;
        }
        match store::open(&*self.storage, &identity) {
            Opened::Ready(file) => {
                let file = Arc::new(file);
                self.open.lock().insert(first_seq, Arc::clone(&file), 1);
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
        self.open.lock().remove(&first_seq);
        let mut state = self.state.write();
        match &state.building {
            Some(building) if building.is_of(first_seq) => {}
            _ => {
                state.unusable.insert(first_seq, Unusable::Damaged);
            }
        }
    }

    /// Records of the file that begins with a seq that are indexed in memory.
    pub(super) fn in_memory(&self, first_seq: u64) -> u64 {
        let state = self.state.read();
        let building = state.building.as_ref().filter(|building| building.is_of(first_seq));
        building.map_or(0, Building::indexed)
    }

    /// Looks at every file again: a writer in another process may have made what was missing.
    pub(crate) fn look_again(&self) {
        self.state.write().unusable.clear();
    }

    /// The index of a file was written: it is used from now on.
    pub(super) fn stored(&self, first_seq: u64) {
        self.open.lock().remove(&first_seq);
        let mut state = self.state.write();
        state.unusable.remove(&first_seq);
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
