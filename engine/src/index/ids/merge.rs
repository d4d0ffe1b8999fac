//! Which runs become one, and how.
//!
//! Invariant: only neighbours without a gap are merged; the result holds exactly their entries,
//! each read under its bucket's checksum. Heap: one position for each input.
//!
//! Bound: the level of a run is log4 of its span over the flush length, raised to the highest level
//! of the newer ones. Once nothing is left to plan, at most three neighbours share a level, but for
//! those that together exceed the largest merge, max(2^26, an eighth of the index): 15 runs at 100
//! million ids, about 30 whatever the size, as long as an eighth of the index fits a run (2^32
//! seqs).

use std::ops::Range;
use std::sync::Arc;

use super::error::IdError;
use super::layout::{Entry, Header};
use super::run::{Cursor, Run};
use super::writer::RunWriter;
use crate::io::Storage;

const FAN_IN: usize = 4;
const MERGED_SPAN_MIN: u64 = 1 << 26;
const MERGED_SPAN_PART: u64 = 8;

/// The runs to merge next, as positions in `runs`: seqs of the runs, oldest first. The newest
/// candidates come first: they are small, and there are more of them.
pub(super) fn plan(runs: &[Range<u64>], flush_len: u64) -> Option<Range<usize>> {
    let total: u64 = runs.iter().map(span).sum();
    let span_max = (total / MERGED_SPAN_PART).max(MERGED_SPAN_MIN).min(u64::from(u32::MAX));
    let mut level = 0;
    let mut levels: Vec<u32> = Vec::with_capacity(runs.len());
    for run in runs.iter().rev() {
        let own = (span(run) / flush_len.max(1)).max(1).ilog(FAN_IN as u64);
        level = level.max(own);
        levels.push(level);
    }
    levels.reverse();
    let mut end = runs.len();
    while end > 0 {
        let start = stretch_start(runs, &levels, end);
        if end - start >= FAN_IN
            && let Some(group) = group_within(runs, start..end, span_max)
        {
            return Some(group);
        }
        end = start;
    }
    None
}

/// First of the neighbours without a gap that share the level of the run before `end`.
fn stretch_start(runs: &[Range<u64>], levels: &[u32], end: usize) -> usize {
    let neighbours = runs.windows(2).zip(levels.windows(2)).take(end.saturating_sub(1));
    let mut start = 0;
    for (i, (pair, level)) in neighbours.enumerate() {
        if let ([older, newer], [a, b]) = (pair, level)
            && (older.end != newer.start || a != b)
        {
            start = i + 1;
        }
    }
    start
}

/// The oldest group of up to [`FAN_IN`] runs that is not too long.
fn group_within(runs: &[Range<u64>], stretch: Range<usize>, span_max: u64) -> Option<Range<usize>> {
    stretch.clone().find_map(|first| {
        let mut sum = 0;
        let fits = runs.get(first..stretch.end)?.iter().take(FAN_IN).take_while(|run| {
            sum += span(run);
            sum <= span_max
        });
        let taken = fits.count();
        (taken >= 2).then_some(first..first + taken)
    })
}

fn span(run: &Range<u64>) -> u64 {
    run.end.saturating_sub(run.start)
}

/// A merge under way.
pub(super) struct Merge {
    seqs: Range<u64>,
    cursors: Vec<Cursor>,
    writer: RunWriter,
}

impl Merge {
    /// Begins to merge neighbours, oldest first.
    pub(super) fn start(storage: &dyn Storage, inputs: &[Arc<Run>]) -> Result<Self, IdError> {
        let (Some(first), Some(last)) = (inputs.first(), inputs.last()) else {
            return Err(IdError::Range(0..0));
        };
        let seqs = first.seqs().start..last.seqs().end;
        let headers = inputs.iter().map(|run| run.header());
        let times = headers.clone().map(|header| header.received_at_max);
        let header = Header {
            seqs: seqs.clone(),
            count: headers.map(|header| header.count).sum(),
            received_at_max: times.max().unwrap_or(i64::MAX),
            ..first.header().clone()
        };
        let cursors: Result<Vec<_>, _> =
            inputs.iter().map(|run| Cursor::new(Arc::clone(run), seqs.start)).collect();
        Ok(Self { cursors: cursors?, writer: RunWriter::create(storage, header)?, seqs })
    }

    /// Moves up to `entries_max` entries; `true` when all are moved.
    pub(super) fn step(&mut self, entries_max: usize) -> Result<bool, IdError> {
        for _ in 0..entries_max {
            let mut lowest: Option<(Entry, &mut Cursor)> = None;
            for cursor in &mut self.cursors {
                if let Some(entry) = cursor.current()
                    && lowest.as_ref().is_none_or(|(low, _)| entry < *low)
                {
                    lowest = Some((entry, cursor));
                }
            }
            let Some((entry, cursor)) = lowest else { return Ok(true) };
            self.writer.push(entry)?;
            cursor.advance()?;
        }
        Ok(false)
    }

    /// Makes the merged run durable.
    pub(super) fn finish(self, storage: &dyn Storage) -> Result<Run, IdError> {
        self.writer.finish(storage)
    }

    /// Seqs of the merged run.
    pub(super) fn seqs(&self) -> Range<u64> {
        self.seqs.clone()
    }

    /// The unfinished file, to be removed when the merge is given up.
    pub(super) fn temporary(&self) -> &str {
        self.writer.temporary()
    }
}
