//! Strict spellings, key rotation, tiles: round trips and what is refused.

use proptest::prelude::*;

use super::*;

#[test]
fn numbers_and_base64_have_one_spelling() {
    for (text, value) in [("0", 0), ("10", 10), ("18446744073709551615", u64::MAX)] {
        assert_eq!(decimal_parse(text), Some(value));
    }
    for wrong in ["", "00", "01", "+1", "-1", " 1", "1 ", "1_0", "0x1", "99999999999999999999", "١"]
    {
        assert_eq!(decimal_parse(wrong), None, "{wrong:?}");
    }
    assert_eq!(base64_decode("AAE="), Some(vec![0, 1]));
    for wrong in ["AAE", "AAF=", "AB==", "A===", "AAE=\n", "AA E=", "AAE=AAE=", "AA-_", "=", "AA="]
    {
        assert_eq!(base64_decode(wrong), None, "{wrong:?}");
    }
}

#[test]
fn times_have_one_spelling() {
    for text in [
        "1970-01-01T00:00:00Z",
        "2199-12-31T23:59:59.999999999Z",
        "2024-02-29T00:00:00.100Z",
        "2000-02-29T12:30:00.000001Z",
    ] {
        assert_eq!(UtcTime::parse(text).unwrap().as_str(), text);
    }
    for wrong in [
        "",
        "2026-11-21",
        "1969-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-00T00:00:00Z",
        "2026-11-31T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T00:60:00Z",
        "2026-11-21T00:00:60Z",
        "2026-11-21t00:00:00Z",
        "2026-11-21T00:00:00z",
        "2026-11-21T00:00:00+00:00",
        "2026-11-21T00:00:00",
        "2026-11-21T00:00:00.Z",
        "2026-11-21T00:00:00.1Z",
        "2026-11-21T00:00:00.000Z",
        "2026-11-21T00:00:00.100000Z",
        "2026-11-21T00:00:00.0000000001Z",
        "2026-11-21T00:00:00Z\n",
    ] {
        assert_eq!(UtcTime::parse(wrong), None, "{wrong:?}");
    }
}

#[test]
fn texts_name_the_line_at_fault() {
    let checkpoint = golden::checkpoint().to_text();
    assert_eq!(Checkpoint::parse(&checkpoint), Ok(golden::checkpoint()));
    let line = |text: &str| Checkpoint::parse(text).unwrap_err().line;
    assert_eq!(line(&format!("{checkpoint}extension\n")), 4);
    assert_eq!(line(&checkpoint.replace("\n11\n", "\n011\n")), 2);
    assert_eq!(line(checkpoint.trim_end()), 3);
    assert_eq!(line(&checkpoint.replace("shoseki.example/test", "a b")), 1);
    let anchor = golden::anchor().to_text();
    let line = |text: &str| Anchor::parse(text).unwrap_err();
    assert_eq!(line(&anchor.replace("count 5", "count 05")).expected, "count ");
    assert_eq!(line(&anchor.replace("anchor/v1", "anchor/v2")).line, 1);
    assert_eq!(line(&format!("{anchor}\n")).line, 10);
    let seal = golden::seal();
    let ordered = FileSeal { ordered_by: Some(Seq(12)), ..seal.clone() };
    assert_eq!(FileSeal::parse(&ordered.to_text()), Ok(ordered));
    let wrong = seal.to_text().replace("ordered_by -", "ordered_by -1");
    assert_eq!(FileSeal::parse(&wrong).unwrap_err().line, 5);
}

#[test]
fn identity_has_one_spelling() {
    let text = String::from_utf8(golden::identity().to_bytes()).unwrap();
    for wrong in [
        text.replace("{\"", "{ \""),
        text.replace("\n", ""),
        text.replace(":0,", ":00,"),
        text.replace(":0,", ":4294967296,"),
        text.replace("ccdd", "CCDD"),
        text.replace("ccdd", "cc"),
        text.replace("shoseki.example/test", ""),
        text.replace("/test", "\\/test"),
        format!("{text}\n"),
        String::new(),
    ] {
        assert_eq!(LogIdentity::parse(wrong.as_bytes()), None, "{wrong}");
    }
    let later = text.replace(":0,", ":7,");
    assert_eq!(LogIdentity::parse(later.as_bytes()).unwrap().format, 7);
}

#[test]
fn a_key_counts_from_its_size_to_that_of_the_next() {
    let list = golden::key_list();
    let keys = [0, 1, 2].map(|at| test_key(at).verifier());
    let ids = |size| list.accepts(TreeSize(size)).map(VerifierKey::id).collect::<Vec<_>>();
    let table: [(u64, usize, &[usize]); 7] = [
        (0, 0, &[0]),
        (4, 0, &[0]),
        (5, 1, &[0, 1]),
        (6, 1, &[1]),
        (9, 2, &[1, 2]),
        (10, 2, &[2]),
        (u64::MAX, 2, &[2]),
    ];
    for (size, signer, accepted) in table {
        assert_eq!(list.key_for(TreeSize(size)), &keys[signer], "{size}");
        assert_eq!(ids(size), accepted.iter().map(|at| keys[*at].id()).collect::<Vec<_>>());
    }
    assert_eq!((list.len(), list.current()), (3, &keys[2]));
    let signed = |at| golden::checkpoint().sign(&test_key(at)).unwrap();
    assert_eq!(list.open_checkpoint(signed(2).as_bytes()), Ok(golden::checkpoint()));
    let unsigned = Err(SignedError::Note(NoteError::Unsigned));
    assert_eq!(list.open_checkpoint(signed(1).as_bytes()), unsigned);
    let anchor = golden::anchor().sign(&test_key(2)).unwrap();
    assert_eq!(list.open_anchor(anchor.as_bytes()), Ok(golden::anchor()));
    let seal = golden::seal().sign(&test_key(0)).unwrap();
    assert_eq!(list.open_seal(seal.as_bytes()), Ok(golden::seal()));
}

#[test]
fn impossible_rotations_are_refused() {
    let list = golden::key_list();
    let newest = test_key(2);
    let fresh = test_key(3).verifier();
    let other = SigningKey::generate(Origin::new("other.example").unwrap(), &[3; 32]).verifier();
    let rotate = |key: &SigningKey, next, size| list.rotate(key, next, TreeSize(size)).err();
    assert_eq!(rotate(&newest, &fresh, 9), None);
    assert_eq!(rotate(&newest, &fresh, 8), Some(KeyListError::Order { index: 3 }));
    assert_eq!(rotate(&test_key(1), &fresh, 9), Some(KeyListError::NotCurrent));
    assert_eq!(rotate(&newest, &other, 9), Some(KeyListError::OtherOrigin));
    let again = test_key(1).verifier();
    assert_eq!(rotate(&newest, &again, 9), Some(KeyListError::Repeated { index: 3 }));
}

/// Lists that only the holder of the keys could make, and that are wrong all the same.
#[test]
fn well_signed_key_lists_that_break_the_rules_are_refused() {
    let (first, second) = (test_key(0), test_key(1));
    let entry = |index: usize, size: u64, key: &SigningKey, signer: &SigningKey| {
        let (origin, key) = (key.origin(), key.verifier());
        let text =
            format!("shoseki-key/v1 {origin}\nindex {index}\nvalid_from {size}\nkey {key}\n");
        signer.sign_note(&text).unwrap()
    };
    let parse = |parts: &[String]| KeyList::parse(parts.concat().as_bytes()).err();
    let good = entry(0, 0, &first, &first);
    assert_eq!(parse(&[good.clone(), entry(1, 5, &second, &first)]), None);
    assert_eq!(parse(&[entry(0, 1, &first, &first)]), Some(KeyListError::Order { index: 0 }));
    let by_other = parse(&[entry(0, 0, &first, &second)]);
    assert_eq!(by_other, Some(KeyListError::Signature { index: 0 }));
    let by_itself = parse(&[good.clone(), entry(1, 5, &second, &second)]);
    assert_eq!(by_itself, Some(KeyListError::Signature { index: 1 }));
    let repeated = parse(&[good.clone(), entry(1, 5, &first, &first)]);
    assert_eq!(repeated, Some(KeyListError::Repeated { index: 1 }));
    let gap = parse(&[good.clone(), entry(2, 5, &second, &first)]);
    assert_eq!(gap, Some(KeyListError::Text(TextError { line: 8, expected: "index " })));
    // An entry about another log, well signed by the key before it; and a key of another name.
    let signed = |origin: &str, index: usize, key: &SigningKey, signer: &SigningKey| {
        let key = key.verifier();
        let text = format!("shoseki-key/v1 {origin}\nindex {index}\nvalid_from 0\nkey {key}\n");
        let signature = [&signer.verifier().id()[..], &signer.sign(text.as_bytes())].concat();
        format!("{text}\n— {origin} {}\n", base64_encode(&signature))
    };
    let other = SigningKey::generate(Origin::new("other.example").unwrap(), &[3; 32]);
    assert_eq!(signed("shoseki.example/test", 0, &first, &first), good);
    let foreign = parse(&[good.clone(), signed("other.example", 1, &other, &first)]);
    assert_eq!(foreign, Some(KeyListError::OtherOrigin));
    let renamed = parse(&[signed("shoseki.example/test", 0, &other, &other)]);
    assert_eq!(renamed, Some(KeyListError::Text(TextError { line: 4, expected: "key " })));
    let third = test_key(2);
    let falling = [good, entry(1, 5, &second, &first), entry(2, 4, &third, &second)];
    assert_eq!(parse(&falling), Some(KeyListError::Order { index: 2 }));
    assert!(KeyList::parse(b"").is_err());
    assert_eq!(KeyList::parse(b"\xff"), Err(KeyListError::Encoding));
}

#[test]
fn tile_paths_are_those_of_the_specification() {
    for (path, level, index, width) in [
        ("tile/0/000", 0, 0, 256),
        ("tile/1/x001/234.p/5", 1, 1234, 5),
        ("tile/0/x001/x234/067", 0, 1_234_067, 256),
        ("tile/7/000.p/255", 7, 0, 255),
        ("tile/0/x072/x057/x594/x037/x927/935", 0, (1 << 56) - 1, 256),
    ] {
        let tile = TileId::new(level, index, width).unwrap();
        assert_eq!((tile.path(), TileId::parse_path(path)), (path.to_owned(), Some(tile)));
        let bundle = BundleId::new(index, width).unwrap();
        let entries = path.replacen(&format!("tile/{level}"), "tile/entries", 1);
        assert_eq!((bundle.path(), BundleId::parse_path(&entries)), (entries, Some(bundle)));
    }
    for wrong in [
        "",
        "tile/0",
        "tile/0/",
        "tile/00/000",
        "tile/8/000",
        "tile/7/001",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/001",
        "tile/0/x001",
        "tile/0/x001/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p/1.p/1",
        "tile/0/+01",
        "/tile/0/000",
        "tile/0/000/",
        "tile/-1/000",
        "tile/0/x072/x057/x594/x037/x927/936",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/3/5/x123/x456/078.p/2",
        "tile/entries/000",
    ] {
        assert_eq!(TileId::parse_path(wrong), None, "{wrong}");
    }
    assert_eq!(BundleId::parse_path("tile/0/000"), None);
    assert_eq!(BundleId::parse_path("tile/entries/x000/000"), None);
}

#[test]
fn a_tree_of_70_000_has_the_tiles_of_the_specification() {
    let tiles: Vec<TileId> = tiles_of(70_000).collect();
    let count = |level, full| {
        tiles.iter().filter(|id| id.level() == level && (id.width() == 256) == full).count()
    };
    assert_eq!([count(0, true), count(0, false)], [273, 1]);
    assert_eq!([count(1, true), count(1, false)], [1, 1]);
    assert_eq!([count(2, true), count(2, false)], [0, 1]);
    let partial: Vec<u16> = tiles.iter().map(|id| id.width()).filter(|at| *at < 256).collect();
    assert_eq!((tiles.len(), partial), (277, vec![112, 17, 1]));
    let exact: Vec<String> = tiles_of(256).map(TileId::path).collect();
    assert_eq!(exact, ["tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(tiles_of(0).count(), 0);
    assert_eq!(tiles_of(u64::MAX).next().unwrap().width(), 256);
}

/// Publishes a log of a size that has three levels, and proves from the tiles alone.
#[test]
fn proofs_come_from_published_tiles() {
    let size = 256 * 256 + 300;
    let count = usize::try_from(size).unwrap();
    let leaves: Vec<NodeHash> = test_hashes(count).iter().map(leaf_hash).collect();
    let mut tiles = std::collections::HashMap::new();
    for id in tiles_of(size) {
        let hashes: Vec<NodeHash> = id
            .nodes()
            .map(|node| match node.level {
                0 => leaves[usize::try_from(node.index).unwrap()],
                _ => below(&tiles, node),
            })
            .collect();
        let bytes = Tile::from_hashes(id, hashes).unwrap().to_bytes();
        tiles.insert(id.path(), Tile::parse(id, &bytes).unwrap());
    }
    let fetch = |node: NodeId| {
        let id = TileId::holding(node, size).ok_or(node)?;
        tiles.get(&id.path()).and_then(|tile| tile.node(node)).ok_or(node)
    };
    let root = tree_of(leaves.iter().copied()).root().unwrap();
    assert_eq!(root_at(size, fetch), Ok(root));
    for index in [0, 1, 255, 256, 65_535, 65_536, size - 1] {
        let proof = prove_inclusion(index, size, fetch).unwrap();
        let leaf = leaves[usize::try_from(index).unwrap()];
        assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root), Ok(()), "{index}");
    }
    for old in [1, 255, 256, 257, 65_536, 65_700, size] {
        let old_root = root_at(old, fetch).unwrap();
        let proof = prove_consistency(old, size, fetch).unwrap();
        assert_eq!(verify_consistency(old, size, &old_root, &root, &proof), Ok(()), "{old}");
    }
    assert_eq!(TileId::holding(NodeId { level: 17, index: 0 }, size), None);
    assert_eq!(TileId::holding(NodeId { level: 0, index: size }, size), None);
    let first = &tiles["tile/0/000"];
    assert_eq!(first.node(NodeId { level: 0, index: 256 }), None);
    assert_eq!(first.node(NodeId { level: 9, index: 0 }), None);
    assert_eq!(first.node(NodeId { level: 255, index: 0 }), None);
    assert_eq!(first.node(NodeId { level: 8, index: 0 }), Some(tiles["tile/1/000"].hashes()[0]));
}

/// The hash of a node from the tile one level below.
fn below(tiles: &std::collections::HashMap<String, Tile>, node: NodeId) -> NodeHash {
    let id = TileId::new(node.level / 8 - 1, node.index, 256).unwrap();
    tiles[&id.path()].node(node).unwrap()
}

#[test]
fn tiles_and_bundles_of_the_wrong_length_are_refused() {
    let id = TileId::new(0, 0, 2).unwrap();
    for len in [0, 32, 63, 65, 96] {
        let error = TileError::Length { width: 2, len };
        assert_eq!(Tile::parse(id, &vec![0; len]), Err(error));
    }
    let refused = Tile::from_hashes(id, vec![empty_root()]);
    assert_eq!(refused, Err(TileError::Length { width: 2, len: 32 }));
    for (level, index, width) in [(8, 0, 1), (0, 0, 0), (0, 0, 257), (7, 1, 1), (0, 1 << 56, 1)] {
        assert_eq!(TileId::new(level, index, width), None);
    }
    let hashes = test_hashes(3);
    let bytes = encode_bundle(&hashes);
    let bundle = |width| BundleId::new(9, width).unwrap();
    assert_eq!((&bytes[..2], bytes.len()), (&[0, 64][..], 198));
    assert_eq!(parse_bundle(bundle(3), &bytes), Ok(hashes));
    let count = BundleError::Count { expected: 2, found: 3 };
    assert_eq!(parse_bundle(bundle(2), &bytes), Err(count));
    let cut = parse_bundle(bundle(3), &bytes[..197]);
    assert_eq!(cut, Err(BundleError::Truncated { entry: 2 }));
    let odd = parse_bundle(bundle(1), &[0, 1, 7]);
    assert_eq!(odd, Err(BundleError::EntryLength { entry: 0 }));
    assert_eq!(bundle_entries(&[0]).count(), 1);
    assert_eq!((BundleId::new(1 << 56, 1), BundleId::new(0, 257)), (None, None));
}

fn origins() -> impl Strategy<Value = Origin> {
    "[A-Za-z0-9./_-]{1,200}".prop_map(|name| Origin::new(&name).unwrap())
}

proptest! {
    #[test]
    fn what_is_encoded_parses_to_the_same(
        origin in origins(),
        numbers in any::<[u64; 3]>(),
        root in any::<[u8; 32]>(),
        ordered in any::<Option<u64>>(),
        id in any::<[u8; 16]>(),
        seed in any::<[u8; 32]>(),
    ) {
        let [first, count, size] = numbers;
        let root = NodeHash(root);
        let checkpoint = Checkpoint { origin: origin.clone(), size: TreeSize(size), root };
        let anchor = Anchor {
            origin: origin.clone(),
            first_seq: Seq(first),
            count,
            log_size: TreeSize(size),
            log_root: root,
            ..golden::anchor()
        };
        let ordered_by = ordered.map(Seq);
        let seal = FileSeal { origin: origin.clone(), ordered_by, count, ..golden::seal() };
        prop_assert_eq!(&Checkpoint::parse(&checkpoint.to_text()).unwrap(), &checkpoint);
        prop_assert_eq!(&Anchor::parse(&anchor.to_text()).unwrap(), &anchor);
        prop_assert_eq!(&FileSeal::parse(&seal.to_text()).unwrap(), &seal);
        let format = u32::from_le_bytes([root.0[0], root.0[1], root.0[2], root.0[3]]);
        let identity = LogIdentity { format, origin: origin.clone(), log_id: LogId(id) };
        prop_assert_eq!(LogIdentity::parse(&identity.to_bytes()), Some(identity));
        let key = SigningKey::generate(origin.clone(), &seed);
        let text = key.verifier().to_string();
        prop_assert_eq!(VerifierKey::parse(&text), Ok(key.verifier()));
        let pem = key.to_pem().unwrap();
        prop_assert_eq!(SigningKey::from_pem(origin, &pem).unwrap().verifier(), key.verifier());
        let list = KeyList::create(&key);
        prop_assert_eq!(KeyList::parse(list.to_text().as_bytes()), Ok(list));
        let signed = checkpoint.sign(&key).unwrap();
        prop_assert_eq!(Checkpoint::open(signed.as_bytes(), &key.verifier()), Ok(checkpoint));
    }

    #[test]
    fn what_parses_encodes_to_the_same(
        text in "(tile/[0-8]/|tile/entries/)?(x?[0-9]{2,4}/?){0,4}(\\.p/[0-9]{1,3})?",
    ) {
        if let Some(id) = TileId::parse_path(&text) {
            prop_assert_eq!(id.path(), text);
        } else if let Some(id) = BundleId::parse_path(&text) {
            prop_assert_eq!(id.path(), text);
        }
    }

    #[test]
    fn parsers_take_any_bytes(bytes in any::<Vec<u8>>(), text in "[ -~\n—]{0,200}") {
        for input in [&bytes[..], text.as_bytes()] {
            let _ = Note::parse(input).map(|note| note.verify_by(&test_key(0).verifier()));
            let _ = (KeyList::parse(input), LogIdentity::parse(input));
            let _ = VerifierKey::parse_line(input);
            let _ = parse_bundle(BundleId::new(0, 1).unwrap(), input);
        }
        let _ = (Checkpoint::parse(&text), Anchor::parse(&text), FileSeal::parse(&text));
        let _ = (ForeignCheckpoint::parse(&text), VerifierKey::parse(&text));
        let _ = (UtcTime::parse(&text), TileId::parse_path(&text));
    }

    #[test]
    fn verification_takes_any_numbers(
        numbers in any::<[u64; 2]>(),
        count in 0usize..70,
    ) {
        let [a, b] = numbers;
        let proof = vec![empty_root(); count];
        let other = golden::checkpoint().root;
        prop_assert!(verify_inclusion(&other, a, b, &proof, &other).is_err());
        prop_assert!(a == b || verify_consistency(a, b, &other, &other, &proof).is_err());
    }
}
