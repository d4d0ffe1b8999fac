//! Asking the shards of an index where to look.
//!
//! Invariant: an answer is a superset of the matching records of the unit's seqs. Of the answers at
//! most [`KEPT_MAX`] are kept, each 8 KiB.

use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

use super::units::{Kind, TILE_RECORDS, Unit};
use crate::index::shard::{RecordSet, ShardError, ShardLookup};
use crate::query::{Plan, PlanScratch, Verdict};

const KEPT_MAX: usize = 64;

/// The records of a shard to look at.
pub(crate) struct Candidates {
    /// All of them where it is `None`.
    set: Option<RecordSet>,
    /// Candidates of which the index knows no time; `None` where there is none.
    timeless: Option<RecordSet>,
}

impl Candidates {
    /// The candidates among the seqs of a tile, a bit for each seq of it.
    pub(crate) fn in_tile(&self, tile: u32, seqs: &Range<u64>) -> [u64; 4] {
        let mut mask = RecordSetTile::range(seqs);
        if let Some(set) = &self.set {
            mask.intersect(&RecordSetTile::of(set, tile));
        }
        mask.0
    }

    /// Whether one of these records of a tile has no known time.
    pub(crate) fn has_timeless(&self, tile: u32, candidates: [u64; 4]) -> bool {
        let Some(timeless) = &self.timeless else { return false };
        let mut both = RecordSetTile(candidates);
        both.intersect(&RecordSetTile::of(timeless, tile));
        both.0 != [0; 4]
    }
}

/// The positions in a tile whose bits are set, ascending.
pub(crate) fn places(mut bits: [u64; 4]) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let (index, word) = (0_u32..).zip(&mut bits).find(|(_, word)| **word != 0)?;
        let bit = word.trailing_zeros();
        *word &= *word - 1;
        u8::try_from(index * 64 + bit).ok()
    })
}

/// A set's bits of one tile.
pub(crate) fn tile_bits(set: &RecordSet, tile: u32) -> [u64; 4] {
    RecordSetTile::of(set, tile).0
}

struct RecordSetTile([u64; 4]);

impl RecordSetTile {
    fn of(set: &RecordSet, tile: u32) -> Self {
        let start = usize::try_from(tile).unwrap_or(usize::MAX).saturating_mul(4);
        let words = set.words().get(start..).and_then(|words| words.first_chunk());
        Self(words.copied().unwrap_or_default())
    }

    /// The seqs, which lie in one tile.
    fn range(seqs: &Range<u64>) -> Self {
        let start = seqs.start % TILE_RECORDS;
        let end = start + (seqs.end - seqs.start);
        let mut words = [0; 4];
        for (word, base) in words.iter_mut().zip((0..).step_by(64)) {
            let (from, to) = (start.clamp(base, base + 64), end.clamp(base, base + 64));
            if from < to {
                *word = (u64::MAX >> (64 - (to - from))) << (from - base);
            }
        }
        Self(words)
    }

    fn intersect(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine &= theirs);
    }
}

/// A filter's plan with what it answered last.
pub(crate) struct Asking {
    plan: Plan,
    scratch: PlanScratch,
    time_only: bool,
    kept: VecDeque<(u32, Option<Rc<Candidates>>)>,
    /// Shards that were asked.
    pub(crate) asked: u64,
    /// Records that they named.
    pub(crate) candidates: u64,
}

impl Asking {
    pub(crate) fn new(plan: Plan, time_only: bool) -> Self {
        Self {
            plan,
            scratch: PlanScratch::default(),
            time_only,
            kept: VecDeque::new(),
            asked: 0,
            candidates: 0,
        }
    }

    /// The candidates of a unit's shard; `None` where there are none.
    pub(crate) fn candidates(
        &mut self,
        id: u32,
        shard: &dyn ShardLookup,
    ) -> Result<Option<Rc<Candidates>>, ShardError> {
        if let Some((_, kept)) = self.kept.iter().find(|(kept, _)| *kept == id) {
            return Ok(kept.clone());
        }
        let found = self.ask(shard)?.map(Rc::new);
        if self.kept.len() >= KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back((id, found.clone()));
        Ok(found)
    }

    /// The same, not kept.
    pub(crate) fn ask(
        &mut self,
        shard: &dyn ShardLookup,
    ) -> Result<Option<Candidates>, ShardError> {
        self.asked += 1;
        let set = match self.plan.candidates(shard, &mut self.scratch)? {
            Verdict::None => return Ok(None),
            Verdict::All { .. } => None,
            Verdict::Some { set, .. } => Some(set),
        };
        let named = set.as_ref().map_or(shard.record_count(), RecordSet::len);
        self.candidates += u64::from(named);
        let mut timeless = self.timeless(shard)?;
        if let Some(set) = &set {
            timeless.intersect(set);
        }
        let timeless = Some(timeless).filter(|set| !set.is_empty());
        Ok(Some(Candidates { set, timeless }))
    }

    /// Possible matches of which the index knows no time.
    fn timeless(&self, shard: &dyn ShardLookup) -> Result<RecordSet, ShardError> {
        let mut timeless = RecordSet::new();
        shard.unreadable(&mut timeless)?;
        if self.time_only {
            shard.erased(&mut timeless)?;
        }
        Ok(timeless)
    }

    /// Narrows the times of a shard to those that its index knows, where it knows all of them.
    pub(crate) fn date(&self, unit: &mut Unit) {
        let Kind::Shard(shard) = &unit.kind else { return };
        let Some(lookup) = shard.lookup() else { return };
        // One that fails here fails again when it is asked.
        if self.timeless(lookup).is_ok_and(|timeless| timeless.is_empty()) {
            unit.times = lookup.times();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::TimeRange;
    use crate::log::search::units::Kind;

    #[test]
    fn tiles_and_their_bits_follow_the_seqs() {
        let window = Unit { seqs: 65_536..65_606, times: TimeRange::EMPTY, kind: Kind::Plain };
        assert_eq!((window.tiles(), window.tile_seqs(0)), (0..1, 65_536..65_606));
        assert_eq!((window.blocks(), window.block_seqs(0)), (0..1, 65_536..65_606));
        let late = Unit { seqs: 130_800..131_072, ..window };
        assert_eq!((late.tiles(), late.tile_seqs(255)), (254..256, 130_816..131_072));
        assert_eq!((late.blocks(), late.block_seqs(0)), (0..2, 130_800..130_816));
        for seqs in [0..256, 0..1, 255..256, 63..65, 64..128, 70..70, 1000..1001, 512..700] {
            let bits = Candidates { set: None, timeless: None }.in_tile(0, &seqs);
            let found: Vec<u64> = places(bits).map(u64::from).collect();
            let wanted: Vec<u64> = seqs.clone().map(|seq| seq % 256).collect();
            assert_eq!(found, wanted, "{seqs:?}");
        }
    }
}
