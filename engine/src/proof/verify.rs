//! Verification of inclusion and consistency proofs (RFC 9162 sections 2.1.3.2 and 2.1.4.2).
//!
//! Invariant: a proof is accepted only with exactly the hashes that its indexes and sizes call
//! for. Shares no code with the prover, so that a mistake in one is found by the other.
//! Knows nothing about signatures: whether a root can be trusted is the caller's question.

use super::hash::{empty_root, node_hash};
use crate::types::NodeHash;

/// Why a proof proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProofError {
    /// The leaf is not in the tree of that size.
    #[error("leaf {index} is not in a tree of {size}")]
    NoSuchLeaf {
        /// Leaf named.
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
    /// The older tree is empty: any tree follows from it, so there is nothing to prove. A caller
    /// who trusts a checkpoint of size 0 checks only that its root is the empty one.
    #[error("nothing follows from an empty tree")]
    EmptyTree,
    /// Too few or too many hashes for these indexes and sizes.
    #[error("{count} hashes are not the length of this proof")]
    Length {
        /// Hashes in the proof.
        count: usize,
    },
    /// The proof leads to another root than the (newer) one given.
    #[error("the proof leads to another root: {computed}")]
    Root {
        /// What it leads to.
        computed: NodeHash,
    },
    /// The proof leads to another root of the older tree than the one given.
    #[error("the proof leads to another root of the older tree: {computed}")]
    OldRoot {
        /// What it leads to.
        computed: NodeHash,
    },
}

/// Checks that `leaf` is leaf `index` of the tree of `size` leaves with this root.
///
/// # Errors
/// [`ProofError`]; the claim is then unproven, whatever the reason.
pub fn verify_inclusion(
    leaf: &NodeHash,
    index: u64,
    size: u64,
    proof: &[NodeHash],
    root: &NodeHash,
) -> Result<(), ProofError> {
    let computed = root_from_inclusion(leaf, index, size, proof)?;
    if computed == *root { Ok(()) } else { Err(ProofError::Root { computed }) }
}

/// The root that an inclusion proof leads to, for callers that compare it themselves.
///
/// # Errors
/// [`ProofError::NoSuchLeaf`] and [`ProofError::Length`].
pub fn root_from_inclusion(
    leaf: &NodeHash,
    index: u64,
    size: u64,
    proof: &[NodeHash],
) -> Result<NodeHash, ProofError> {
    if index >= size {
        return Err(ProofError::NoSuchLeaf { index, size });
    }
    let mut climb = Climb { at: index, last: size - 1 };
    let mut root = *leaf;
    for sibling in proof {
        root = match climb.step() {
            Some(Side::Left) => node_hash(sibling, &root),
            Some(Side::Right) => node_hash(&root, sibling),
            None => return Err(ProofError::Length { count: proof.len() }),
        };
    }
    if climb.last == 0 { Ok(root) } else { Err(ProofError::Length { count: proof.len() }) }
}

/// Checks that the tree of `old` leaves is a prefix of the tree of `new` leaves.
///
/// Equal sizes need equal roots and no hashes.
///
/// # Errors
/// [`ProofError`]; with valid roots [`ProofError::OldRoot`] and [`ProofError::Root`] mean a wrong
/// proof, with a valid proof they mean that the log shows different histories.
pub fn verify_consistency(
    old: u64,
    new: u64,
    old_root: &NodeHash,
    new_root: &NodeHash,
    proof: &[NodeHash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::SizesReversed { old, new });
    }
    let length = ProofError::Length { count: proof.len() };
    if old == new {
        let expected = if new == 0 { empty_root() } else { *new_root };
        return match () {
            () if !proof.is_empty() => Err(length),
            () if *old_root != expected => Err(ProofError::OldRoot { computed: expected }),
            () if *new_root != expected => Err(ProofError::Root { computed: expected }),
            () => Ok(()),
        };
    }
    if old == 0 {
        return Err(ProofError::EmptyTree);
    }
    // Up to the subtree that ends the old tree: all below it is the same in both trees.
    let shift = old.trailing_zeros();
    let mut climb = Climb { at: (old - 1) >> shift, last: (new - 1) >> shift };
    let (seed, rest) = if old.is_power_of_two() {
        (old_root, proof)
    } else {
        proof.split_first().ok_or(length)?
    };
    let (mut old_computed, mut new_computed) = (*seed, *seed);
    for sibling in rest {
        match climb.step() {
            Some(Side::Left) => {
                old_computed = node_hash(sibling, &old_computed);
                new_computed = node_hash(sibling, &new_computed);
            }
            Some(Side::Right) => new_computed = node_hash(&new_computed, sibling),
            None => return Err(length),
        }
    }
    match () {
        () if climb.last != 0 => Err(length),
        () if old_computed != *old_root => Err(ProofError::OldRoot { computed: old_computed }),
        () if new_computed != *new_root => Err(ProofError::Root { computed: new_computed }),
        () => Ok(()),
    }
}

/// On which side of the path a sibling stands.
enum Side {
    Left,
    Right,
}

/// The way from a node up to the root: its index and the last index of its level.
struct Climb {
    at: u64,
    last: u64,
}

impl Climb {
    /// Goes up past the next sibling; `None` at the root.
    fn step(&mut self) -> Option<Side> {
        if self.last == 0 {
            return None;
        }
        if self.at == self.last {
            // The last node of a level with an odd count has no sibling there: it goes up as is.
            let lone = self.at.trailing_zeros();
            self.at >>= lone;
            self.last >>= lone;
        }
        let side = if self.at & 1 == 1 { Side::Left } else { Side::Right };
        self.at >>= 1;
        self.last >>= 1;
        Some(side)
    }
}
