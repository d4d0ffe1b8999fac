//! Ranges, roots and proofs against a tree that is computed straight from the definition in
//! RFC 6962 section 2.1, for every size up to 300.

use std::collections::HashMap;

use super::*;

const SIZE_MAX: u64 = 300;

/// The definitions of RFC 6962, written as they stand there; remembers what it computed.
struct Naive {
    leaves: Vec<NodeHash>,
    known: HashMap<(u64, u64), NodeHash>,
}

impl Naive {
    fn new() -> Self {
        let leaves = test_hashes(300).iter().map(leaf_hash).collect();
        Self { leaves, known: HashMap::new() }
    }

    fn hash(&mut self, begin: u64, end: u64) -> NodeHash {
        if begin == end {
            return empty_root();
        }
        if end - begin == 1 {
            return self.leaves[usize::try_from(begin).unwrap()];
        }
        if let Some(hash) = self.known.get(&(begin, end)) {
            return *hash;
        }
        let split = begin + split(end - begin);
        let hash = node_hash(&self.hash(begin, split), &self.hash(split, end));
        self.known.insert((begin, end), hash);
        hash
    }

    /// PATH(m, D[begin:end])
    fn path(&mut self, m: u64, begin: u64, end: u64) -> Vec<NodeHash> {
        if end - begin == 1 {
            return Vec::new();
        }
        let split = begin + split(end - begin);
        let (mut path, other) = if m < split {
            (self.path(m, begin, split), self.hash(split, end))
        } else {
            (self.path(m, split, end), self.hash(begin, split))
        };
        path.push(other);
        path
    }

    /// SUBPROOF(m, D[begin:end], complete)
    fn subproof(&mut self, m: u64, begin: u64, end: u64, complete: bool) -> Vec<NodeHash> {
        if m == end {
            return if complete { Vec::new() } else { vec![self.hash(begin, end)] };
        }
        let split = begin + split(end - begin);
        let (mut proof, other) = if m <= split {
            (self.subproof(m, begin, split, complete), self.hash(split, end))
        } else {
            (self.subproof(m, split, end, false), self.hash(begin, split))
        };
        proof.push(other);
        proof
    }

    /// The perfect subtree that a prover asks for.
    fn fetch(&mut self, node: NodeId) -> Result<NodeHash, ()> {
        let leaves = node.leaves().unwrap();
        assert!(leaves.end <= SIZE_MAX, "{node:?} is not there yet");
        Ok(self.hash(leaves.start, leaves.end))
    }
}

/// The largest power of two smaller than `n`.
fn split(n: u64) -> u64 {
    let mut power = 1;
    while power * 2 < n {
        power *= 2;
    }
    power
}

fn flipped(hash: NodeHash, bit: usize) -> NodeHash {
    let mut hash = hash;
    hash.0[bit / 8 % 32] ^= 1 << (bit % 8);
    hash
}

/// Every way to damage a proof that its length or one bit shows.
fn damaged(proof: &[NodeHash]) -> Vec<Vec<NodeHash>> {
    let mut all: Vec<Vec<NodeHash>> = (0..proof.len())
        .map(|at| {
            let mut changed = proof.to_vec();
            changed[at] = flipped(changed[at], at * 37 + proof.len());
            changed
        })
        .collect();
    all.push([proof, &[empty_root()]].concat());
    all.push([&[empty_root()], proof].concat());
    if let Some((_, shorter)) = proof.split_last() {
        all.push(shorter.to_vec());
        all.push(proof[1..].to_vec());
        all.push([proof, &proof[proof.len() - 1..]].concat());
    }
    all
}

#[test]
fn roots_are_those_of_the_definition() {
    let mut naive = Naive::new();
    let mut range = CompactRange::new(0);
    for size in 0..=SIZE_MAX {
        let root = naive.hash(0, size);
        assert_eq!(range.root(), Ok(root), "{size}");
        assert_eq!(root_at(size, |node| naive.fetch(node)), Ok(root), "{size}");
        let mut fetch = |node: NodeId| naive.fetch(node).unwrap();
        let nodes: Vec<_> = cover(0, size).map(&mut fetch).collect();
        assert_eq!(range.nodes(), nodes, "{size}");
        if size < SIZE_MAX {
            range.push(naive.hash(size, size + 1)).unwrap();
        }
    }
}

#[test]
fn every_inclusion_proof_verifies_and_no_damaged_one() {
    let mut naive = Naive::new();
    for size in 1..=SIZE_MAX {
        let root = naive.hash(0, size);
        for index in 0..size {
            let leaf = naive.hash(index, index + 1);
            let proof = prove_inclusion(index, size, |node| naive.fetch(node)).unwrap();
            assert_eq!(proof, naive.path(index, 0, size), "{index} of {size}");
            let verify = |leaf, index, proof: &[NodeHash], root| {
                verify_inclusion(&leaf, index, size, proof, &root)
            };
            assert_eq!(verify(leaf, index, &proof, root), Ok(()), "{index} of {size}");
            for wrong in damaged(&proof) {
                assert!(verify(leaf, index, &wrong, root).is_err(), "{index} of {size}");
            }
            assert!(verify(flipped(leaf, 9), index, &proof, root).is_err());
            assert!(verify(leaf, index, &proof, flipped(root, 9)).is_err());
            for other in [index + 1, index.wrapping_sub(1), index ^ 2, index + size] {
                assert!(verify(leaf, other, &proof, root).is_err(), "{index} as {other}");
            }
        }
        let outside = prove_inclusion(size, size, |node| naive.fetch(node));
        assert_eq!(outside, Err(ProveError::NoSuchLeaf { index: size, size }));
    }
}

#[test]
fn every_consistency_proof_verifies_and_no_damaged_one() {
    let mut naive = Naive::new();
    for new in 0..=SIZE_MAX {
        let new_root = naive.hash(0, new);
        for old in 0..=new {
            let old_root = naive.hash(0, old);
            let proof = prove_consistency(old, new, |node| naive.fetch(node));
            let verify = |old_root, new_root, proof: &[NodeHash]| {
                verify_consistency(old, new, &old_root, &new_root, proof)
            };
            if old == 0 && new > 0 {
                assert_eq!(proof, Err(ProveError::EmptyTree));
                assert_eq!(verify(old_root, new_root, &[]), Err(ProofError::EmptyTree));
                continue;
            }
            let proof = proof.unwrap();
            assert_eq!(proof, naive.subproof(old, 0, new, true), "{old} to {new}");
            assert_eq!(verify(old_root, new_root, &proof), Ok(()), "{old} to {new}");
            for wrong in damaged(&proof) {
                assert!(verify(old_root, new_root, &wrong).is_err(), "{old} to {new}");
            }
            assert!(verify(flipped(old_root, 3), new_root, &proof).is_err(), "{old} to {new}");
            assert!(verify(old_root, flipped(new_root, 3), &proof).is_err(), "{old} to {new}");
            if old < new {
                let reversed = verify_consistency(new, old, &new_root, &old_root, &proof);
                assert_eq!(reversed, Err(ProofError::SizesReversed { old: new, new: old }));
            }
        }
    }
}

#[test]
fn a_failing_read_is_the_provers_error() {
    assert_eq!(prove_inclusion(1, 4, |_| Err("disk")), Err(ProveError::Fetch("disk")));
    assert_eq!(prove_consistency(3, 4, |_| Err("disk")), Err(ProveError::Fetch("disk")));
    assert_eq!(root_at(3, |_| Err("disk")), Err("disk"));
    let reversed = prove_consistency(4, 3, |_| Err("disk"));
    assert_eq!(reversed, Err(ProveError::SizesReversed { old: 4, new: 3 }));
}

#[test]
fn ranges_that_touch_join_wherever_they_begin() {
    let mut naive = Naive::new();
    let mut leaves = |begin: u64, end: u64| {
        let mut range = CompactRange::new(begin);
        (begin..end).for_each(|at| range.push(naive.hash(at, at + 1)).unwrap());
        range
    };
    for end in 0..=40 {
        for middle in 0..=end {
            for begin in 0..=middle {
                let (mut left, right) = (leaves(begin, middle), leaves(middle, end));
                left.append(&right).unwrap();
                let whole = leaves(begin, end);
                assert_eq!(left, whole, "{begin} {middle} {end}");
                let stored = CompactRange::from_nodes(begin, end, whole.nodes().to_vec());
                assert_eq!(stored, Ok(whole), "{begin} {end}");
            }
        }
    }
}

#[test]
fn aligned_subtrees_stand_for_their_leaves() {
    let mut naive = Naive::new();
    for begin in [0, 1, 2, 7, 8, 100, 255, 256] {
        let mut range = CompactRange::new(begin);
        for node in cover(begin, SIZE_MAX) {
            range.push_node(node.level, naive.fetch(node).unwrap()).unwrap();
        }
        let mut by_leaf = CompactRange::new(begin);
        (begin..SIZE_MAX).for_each(|at| by_leaf.push(naive.hash(at, at + 1)).unwrap());
        assert_eq!(range, by_leaf, "{begin}");
        for (id, hash) in range.iter() {
            assert_eq!(naive.fetch(id), Ok(hash), "{id:?}");
        }
    }
}

#[test]
fn impossible_steps_are_refused_and_change_nothing() {
    let node = empty_root();
    let mut range = CompactRange::new(3);
    range.push(node).unwrap();
    let before = range.clone();
    assert_eq!(range.push_node(3, node), Err(RangeError::Unaligned { level: 3, end: 4 }));
    assert_eq!(range.push_node(64, node), Err(RangeError::Unaligned { level: 64, end: 4 }));
    let apart = CompactRange::new(5);
    assert_eq!(range.append(&apart), Err(RangeError::NotAdjacent { end: 4, begin: 5 }));
    assert_eq!(range.root(), Err(RangeError::NoRoot { begin: 3 }));
    assert_eq!(range, before);
    assert_eq!(CompactRange::new(u64::MAX).push(node), Err(RangeError::Full));
    assert_eq!(CompactRange::new(1 << 63).push_node(63, node), Err(RangeError::Full));
    for (begin, end, count) in [(0, 3, 1), (0, 3, 3), (4, 3, 0), (0, 0, 1), (1, 8, 1)] {
        let refused = CompactRange::from_nodes(begin, end, vec![node; count]);
        assert_eq!(refused, Err(RangeError::NodeCount { begin, end, count }));
    }
    assert_eq!(NodeId { level: 64, index: 0 }.leaves(), None);
    assert_eq!(NodeId { level: 63, index: 2 }.leaves(), None);
    assert_eq!(cover(1, u64::MAX).count(), 126);
}
