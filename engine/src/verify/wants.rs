//! What the audit needs to know besides the end of the log: roots, chain hashes and leaves in
//! between.
//!
//! Invariant: fixed before the first record is read, so that one pass is enough.

use std::collections::BTreeSet;

use crate::format::BLOCK_RECORDS_MAX;
use crate::proof::CompactRange;
use crate::types::NodeHash;

/// Places of interest.
#[derive(Clone, Debug, Default)]
pub(super) struct Wants {
    /// Tree sizes whose root is asked for.
    pub(super) sizes: BTreeSet<u64>,
    /// Sizes at which the chain hash is asked for.
    pub(super) chains: BTreeSet<u64>,
    /// Stretches `[begin, end)` whose own root is asked for.
    pub(super) spans: BTreeSet<(u64, u64)>,
    /// Tiles (seq / 256) whose record hashes are asked for.
    pub(super) tiles: BTreeSet<u64>,
}

/// A compact range of some of a unit's leaves that somebody asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Piece {
    /// From the unit's first leaf up to a size that is asked for, in log coordinates.
    Cut(CompactRange),
    /// What the unit has of a stretch, in the stretch's coordinates.
    Span((u64, u64), CompactRange),
}

/// Leaves `[from, to)` of the log, of which `leaves` begin at `first`, in a tree that begins at
/// `base`.
fn range(leaves: &[NodeHash], first: u64, from: u64, to: u64, base: u64) -> Option<CompactRange> {
    let skip = usize::try_from(from.checked_sub(first)?).ok()?;
    let len = usize::try_from(to.checked_sub(from)?).ok()?;
    let mut range = CompactRange::new(from.checked_sub(base)?);
    for leaf in leaves.get(skip..skip.checked_add(len)?)? {
        range.push(*leaf).ok()?;
    }
    Some(range)
}

/// All leaves in log coordinates, cut at the edges of tiles. `aligned` is their range from 0, where
/// they are at most one tile.
pub(super) fn chunks(
    first: u64,
    leaves: &[NodeHash],
    aligned: Option<&CompactRange>,
) -> Vec<CompactRange> {
    let end = first + leaves.len() as u64;
    if let Some(moved) = aligned.and_then(|aligned| moved(aligned, first)) {
        return vec![moved];
    }
    let mut chunks = Vec::new();
    let mut from = first;
    while from < end {
        let tile_end = (from / BLOCK_RECORDS_MAX + 1) * BLOCK_RECORDS_MAX;
        let to = tile_end.min(end);
        chunks.extend(range(leaves, first, from, to, 0));
        from = to;
    }
    chunks
}

/// A range of at most one tile, at the beginning of another tile: the cover has the same shape
/// there.
fn moved(aligned: &CompactRange, begin: u64) -> Option<CompactRange> {
    let fits = aligned.begin() == 0
        && aligned.end() <= BLOCK_RECORDS_MAX
        && begin.is_multiple_of(BLOCK_RECORDS_MAX);
    let nodes = aligned.nodes().to_vec();
    fits.then(|| CompactRange::from_nodes(begin, begin + aligned.end(), nodes).ok())?
}

/// All leaves in the coordinates of a segment that begins at `base`.
pub(super) fn own(
    first: u64,
    leaves: &[NodeHash],
    base: u64,
    aligned: Option<&CompactRange>,
) -> Option<CompactRange> {
    let begin = first.checked_sub(base)?;
    aligned
        .and_then(|aligned| moved(aligned, begin))
        .or_else(|| range(leaves, first, first, first + leaves.len() as u64, base))
}

impl Wants {
    /// What is asked for of these leaves besides their whole.
    pub(super) fn pieces(&self, first: u64, leaves: &[NodeHash]) -> Vec<Piece> {
        let end = first + leaves.len() as u64;
        let mut pieces = Vec::new();
        if leaves.len() > 1 {
            for size in self.sizes.range(first + 1..end) {
                pieces.extend(range(leaves, first, first, *size, 0).map(Piece::Cut));
            }
        }
        for (begin, stop) in self.spans.range(..(end, 0)) {
            let (from, to) = (first.max(*begin), end.min(*stop));
            if from < to {
                let range = range(leaves, first, from, to, *begin);
                pieces.extend(range.map(|range| Piece::Span((*begin, *stop), range)));
            }
        }
        pieces
    }
}
