//! The best matches first: a search that goes where the next one may be.
//!
//! The log is taken apart only where it has to be: files into shards, shards into tiles of 256
//! records, tiles into records; without index, segments into blocks. Each part has a *bound*, the
//! lowest rank that a match in it can have, and the part with the lowest bound is looked at next.
//! The search ends when no part can hold anything better than what was found.
//! Invariant: the parts that are still to come cover every record that may match and was not read.
//! A part that was looked at in portions comes back with the bound of its next portion, so nothing
//! has to be remembered of it. Memory: a few parts for each one that was opened, the answers of
//! some shards, one group.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::ops::Range;
use std::sync::Arc;

use super::best::{Best, Rank};
use super::judge::{ANY_TIME, Judge, Known};
use super::page::Cancel;
use super::shards::{Asking, places};
use super::units::{Kind, Shard, TILE_RECORDS, Unit};
use crate::format::TimeRange;
use crate::index::shard::{ShardError, TimeSpan};
use crate::log::catalogue::SegmentEntry;
use crate::log::group::Group;
use crate::log::indexes::{IndexHandle, Piece};
use crate::log::parts::Keep;
use crate::log::read_error::ReadError;
use crate::query::{Explain, Plan, Sort};
use crate::types::Seq;

/// Parts of one unit that are taken up at a time.
const PORTION: usize = 16;
/// Bytes of the bodies of a page; a single longer record is a page too.
const PAGE_BYTES_MAX: usize = 32 << 20;

/// A part of the log that is still to be looked at; the derived order is by bound.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    bound: Rank,
    unit: u32,
    /// Tile or block of the unit; [`WHOLE`] for the unit itself.
    sub: u32,
    /// Only what has this bound or a higher one is left of it.
    rest: bool,
}

const WHOLE: u32 = u32::MAX;

/// A search under way.
pub(crate) struct Search<'a> {
    sort: Sort,
    /// Where matches may stand.
    seqs: Range<u64>,
    /// Everything up to here was on an earlier page.
    after: Option<Rank>,
    cancel: Option<&'a Cancel>,
    judge: Judge,
    asking: Asking,
    units: Vec<Unit>,
    ahead: BinaryHeap<Reverse<Part>>,
    best: Best,
    spans: Vec<Option<TimeSpan>>,
    /// Shards whose index failed; their records are read, some for the second time.
    failed: u64,
    /// First seqs of the files that were looked into.
    opened: BTreeSet<u64>,
    explain: Explain,
}

/// A shard that failed, or the log itself.
enum Stop {
    Shard,
    Read(ReadError),
}

impl From<ShardError> for Stop {
    fn from(_: ShardError) -> Self {
        Self::Shard
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        judge: Judge,
        sort: Sort,
        seqs: Range<u64>,
        after: Option<Rank>,
        limit: usize,
        cancel: Option<&'a Cancel>,
    ) -> Self {
        let asking = Asking::new(Plan::new(&judge.filter), judge.time_only);
        Self {
            sort,
            seqs,
            after,
            cancel,
            judge,
            asking,
            units: Vec::new(),
            ahead: BinaryHeap::new(),
            best: Best::new(limit, PAGE_BYTES_MAX),
            spans: Vec::new(),
            failed: 0,
            opened: BTreeSet::new(),
            explain: Explain::default(),
        }
    }

    /// Searches these pieces of the log.
    pub(crate) fn run(mut self, pieces: Vec<Piece>) -> Result<(Best, Explain), ReadError> {
        for piece in pieces {
            for mut unit in Unit::of_piece(piece, &self.judge.view) {
                self.asking.date(&mut unit);
                self.add(unit);
            }
        }
        while let Some(Reverse(part)) = self.ahead.pop() {
            if !self.best.takes(part.bound) {
                break;
            }
            self.check_cancel()?;
            self.look_at(part)?;
        }
        let view = &self.judge.view;
        self.explain.segments = (view.sealed_len + view.actives.len()) as u64;
        self.explain.segments_pruned =
            self.explain.segments.saturating_sub(self.opened.len() as u64);
        self.explain.shards_asked = self.asking.asked;
        self.explain.shards_pruned = self.explain.shards.saturating_sub(self.explain.shards_asked);
        self.explain.candidates = self.asking.candidates;
        self.explain.shards_damaged = self.failed;
        self.judge.explain(&mut self.explain);
        Ok((self.best, self.explain))
    }

    fn check_cancel(&self) -> Result<(), ReadError> {
        let cancelled = self.cancel.is_some_and(Cancel::is_cancelled);
        if cancelled { Err(ReadError::Cancelled) } else { Ok(()) }
    }

    fn add(&mut self, unit: Unit) {
        self.explain.shards += u64::from(matches!(unit.kind, Kind::Shard(_)));
        let Some(unit) = unit.cut(&self.seqs) else { return };
        let bound = self.bound(&unit.times, &unit.seqs);
        let id = u32::try_from(self.units.len()).unwrap_or(WHOLE);
        match bound {
            Some(bound) if id != WHOLE => {
                self.ahead.push(Reverse(Part { bound, unit: id, sub: WHOLE, rest: false }));
                self.units.push(unit);
            }
            _ => {}
        }
    }

    /// The lowest rank that a match among these records can have; `None` where there can't be any.
    fn bound(&self, times: &TimeRange, seqs: &Range<u64>) -> Option<Rank> {
        // No record has a time: all of them are erased or unreadable.
        let times = if times.min > times.max { &ANY_TIME } else { times };
        let behind = self.after.is_none_or(|after| after < Rank::last(self.sort, times, seqs));
        let first = Rank::first(self.sort, times, seqs);
        (behind && self.judge.filter.takes_range(times) && self.best.takes(first)).then_some(first)
    }

    fn look_at(&mut self, part: Part) -> Result<(), ReadError> {
        let Some(unit) = self.units.get(part.unit as usize) else { return Ok(()) };
        if part.sub == WHOLE && !part.rest {
            self.opened.insert(unit.file_start(&self.judge.view));
        }
        match unit.kind.clone() {
            Kind::File(handle) => {
                self.open_file(part.unit, &handle);
                Ok(())
            }
            Kind::Shard(shard) => {
                let done = if part.sub == WHOLE {
                    self.open_shard(part, &shard)
                } else {
                    self.read_tile(part, &shard)
                };
                match done {
                    Ok(()) => Ok(()),
                    Err(Stop::Read(error)) => Err(error),
                    Err(Stop::Shard) => {
                        self.give_up(part.unit, &shard);
                        Ok(())
                    }
                }
            }
            Kind::Segment(entry) if part.sub == WHOLE => self.open_segment(part, &entry),
            Kind::Segment(_) => self.scan(unit.block_seqs(part.sub)),
            Kind::Plain => self.scan(unit.seqs.clone()),
        }
    }

    fn open_file(&mut self, id: u32, handle: &IndexHandle) {
        let Some(unit) = self.units.get(id as usize) else { return };
        let units = match handle.open() {
            Some(file) => {
                let mut shards = unit.shards(&file, handle);
                shards.iter_mut().for_each(|shard| self.asking.date(shard));
                shards
            }
            None => Unit::bare(unit.seqs.clone(), Some(unit.times), &self.judge.view),
        };
        units.into_iter().for_each(|unit| self.add(unit));
    }

    /// The index of a shard is damaged: its records are read instead.
    fn give_up(&mut self, id: u32, shard: &Shard) {
        if let Shard::Stored(_, _, handle) = shard {
            handle.report();
        }
        self.failed += 1;
        self.ahead.retain(|Reverse(part)| part.unit != id);
        let Some(unit) = self.units.get(id as usize) else { return };
        let units = Unit::bare(unit.seqs.clone(), None, &self.judge.view);
        units.into_iter().for_each(|unit| self.add(unit));
    }

    fn open_shard(&mut self, part: Part, shard: &Shard) -> Result<(), Stop> {
        let Some(unit) = self.units.get(part.unit as usize) else { return Ok(()) };
        let lookup = shard.lookup().ok_or(ShardError::Structure("list of shards"))?;
        let Some(candidates) = self.asking.candidates(part.unit, lookup)? else {
            return Ok(());
        };
        let mut tiles = Vec::new();
        for tile in unit.tiles() {
            let seqs = unit.tile_seqs(tile);
            let bits = candidates.in_tile(tile, &seqs);
            if bits == [0; 4] {
                continue;
            }
            let times = if candidates.has_timeless(tile, bits) {
                ANY_TIME
            } else {
                lookup.tile_times(tile as usize)?
            };
            tiles.extend(self.bound(&times, &seqs).map(|bound| (bound, tile)));
        }
        match shard {
            Shard::Stored(..) => self.push_portion(part, tiles),
            // Its last tiles may get other bounds while it grows.
            Shard::Live(_) => self.push_all(part, tiles),
        }
        Ok(())
    }

    /// Takes up the parts of a unit with the lowest bounds; the unit comes back for the others.
    fn push_portion(&mut self, part: Part, mut subs: Vec<(Rank, u32)>) {
        if part.rest {
            subs.retain(|(bound, _)| *bound >= part.bound);
        }
        if subs.len() > PORTION {
            let (_, (bound, _), _) = subs.select_nth_unstable(PORTION);
            self.ahead.push(Reverse(Part { bound: *bound, rest: true, ..part }));
            subs.truncate(PORTION);
        }
        self.push_all(part, subs);
    }

    fn push_all(&mut self, part: Part, subs: Vec<(Rank, u32)>) {
        let parts = subs.into_iter().map(|(bound, sub)| Part { bound, sub, rest: false, ..part });
        self.ahead.extend(parts.map(Reverse));
    }

    /// Reads the candidates of a tile until another part may hold something better.
    fn read_tile(&mut self, part: Part, shard: &Shard) -> Result<(), Stop> {
        let records = self.tile_records(part, shard)?;
        for (bound, seq, times) in records {
            if !self.best.takes(bound) {
                break;
            }
            if self.ahead.peek().is_some_and(|Reverse(next)| next.bound < bound) {
                self.ahead.push(Reverse(Part { bound, rest: true, ..part }));
                break;
            }
            if let Some((time, group)) = self.judge.at(seq, Known::At(times), Keep::Cached)? {
                self.offer(time, seq, &group);
            }
        }
        Ok(())
    }

    /// The candidates of a tile that are left, by their bounds.
    fn tile_records(
        &mut self,
        part: Part,
        shard: &Shard,
    ) -> Result<Vec<(Rank, u64, TimeRange)>, Stop> {
        let Some(unit) = self.units.get(part.unit as usize) else { return Ok(Vec::new()) };
        let lookup = shard.lookup().ok_or(ShardError::Structure("list of shards"))?;
        let Some(candidates) = self.asking.candidates(part.unit, lookup)? else {
            return Ok(Vec::new());
        };
        let seqs = unit.tile_seqs(part.sub);
        lookup.spans(part.sub as usize, &mut self.spans)?;
        let mut records = Vec::new();
        for place in places(candidates.in_tile(part.sub, &seqs)) {
            let seq = seqs.start / TILE_RECORDS * TILE_RECORDS + u64::from(place);
            let span = self.spans.get(usize::from(place)).copied().flatten();
            let times = match span {
                Some(span) => TimeRange { min: span.min, max: span.max },
                None => self.judge.times_at(seq)?,
            };
            let bound = self.bound(&times, &(seq..seq + 1));
            records.extend(bound.map(|bound| (bound, seq, times)));
        }
        if part.rest {
            records.retain(|(bound, _, _)| *bound >= part.bound);
        }
        records.sort_unstable_by_key(|(bound, _, _)| *bound);
        Ok(records)
    }

    fn open_segment(&mut self, part: Part, entry: &Arc<SegmentEntry>) -> Result<(), ReadError> {
        let Some(unit) = self.units.get(part.unit as usize) else { return Ok(()) };
        let Some(open) = self.judge.parts.segment(entry)? else {
            return self.scan(unit.seqs.clone());
        };
        let mut blocks = Vec::new();
        for block in unit.blocks() {
            let seqs = unit.block_seqs(block);
            let at = open.segment.block_of(Seq(seqs.start));
            let zone = at.and_then(|at| open.segment.directory().get(at));
            let known = zone.filter(|zone| zone.counts.erased == 0);
            let times = known.map_or(ANY_TIME, |zone| zone.timestamp);
            blocks.extend(self.bound(&times, &seqs).map(|bound| (bound, block)));
        }
        self.push_portion(part, blocks);
        Ok(())
    }

    /// Reads records one after the other.
    fn scan(&mut self, seqs: Range<u64>) -> Result<(), ReadError> {
        self.judge.read_ahead(seqs.clone());
        let mut from = seqs.start;
        while from < seqs.end {
            self.check_cancel()?;
            let group = self.judge.group(from, Keep::Passing)?;
            let end = group.end_seq().min(seqs.end);
            for seq in from..end {
                let Some(time) = self.judge.time_of_match(&group, seq, Known::Nothing)? else {
                    continue;
                };
                // Where an index failed, damage may stand at the time that the index knew.
                let known = self.failed > 0 && group.is_damaged() && self.best.holds(seq);
                if !known {
                    self.offer(time, seq, &group);
                }
            }
            self.explain.scanned += end.saturating_sub(from);
            from = end.max(from + 1);
        }
        Ok(())
    }

    fn offer(&mut self, time: i64, seq: u64, group: &Arc<Group>) {
        self.explain.matched += 1;
        self.explain.damaged += u64::from(group.is_damaged());
        let rank = Rank::of(self.sort, time, seq);
        if self.after.is_none_or(|after| after < rank) {
            self.best.offer(rank, || group.entry(seq).detached());
        }
    }
}
