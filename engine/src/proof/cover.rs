//! Perfect subtrees and how they cover a range of leaves.
//!
//! Invariant: [`cover`] yields the fewest perfect, aligned subtrees, from left to right; there is
//! one such sequence for each range. Knows no hashes.

use core::iter::FusedIterator;
use core::ops::Range;

/// A perfect subtree: the leaves `[index << level, (index + 1) << level)`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId {
    /// Height above the leaves, at most 63.
    pub level: u8,
    /// Position among the nodes of its level, from 0.
    pub index: u64,
}

impl NodeId {
    /// The leaves below this node; `None` where they would not fit 64 bits.
    #[must_use]
    pub fn leaves(self) -> Option<Range<u64>> {
        let width = 1u64.checked_shl(u32::from(self.level))?;
        let begin = self.index.checked_mul(width)?;
        Some(begin..begin.checked_add(width)?)
    }
}

/// The fewest perfect subtrees that make up the leaves `[begin, end)`, from left to right.
#[must_use]
pub fn cover(begin: u64, end: u64) -> Cover {
    Cover { at: begin, end }
}

/// Iterator of [`cover`].
#[derive(Clone, Debug)]
pub struct Cover {
    at: u64,
    end: u64,
}

impl Iterator for Cover {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        let room = self.end.checked_sub(self.at).filter(|&leaves| leaves > 0)?;
        let level = room.ilog2().min(self.at.trailing_zeros());
        let index = self.at >> level;
        self.at += 1 << level;
        #[expect(clippy::cast_possible_truncation, reason = "ilog2 of 64 bits is at most 63")]
        Some(NodeId { level: level as u8, index })
    }
}

impl FusedIterator for Cover {}
