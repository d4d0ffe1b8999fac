//! A compact range: the hashes that stand for the leaves `[begin, end)` of a tree.
//!
//! Invariant: `nodes` holds exactly one hash for each node of `cover(begin, end)`, so at most 126.
//! A range that begins at 0 knows the root; ranges that touch can be joined without their leaves.
//! The root of a segment's own leaves is a range from 0 in the segment's coordinates.
//! Knows nothing about what the leaves are.

use super::cover::{NodeId, cover};
use super::hash::{empty_root, node_hash};
use crate::types::NodeHash;

/// Hashes of the perfect subtrees that cover `[begin, end)`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompactRange {
    begin: u64,
    end: u64,
    nodes: Vec<NodeHash>,
}

/// A step that a [`CompactRange`] can't take; the range is unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RangeError {
    /// The subtree's first leaf would not be a multiple of its width.
    #[error("a subtree of level {level} can't begin at leaf {end}")]
    Unaligned {
        /// Level of the subtree.
        level: u8,
        /// Where it would have begun.
        end: u64,
    },
    /// The other range doesn't begin where this one ends.
    #[error("a range that begins at leaf {begin} can't follow one that ends at {end}")]
    NotAdjacent {
        /// End of the first range.
        end: u64,
        /// Begin of the second.
        begin: u64,
    },
    /// More leaves than 64 bits count.
    #[error("the range would pass 2^64 - 1 leaves")]
    Full,
    /// The bounds and the number of hashes don't belong together.
    #[error("{count} hashes can't stand for the leaves [{begin}, {end})")]
    NodeCount {
        /// First leaf.
        begin: u64,
        /// Behind the last leaf.
        end: u64,
        /// Hashes given.
        count: usize,
    },
    /// Only a range from leaf 0 has a root.
    #[error("a range that begins at leaf {begin} has no root")]
    NoRoot {
        /// First leaf.
        begin: u64,
    },
}

impl CompactRange {
    /// The empty range at leaf `begin`.
    #[must_use]
    pub fn new(begin: u64) -> Self {
        Self { begin, end: begin, nodes: Vec::new() }
    }

    /// Takes up a stored range.
    ///
    /// # Errors
    /// [`RangeError::NodeCount`] where the hashes are not one per node of `cover(begin, end)`.
    pub fn from_nodes(begin: u64, end: u64, nodes: Vec<NodeHash>) -> Result<Self, RangeError> {
        if begin <= end && cover(begin, end).count() == nodes.len() {
            Ok(Self { begin, end, nodes })
        } else {
            Err(RangeError::NodeCount { begin, end, count: nodes.len() })
        }
    }

    /// Appends one leaf (its leaf hash).
    ///
    /// # Errors
    /// [`RangeError::Full`] at 2^64 - 1 leaves.
    pub fn push(&mut self, leaf: NodeHash) -> Result<(), RangeError> {
        self.push_node(0, leaf)
    }

    /// Appends the `1 << level` leaves below a perfect subtree.
    ///
    /// # Errors
    /// [`RangeError::Unaligned`] where such a subtree can't begin at [`Self::end`],
    /// [`RangeError::Full`] where it passes 2^64 - 1 leaves.
    pub fn push_node(&mut self, level: u8, hash: NodeHash) -> Result<(), RangeError> {
        let unaligned = RangeError::Unaligned { level, end: self.end };
        let mut width = 1u64.checked_shl(u32::from(level)).ok_or(unaligned)?;
        if self.end & (width - 1) != 0 {
            return Err(unaligned);
        }
        let end = self.end.checked_add(width).ok_or(RangeError::Full)?;
        // A right child whose left sibling lies in the range: the sibling is then the last node.
        let (mut start, mut node) = (self.end, hash);
        while start & width != 0 && start - width >= self.begin {
            let Some(left) = self.nodes.pop() else { break };
            node = node_hash(&left, &node);
            start -= width;
            width <<= 1;
        }
        self.nodes.push(node);
        self.end = end;
        Ok(())
    }

    /// Appends the range that begins where this one ends.
    ///
    /// # Errors
    /// [`RangeError::NotAdjacent`] where it begins elsewhere.
    pub fn append(&mut self, next: &Self) -> Result<(), RangeError> {
        if next.begin != self.end {
            return Err(RangeError::NotAdjacent { end: self.end, begin: next.begin });
        }
        // `next` was built, so its nodes are aligned and its end fits: no step can fail halfway.
        for (id, hash) in next.iter() {
            self.push_node(id.level, hash)?;
        }
        Ok(())
    }

    /// Root of the tree of `end` leaves (RFC 6962 Merkle tree hash).
    ///
    /// # Errors
    /// [`RangeError::NoRoot`] where the range doesn't begin at leaf 0.
    pub fn root(&self) -> Result<NodeHash, RangeError> {
        if self.begin == 0 {
            Ok(fold(&self.nodes))
        } else {
            Err(RangeError::NoRoot { begin: self.begin })
        }
    }

    /// First leaf.
    #[must_use]
    pub fn begin(&self) -> u64 {
        self.begin
    }

    /// Behind the last leaf; the tree size where the range begins at 0.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The hashes, in the order of `cover(begin, end)`.
    #[must_use]
    pub fn nodes(&self) -> &[NodeHash] {
        &self.nodes
    }

    /// The hashes with their places in the tree.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, NodeHash)> {
        cover(self.begin, self.end).zip(self.nodes.iter().copied())
    }
}

/// Hash over the cover of a tree or of a right edge: the smallest subtrees are joined first.
pub(super) fn fold(nodes: &[NodeHash]) -> NodeHash {
    let joined = nodes.iter().rev().copied().reduce(|right, left| node_hash(&left, &right));
    joined.unwrap_or_else(empty_root)
}
