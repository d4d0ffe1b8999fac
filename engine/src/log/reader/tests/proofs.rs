//! Roots and proofs against a naive tree, for every size and place.

use super::fixture::{Fixture, Put};
use crate::log::ReadError;
use crate::log::nodes::Nodes;
use crate::proof::{
    NodeId, empty_root, node_hash, prove_consistency, prove_inclusion, verify_consistency,
    verify_inclusion,
};
use crate::types::{NodeHash, Seq, TreeSize};

/// RFC 6962 section 2.1, word for word.
fn naive_root(leaves: &[NodeHash]) -> NodeHash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            node_hash(&naive_root(&leaves[..split]), &naive_root(&leaves[split..]))
        }
    }
}

/// Segments that share tiles, an active file across a tile's edge.
fn log() -> Fixture {
    let mut fixture = Fixture::new();
    for count in [100, 7, 143, 3] {
        fixture.seal(count);
    }
    fixture.active(&[Put::Records(30), Put::Records(21), Put::Mark]);
    fixture
}

#[test]
fn proofs_of_every_place_and_size_hold() {
    let fixture = log();
    let reader = fixture.open();
    let leaves = fixture.leaves();
    let size = fixture.size();
    let roots: Vec<NodeHash> = (0..=size).map(|n| naive_root(&leaves[..n as usize])).collect();
    let view = reader.view();
    let mut nodes = Nodes::new(&reader.parts, &view);
    for (new, root) in (0..=size).zip(&roots) {
        assert_eq!(reader.root_at(TreeSize(new)).unwrap(), *root, "root of {new}");
        for index in 0..new {
            let proof = prove_inclusion(index, new, |id| nodes.get(id)).unwrap();
            verify_inclusion(&leaves[index as usize], index, new, &proof, root).unwrap();
            let old = index + 1;
            let proof = prove_consistency(old, new, |id| nodes.get(id)).unwrap();
            verify_consistency(old, new, &roots[old as usize], root, &proof).unwrap();
        }
    }
}

/// The last tile of a segment may be as long as what is left of a whole tile before it: its leaves
/// were once taken for those.
#[test]
fn a_whole_tile_is_not_mixed_up_with_the_part_behind_it() {
    let mut fixture = Fixture::new();
    fixture.seal(100);
    fixture.seal(700);
    let reader = fixture.open();
    let leaves = fixture.leaves();
    for size in 500..=fixture.size() {
        let root = reader.root_at(TreeSize(size)).unwrap();
        assert_eq!(root, naive_root(&leaves[..size as usize]), "root of {size}");
    }
}

#[test]
fn proofs_over_whole_tiles_hold() {
    let fixture = super::mixed();
    let reader = fixture.open();
    let leaves = fixture.leaves();
    let size = fixture.size();
    for new in (1..=size).step_by(97).chain([256, 257, 512, 768, 842, 843, size]) {
        let root = naive_root(&leaves[..new as usize]);
        assert_eq!(reader.root_at(TreeSize(new)).unwrap(), root, "root of {new}");
        for index in (0..new).step_by(61) {
            let proof = reader.prove_inclusion(Seq(index), TreeSize(new)).unwrap();
            assert_eq!(proof.record_hash, fixture.hashes[index as usize]);
            assert_eq!((proof.leaf_index, proof.tree_size), (index, TreeSize(new)));
            verify_inclusion(&proof.leaf_hash, index, new, &proof.hashes, &root).unwrap();
            let proof = reader.prove_consistency(TreeSize(index + 1), TreeSize(new)).unwrap();
            let old = naive_root(&leaves[..=index as usize]);
            verify_consistency(index + 1, new, &old, &root, &proof.hashes).unwrap();
        }
    }
}

#[test]
fn questions_beyond_the_log_are_refused() {
    let fixture = log();
    let reader = fixture.open();
    let size = fixture.size();
    assert!(matches!(
        reader.prove_inclusion(Seq(0), TreeSize(size + 1)),
        Err(ReadError::NoSuchSize { .. })
    ));
    assert!(matches!(
        reader.prove_inclusion(Seq(9), TreeSize(9)),
        Err(ReadError::NoSuchRecord { seq: Seq(9), size: TreeSize(9) })
    ));
    assert!(matches!(
        reader.prove_consistency(TreeSize(9), TreeSize(8)),
        Err(ReadError::SizesReversed { .. })
    ));
    let nothing = reader.prove_consistency(TreeSize(0), TreeSize(8));
    assert!(matches!(nothing, Err(ReadError::EmptyTree)));
    assert!(matches!(reader.root_at(TreeSize(u64::MAX)), Err(ReadError::NoSuchSize { .. })));
    let beyond = NodeId { level: 8, index: 1 };
    assert!(matches!(reader.node(beyond), Err(ReadError::NoSuchSize { .. })));
    let widest = NodeId { level: 63, index: 7 };
    assert!(matches!(reader.node(widest), Err(ReadError::NoSuchSize { .. })));
}

#[test]
fn a_damaged_record_breaks_only_the_proofs_that_need_it() {
    let mut fixture = Fixture::new();
    fixture.seal(256);
    fixture.seal(256);
    fixture.seal(20);
    let name = "sealed/00000000000000000000-00000000000000000256.seg";
    let blocks = std::fs::read(fixture.path().join(name)).unwrap();
    let head = blocks.windows(4).position(|w| w == b"SHBK").unwrap();
    fixture.flip(name, head + 24 + 16 * 80 + 256 * 4 + 50);
    let reader = fixture.open();
    assert!(reader.read(Seq(0)).unwrap().is_damaged());
    assert!(matches!(
        reader.prove_inclusion(Seq(200), TreeSize(532)),
        Err(ReadError::Damaged { seq: Seq(0) })
    ));
    let proof = reader.prove_inclusion(Seq(300), TreeSize(532)).unwrap();
    let root = naive_root(&fixture.leaves());
    verify_inclusion(&proof.leaf_hash, 300, 532, &proof.hashes, &root).unwrap();
}
