//! The shell: which snapshot is in force, and the steps of background work that replace it.
//!
//! Invariant: a snapshot is replaced only after what replaces it is durable, and files go only
//! after that; an error leaves the snapshot in force. One step runs at a time (`work`); questions
//! and [`IdIndex::freeze`] never wait for one.
//! Knows no threads: the log's background thread calls [`IdIndex::maintain`] until it is idle.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::error::IdError;
use super::fingerprint::{Fingerprint, IdKey};
use super::layout::{Entry, Header};
use super::merge::{Merge, plan};
use super::open::{pieces, survey};
use super::recent::{FLUSH_LEN, FrozenTable};
use super::run::Run;
use super::snapshot::{IdSnapshot, Piece};
use super::window::Window;
use super::writer::{DIRECTORY, RunWriter, run_path};
use crate::io::Storage;
use crate::types::LogId;

/// One step's worth of merging: some tens of milliseconds.
const STEP_ENTRIES: usize = 1 << 20;
/// Entries sorted in heap at a time when a range is added: 16 MB.
const CHUNK_ENTRIES: usize = 1 << 20;

/// What a call of [`IdIndex::maintain`] did.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Step {
    /// Nothing is left to do.
    Idle,
    /// The oldest frozen table became a run.
    Wrote(Range<u64>),
    /// Runs left the window and are gone.
    Expired(Range<u64>),
    /// A merge went on.
    Merging(Range<u64>),
    /// A merge ended: one run in place of several.
    Merged(Range<u64>),
    /// A damaged run was met and is gone; its seqs are missing now.
    Damaged(Range<u64>),
}

/// What a call of [`IdIndex::check_next`] found.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Checked {
    /// All runs have been looked at; the next call begins again with the oldest.
    RoundOver,
    /// This run is as it was written.
    Intact(Range<u64>),
    /// This run was not and is gone; its seqs are missing now.
    Damaged(Range<u64>),
}

/// One id of a range that is added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IdEntry {
    /// Where the record is.
    pub seq: u64,
    /// Fingerprint of its `audit_id`.
    pub fingerprint: Fingerprint,
    /// Its `received_at`, microseconds since 1970.
    pub received_at: i64,
}

/// The id index of a log that is open for writing.
pub struct IdIndex {
    storage: Arc<dyn Storage>,
    log_id: LogId,
    key: IdKey,
    sizes: Sizes,
    current: RwLock<Arc<IdSnapshot>>,
    work: Mutex<Work>,
}

#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub(super) flush_len: u64,
    pub(super) chunk_entries: usize,
    pub(super) step_entries: usize,
}

#[derive(Default)]
struct Work {
    merge: Option<Merge>,
    /// Runs that start before this seq have been checked in this round.
    checked_to: u64,
}

impl IdIndex {
    /// Opens the index of a log of `log_size` durable records and removes the files that can't be
    /// used.
    /// `new_key`, 16 random bytes, is used when there is no run yet. What the log holds and the
    /// index doesn't is told by [`IdSnapshot::missing`].
    ///
    /// # Errors
    /// [`IdError::Io`]: the directory can't be read or cleaned.
    pub fn open(
        storage: Arc<dyn Storage>,
        log_id: LogId,
        log_size: u64,
        new_key: [u8; 16],
    ) -> Result<Self, IdError> {
        let sizes = Sizes {
            flush_len: FLUSH_LEN as u64,
            chunk_entries: CHUNK_ENTRIES,
            step_entries: STEP_ENTRIES,
        };
        Self::open_with(storage, log_id, log_size, new_key, sizes)
    }

    pub(super) fn open_with(
        storage: Arc<dyn Storage>,
        log_id: LogId,
        log_size: u64,
        new_key: [u8; 16],
        sizes: Sizes,
    ) -> Result<Self, IdError> {
        storage.create_dir(DIRECTORY).map_err(IdError::io(DIRECTORY))?;
        let survey = survey(&*storage, &log_id, log_size)?;
        remove_all(&*storage, &survey.unused)?;
        let key = survey.key.unwrap_or(IdKey::new(new_key));
        let snapshot = IdSnapshot { key, pieces: pieces(survey.runs) };
        Ok(Self {
            storage,
            log_id,
            key,
            sizes,
            current: RwLock::new(Arc::new(snapshot)),
            work: Mutex::default(),
        })
    }

    /// Key of the fingerprints.
    #[must_use]
    pub fn key(&self) -> &IdKey {
        &self.key
    }

    /// The snapshot in force.
    #[must_use]
    pub fn snapshot(&self) -> Arc<IdSnapshot> {
        Arc::clone(&self.current.read())
    }

    /// Publishes a table that [`super::RecentIds::freeze`] gave, at once; a later
    /// [`Self::maintain`] writes it.
    ///
    /// # Errors
    /// [`IdError::Range`] or [`IdError::Order`]: the range is covered already or not that of the
    /// ids.
    pub fn freeze(&self, table: FrozenTable) -> Result<(), IdError> {
        let range = table.range();
        if let Some((_, seq)) = table.entries().iter().find(|(_, seq)| !range.contains(seq)) {
            return Err(IdError::Order { seq: *seq });
        }
        let span = range.end.saturating_sub(range.start);
        if span == 0 || span > u64::from(u32::MAX) {
            return Err(IdError::Range(range));
        }
        self.publish(Piece::Frozen(Arc::new(table)))
    }

    /// Does one step of background work: writes the oldest frozen table, drops a run that has left
    /// the window, or goes on with a merge, whichever is first in this order.
    ///
    /// # Errors
    /// [`IdError::Io`]: the step was not done (or, when removing, not wholly) and can be tried
    /// again.
    pub fn maintain(&self, window: &Window) -> Result<Step, IdError> {
        let mut work = self.work.lock();
        let snapshot = self.snapshot();
        let frozen = snapshot.pieces.iter().find_map(|piece| match piece {
            Piece::Frozen(table) => Some(table),
            Piece::Run(_) => None,
        });
        if let Some(table) = frozen {
            self.write_table(table)?;
            return Ok(Step::Wrote(table.range()));
        }
        if let Some(run) = snapshot.pieces.first().and_then(Piece::run) {
            let merging = work.merge.as_ref().is_some_and(|m| m.seqs().start <= run.seqs().start);
            if !merging && window.is_past(run.seqs().end, run.header().received_at_max) {
                self.discard_working(&run.seqs())?;
                return Ok(Step::Expired(run.seqs()));
            }
        }
        match self.merge_step(&mut work, &snapshot) {
            Err(IdError::Damaged(seqs)) => {
                self.discard_working(&seqs)?;
                Ok(Step::Damaged(seqs))
            }
            step => step,
        }
    }

    /// Adds a missing range from the log, in chunks that are published one by one.
    ///
    /// # Errors
    /// What the iterator says; [`IdError::Io`]; [`IdError::Range`]: the range is empty or partly
    /// covered; [`IdError::Order`]: seqs don't rise or are outside. What was published stays;
    /// [`IdSnapshot::missing`] tells the rest.
    pub fn add_range<E: From<IdError>>(
        &self,
        range: Range<u64>,
        entries: impl IntoIterator<Item = Result<IdEntry, E>>,
    ) -> Result<(), E> {
        if range.is_empty() || self.snapshot().missing(range.clone()) != [range.clone()] {
            return Err(IdError::Range(range).into());
        }
        let mut from = range.start;
        let mut next = range.start;
        let mut chunk = Vec::new();
        let mut received_at_max = i64::MIN;
        for entry in entries {
            let entry = entry?;
            if entry.seq < next || entry.seq >= range.end {
                return Err(IdError::Order { seq: entry.seq }.into());
            }
            let full = chunk.len() >= self.sizes.chunk_entries;
            if full || entry.seq - from >= u64::from(u32::MAX) {
                self.add_chunk(from..next, &mut chunk, received_at_max)?;
                (from, received_at_max) = (next, i64::MIN);
            }
            next = entry.seq + 1;
            received_at_max = received_at_max.max(entry.received_at);
            chunk.push((entry.fingerprint, entry.seq));
        }
        Ok(self.add_chunk(from..range.end, &mut chunk, received_at_max)?)
    }

    /// Compares the next run with its checksums, oldest first; a damaged one is dropped.
    ///
    /// # Errors
    /// [`IdError::Io`]: the damaged file can't be removed; it is out of force nevertheless.
    pub fn check_next(&self) -> Result<Checked, IdError> {
        let snapshot = self.snapshot();
        let from = self.work.lock().checked_to;
        let mut runs = snapshot.pieces.iter().filter_map(Piece::run);
        let Some(run) = runs.find(|run| run.seqs().start >= from) else {
            self.work.lock().checked_to = 0;
            return Ok(Checked::RoundOver);
        };
        self.work.lock().checked_to = run.seqs().end;
        if run.check().is_ok() {
            return Ok(Checked::Intact(run.seqs()));
        }
        self.discard(&run.seqs())?;
        Ok(Checked::Damaged(run.seqs()))
    }

    /// Takes the run of exactly these seqs out of force at once and removes its file when the step
    /// of background work that is under way has ended; without such a run it does nothing.
    ///
    /// # Errors
    /// [`IdError::Io`]: the file can't be removed; it is out of force nevertheless.
    pub fn discard(&self, seqs: &Range<u64>) -> Result<(), IdError> {
        if !self.retire(seqs) {
            return Ok(());
        }
        let _work = self.work.lock();
        // A new run of the same seqs may have taken the name meanwhile.
        if self.snapshot().pieces.iter().any(|piece| piece.seqs() == *seqs) {
            return Ok(());
        }
        remove_all(&*self.storage, &[run_path(seqs)])
    }

    /// Drops a run while `work` is held.
    fn discard_working(&self, seqs: &Range<u64>) -> Result<(), IdError> {
        if self.retire(seqs) { remove_all(&*self.storage, &[run_path(seqs)]) } else { Ok(()) }
    }

    /// Takes the run of exactly these seqs out of force; whether there was one.
    fn retire(&self, seqs: &Range<u64>) -> bool {
        let mut current = self.current.write();
        let mut snapshot = IdSnapshot::clone(&current);
        snapshot.pieces.retain(|piece| piece.run().is_none() || piece.seqs() != *seqs);
        let found = snapshot.pieces.len() < current.pieces.len();
        *current = Arc::new(snapshot);
        found
    }

    /// Puts a piece in force in place of the pieces inside it.
    fn publish(&self, piece: Piece) -> Result<(), IdError> {
        let seqs = piece.seqs();
        let mut current = self.current.write();
        let outside = |p: &Piece| p.seqs().end <= seqs.start || p.seqs().start >= seqs.end;
        let inside = |p: &Piece| {
            let runs = matches!(piece, Piece::Run(_));
            runs && p.seqs().start >= seqs.start && p.seqs().end <= seqs.end
        };
        if !current.pieces.iter().all(|p| outside(p) || inside(p)) {
            return Err(IdError::Range(seqs));
        }
        let mut pieces: Vec<Piece> =
            current.pieces.iter().filter(|p| outside(p)).cloned().collect();
        let at = pieces.partition_point(|p| p.seqs().start < seqs.start);
        pieces.insert(at, piece);
        *current = Arc::new(IdSnapshot { key: self.key, pieces });
        Ok(())
    }

    fn write_table(&self, table: &FrozenTable) -> Result<(), IdError> {
        let mut entries = table.entries().to_vec();
        let run = self.write_run(table.range(), &mut entries, table.received_at_max())?;
        self.publish(Piece::Run(Arc::new(run)))
    }

    fn add_chunk(
        &self,
        seqs: Range<u64>,
        chunk: &mut Vec<(Fingerprint, u64)>,
        received_at_max: i64,
    ) -> Result<(), IdError> {
        let _work = self.work.lock();
        // Somebody else may have added it meanwhile: never write over a file that is in force.
        if self.snapshot().missing(seqs.clone()) != [seqs.clone()] {
            return Err(IdError::Range(seqs));
        }
        let run = self.write_run(seqs, chunk, received_at_max)?;
        chunk.clear();
        self.publish(Piece::Run(Arc::new(run)))
    }

    /// Writes a run of ids in any order.
    fn write_run(
        &self,
        seqs: Range<u64>,
        entries: &mut [(Fingerprint, u64)],
        received_at_max: i64,
    ) -> Result<Run, IdError> {
        entries.sort_unstable();
        let from = seqs.start;
        let header = Header {
            log_id: self.log_id,
            key: self.key,
            seqs,
            count: entries.len() as u64,
            received_at_max,
        };
        let mut writer = RunWriter::create(&*self.storage, header)?;
        let temporary = writer.temporary().to_owned();
        let pushed = entries.iter().try_for_each(|(fingerprint, seq)| {
            let place = seq.checked_sub(from).and_then(|place| u32::try_from(place).ok());
            let place = place.ok_or(IdError::Order { seq: *seq })?;
            writer.push(Entry { fingerprint: *fingerprint, place })
        });
        let run = pushed.and_then(|()| writer.finish(&*self.storage));
        run.inspect_err(|_| self.give_up(&temporary))
    }

    fn merge_step(&self, work: &mut Work, snapshot: &IdSnapshot) -> Result<Step, IdError> {
        let mut merge = match work.merge.take() {
            Some(merge) => merge,
            None => match self.plan(snapshot) {
                Some(inputs) => Merge::start(&*self.storage, &inputs)?,
                None => return Ok(Step::Idle),
            },
        };
        let seqs = merge.seqs();
        let temporary = merge.temporary().to_owned();
        let done = match merge.step(self.sizes.step_entries) {
            Ok(false) => {
                work.merge = Some(merge);
                return Ok(Step::Merging(seqs));
            }
            Ok(true) => merge.finish(&*self.storage),
            Err(e) => Err(e),
        };
        let run = done.inspect_err(|_| self.give_up(&temporary))?;
        let replaced = self.snapshot();
        let replaced = replaced.pieces.iter().map(Piece::seqs);
        // A piece of exactly these seqs (discarded and added again) has the name of the new file.
        let replaced =
            replaced.filter(|p| p.start >= seqs.start && p.end <= seqs.end && *p != seqs);
        let files: Vec<String> = replaced.map(|p| run_path(&p)).collect();
        if let Err(e) = self.publish(Piece::Run(Arc::new(run))) {
            // Its inputs were discarded and added again in other pieces meanwhile.
            remove_all(&*self.storage, &[run_path(&seqs)])?;
            return Err(e);
        }
        remove_all(&*self.storage, &files)?;
        Ok(Step::Merged(seqs))
    }

    fn plan(&self, snapshot: &IdSnapshot) -> Option<Vec<Arc<Run>>> {
        let runs: Vec<&Arc<Run>> = snapshot.pieces.iter().filter_map(Piece::run).collect();
        let seqs: Vec<Range<u64>> = runs.iter().map(|run| run.seqs()).collect();
        let group = plan(&seqs, self.sizes.flush_len)?;
        Some(runs.get(group)?.iter().map(|run| Arc::clone(run)).collect())
    }

    /// Removes an unfinished file if it can; the next open does otherwise.
    fn give_up(&self, temporary: &str) {
        let _ = self.storage.remove(temporary);
    }
}

/// Removes files that are not in force; durable when it returns.
fn remove_all(storage: &dyn Storage, paths: &[String]) -> Result<(), IdError> {
    for path in paths {
        match storage.remove(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(IdError::io(path)(e)),
            _ => {}
        }
    }
    if paths.is_empty() {
        return Ok(());
    }
    storage.sync_dir(DIRECTORY).map_err(IdError::io(DIRECTORY))
}
