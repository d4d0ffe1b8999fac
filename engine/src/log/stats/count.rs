//! Goes over the log and counts.
//!
//! A file that lies in the period as a whole is counted by its totals, a shard by its counts, a
//! part of a shard by the counts of a set; only what lies at the edges of the period, and what the
//! index can't decide, is read. Invariant: a damaged index is never counted half: the count begins
//! anew without it and all others that turned out to be damaged, so not once for each.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::tally::Tally;
use crate::format::TimeRange;
use crate::index::shard::{Keyword, RecordSet, SHARD_RECORDS, ShardError, ShardLookup, TimeSpan};
use crate::log::group::{Group, Item};
use crate::log::indexes::{IndexHandle, Piece};
use crate::log::parts::Keep;
use crate::log::read_error::ReadError;
use crate::log::reader::Reader;
use crate::log::search::Cancel;
use crate::log::search::judge::{Judge, Known, Odd};
use crate::log::search::shards::{places, tile_bits};
use crate::log::search::units::{Kind, Shard, TILE_RECORDS, Unit};
use crate::log::view::View;
use crate::query::{Filter, Plan, PlanScratch, Stats, StatsQuery, Verdict};
use crate::record::{Body, Outcome};
use crate::types::Seq;

/// So few records are read rather than counted by the index, which costs about as much.
const READ_MAX: u32 = 32;

impl Reader {
    /// Counts the records that match.
    ///
    /// # Errors
    /// [`ReadError::Io`] where the medium fails; [`ReadError::Cancelled`];
    /// [`ReadError::TooManyBuckets`].
    pub fn stats(&self, query: &StatsQuery, cancel: Option<&Cancel>) -> Result<Stats, ReadError> {
        let view = self.view();
        let pieces = || {
            let wanted = |times: &TimeRange| query.filter.takes_range(times);
            self.parts.indexes.pieces_within(&view, wanted)
        };
        self.stats_in(query, cancel, &view, &pieces)
    }

    /// The same over what is known of the parts of a view that the filter does not rule out.
    pub(crate) fn stats_in(
        &self,
        query: &StatsQuery,
        cancel: Option<&Cancel>,
        view: &Arc<View>,
        pieces: &dyn Fn() -> Vec<Piece>,
    ) -> Result<Stats, ReadError> {
        let mut distrusted = BTreeSet::new();
        loop {
            let mut count = Count::new(self, view, query, cancel, &distrusted)?;
            match count.run(pieces) {
                Ok(()) => return Ok(count.tally.into_stats()),
                Err(Stop::Read(error)) => return Err(error),
                Err(Stop::Index(_)) => {
                    let damaged = std::mem::take(&mut count.damaged);
                    distrusted.extend(damaged);
                }
            }
        }
    }
}

/// Why a count ended early.
enum Stop {
    Read(ReadError),
    /// The index of the file or window that begins with this seq is damaged.
    Index(u64),
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

/// What can go wrong in one shard.
enum Fault {
    Read(ReadError),
    Shard,
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<ShardError> for Fault {
    fn from(_: ShardError) -> Self {
        Self::Shard
    }
}

/// What is known of a shard before it is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    /// It may still grow.
    Not,
    /// It has all records of its unit.
    Finished,
    /// The totals of its file were counted.
    ByFile,
}

/// How times lie in the period.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Surely,
    Partly,
    Not,
}

struct Count<'a> {
    view: &'a Arc<View>,
    /// Where matches may stand.
    seqs: Range<u64>,
    judge: Judge,
    /// Of the filter without its times.
    plan: Plan,
    scratch: PlanScratch,
    spans: Vec<Option<TimeSpan>>,
    tally: Tally,
    cancel: Option<&'a Cancel>,
    distrusted: &'a BTreeSet<u64>,
    /// Indexes that failed. Once there is one the count is void, and goes on only to find others.
    damaged: BTreeSet<u64>,
}

impl<'a> Count<'a> {
    fn new(
        reader: &Reader,
        view: &'a Arc<View>,
        query: &StatsQuery,
        cancel: Option<&'a Cancel>,
        distrusted: &'a BTreeSet<u64>,
    ) -> Result<Self, ReadError> {
        let timeless = Filter { from: None, to: None, ..query.filter.clone() };
        let seqs = reader.places_of(view, &query.filter)?;
        Ok(Self {
            view,
            seqs,
            judge: Judge::new(Arc::clone(&reader.parts), Arc::clone(view), query.filter.clone()),
            plan: Plan::new(&timeless),
            scratch: PlanScratch::default(),
            spans: Vec::new(),
            tally: Tally::new(query),
            cancel,
            distrusted,
            damaged: BTreeSet::new(),
        })
    }

    fn run(&mut self, pieces: &dyn Fn() -> Vec<Piece>) -> Result<(), Stop> {
        loop {
            for unit in pieces().into_iter().flat_map(|piece| Unit::of_piece(piece, self.view)) {
                match self.unit(&unit) {
                    Err(Stop::Index(first_seq)) => {
                        self.damaged.insert(first_seq);
                    }
                    done => done?,
                }
            }
            if let Some(first_seq) = self.damaged.first() {
                return Err(Stop::Index(*first_seq));
            }
            if !self.tally.turn()? {
                return Ok(());
            }
        }
    }

    fn check_cancel(&self) -> Result<(), ReadError> {
        let cancelled = self.cancel.is_some_and(Cancel::is_cancelled);
        if cancelled { Err(ReadError::Cancelled) } else { Ok(()) }
    }

    fn within(&self, times: &TimeRange) -> Within {
        if !self.judge.filter.takes_range(times) {
            return Within::Not;
        }
        let (from, to) = (self.judge.filter.from, self.judge.filter.to);
        let whole = from.is_none_or(|from| from.unix_nanos() <= times.min)
            && to.is_none_or(|to| times.max < to.unix_nanos());
        if whole { Within::Surely } else { Within::Partly }
    }

    fn unit(&mut self, unit: &Unit) -> Result<(), Stop> {
        self.check_cancel()?;
        let Some(unit) = &unit.clone().cut(&self.seqs) else { return Ok(()) };
        if unit.times.min <= unit.times.max && self.within(&unit.times) == Within::Not {
            return Ok(());
        }
        let trusted = !self.distrusted.contains(&unit.seqs.start);
        match &unit.kind {
            Kind::File(handle) if trusted => self.file(unit, handle),
            Kind::Shard(Shard::Live(shard)) if trusted => {
                let done = self.shard(unit, &**shard, Counted::Not);
                done.map_err(|fault| stop(fault, unit.seqs.start))
            }
            Kind::File(_) | Kind::Shard(_) => self.bare(unit),
            Kind::Segment(entry) => {
                let Some(open) = self.judge.parts.segment(entry)? else {
                    return Ok(self.scan(unit.seqs.start, unit.seqs.end)?);
                };
                for seqs in unit.blocks().map(|block| unit.block_seqs(block)) {
                    let at = open.segment.block_of(Seq(seqs.start));
                    let zone = at.and_then(|at| open.segment.directory().get(at));
                    let out = |times: &TimeRange| self.within(times) == Within::Not;
                    if zone.is_some_and(|zone| zone.counts.erased == 0 && out(&zone.timestamp)) {
                        continue;
                    }
                    self.scan(seqs.start, seqs.end)?;
                }
                Ok(())
            }
            Kind::Plain => Ok(self.scan(unit.seqs.start, unit.seqs.end)?),
        }
    }

    fn bare(&mut self, unit: &Unit) -> Result<(), Stop> {
        for unit in Unit::bare(unit.seqs.clone(), None, self.view) {
            self.unit(&unit)?;
        }
        Ok(())
    }

    fn file(&mut self, unit: &Unit, handle: &IndexHandle) -> Result<(), Stop> {
        let first_seq = unit.seqs.start;
        let Some(file) = handle.open() else { return self.bare(unit) };
        let uncut = self.seqs.start <= unit.seqs.start && unit.seqs.end <= self.seqs.end;
        let whole = uncut && self.judge.time_only && self.within(&unit.times) == Within::Surely;
        let counted = if whole { Counted::ByFile } else { Counted::Finished };
        let mut count = || {
            if whole {
                self.tally.counts(|field, each| file.totals(field, each))?;
            }
            for shard in unit.shards(&file, handle) {
                self.check_cancel()?;
                let Some(shard) = shard.cut(&self.seqs) else { continue };
                let Kind::Shard(of) = &shard.kind else { continue };
                let lookup = of.lookup().ok_or(ShardError::Structure("list of shards"))?;
                self.shard(&shard, lookup, counted)?;
            }
            Ok(())
        };
        count().map_err(|fault: Fault| {
            if matches!(fault, Fault::Shard) {
                handle.report();
            }
            stop(fault, first_seq)
        })
    }

    /// Counts in a shard; where it was counted with its file, what that left out.
    fn shard(
        &mut self,
        unit: &Unit,
        lookup: &dyn ShardLookup,
        counted: Counted,
    ) -> Result<(), Fault> {
        let mut set = RecordSet::new();
        let (first, end) = window_range(unit);
        set.insert_range(first, end);
        self.odd(unit, lookup, &mut set)?;
        // A shard that grows may have more records by the time it is asked for all.
        let all = counted == Counted::Finished
            && end - first == lookup.record_count()
            && set.len() == end - first;
        if counted == Counted::ByFile {
            return self.over_time(unit, lookup, &set);
        }
        let (exact, named) = match self.plan.candidates(lookup, &mut self.scratch)? {
            Verdict::None => return Ok(()),
            Verdict::All { exact } => (exact, None),
            Verdict::Some { set, exact } => (exact, Some(set)),
        };
        if let Some(named) = &named {
            set.intersect(named);
        }
        let (cut, edge) = self.cut(unit, lookup, &mut set)?;
        for seq in edge {
            self.read(seq, Known::Named)?;
        }
        if !exact || set.len() <= READ_MAX {
            for place in set.iter() {
                self.read(unit.seq_at(place), Known::Named)?;
            }
            return Ok(());
        }
        if all && named.is_none() && !cut {
            self.tally.counts(|field, each| lookup.counts(field, each))?;
        } else {
            self.tally.counts(|field, each| lookup.counts_in(field, &set, each))?;
        }
        self.over_time(unit, lookup, &set)
    }

    /// Takes the records without content out of a set, and counts them by themselves.
    fn odd(
        &mut self,
        unit: &Unit,
        lookup: &dyn ShardLookup,
        set: &mut RecordSet,
    ) -> Result<(), Fault> {
        let mut odd = RecordSet::new();
        lookup.erased(&mut odd)?;
        if !self.judge.time_only {
            set.subtract(&odd);
            odd.clear();
        }
        lookup.unreadable(&mut odd)?;
        odd.intersect(set);
        if odd.is_empty() {
            return Ok(());
        }
        set.subtract(&odd);
        for place in odd.iter() {
            self.read(unit.seq_at(place), Known::Nothing)?;
        }
        Ok(())
    }

    /// Takes out of a set what lies outside of the period, and what may lie on either side: whether
    /// anything was taken out, and those in doubt.
    fn cut(
        &mut self,
        unit: &Unit,
        lookup: &dyn ShardLookup,
        set: &mut RecordSet,
    ) -> Result<(bool, Vec<u64>), ShardError> {
        let (mut cut, mut edge) = (false, Vec::new());
        let times = lookup.times();
        if times.min > times.max || self.within(&times) == Within::Surely {
            return Ok((cut, edge));
        }
        for tile in unit.tiles() {
            let bits = tile_bits(set, tile);
            if bits == [0; 4] {
                continue;
            }
            let times = lookup.tile_times(tile as usize)?;
            match self.within(&times) {
                Within::Surely => continue,
                Within::Not => self.spans.clear(),
                Within::Partly => lookup.spans(tile as usize, &mut self.spans)?,
            }
            for place in places(bits) {
                let span = self.spans.get(usize::from(place)).copied().flatten();
                let within = span.map_or(Within::Not, |span| self.within(&range(span)));
                let at = place_in_window(tile, place);
                if within == Within::Partly {
                    edge.push(unit.seq_at(at));
                }
                if within != Within::Surely {
                    cut = true;
                    set.remove(at);
                }
            }
        }
        Ok((cut, edge))
    }

    /// Counts the records of a set by time.
    fn over_time(
        &mut self,
        unit: &Unit,
        lookup: &dyn ShardLookup,
        set: &RecordSet,
    ) -> Result<(), Fault> {
        let Some(division) = self.tally.division() else { return Ok(()) };
        let mut failed = RecordSet::new();
        lookup.keyword(Keyword::Result, Outcome::Failure.as_str(), &mut failed)?;
        failed.intersect(set);
        for tile in unit.tiles() {
            let (bits, failures) = (tile_bits(set, tile), tile_bits(&failed, tile));
            if bits == [0; 4] {
                continue;
            }
            let times = lookup.tile_times(tile as usize)?;
            if division.around(times.min).contains(&times.max) {
                let ones = |bits: [u64; 4]| bits.map(|word| u64::from(word.count_ones()));
                let count = |bits| ones(bits).into_iter().sum();
                self.tally.over_time(times.min, count(bits), count(failures))?;
                continue;
            }
            lookup.spans(tile as usize, &mut self.spans)?;
            for place in places(bits) {
                let span = self.spans.get(usize::from(place)).copied().flatten();
                let times = span.map_or(times, range);
                let at = place_in_window(tile, place);
                let time = if division.around(times.min).contains(&times.max) {
                    times.min
                } else {
                    self.time_of(unit.seq_at(at))?.unwrap_or(times.max)
                };
                self.tally.over_time(time, 1, u64::from(failed.contains(at)))?;
            }
        }
        Ok(())
    }

    fn time_of(&mut self, seq: u64) -> Result<Option<i64>, ReadError> {
        let group = self.judge.group(seq, Keep::Passing)?;
        let Item::Record { body, .. } = group.item(seq) else { return Ok(None) };
        Ok(Body::parse(body).ok().map(|body| body.timestamp().unix_nanos()))
    }

    fn read(&mut self, seq: u64, known: Known) -> Result<(), ReadError> {
        let group = self.judge.group(seq, Keep::Passing)?;
        self.look(&group, seq, known)
    }

    /// Counts a record that was read.
    fn look(&mut self, group: &Group, seq: u64, known: Known) -> Result<(), ReadError> {
        match group.item(seq) {
            Item::Record { body, .. } => match self.judge.matching(body) {
                Some(body) => self.tally.record(&body)?,
                None => return Ok(()),
            },
            Item::Erased { .. } => {
                if self.judge.times_of_odd(group, Odd::Erased, known)?.is_some() {
                    self.tally.erased();
                }
            }
            Item::Damaged => {
                if self.judge.times_of_odd(group, Odd::Damaged, known)?.is_some() {
                    self.tally.unreadable();
                }
            }
        }
        Ok(())
    }

    fn scan(&mut self, first: u64, end: u64) -> Result<(), ReadError> {
        let void = !self.damaged.is_empty();
        let mut from = if void { end } else { first };
        self.judge.read_ahead(from..end);
        while from < end {
            self.check_cancel()?;
            let group = self.judge.group(from, Keep::Passing)?;
            let behind = group.end_seq().min(end).max(from + 1);
            for seq in from..behind {
                self.look(&group, seq, Known::Nothing)?;
            }
            from = behind;
        }
        Ok(())
    }
}

fn stop(fault: Fault, first_seq: u64) -> Stop {
    match fault {
        Fault::Read(error) => Stop::Read(error),
        Fault::Shard => Stop::Index(first_seq),
    }
}

fn range(span: TimeSpan) -> TimeRange {
    TimeRange { min: span.min, max: span.max }
}

/// The seqs of a shard's unit by their position in the window.
fn window_range(unit: &Unit) -> (u32, u32) {
    let first = u32::try_from(unit.seqs.start % SHARD_RECORDS).unwrap_or(0);
    let count = u32::try_from(unit.seqs.end - unit.seqs.start).unwrap_or(0);
    (first, first + count)
}

fn place_in_window(tile: u32, place: u8) -> u16 {
    let at = u64::from(tile) * TILE_RECORDS + u64::from(place);
    u16::try_from(at).unwrap_or(u16::MAX)
}
