//! Making indexes, a step at a time: first what comes in, then what is missing.
//!
//! One file at a time is indexed in memory: the one that is written, until it is finished and its
//! index stored. Each of its windows that is full is written to a file, and taken from there when
//! the log is opened again. Every other finished file without an index is read through once, the
//! newest first.
//! Invariant: a step is a batch of records or one file written; it holds no lock that an append or
//! a seal waits for, but for one rename. What can't be written is reported and tried again later;
//! the log goes on without it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::building::{Building, window_end};
use super::known::{Indexes, Unusable};
use super::orphans;
use super::piece::Finished;
use super::rebuild::{self, Rebuild};
use super::records::Records;
use super::store::{self, Opened};
use super::windows;
use crate::index::shard::{GrowingShard, ShardLookup};
use crate::log::core::Core;
use crate::log::error::LogError;
use crate::log::view::View;

/// Records of a step.
const BATCH: u64 = 1 << 10;
/// Indexes that one step looks at.
const LOOKS: usize = 64;

/// What one step did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Did {
    /// There is nothing to do.
    Nothing,
    /// New records are indexed.
    Followed,
    /// Something else was done.
    Other,
}

/// What the worker remembers between steps.
pub(crate) struct Worker {
    records: Records,
    rebuild: Option<Rebuild>,
    /// Finished files that begin below this seq were looked at.
    looked: u64,
    /// Whether files that belong to nothing were removed.
    tidied: bool,
    /// First seqs of files whose index could not be made; they come last.
    failed: BTreeSet<u64>,
    stopped: bool,
}

impl Worker {
    pub(crate) fn new() -> Self {
        Self {
            records: Records::new(),
            rebuild: None,
            looked: 0,
            tidied: false,
            failed: BTreeSet::new(),
            stopped: false,
        }
    }

    /// Gives up what is under way; nothing is written any more.
    pub(crate) fn stop(&mut self) {
        self.stopped = true;
        self.rebuild = None;
    }
}

/// One step. `may_write`: whether files may be written; otherwise only new records are indexed.
///
/// # Errors
/// [`LogError`]: the log itself is as it was, and the step can be tried again.
pub(crate) fn step(core: &Core, may_write: bool) -> Result<Did, LogError> {
    if !core.options.index {
        return Ok(Did::Nothing);
    }
    let mut worker = core.indexer.lock();
    if worker.stopped {
        return Ok(Did::Nothing);
    }
    let view = core.view.get();
    let mut step = Step { core, indexes: &core.reader.parts.indexes, view, worker: &mut worker };
    // Before what comes in, which may never end.
    if may_write && step.keep_window()? {
        return Ok(Did::Other);
    }
    if step.follow()? {
        return Ok(Did::Followed);
    }
    if may_write && (step.store()? || step.tidy()? || step.look()? || step.rebuild()?) {
        return Ok(Did::Other);
    }
    step.worker.records.rest();
    Ok(Did::Nothing)
}

/// Everything that is missing or damaged, now. Reads every index once.
///
/// # Errors
/// As [`step`].
pub(crate) fn complete(core: &Core) -> Result<(), LogError> {
    while step(core, true)? != Did::Nothing {}
    if core.options.index && report_damaged(core) {
        while step(core, true)? != Did::Nothing {}
    }
    Ok(())
}

/// Compares all pages of all indexes with their checksums; `true` if one has to be made again.
fn report_damaged(core: &Core) -> bool {
    let mut worker = core.indexer.lock();
    let indexes = &core.reader.parts.indexes;
    let step = Step { core, indexes, view: core.view.get(), worker: &mut worker };
    let (mut next, mut any) = (0, false);
    while let Some(of) = step.next_finished(next) {
        if let Opened::Ready(file) = store::open(&*indexes.storage, &of.identity())
            && file.verify_all().is_err()
        {
            indexes.report(of.first_seq());
            any = true;
        }
        next = of.end_seq().max(of.first_seq() + 1);
    }
    any
}

struct Step<'a> {
    core: &'a Core,
    indexes: &'a Arc<Indexes>,
    view: Arc<View>,
    worker: &'a mut Worker,
}

impl Step<'_> {
    /// Indexes new records of the file that is indexed in memory; `true` if there were any.
    fn follow(&mut self) -> Result<bool, LogError> {
        let Some((first_seq, growing)) = self.growing() else { return Ok(false) };
        let next = growing.first_seq() + u64::from(growing.record_count());
        let file_end = match self.finished(first_seq) {
            Some(of) => of.end_seq(),
            None => self.view.size(),
        };
        if self.take_over(first_seq, &growing, file_end) {
            return Ok(true);
        }
        let end = window_end(growing.first_seq()).min(file_end);
        let until = end.min(next.saturating_add(BATCH));
        let (parts, view) = (&self.core.reader.parts, &self.view);
        let read = self.worker.records.each(parts, view, next..until, |slot| {
            growing.push(slot);
        });
        read.map_err(|e| LogError::damaged("active", e))?;
        if until == window_end(growing.first_seq()) {
            self.turn(first_seq, &growing);
            return Ok(true);
        }
        Ok(next < until)
    }

    /// The file that is indexed in memory and its growing shard; begins with the newest file.
    fn growing(&self) -> Option<(u64, Arc<GrowingShard>)> {
        let newest = self.view.actives.last()?.header.first_seq.0;
        let of = |b: &Building| (b.first_seq(), Arc::clone(b.growing()));
        let held = self.indexes.state.read().building.as_ref().map(of);
        // A file that went without a record is neither written nor finished.
        let there = |seq| seq == newest || self.finished(seq).is_some();
        if let Some(held) = held.filter(|(seq, _)| there(*seq)) {
            return Some(held);
        }
        let mut state = self.indexes.state.write();
        Some(of(state.building.insert(Building::new(newest))))
    }

    /// Encodes a full window.
    fn turn(&self, first_seq: u64, growing: &GrowingShard) {
        let bytes = growing.encode();
        let mut state = self.indexes.state.write();
        let building = state.building.as_mut().filter(|b| b.is_of(first_seq));
        let turned = building.map(|b| b.turn(bytes, self.core.options.index_memory_max));
        if matches!(turned, Some(Err(_))) {
            // Bytes that we made and can't read: the records are there to be read instead.
            state.building = None;
            state.unusable.insert(first_seq, Unusable::Damaged);
        }
    }

    /// Takes the window that comes next from its file, if nothing of it is indexed yet and it has
    /// one that can be used.
    fn take_over(&mut self, first_seq: u64, growing: &GrowingShard, file_end: u64) -> bool {
        let seqs = growing.first_seq()..window_end(growing.first_seq());
        if growing.record_count() > 0 || seqs.end > file_end {
            return false;
        }
        let (parts, view, records) =
            (&self.core.reader.parts, &self.view, &mut self.worker.records);
        let last = || records.group(parts, view, seqs.end - 1);
        let Some(bytes) = windows::load(&*self.indexes.storage, &seqs, last) else { return false };
        let mut state = self.indexes.state.write();
        let building = state.building.as_mut().filter(|b| b.is_of(first_seq));
        let budget = self.core.options.index_memory_max;
        building.is_some_and(|building| building.take_over(bytes, budget).is_ok())
    }

    /// Writes the index of a full window beside its file; `true` if there was one to write. It is
    /// tried once: whoever needs it later reads the records.
    fn keep_window(&mut self) -> Result<bool, LogError> {
        let wanted = {
            let state = self.indexes.state.read();
            let building = state.building.as_ref();
            building.and_then(|b| b.wanted().map(|wanted| (b.first_seq(), wanted)))
        };
        let Some((first_seq, (seqs, shard))) = wanted else { return Ok(false) };
        let written = match self.finished(first_seq) {
            // Its own index comes next.
            Some(_) => Ok(()),
            None => self.write_window(&seqs, &shard),
        };
        let mut state = self.indexes.state.write();
        let building = state.building.as_mut().filter(|b| b.is_of(first_seq));
        let budget = self.core.options.index_memory_max;
        building.into_iter().for_each(|building| building.settle(seqs.start, budget));
        written.map(|()| true)
    }

    fn write_window(&mut self, seqs: &Range<u64>, shard: &[u8]) -> Result<(), LogError> {
        let records = &mut self.worker.records;
        let last = records.group(&self.core.reader.parts, &self.view, seqs.end - 1);
        let last = last.map_err(LogError::io("active"))?;
        // Damaged since it was indexed: nothing says whose index it would be.
        let Some(identity) = windows::identity(seqs, &last) else { return Ok(()) };
        windows::write(&*self.indexes.storage, identity, shard, self.reserve())?;
        self.indexes.state.write().unusable_windows.remove(&seqs.start);
        Ok(())
    }

    /// The index of the file of these seqs is stored: its windows are not needed any more.
    fn stored(&mut self, seqs: &Range<u64>) -> Result<(), LogError> {
        self.indexes.stored(seqs);
        let removed =
            windows::remove(&*self.indexes.storage, |window| !seqs.contains(&window.start));
        if removed.is_err() {
            self.worker.tidied = false;
        }
        removed
    }

    /// Stores the index of the file in memory once the file is finished; `true` if it was.
    fn store(&mut self) -> Result<bool, LogError> {
        let (of, shards) = {
            let state = self.indexes.state.read();
            let Some(building) = &state.building else { return Ok(false) };
            let Some(of) = self.finished(building.first_seq()) else { return Ok(false) };
            let shards = building.encoded().map(|shards| (shards, Arc::clone(building.growing())));
            (of, shards)
        };
        let first_seq = of.first_seq();
        let stored = match shards {
            // Records were erased since they were indexed: their words must not stay.
            Some(_) if of.identity().erased > 0 => None,
            Some((mut shards, growing)) => {
                if growing.record_count() > 0 {
                    shards.push(growing.encode().into());
                }
                Some(rebuild::store(self.indexes, &of, &shards, self.reserve()))
            }
            None => None,
        };
        if let Some(Ok(())) = stored {
            self.stored(&(first_seq..of.end_seq()))?;
            return Ok(true);
        }
        // Memory is for the newest file; this one is read again later.
        let mut state = self.indexes.state.write();
        state.building = None;
        state.unusable.insert(first_seq, Unusable::Missing);
        drop(state);
        match stored {
            Some(Err(error)) => {
                self.worker.failed.insert(first_seq);
                Err(error)
            }
            _ => Ok(true),
        }
    }

    /// Removes the indexes of files that are not there, once.
    fn tidy(&mut self) -> Result<bool, LogError> {
        if std::mem::replace(&mut self.worker.tidied, true) {
            return Ok(false);
        }
        let mut files = Vec::new();
        self.view.sealed.each(self.view.sealed_len, |entry| {
            files.push(Finished::Sealed(Arc::clone(entry)));
        });
        files.extend(self.rolled().map(Finished::Rolled));
        orphans::remove_windows(&self.indexes.storage, &files, self.view.actives.last())?;
        let _alone = self.indexes.directory.lock();
        orphans::remove(&self.indexes.storage, &files)?;
        Ok(true)
    }

    /// Looks whether the next finished files have an index; `true` if there were any.
    fn look(&mut self) -> Result<bool, LogError> {
        for n in 0..LOOKS {
            let Some(of) = self.next_finished(self.worker.looked) else { return Ok(n > 0) };
            let first_seq = of.first_seq();
            let held =
                self.indexes.state.read().building.as_ref().is_some_and(|b| b.is_of(first_seq));
            if !held {
                match store::open(&*self.indexes.storage, &of.identity()) {
                    Opened::Ready(_) => {}
                    Opened::Unusable(why) => {
                        self.indexes.state.write().unusable.insert(first_seq, why);
                    }
                    Opened::Failed(e) => {
                        // Whoever needs it tries again; the others are not to wait for it.
                        self.worker.looked = of.end_seq().max(first_seq + 1);
                        let identity = of.identity();
                        let path = store::index_path(identity.first_seq, identity.count);
                        return Err(LogError::io(&path)(e));
                    }
                }
            }
            self.worker.looked = of.end_seq().max(first_seq + 1);
        }
        Ok(true)
    }

    /// Goes on with a missing index; `true` if there was one.
    fn rebuild(&mut self) -> Result<bool, LogError> {
        let current = self.worker.rebuild.take();
        let of = |first_seq| self.finished(first_seq);
        // A file that was sealed meanwhile is still the same; one that was rewritten is not.
        let current = current.filter(|r| of(r.seqs().start).is_some_and(|of| r.is_of(&of)));
        let mut rebuild = match current {
            Some(rebuild) => rebuild,
            None => match self.next_missing() {
                None => return Ok(false),
                Some(of) => {
                    self.worker.failed.insert(of.first_seq());
                    Rebuild::begin(self.indexes, &of, self.reserve())?
                }
            },
        };
        let (parts, view) = (&self.core.reader.parts, &self.view);
        if !rebuild.go_on(parts, view, &mut self.worker.records, BATCH)? {
            self.worker.rebuild = Some(rebuild);
            return Ok(true);
        }
        let seqs = rebuild.seqs();
        rebuild.finish()?;
        self.worker.failed.remove(&seqs.start);
        self.stored(&seqs)?;
        Ok(true)
    }

    /// The newest finished file without an index; those that failed come last.
    fn next_missing(&mut self) -> Option<Finished> {
        loop {
            let (first_seq, again) = {
                let state = self.indexes.state.read();
                let failed = &self.worker.failed;
                let fresh = state.unusable.keys().rev().find(|seq| !failed.contains(seq));
                (fresh.or(state.unusable.keys().next_back()).copied()?, fresh.is_none())
            };
            if again {
                self.worker.failed.clear();
            }
            if let Some(of) = self.finished(first_seq) {
                return Some(of);
            }
            self.indexes.state.write().unusable.remove(&first_seq);
        }
    }

    fn rolled(&self) -> impl Iterator<Item = Arc<crate::log::view::ActiveFile>> + '_ {
        let newest = self.view.actives.len().saturating_sub(1);
        let rolled = self.view.actives.iter().take(newest);
        rolled.filter(|active| active.end_seq() > active.header.first_seq.0).cloned()
    }

    /// The finished file that begins with a seq.
    fn finished(&self, first_seq: u64) -> Option<Finished> {
        self.next_finished(first_seq).filter(|of| of.first_seq() == first_seq)
    }

    /// The first finished file that begins at or behind a seq.
    fn next_finished(&self, seq: u64) -> Option<Finished> {
        if let Some(entry) = self.view.sealed.next(seq, self.view.sealed_len) {
            return Some(Finished::Sealed(entry));
        }
        self.rolled().find(|active| active.header.first_seq.0 >= seq).map(Finished::Rolled)
    }

    fn reserve(&self) -> Option<u64> {
        self.core.options.free_space_reserve
    }
}
