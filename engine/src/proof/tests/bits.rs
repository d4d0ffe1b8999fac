//! Every single-byte change of signed texts, and of the identity, is found.

use super::*;

/// All texts that differ from `bytes` in one byte: three changes of each byte.
fn changed(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len()).flat_map(move |at| {
        [1, 0x20, 0xff].map(|mask| {
            let mut copy = bytes.to_vec();
            copy[at] ^= mask;
            (at, copy)
        })
    })
}

#[test]
fn no_byte_of_a_signed_checkpoint_can_change() {
    let key = test_key(0);
    let note = golden::checkpoint().sign(&key).unwrap();
    for (at, wrong) in changed(note.as_bytes()) {
        assert!(Checkpoint::open(&wrong, &key.verifier()).is_err(), "byte {at}");
        assert!(KeyList::create(&key).open_checkpoint(&wrong).is_err(), "byte {at}");
    }
}

#[test]
fn no_byte_of_a_signed_anchor_or_seal_can_change() {
    let key = test_key(0);
    for (at, wrong) in changed(golden::anchor().sign(&key).unwrap().as_bytes()) {
        assert!(Anchor::open(&wrong, &key.verifier()).is_err(), "byte {at}");
    }
    for (at, wrong) in changed(golden::seal().sign(&key).unwrap().as_bytes()) {
        assert!(FileSeal::open(&wrong, &key.verifier()).is_err(), "byte {at}");
    }
}

#[test]
fn a_signature_by_an_unknown_key_is_carried_and_not_judged() {
    let (key, stranger) = (test_key(0), test_key(1));
    let note = golden::checkpoint().sign(&key).unwrap();
    let other = golden::checkpoint().sign(&stranger).unwrap();
    let line = other.lines().next_back().unwrap();
    let both = format!("{note}{line}\n");
    for (at, wrong) in changed(both.as_bytes()).filter(|(at, _)| *at >= note.len()) {
        // Whatever still is a note still is one of `key`, and never one of the stranger.
        if let Ok(parsed) = Note::parse(&wrong) {
            assert_eq!(parsed.verify_by(&key.verifier()), Ok(()), "byte {at}");
            assert!(parsed.verify_by(&stranger.verifier()).is_err(), "byte {at}");
        }
    }
}

#[test]
fn no_byte_of_a_key_list_can_change() {
    let list = golden::key_list();
    let text = list.to_text();
    for (at, wrong) in changed(text.as_bytes()) {
        assert!(KeyList::parse(&wrong).is_err(), "byte {at}");
    }
    for end in 1..text.len() {
        let cut = KeyList::parse(&text.as_bytes()[..end]);
        // A list cut between two keys is an older list, and a valid one.
        assert!(cut.is_err() || text.starts_with(&cut.unwrap().to_text()), "{end}");
    }
}

#[test]
fn no_byte_of_the_verifier_key_can_change() {
    let key = test_key(0).verifier();
    assert_eq!(VerifierKey::parse_line(key.to_line().as_bytes()), Ok(key.clone()));
    for (at, wrong) in changed(key.to_line().as_bytes()) {
        assert!(VerifierKey::parse_line(&wrong).is_err(), "byte {at}");
    }
}

#[test]
fn a_changed_identity_is_refused_or_another_identity() {
    let identity = golden::identity();
    let bytes = identity.to_bytes();
    let (mut refused, mut other) = (0, 0);
    for (at, wrong) in changed(&bytes) {
        match LogIdentity::parse(&wrong) {
            None => refused += 1,
            Some(parsed) => {
                other += 1;
                assert_eq!(parsed.to_bytes(), wrong, "byte {at}");
                assert_ne!(parsed.sha256(), identity.sha256(), "byte {at}");
            }
        }
    }
    assert!(refused > 150 && other > 30, "{refused} {other}");
}
