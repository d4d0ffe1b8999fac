//! Vectors of others: Merkle proofs, a whole C2SP log, SHA-512 and Ed25519.

use super::*;

fn hash_of(value: &Value) -> Option<NodeHash> {
    let bytes = base64_decode(value.as_str()?)?;
    Some(NodeHash(bytes.try_into().ok()?))
}

/// A root of a vector. Some are words instead of hashes; their hash stands for them, so that equal
/// ones stay equal.
fn root_of(value: &Value) -> NodeHash {
    let word = || leaf_hash_of(&base64_decode(value.as_str().unwrap()).unwrap());
    hash_of(value).unwrap_or_else(word)
}

/// The proof of a vector; `None` where one of its entries is no hash at all.
fn proof_of(value: &Value) -> Option<Vec<NodeHash>> {
    value.as_array().map_or(Some(Vec::new()), |hashes| hashes.iter().map(hash_of).collect())
}

/// Runs `verify` over a file of vectors; returns how many were (accepted, refused).
fn run(path: &str, verify: impl Fn(&Value, &[NodeHash]) -> Option<()>) -> Option<(u32, u32)> {
    let (mut accepted, mut refused) = (0, 0);
    for case in json_lines(path)? {
        let verdict = proof_of(&case["proof"]).and_then(|proof| verify(&case, &proof));
        assert_eq!(verdict.is_none(), case["wantErr"].as_bool().unwrap(), "{}", case["case"]);
        if verdict.is_some() { accepted += 1 } else { refused += 1 }
    }
    Some((accepted, refused))
}

fn number(case: &Value, name: &str) -> u64 {
    case[name].as_u64().unwrap()
}

/// The draft on subtrees: `[start, end)` is one where `start` is a multiple of the smallest power
/// of two that is not below its width.
fn is_subtree(start: u64, end: u64) -> bool {
    let width = end.checked_sub(start).filter(|width| *width > 0);
    let power = width.and_then(u64::checked_next_power_of_two);
    power.is_some_and(|power| start.is_multiple_of(power))
}

#[test]
fn inclusion_vectors() {
    let verdict = run("merkle/inclusion.jsonl", |case, proof| {
        let (index, size) = (number(case, "leafIdx"), number(case, "treeSize"));
        let (leaf, root) = (hash_of(&case["leafHash"])?, root_of(&case["root"]));
        verify_inclusion(&leaf, index, size, proof, &root).ok()
    });
    assert!(verdict.is_none_or(|counts| counts == (6, 92)), "{verdict:?}");
}

#[test]
fn consistency_vectors() {
    let verdict = run("merkle/consistency.jsonl", |case, proof| {
        let (old, new) = (number(case, "size1"), number(case, "size2"));
        let (old_root, new_root) = (root_of(&case["root1"]), root_of(&case["root2"]));
        verify_consistency(old, new, &old_root, &new_root, proof).ok()
    });
    assert!(verdict.is_none_or(|counts| counts == (6, 92)), "{verdict:?}");
}

/// A subtree is a tree in its own coordinates, so the same verification serves.
#[test]
fn subtree_inclusion_vectors() {
    let verdict = run("merkle/subtreeinclusion.jsonl", |case, proof| {
        let (start, end) = (number(case, "start"), number(case, "end"));
        let index = number(case, "leafIdx").checked_sub(start)?;
        let (leaf, root) = (hash_of(&case["leafHash"])?, root_of(&case["root"]));
        let valid = is_subtree(start, end).then_some(end - start)?;
        verify_inclusion(&leaf, index, valid, proof, &root).ok()
    });
    assert!(verdict.is_none_or(|counts| counts == (12, 192)), "{verdict:?}");
}

/// Only filled subtrees from leaf 0: those are trees. Others are no two states of a log.
#[test]
fn subtree_consistency_vectors_of_whole_trees() {
    let Some(cases) = json_lines("merkle/subtreeconsistency.jsonl") else { return };
    let (mut judged, mut passed_over) = (0, 0);
    for case in cases {
        let (start, end) = (number(&case, "start"), number(&case, "end"));
        if start != 0 || end == 0 {
            passed_over += 1;
            continue;
        }
        let verdict = (|| {
            let proof = proof_of(&case["proof"])?;
            let (old_root, new_root) = (root_of(&case["root1"]), root_of(&case["root2"]));
            let size = is_subtree(start, end).then(|| number(&case, "size"))?;
            verify_consistency(end, size, &old_root, &new_root, &proof).ok()
        })();
        assert_eq!(verdict.is_none(), case["wantErr"].as_bool().unwrap(), "{}", case["case"]);
        judged += 1;
    }
    assert_eq!((judged, passed_over), (91, 27));
}

#[test]
fn reference_tree_of_certificate_transparency() {
    let Some(bytes) = testdata("merkle/rfc6962_reference_tree.json") else { return };
    let vector: Value = serde_json::from_slice(&bytes).unwrap();
    let hex = |value: &Value| NodeHash::from_hex(value.as_str().unwrap().as_bytes()).unwrap();
    let hexes = |value: &Value| value.as_array().unwrap().iter().map(hex).collect::<Vec<_>>();
    let leaves: Vec<NodeHash> = vector["leaves_hex"]
        .as_array()
        .unwrap()
        .iter()
        .map(|leaf| leaf_hash_of(&unhex(leaf.as_str().unwrap())))
        .collect();
    let roots = hexes(&vector["roots_hex_by_size"]);
    assert_eq!(empty_root(), hex(&vector["empty_root_hex"]));
    assert_eq!((leaves.len(), roots.len()), (8, 8));
    for (at, root) in roots.iter().enumerate() {
        assert_eq!(tree_of(leaves[..=at].iter().copied()).root(), Ok(*root));
    }
    let fetch = |node: NodeId| {
        let leaves_of = node.leaves().ok_or("no such node")?;
        let (begin, end) = (leaves_of.start.try_into().unwrap(), leaves_of.end.try_into().unwrap());
        let range: core::ops::Range<usize> = begin..end;
        Ok::<_, &str>(tree_of(leaves[range].iter().copied()).root().unwrap())
    };
    for case in vector["inclusion_paths"].as_array().unwrap() {
        let (leaf, size) = (number(case, "leaf_1based"), number(case, "snapshot"));
        let path = hexes(&case["path_hex"]);
        let Some(index) = leaf.checked_sub(1) else {
            assert!(size == 0 && path.is_empty());
            continue;
        };
        assert_eq!(prove_inclusion(index, size, fetch), Ok(path.clone()), "{case}");
        let at = |n: u64| usize::try_from(n).unwrap() - 1;
        let verdict = verify_inclusion(&leaves[at(leaf)], index, size, &path, &roots[at(size)]);
        assert_eq!(verdict, Ok(()), "{case}");
    }
    for case in vector["consistency_proofs"].as_array().unwrap() {
        let (old, new) = (number(case, "snapshot1"), number(case, "snapshot2"));
        assert_eq!(prove_consistency(old, new, fetch), Ok(hexes(&case["proof_hex"])), "{case}");
    }
}

/// The verifier key that the Tessera project publishes for this log.
const TESSERA_KEY: &str =
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";

#[test]
fn a_whole_log_of_another_implementation() {
    let key = VerifierKey::parse(TESSERA_KEY).unwrap();
    for size in 0..=15u16 {
        let Some(note) = testdata(&format!("tlog/tessera-log/checkpoint.{size}")) else { return };
        let checkpoint = Checkpoint::open(&note, &key).unwrap();
        assert_eq!(checkpoint.size, TreeSize(size.into()));
        let tiles: Vec<TileId> = tiles_of(size.into()).collect();
        if size == 0 {
            assert_eq!((checkpoint.root, tiles), (empty_root(), vec![]));
            continue;
        }
        let id = TileId::new(0, 0, size).unwrap();
        assert_eq!(tiles, [id]);
        let bundle_id = BundleId::new(0, size).unwrap();
        let bundle = testdata(&format!("tlog/tessera-log/{}", bundle_id.path())).unwrap();
        let leaves: Vec<NodeHash> =
            bundle_entries(&bundle).map(|entry| leaf_hash_of(entry.unwrap())).collect();
        let tile = Tile::from_hashes(id, leaves.clone()).unwrap();
        let stored = testdata(&format!("tlog/tessera-log/{}", id.path())).unwrap();
        assert_eq!(tile.to_bytes(), stored);
        assert_eq!(Tile::parse(id, &stored), Ok(tile.clone()));
        assert_eq!(tree_of(leaves.iter().copied()).root(), Ok(checkpoint.root));
        let fetch = |node| tile.node(node).ok_or(node);
        assert_eq!(root_at(size.into(), fetch), Ok(checkpoint.root));
        for (leaf, index) in leaves.iter().zip(0..) {
            let proof = prove_inclusion(index, size.into(), fetch).unwrap();
            let verdict = verify_inclusion(leaf, index, size.into(), &proof, &checkpoint.root);
            assert_eq!(verdict, Ok(()));
        }
    }
}

#[test]
fn sha512_vectors_of_nist() {
    for (path, expected) in [("sha512/SHA512ShortMsg.rsp", 129), ("sha512/SHA512LongMsg.rsp", 128)]
    {
        let Some(bytes) = testdata(path) else { return };
        let text = String::from_utf8(bytes).unwrap();
        let (mut len, mut message, mut count) = (0, Vec::new(), 0);
        for line in text.lines() {
            if let Some(bits) = line.strip_prefix("Len = ") {
                len = bits.trim().parse::<usize>().unwrap() / 8;
            } else if let Some(hex) = line.strip_prefix("Msg = ") {
                message = unhex(hex.trim());
            } else if let Some(hex) = line.strip_prefix("MD = ") {
                assert_eq!(record_hash(&message[..len]).to_hex(), hex.trim(), "{len}");
                count += 1;
            }
        }
        assert_eq!(count, expected);
    }
}

/// All 88 valid cases pass and all 63 invalid ones are refused: the strict rules differ from RFC
/// 8032 only for keys and nonce points of small order, which no valid case has.
#[test]
fn ed25519_vectors_of_wycheproof() {
    let Some(bytes) = testdata("signatures/wycheproof-ed25519_test.json") else { return };
    let file: Value = serde_json::from_slice(&bytes).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in file["testGroups"].as_array().unwrap() {
        let public = unhex(group["publicKey"]["pk"].as_str().unwrap());
        let key = VerifierKey::new("wycheproof", &public.try_into().unwrap()).unwrap();
        for case in group["tests"].as_array().unwrap() {
            let field = |name: &str| unhex(case[name].as_str().unwrap());
            let expected = case["result"] == "valid";
            assert_eq!(key.verify(&field("msg"), &field("sig")), expected, "{case}");
            if expected { valid += 1 } else { invalid += 1 }
        }
    }
    assert_eq!((valid, invalid), (88, 63));
}

/// With a nonce point of small order (here the neutral one) the equation of RFC 8032 holds, and
/// openssl 3.0 takes the signature; the strict rules refuse it.
#[test]
fn a_signature_with_a_nonce_point_of_small_order_is_refused() {
    let signature = unhex(concat!(
        "0100000000000000000000000000000000000000000000000000000000000000",
        "87547987aa1550c50ece609b34ebf11a82d10189cd0b3c737de304ec4c336b08",
    ));
    assert!(!test_key(0).verifier().verify(b"any text\n", &signature));
}
