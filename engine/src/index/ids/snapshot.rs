//! Everything older than the recent table, at one moment.
//!
//! Invariant: pieces are in order of seq and don't overlap; a snapshot never changes, and the files
//! it maps stay readable though they may have been removed since.

use std::ops::Range;
use std::sync::Arc;

use super::error::IdError;
use super::fingerprint::{Fingerprint, IdKey};
use super::recent::FrozenTable;
use super::run::Run;

/// What a question cost.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Probes {
    /// Runs whose filter was asked: one cache line each.
    pub lines: u32,
    /// Of them, runs that answered "maybe" and were read: some 400 bytes each.
    pub buckets: u32,
}

#[derive(Clone)]
pub(super) enum Piece {
    Frozen(Arc<FrozenTable>),
    Run(Arc<Run>),
}

impl Piece {
    pub(super) fn seqs(&self) -> Range<u64> {
        match self {
            Self::Frozen(table) => table.range(),
            Self::Run(run) => run.seqs(),
        }
    }

    pub(super) fn run(&self) -> Option<&Arc<Run>> {
        match self {
            Self::Frozen(_) => None,
            Self::Run(run) => Some(run),
        }
    }
}

/// The runs and frozen tables at one moment.
#[derive(Clone)]
pub struct IdSnapshot {
    pub(super) key: IdKey,
    pub(super) pieces: Vec<Piece>,
}

impl IdSnapshot {
    /// Key of the fingerprints to ask with.
    #[must_use]
    pub fn key(&self) -> &IdKey {
        &self.key
    }

    /// The gapless stretch of seqs that ends with the newest one known here; `0..0` when there is
    /// none.
    #[must_use]
    pub fn covered(&self) -> Range<u64> {
        let mut pieces = self.pieces.iter().rev().map(Piece::seqs);
        let Some(mut covered) = pieces.next() else { return 0..0 };
        for older in pieces {
            if older.end != covered.start {
                break;
            }
            covered.start = older.start;
        }
        covered
    }

    /// The parts of `needed` that no piece answers for.
    #[must_use]
    pub fn missing(&self, needed: Range<u64>) -> Vec<Range<u64>> {
        let mut missing = Vec::new();
        let mut at = needed.start;
        for piece in self.pieces.iter().map(Piece::seqs) {
            let gap = at..piece.start.min(needed.end);
            if !gap.is_empty() {
                missing.push(gap);
            }
            at = at.max(piece.end);
        }
        if at < needed.end {
            missing.push(at..needed.end);
        }
        missing
    }

    /// Appends the seqs at which the id may be to `out`, rising.
    ///
    /// # Errors
    /// [`IdError::Damaged`]: a run that would have to be read is damaged, so there is no answer.
    /// Call [`super::IdIndex::discard`] and add the range again from the log before taking records.
    pub fn lookup(&self, fingerprint: Fingerprint, out: &mut Vec<u64>) -> Result<Probes, IdError> {
        self.lookup_since(fingerprint, 0, out)
    }

    /// As [`Self::lookup`], for seqs from `since` on. A caller's own thread can ask an older
    /// snapshot in full; the sequencer then asks only for what came after its `covered().end`.
    ///
    /// # Errors
    /// As [`Self::lookup`].
    pub fn lookup_since(
        &self,
        fingerprint: Fingerprint,
        since: u64,
        out: &mut Vec<u64>,
    ) -> Result<Probes, IdError> {
        let mut probes = Probes::default();
        let known = out.len();
        let older = self.pieces.partition_point(|piece| piece.seqs().end <= since);
        for piece in self.pieces.iter().skip(older) {
            match piece {
                Piece::Frozen(table) => table.lookup(fingerprint, out),
                Piece::Run(run) => {
                    let cost = run.lookup(fingerprint, out)?;
                    probes.lines += cost.lines;
                    probes.buckets += cost.buckets;
                }
            }
        }
        // A merge may have joined older seqs to the first of these pieces.
        let earlier = out.iter().skip(known).take_while(|seq| **seq < since).count();
        out.drain(known..known + earlier);
        Ok(probes)
    }

    /// Runs, which is what a question asks at most.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.pieces.iter().filter(|piece| piece.run().is_some()).count()
    }

    /// Ids in frozen tables, which is what is held in heap.
    #[must_use]
    pub fn frozen_len(&self) -> usize {
        let tables = self.pieces.iter().map(|piece| match piece {
            Piece::Frozen(table) => table.entries().len(),
            Piece::Run(_) => 0,
        });
        tables.sum()
    }

    /// Ids in runs and the bytes of their files.
    #[must_use]
    pub fn stored(&self) -> (u64, u64) {
        let headers = self.pieces.iter().filter_map(Piece::run).map(|run| run.header());
        headers.fold((0, 0), |(ids, bytes), h| (ids + h.count, bytes + h.file_len()))
    }
}
