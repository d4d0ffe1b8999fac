//! Tiles, bundles, their paths; proofs of inclusion and consistency.
//!
//! What is read is written again as it was. In a small tree that is known in full, only the one
//! right proof of a true statement is taken.

use std::convert::Infallible;
use std::sync::LazyLock;

use shoseki_engine::proof::{
    BundleId, CompactRange, NodeId, Tile, TileId, bundle_entries, encode_bundle, leaf_hash_of,
    node_hash, parse_bundle, prove_consistency, prove_inclusion, verify_consistency,
    verify_inclusion,
};
use shoseki_engine::types::NodeHash;

use crate::input::Input;
use crate::memory::within;

const LEAVES: u64 = 40;

static LEAF_HASHES: LazyLock<Vec<NodeHash>> =
    LazyLock::new(|| (0..LEAVES).map(|n| leaf_hash_of(&n.to_le_bytes())).collect());

/// Roots of the first so many leaves, by the definition in RFC 6962.
static ROOTS: LazyLock<Vec<NodeHash>> =
    LazyLock::new(|| (0..=LEAF_HASHES.len()).map(|size| naive(&LEAF_HASHES[..size])).collect());

fn naive(leaves: &[NodeHash]) -> NodeHash {
    match leaves {
        [] => CompactRange::new(0).root().unwrap(),
        [one] => *one,
        more => {
            let (left, right) = more.split_at(more.len().next_power_of_two() / 2);
            node_hash(&naive(left), &naive(right))
        }
    }
}

pub(super) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    match input.u8() % 4 {
        0 => paths(input.rest()),
        1 => contents(&mut input),
        2 => inclusion(&mut input),
        _ => consistency(&mut input),
    }
}

fn paths(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    if let Some(tile) = TileId::parse_path(text) {
        assert_eq!(tile.path(), text);
        assert_eq!(TileId::new(tile.level(), tile.index(), tile.width()), Some(tile));
        assert_eq!(tile.nodes().count(), usize::from(tile.width()));
    }
    if let Some(bundle) = BundleId::parse_path(text) {
        assert_eq!(bundle.path(), text);
    }
}

fn contents(input: &mut Input<'_>) {
    let (level, width) = (input.u8() % 9, input.u16() % 258);
    let (index, bytes) = (input.seq(), input.rest());
    let limit = 4096 + bytes.len() * 4;
    if let Some(id) = TileId::new(level, index, width)
        && let Ok(tile) = within(limit, "a tile", || Tile::parse(id, bytes))
    {
        assert_eq!(tile.to_bytes(), bytes);
        assert_eq!(Tile::from_hashes(id, tile.hashes().to_vec()), Ok(tile.clone()));
        for (node, hash) in id.nodes().zip(tile.hashes()) {
            assert_eq!(tile.node(node), Some(*hash));
        }
        for node in [(0, 0), (7, 1), (8, index), (63, 1), (255, u64::MAX)] {
            let _ = tile.node(NodeId { level: node.0, index: node.1 });
        }
    }
    if let Some(id) = BundleId::new(index, width)
        && let Ok(hashes) = within(limit, "a bundle", || parse_bundle(id, bytes))
    {
        assert_eq!(encode_bundle(&hashes), bytes);
    }
    let entries: Vec<_> = bundle_entries(bytes).collect();
    let len: usize = entries.iter().flatten().map(|entry| entry.len() + 2).sum();
    assert!(len <= bytes.len() && (len == bytes.len() || entries.last().unwrap().is_err()));
}

/// A node of the known tree.
fn fetch(node: NodeId) -> Result<NodeHash, Infallible> {
    let leaves = node.leaves().unwrap();
    let place = |seq: u64| usize::try_from(seq).unwrap();
    Ok(naive(&LEAF_HASHES[place(leaves.start)..place(leaves.end)]))
}

fn hash(input: &mut Input<'_>) -> NodeHash {
    let pick = usize::from(input.u8());
    match LEAF_HASHES.iter().chain(ROOTS.iter()).nth(pick) {
        Some(hash) => *hash,
        None => NodeHash(input.array()),
    }
}

/// A right proof after some edits.
fn edited(mut proof: Vec<NodeHash>, input: &mut Input<'_>) -> Vec<NodeHash> {
    while !input.is_empty() {
        let at = usize::try_from(input.below(proof.len() as u64 + 1)).unwrap();
        match input.u8() % 4 {
            0 => proof.insert(at, hash(input)),
            1 if at < proof.len() => {
                proof.remove(at);
            }
            2 if at < proof.len() => proof[at] = hash(input),
            _ => {
                let last = proof.len().saturating_sub(1);
                if last > 0 {
                    proof.swap(0, at.min(last));
                }
            }
        }
    }
    proof
}

fn inclusion(input: &mut Input<'_>) {
    let size = 1 + input.below(LEAVES);
    let at = input.below(size);
    let right = prove_inclusion(at, size, fetch).unwrap();
    let place = |seq: u64| usize::try_from(seq).unwrap();
    let (leaf, root) = (LEAF_HASHES[place(at)], ROOTS[place(size)]);
    assert_eq!(verify_inclusion(&leaf, at, size, &right, &root), Ok(()));
    let claimed_at = if input.u8() < 128 { at } else { input.seq() };
    let claimed_size = if input.u8() < 128 { size } else { input.seq() };
    let claimed = if input.u8() < 128 { leaf } else { hash(input) };
    let proof = edited(right, input);
    let taken = verify_inclusion(&claimed, claimed_at, claimed_size, &proof, &root).is_ok();
    // Another size may have the same shape around a leaf; then the root is the same and it is true
    // that the leaf is there. Of the true size there is one proof for each leaf.
    if taken && claimed_size == size {
        assert_eq!(LEAF_HASHES.get(place(claimed_at)), Some(&claimed), "not that leaf");
        assert_eq!(prove_inclusion(claimed_at, size, fetch), Ok(proof));
    }
}

fn consistency(input: &mut Input<'_>) {
    let new = 1 + input.below(LEAVES);
    let old = 1 + input.below(new);
    let place = |seq: u64| usize::try_from(seq).unwrap();
    let roots = (ROOTS[place(old)], ROOTS[place(new)]);
    let right = prove_consistency(old, new, fetch).unwrap();
    assert_eq!(verify_consistency(old, new, &roots.0, &roots.1, &right), Ok(()));
    let claimed_old = if input.u8() < 128 { old } else { input.seq() };
    let old_root = if input.u8() < 128 { roots.0 } else { hash(input) };
    let claimed_new = if input.u8() < 200 { new } else { input.seq() };
    let proof = edited(right, input);
    let taken = verify_consistency(claimed_old, claimed_new, &old_root, &roots.1, &proof).is_ok();
    if taken && claimed_new == new {
        assert_eq!(ROOTS.get(place(claimed_old)), Some(&old_root), "not that history");
        assert_eq!(prove_consistency(claimed_old, new, fetch), Ok(proof));
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> =
        ["tile/0/000", "tile/1/x001/234.p/5", "tile/entries/x001/x234/067"]
            .map(|path| [b"\0", path.as_bytes()].concat())
            .to_vec();
    seeds.push([b"\x01\0\x02\0\x05".as_slice(), &[9; 64]].concat());
    let hashes = [1_u8, 2].map(|n| shoseki_engine::types::RecordHash([n; 64]));
    seeds.push([b"\x01\0\x02\0\x05".as_slice(), &encode_bundle(&hashes)].concat());
    for mode in [2, 3] {
        for size in [1, 7, 8, 33] {
            seeds.push(vec![mode, size, 0, size / 2, 0, 0, 0, 0]);
            seeds.push(vec![mode, size, 0, size / 3, 0, 0, 0, 0, 1, 0, 2, 5, 0, 0, 1, 9]);
        }
    }
    seeds
}
