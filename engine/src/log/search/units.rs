//! The parts into which a search takes the log apart.
//!
//! Invariant: a unit's parts are disjoint and cover it; each is 256 seqs of the log at most, or a
//! window of an index, or has no order that could be made use of.

use std::ops::Range;
use std::sync::Arc;

use super::judge::ANY_TIME;
use crate::format::{BLOCK_RECORDS_MAX, TimeRange};
use crate::index::file::IndexFile;
use crate::index::shard::{SHARD_RECORDS, ShardLookup};
use crate::log::catalogue::SegmentEntry;
use crate::log::indexes::{IndexHandle, Piece};
use crate::log::parts::sealed_of;
use crate::log::view::View;

/// Records of a tile, the part of a shard whose times are stored together.
pub(crate) const TILE_RECORDS: u64 = 256;

/// A run of seqs that is searched in one way.
#[derive(Clone)]
pub(crate) struct Unit {
    pub(crate) seqs: Range<u64>,
    /// No record has another time.
    pub(crate) times: TimeRange,
    pub(crate) kind: Kind,
}

/// How a unit is searched.
#[derive(Clone)]
pub(crate) enum Kind {
    /// A file with an index; its parts are shards.
    File(IndexHandle),
    /// Its parts are tiles with candidates.
    Shard(Shard),
    /// A sealed segment without index; its parts are blocks.
    Segment(Arc<SegmentEntry>),
    /// Records that have to be read one after the other.
    Plain,
}

/// One shard.
#[derive(Clone)]
pub(crate) enum Shard {
    /// Of an active file, in memory.
    Live(Arc<dyn ShardLookup>),
    /// Of an index file: its handle for complaints, and its position.
    Stored(Arc<IndexFile>, usize, IndexHandle),
}

impl Shard {
    pub(crate) fn lookup(&self) -> Option<&dyn ShardLookup> {
        match self {
            Self::Live(shard) => Some(&**shard),
            Self::Stored(file, index, _) => file.shard(*index),
        }
    }
}

impl Unit {
    /// What a piece of the log is to a search.
    pub(crate) fn of_piece(piece: Piece, view: &View) -> Vec<Self> {
        match piece {
            Piece::File { range, times, file } => {
                vec![Self { seqs: range, times, kind: Kind::File(file) }]
            }
            Piece::Shard { range, shard } => {
                vec![Self { seqs: range, times: ANY_TIME, kind: Kind::Shard(Shard::Live(shard)) }]
            }
            Piece::Bare { range, times } => Self::bare(range, times, view),
        }
    }

    /// What of it lies among these seqs. A file with an index stays whole: its shards are cut.
    pub(crate) fn cut(mut self, seqs: &Range<u64>) -> Option<Self> {
        let (start, end) = (self.seqs.start.max(seqs.start), self.seqs.end.min(seqs.end));
        if !matches!(self.kind, Kind::File(_)) {
            self.seqs = start..end;
        }
        (start < end).then_some(self)
    }

    /// Records without index: by segment where they are sealed, for the sake of its zone maps.
    pub(crate) fn bare(seqs: Range<u64>, times: Option<TimeRange>, view: &View) -> Vec<Self> {
        let mut units = Vec::new();
        let mut from = seqs.start;
        while from < seqs.end {
            let unit = match sealed_of(view, from) {
                Some(entry) => {
                    let end = entry.end_seq().min(seqs.end);
                    // Erased records are in no range of times.
                    let times = if entry.counts.erased == 0 { entry.timestamp } else { ANY_TIME };
                    Self { seqs: from..end, times, kind: Kind::Segment(entry) }
                }
                None => {
                    let next = next_sealed(view, from).unwrap_or(u64::MAX);
                    let times = times.unwrap_or(ANY_TIME);
                    Self { seqs: from..next.min(seqs.end), times, kind: Kind::Plain }
                }
            };
            from = unit.seqs.end;
            units.push(unit);
        }
        units
    }

    /// The shards of a file's index.
    pub(crate) fn shards(&self, file: &Arc<IndexFile>, handle: &IndexHandle) -> Vec<Self> {
        let mut units = Vec::new();
        let mut from = self.seqs.start;
        while from < self.seqs.end {
            let end = ((from / SHARD_RECORDS + 1) * SHARD_RECORDS).min(self.seqs.end);
            let shard = Shard::Stored(Arc::clone(file), units.len(), handle.clone());
            units.push(Self { seqs: from..end, times: self.times, kind: Kind::Shard(shard) });
            from = end;
        }
        units
    }

    /// Positions in the window of the tiles that hold its seqs.
    pub(crate) fn tiles(&self) -> Range<u32> {
        let tile = |seq: u64| u32::try_from(seq % SHARD_RECORDS / TILE_RECORDS).unwrap_or(0);
        tile(self.seqs.start)..tile(self.seqs.end.saturating_sub(1)) + 1
    }

    /// The first seq of the file that it is in.
    pub(crate) fn file_start(&self, view: &View) -> u64 {
        let active = || view.active_of(self.seqs.start).map(|active| active.header.first_seq.0);
        match sealed_of(view, self.seqs.start) {
            Some(entry) => entry.first_seq,
            None => active().unwrap_or(self.seqs.start),
        }
    }

    /// Its blocks, counted from the one with its first seq.
    pub(crate) fn blocks(&self) -> Range<u32> {
        let block = |seq: u64| seq / BLOCK_RECORDS_MAX;
        let last = block(self.seqs.end.saturating_sub(1)) - block(self.seqs.start);
        0..u32::try_from(last + 1).unwrap_or(u32::MAX)
    }

    /// The seqs of one of its blocks.
    pub(crate) fn block_seqs(&self, block: u32) -> Range<u64> {
        let tile = self.seqs.start / BLOCK_RECORDS_MAX + u64::from(block);
        let first = tile * BLOCK_RECORDS_MAX;
        first.max(self.seqs.start)..(first + BLOCK_RECORDS_MAX).min(self.seqs.end)
    }

    /// The seq at a position in its window.
    pub(crate) fn seq_at(&self, place: u16) -> u64 {
        self.seqs.start / SHARD_RECORDS * SHARD_RECORDS + u64::from(place)
    }

    /// The seqs of one of its tiles.
    pub(crate) fn tile_seqs(&self, tile: u32) -> Range<u64> {
        let base = self.seqs.start / SHARD_RECORDS * SHARD_RECORDS;
        let first = base + u64::from(tile) * TILE_RECORDS;
        first.max(self.seqs.start)..(first + TILE_RECORDS).min(self.seqs.end)
    }
}

/// First seq of the first sealed segment behind a seq.
fn next_sealed(view: &View, seq: u64) -> Option<u64> {
    let next = view.sealed.find(seq, view.sealed_len).map_or(0, |before| before + 1);
    (next < view.sealed_len).then(|| view.sealed.get(next))?.map(|entry| entry.first_seq)
}
