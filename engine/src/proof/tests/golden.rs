//! Golden texts of a fixed log and key. They are part of the contract: a change here breaks every
//! verifier outside.

use super::*;

pub(super) fn checkpoint() -> Checkpoint {
    let root = tree_of(test_hashes(11).iter().map(leaf_hash)).root().unwrap();
    Checkpoint { origin: test_key(0).origin().clone(), size: TreeSize(11), root }
}

pub(super) fn identity() -> LogIdentity {
    let log_id = LogId(core::array::from_fn(|at| u8::try_from(at * 17).unwrap()));
    LogIdentity { format: FORMAT, origin: test_key(0).origin().clone(), log_id }
}

pub(super) fn anchor() -> Anchor {
    let hashes = test_hashes(11);
    let genesis = chain_genesis(&identity().origin, &identity().log_id);
    let chain = |end: usize| hashes[..end].iter().fold(genesis, |at, hash| chain_next(&at, hash));
    Anchor {
        origin: identity().origin,
        first_seq: Seq(4),
        count: 5,
        chain_before: chain(4),
        chain_after: chain(9),
        segment_root: tree_of(hashes[4..9].iter().map(leaf_hash)).root().unwrap(),
        log_size: TreeSize(11),
        log_root: checkpoint().root,
        time: UtcTime::parse("2026-11-21T10:00:00.250Z").unwrap(),
    }
}

pub(super) fn seal() -> FileSeal {
    let sha256 = identity().sha256();
    let origin = identity().origin;
    FileSeal { origin, first_seq: Seq(4), count: 5, sha256, ordered_by: None }
}

pub(super) fn key_list() -> KeyList {
    let keys = [0, 1, 2].map(test_key);
    let list = KeyList::create(&keys[0]);
    let list = list.rotate(&keys[0], &keys[1].verifier(), TreeSize(5)).unwrap();
    list.rotate(&keys[1], &keys[2].verifier(), TreeSize(9)).unwrap()
}
