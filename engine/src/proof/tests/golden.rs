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

const CHECKPOINT: &str = concat!(
    "shoseki.example/test\n",
    "11\n",
    "SNfzdNoj03HXw1lGkaqounK/Vf7BAsNgDsas5qsvGVI=\n",
    "\n",
    "— shoseki.example/test jhU3y59RujLsloIwwuUWfvYgC0d3FWuw3UrS8/C5AsAiLR6jS5eHo",
    "dZ9R9Xjvt1MyRpHtE96M79j/LXRJh613XtthQc=\n",
);

const ANCHOR: &str = concat!(
    "shoseki-anchor/v1 shoseki.example/test\n",
    "first_seq 4\n",
    "count 5\n",
    "chain_before f4149b399a36e859cad37473d2df3ef6e21da3006f2f5295ae6c2b11a87fc62",
    "0be9597363ce661a315a0cd00714ffe897fda32945d8e4fec9257b6f14bbc3c27\n",
    "chain_after 7fd04575a47399ecb26cd60ac61cd5cc2bad49ad1e00e38bffc3ff323711e338",
    "952b427f3e11b93ca0e16282345f288cdfe7b06e5ca64f8f8d05dfe14b19b55c\n",
    "segment_root Pm2dRkUL4M/8Y19zxZhexeS3R2k+WZYgjKAlgY4fDTs=\n",
    "log_size 11\n",
    "log_root SNfzdNoj03HXw1lGkaqounK/Vf7BAsNgDsas5qsvGVI=\n",
    "time 2026-11-21T10:00:00.250Z\n",
    "\n",
    "— shoseki.example/test jhU3y7Yus0zggKLB0bTx+y/iZdtdERLwC4Rd7/HoczyADD0CFZtMW",
    "14veDBDY5dn8Gesz0P0+Pnev39dwA61QbUTFwE=\n",
);

const SEAL: &str = concat!(
    "shoseki-seal/v1 shoseki.example/test\n",
    "first_seq 4\n",
    "count 5\n",
    "sha256 b9d34ae5c59898801c39babeeff98d8c14077571f17d4176aa7cc3569db0c3df\n",
    "ordered_by -\n",
    "\n",
    "— shoseki.example/test jhU3y1uzYiPbKzi/NEldsJyniQU+sfJHVhhp8x+RwfSdLQGuACkGH",
    "RWIFeGWahhnstC5n2JgN4SYCbxOAaPOoAavBwk=\n",
);

const KEY_LIST: &str = concat!(
    "shoseki-key/v1 shoseki.example/test\n",
    "index 0\n",
    "valid_from 0\n",
    "key shoseki.example/test+8e1537cb+Af+BL4TlNXDDaulHmq1x5knDzEoEpnaGMhUP691moj",
    "io\n",
    "\n",
    "— shoseki.example/test jhU3yzgTvr08klQlaw/ITsPz3ZYTlYo6aAenh4+s6wB4o0sYV/uEk",
    "8OWm0KmupCv0cRoxg2nrz5+e/s+T1W9VsQwJww=\n",
    "shoseki-key/v1 shoseki.example/test\n",
    "index 1\n",
    "valid_from 5\n",
    "key shoseki.example/test+e4b10958+AVk14KfBgsGtY6B5FQfmZSBicy9bms0t4/5gcf8Yyl",
    "wO\n",
    "\n",
    "— shoseki.example/test jhU3y2vPZ9ZORAVc/ejbh37ZJe3ZyRuZj+MuOOQCq2FRFy8mwVLGF",
    "VZIPMCC5A5T/9Xej+HYYmCbqZ8X1Dd+BsW1awQ=\n",
    "shoseki-key/v1 shoseki.example/test\n",
    "index 2\n",
    "valid_from 9\n",
    "key shoseki.example/test+7670e3a0+AVfB0nvmgeoo5PN/fBhcSQihIbpXGgT8vYEXIOHKg8",
    "CF\n",
    "\n",
    "— shoseki.example/test 5LEJWJpws2q4g8egpCJTdC6rsnWObcPSpEzxKtaA5lOs8dLlcYgHU",
    "AS4hx3A2oxdZPutJwZx9qv7nID7jDKI8Tb6vAs=\n",
);

const VERIFIER_KEY: &str =
    "shoseki.example/test+8e1537cb+Af+BL4TlNXDDaulHmq1x5knDzEoEpnaGMhUP691mojio";

const IDENTITY: &str = concat!(
    "{\"format\":0,\"origin\":\"shoseki.example/test\",\"log_id\":\"00112233445566778899aa",
    "bbccddeeff\"}\n",
);

#[test]
fn texts_and_signatures_are_the_golden_ones() {
    let key = test_key(0);
    let verifier = key.verifier();
    assert_eq!(verifier.to_string(), VERIFIER_KEY);
    assert_eq!(VerifierKey::parse(VERIFIER_KEY), Ok(verifier.clone()));
    assert_eq!(checkpoint().sign(&key).unwrap(), CHECKPOINT);
    assert_eq!(Checkpoint::open(CHECKPOINT.as_bytes(), &verifier), Ok(checkpoint()));
    assert_eq!(anchor().sign(&key).unwrap(), ANCHOR);
    assert_eq!(Anchor::open(ANCHOR.as_bytes(), &verifier), Ok(anchor()));
    assert_eq!(seal().sign(&key).unwrap(), SEAL);
    assert_eq!(FileSeal::open(SEAL.as_bytes(), &verifier), Ok(seal()));
    assert_eq!(key_list().to_text(), KEY_LIST);
    assert_eq!(KeyList::parse(KEY_LIST.as_bytes()), Ok(key_list()));
    assert_eq!(identity().to_bytes(), IDENTITY.as_bytes());
    assert_eq!(LogIdentity::parse(IDENTITY.as_bytes()), Some(identity()));
}

#[test]
fn keys_have_the_form_that_openssl_writes_and_reads() {
    let key = test_key(0);
    let secret = "MC4CAQAwBQYDK2VwBCIEIAAHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";
    let private = format!("-----BEGIN {0}-----\n{secret}\n-----END {0}-----\n", "PRIVATE KEY");
    assert_eq!(*key.to_pem().unwrap(), private);
    let read = SigningKey::from_pem(key.origin().clone(), &private).unwrap();
    assert_eq!(read.verifier(), key.verifier());
    assert_eq!(read.sign(b"x"), key.sign(b"x"));
    let public = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEA/4EvhOU1cMNq6UearXHmScPMSgSmdoYyFQ/r3WaiOKg=\n\
        -----END PUBLIC KEY-----\n";
    assert_eq!(key.verifier().to_pem().unwrap(), public);
    for wrong in ["", public, &private.replace("MC4C", "MC4D")] {
        assert_eq!(SigningKey::from_pem(key.origin().clone(), wrong).err(), Some(KeyError::Pem));
    }
    assert_eq!(format!("{key:?}"), format!("SigningKey({VERIFIER_KEY})"));
}

#[test]
fn a_key_signs_only_for_its_own_log() {
    let key = SigningKey::generate(Origin::new("other.example").unwrap(), &[3; 32]);
    assert_eq!(checkpoint().sign(&key), Err(NoteError::OtherOrigin));
    assert_eq!(anchor().sign(&key), Err(NoteError::OtherOrigin));
    assert_eq!(seal().sign(&key), Err(NoteError::OtherOrigin));
    // Signed all the same, as a thief of that key could: still not this log's.
    let forged = key.sign_note(&checkpoint().to_text()).unwrap();
    let refused = SignedError::Note(NoteError::OtherOrigin);
    assert_eq!(Checkpoint::open(forged.as_bytes(), &key.verifier()), Err(refused));
    let list = KeyList::create(&key);
    assert_eq!(list.open_checkpoint(forged.as_bytes()), Err(refused));
    let forged_anchor = key.sign_note(&anchor().to_text()).unwrap();
    assert_eq!(Anchor::open(forged_anchor.as_bytes(), &key.verifier()), Err(refused));
    assert_eq!(list.open_anchor(forged_anchor.as_bytes()), Err(refused));
    let forged_seal = key.sign_note(&seal().to_text()).unwrap();
    assert_eq!(FileSeal::open(forged_seal.as_bytes(), &key.verifier()), Err(refused));
    assert_eq!(list.open_seal(forged_seal.as_bytes()), Err(refused));
    let unsigned = Err(SignedError::Note(NoteError::Unsigned));
    assert_eq!(Checkpoint::open(forged.as_bytes(), &test_key(0).verifier()), unsigned);
}

#[test]
fn the_chain_begins_with_origin_and_id() {
    let text = b"shoseki/v1\nshoseki.example/test\n";
    let id = identity().log_id;
    let begin = record_hash(&[&text[..], &id.0].concat());
    assert_eq!(chain_genesis(&identity().origin, &id).0, begin.0);
    let next = record_hash(&[begin.0, begin.0].concat());
    assert_eq!(chain_next(&ChainHash(begin.0), &begin).0, next.0);
}
