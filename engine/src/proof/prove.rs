//! Proofs and roots from stored nodes: which hashes a proof is made of, fetched by a callback.
//!
//! Invariant: only hashes of perfect subtrees are asked for; those never change once their leaves
//! are there, so they can come from tiles, from memory or from the records themselves.
//! Knows nothing about where they are kept.

use core::ops::Range;

use super::cover::{NodeId, cover};
use super::range::fold;
use crate::types::NodeHash;

/// Why a proof could not be made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProveError<E> {
    /// The leaf is not in the tree of that size.
    #[error("leaf {index} is not in a tree of {size}")]
    NoSuchLeaf {
        /// Leaf asked for.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// The older tree is larger than the newer one.
    #[error("a tree of {old} can't be a prefix of a tree of {new}")]
    SizesReversed {
        /// Size of the tree called older.
        old: u64,
        /// Size of the tree called newer.
        new: u64,
    },
    /// The older tree is empty: any tree follows from it, so there is nothing to prove.
    #[error("nothing follows from an empty tree")]
    EmptyTree,
    /// The callback failed.
    #[error("a tree node could not be read")]
    Fetch(#[source] E),
}

/// Leaf ranges whose hashes are the inclusion proof of leaf `index`, in proof order.
/// `None` where the tree has no such leaf. At most the first one is no perfect subtree.
#[must_use]
pub fn inclusion_ranges(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if index >= size {
        return None;
    }
    let mut path = Vec::new();
    let (mut begin, mut end) = (0, size);
    while end - begin > 1 {
        let split = begin + left_width(end - begin);
        if index < split {
            path.push(split..end);
            end = split;
        } else {
            path.push(begin..split);
            begin = split;
        }
    }
    path.reverse();
    Some(path)
}

/// Leaf ranges whose hashes are the consistency proof (RFC 6962 section 2.1.2), in proof order.
/// `None` where `old > new`. Empty for equal sizes, and for an empty old tree, of which no proof is
/// made.
#[must_use]
pub fn consistency_ranges(old: u64, new: u64) -> Option<Vec<Range<u64>>> {
    if old > new {
        return None;
    }
    let mut path = Vec::new();
    if old == 0 {
        return Some(path);
    }
    let (mut begin, mut end) = (0, new);
    while old < end {
        let split = begin + left_width(end - begin);
        if old <= split {
            path.push(split..end);
            end = split;
        } else {
            path.push(begin..split);
            begin = split;
        }
    }
    // The old root itself is known to whoever verifies; a smaller right edge of it is not.
    if begin > 0 {
        path.push(begin..end);
    }
    path.reverse();
    Some(path)
}

/// Inclusion proof of leaf `index` in the tree of `size` leaves (RFC 9162 section 2.1.3).
///
/// # Errors
/// [`ProveError::NoSuchLeaf`], or [`ProveError::Fetch`] with the callback's error.
pub fn prove_inclusion<E>(
    index: u64,
    size: u64,
    fetch: impl FnMut(NodeId) -> Result<NodeHash, E>,
) -> Result<Vec<NodeHash>, ProveError<E>> {
    let ranges = inclusion_ranges(index, size).ok_or(ProveError::NoSuchLeaf { index, size })?;
    hashes(&ranges, fetch)
}

/// Proof that the tree of `old` leaves is a prefix of the tree of `new` (RFC 9162 section 2.1.4).
///
/// # Errors
/// [`ProveError::SizesReversed`], [`ProveError::EmptyTree`], or [`ProveError::Fetch`] with the
/// callback's error.
pub fn prove_consistency<E>(
    old: u64,
    new: u64,
    fetch: impl FnMut(NodeId) -> Result<NodeHash, E>,
) -> Result<Vec<NodeHash>, ProveError<E>> {
    if old == 0 && new > 0 {
        return Err(ProveError::EmptyTree);
    }
    let ranges = consistency_ranges(old, new).ok_or(ProveError::SizesReversed { old, new })?;
    hashes(&ranges, fetch)
}

/// Root of the tree of `size` leaves.
///
/// # Errors
/// The callback's error.
pub fn root_at<E>(
    size: u64,
    mut fetch: impl FnMut(NodeId) -> Result<NodeHash, E>,
) -> Result<NodeHash, E> {
    range_hash(&(0..size), &mut fetch)
}

fn hashes<E>(
    ranges: &[Range<u64>],
    mut fetch: impl FnMut(NodeId) -> Result<NodeHash, E>,
) -> Result<Vec<NodeHash>, ProveError<E>> {
    let hash = |range| range_hash(range, &mut fetch).map_err(ProveError::Fetch);
    ranges.iter().map(hash).collect()
}

/// Hash of a subtree: perfect, or the right edge of the tree.
fn range_hash<E>(
    range: &Range<u64>,
    fetch: &mut impl FnMut(NodeId) -> Result<NodeHash, E>,
) -> Result<NodeHash, E> {
    let nodes: Vec<NodeHash> =
        cover(range.start, range.end).map(fetch).collect::<Result<_, E>>()?;
    Ok(fold(&nodes))
}

/// The largest power of two below `leaves`, which is at least 2: where RFC 6962 splits a tree.
fn left_width(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}
