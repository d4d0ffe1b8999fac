//! All matches in the order of their seqs: what an export writes.
//!
//! Invariant: sees the moment at which it was made; yields each match once. Keeps one group and the
//! candidates of one shard.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::judge::{ANY_TIME, Judge, Known};
use super::shards::{Asking, Candidates, places};
use super::units::{Kind, Shard, TILE_RECORDS, Unit};
use crate::format::TimeRange;
use crate::log::entry::Entry;
use crate::log::group::Group;
use crate::log::indexes::Piece;
use crate::log::parts::Keep;
use crate::log::read_error::ReadError;
use crate::log::reader::Reader;
use crate::log::view::View;
use crate::query::{Filter, Order, Plan};
use crate::types::Seq;

impl Reader {
    /// All matches in the order of their seqs, or against it; which records match,
    /// [`Reader::search`] says.
    #[must_use]
    pub fn select(&self, filter: &Filter, order: Order) -> Select {
        let view = self.view();
        let pieces = self.parts.indexes.pieces_within(&view, |times| filter.takes_range(times));
        self.select_in(filter, order, view, pieces)
    }

    pub(crate) fn select_in(
        &self,
        filter: &Filter,
        order: Order,
        view: Arc<View>,
        pieces: Vec<Piece>,
    ) -> Select {
        let units = pieces.into_iter().flat_map(|piece| Unit::of_piece(piece, &view)).collect();
        let (seqs, failed) = match self.places_of(&view, filter) {
            Ok(seqs) => (seqs, None),
            Err(error) => (0..0, Some(error)),
        };
        let judge = Judge::new(Arc::clone(&self.parts), view, filter.clone());
        let asking = Asking::new(Plan::new(filter), judge.time_only);
        let (runs, found) = Default::default();
        Select { judge, asking, order, seqs, failed, units, runs, found }
    }
}

/// Iterator of [`Reader::select`].
pub struct Select {
    judge: Judge,
    asking: Asking,
    order: Order,
    /// Where matches may stand.
    seqs: Range<u64>,
    /// What went wrong before the first match.
    failed: Option<ReadError>,
    /// What is still to come, in seq order; taken from the end that the order says.
    units: VecDeque<Unit>,
    /// The parts of the unit at hand.
    runs: VecDeque<Run>,
    /// Matches of the part at hand.
    found: VecDeque<(Arc<Group>, u64)>,
}

/// Up to 256 seqs of an indexed unit, or a part of one without index.
enum Run {
    /// These positions of a tile.
    Tile { base: u64, bits: [u64; 4] },
    /// All records.
    Seqs(Range<u64>),
}

impl Iterator for Select {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            return Some(Err(error));
        }
        loop {
            if let Some((group, seq)) = take(&mut self.found, self.order) {
                return Some(Ok(group.entry(seq)));
            }
            let done = if let Some(run) = take(&mut self.runs, self.order) {
                self.read(run)
            } else {
                let unit = take(&mut self.units, self.order)?;
                self.open(unit)
            };
            if let Err(error) = done {
                self.units.clear();
                self.runs.clear();
                self.found.clear();
                return Some(Err(error));
            }
        }
    }
}

/// The next of a list in seq order.
fn take<T>(list: &mut VecDeque<T>, order: Order) -> Option<T> {
    match order {
        Order::Ascending => list.pop_front(),
        Order::Descending => list.pop_back(),
    }
}

impl Select {
    fn put_back(&mut self, units: Vec<Unit>) {
        match self.order {
            Order::Ascending => units.into_iter().rev().for_each(|u| self.units.push_front(u)),
            Order::Descending => self.units.extend(units),
        }
    }

    fn open(&mut self, unit: Unit) -> Result<(), ReadError> {
        let Some(unit) = unit.cut(&self.seqs) else { return Ok(()) };
        let times = if unit.times.min > unit.times.max { &ANY_TIME } else { &unit.times };
        if !self.judge.filter.takes_range(times) {
            return Ok(());
        }
        match &unit.kind {
            Kind::File(handle) => {
                let units = match handle.open() {
                    Some(file) => unit.shards(&file, handle),
                    None => Unit::bare(unit.seqs.clone(), Some(unit.times), &self.judge.view),
                };
                self.put_back(units);
            }
            Kind::Shard(shard) => {
                let found = match shard.lookup() {
                    Some(lookup) => self.asking.ask(lookup).ok(),
                    None => None,
                };
                match found {
                    Some(candidates) => self.runs = runs(&unit, candidates),
                    None => {
                        if let Shard::Stored(_, _, handle) = shard {
                            handle.report();
                        }
                        self.put_back(Unit::bare(unit.seqs.clone(), None, &self.judge.view));
                    }
                }
            }
            Kind::Segment(entry) => {
                let Some(open) = self.judge.parts.segment(entry)? else {
                    self.runs.push_back(Run::Seqs(unit.seqs));
                    return Ok(());
                };
                for seqs in unit.blocks().map(|block| unit.block_seqs(block)) {
                    let at = open.segment.block_of(Seq(seqs.start));
                    let zone = at.and_then(|at| open.segment.directory().get(at));
                    let takes = |times: &TimeRange| self.judge.filter.takes_range(times);
                    if zone.is_none_or(|zone| zone.counts.erased > 0 || takes(&zone.timestamp)) {
                        self.runs.push_back(Run::Seqs(seqs));
                    }
                }
            }
            Kind::Plain => self.runs.push_back(Run::Seqs(unit.seqs)),
        }
        Ok(())
    }

    /// Reads one group of a run, since a group may be a large frame.
    fn read(&mut self, mut run: Run) -> Result<(), ReadError> {
        let Some(seq) = run.next(self.order) else { return Ok(()) };
        let group = self.judge.group(seq, Keep::Passing)?;
        let known = match run {
            Run::Tile { .. } => Known::Named,
            Run::Seqs(_) => Known::Nothing,
        };
        while let Some(seq) = run.next(self.order).filter(|seq| group.holds(*seq)) {
            run.pass(seq);
            if self.judge.time_of_match(&group, seq, known)?.is_some() {
                self.found.push_back((Arc::clone(&group), seq));
            }
        }
        if self.order == Order::Descending {
            self.found.make_contiguous().reverse();
            self.runs.push_back(run);
        } else {
            self.runs.push_front(run);
        }
        Ok(())
    }
}

impl Run {
    /// The seq that comes next in this order.
    fn next(&self, order: Order) -> Option<u64> {
        match (self, order) {
            (Self::Seqs(seqs), _) if seqs.is_empty() => None,
            (Self::Seqs(seqs), Order::Ascending) => Some(seqs.start),
            (Self::Seqs(seqs), Order::Descending) => seqs.end.checked_sub(1),
            (Self::Tile { base, bits }, Order::Ascending) => {
                places(*bits).next().map(|place| base + u64::from(place))
            }
            (Self::Tile { base, bits }, Order::Descending) => {
                let (index, word) =
                    [0_u64, 1, 2, 3].into_iter().zip(bits).rfind(|(_, word)| **word != 0)?;
                Some(base + index * 64 + u64::from(63 - word.leading_zeros()))
            }
        }
    }

    /// Goes past a seq at either end.
    fn pass(&mut self, seq: u64) {
        match self {
            Self::Seqs(seqs) if seq == seqs.start => seqs.start += 1,
            Self::Seqs(seqs) => seqs.end = seq,
            Self::Tile { base, bits } => {
                let place = usize::try_from(seq - *base).unwrap_or(usize::MAX);
                if let Some(word) = bits.get_mut(place / 64) {
                    *word &= !(1 << (place % 64));
                }
            }
        }
    }
}

/// The tiles of a shard that hold candidates.
fn runs(unit: &Unit, candidates: Option<Candidates>) -> VecDeque<Run> {
    let Some(candidates) = candidates else { return VecDeque::new() };
    let tile = |tile| {
        let seqs = unit.tile_seqs(tile);
        let bits = candidates.in_tile(tile, &seqs);
        let base = seqs.start / TILE_RECORDS * TILE_RECORDS;
        (bits != [0; 4]).then_some(Run::Tile { base, bits })
    };
    unit.tiles().filter_map(tile).collect()
}
