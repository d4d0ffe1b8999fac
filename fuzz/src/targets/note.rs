//! Texts that are signed or checked by one spelling: notes, checkpoints, anchors, seals, key lists,
//! keys, identities, times.
//!
//! What is read is written again as it was. A text under our own key is opened exactly where it
//! parses and names our log.

use shoseki_engine::proof::{
    Anchor, Checkpoint, FileSeal, ForeignCheckpoint, KeyList, LogIdentity, Note, SigningKey,
    UtcTime, VerifierKey, base64_decode, base64_encode, decimal_parse,
};
use shoseki_engine::types::{Origin, TreeSize};

use crate::fixture;
use crate::memory::within;

pub(super) fn run(data: &[u8]) {
    let (mode, bytes) = data.split_first().map_or((0, data), |(mode, bytes)| (*mode, bytes));
    // Made before it is measured.
    let limit = (1 << 16) + fixture::SMALL.bodies.len() + bytes.len() * 32;
    within(limit, "parsing", || {
        note(bytes);
        exact(bytes);
        if let Ok(text) = core::str::from_utf8(bytes) {
            texts(text);
            if mode & 1 == 1 {
                signed(text);
            }
        }
    });
}

fn note(bytes: &[u8]) {
    let log = &fixture::SMALL;
    let list = KeyList::create(&log.key);
    let Ok(note) = Note::parse(bytes) else {
        assert!(list.open_checkpoint(bytes).is_err() && list.open_anchor(bytes).is_err());
        return;
    };
    let mut again = format!("{}\n", note.text());
    for line in note.signatures() {
        let signature = [line.key_id.as_slice(), &line.signature].concat();
        again.push_str(&format!("\u{2014} {} {}\n", line.name, base64_encode(&signature)));
    }
    assert_eq!(again.as_bytes(), bytes);
    let ours = note.verify_by(&log.vkey()).is_ok();
    assert!(!ours || is_signed(note.text()), "somebody else's text under our key");
    assert!(ours || list.open_checkpoint(bytes).is_err());
    assert!(ours || list.open_seal(bytes).is_err());
}

/// The only texts under our key that inputs can hold are those of the seeds.
fn is_signed(text: &str) -> bool {
    let log = &fixture::SMALL;
    let mut signed = notes(log);
    signed.push(KeyList::create(&log.key).to_text().into_bytes());
    signed.iter().any(|note| Note::parse(note).unwrap().text() == text)
}

fn exact(bytes: &[u8]) {
    if let Ok(list) = KeyList::parse(bytes) {
        assert_eq!(list.to_text().as_bytes(), bytes);
        let sizes = [0, 1, 10, u64::MAX].map(TreeSize);
        assert!(sizes.iter().all(|size| list.accepts(*size).any(|key| key == list.key_for(*size))));
    }
    if let Some(identity) = LogIdentity::parse(bytes) {
        assert_eq!(identity.to_bytes(), bytes);
    }
    if let Ok(key) = VerifierKey::parse_line(bytes) {
        assert_eq!(key.to_line().as_bytes(), bytes);
    }
}

fn texts(text: &str) {
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
        assert_eq!(VerifierKey::new(key.name(), &key.public_bytes()).as_ref(), Ok(&key));
    }
    if let Some(time) = UtcTime::parse(text) {
        assert_eq!(time.to_string(), text);
    }
    if let Some(number) = decimal_parse(text) {
        assert_eq!(number.to_string(), text);
    }
    if let Some(bytes) = base64_decode(text) {
        assert_eq!(base64_encode(&bytes), text);
    }
    let origin = || fixture::SMALL.identity.origin.clone();
    if let Ok(key) = SigningKey::from_pem(origin(), text) {
        let pem = key.to_pem().unwrap();
        let again = SigningKey::from_pem(origin(), &pem).unwrap();
        assert_eq!(again.verifier(), key.verifier());
    }
    let _ = ForeignCheckpoint::parse(text);
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert_eq!(checkpoint.to_text(), text);
    }
    if let Ok(anchor) = Anchor::parse(text) {
        assert_eq!(anchor.to_text(), text);
    }
    if let Ok(seal) = FileSeal::parse(text) {
        assert_eq!(seal.to_text(), text);
    }
    if let Ok(origin) = Origin::new(text) {
        assert_eq!(origin.as_str(), text);
    }
}

fn signed(text: &str) {
    let log = &fixture::SMALL;
    let Ok(note) = log.key.sign_note(text) else { return };
    let parsed = Note::parse(note.as_bytes()).unwrap();
    assert_eq!((parsed.text(), parsed.verify_by(&log.vkey())), (text, Ok(())));
    let own = |origin: &Origin| *origin == log.identity.origin;
    let list = KeyList::create(&log.key);
    let wanted = Checkpoint::parse(text).is_ok_and(|checkpoint| own(&checkpoint.origin));
    assert_eq!(list.open_checkpoint(note.as_bytes()).is_ok(), wanted);
    let wanted = Anchor::parse(text).is_ok_and(|anchor| own(&anchor.origin));
    assert_eq!(list.open_anchor(note.as_bytes()).is_ok(), wanted);
    let wanted = FileSeal::parse(text).is_ok_and(|seal| own(&seal.origin));
    assert_eq!(list.open_seal(note.as_bytes()).is_ok(), wanted);
}

fn notes(log: &shoseki_lab::evidence::Log) -> Vec<Vec<u8>> {
    let anchor = &log.files["anchors/2026-11-20/anchor"];
    let seal = shoseki_lab::evidence::sign_seal(&log.key, &log.identity, 0, 3, [4; 32]);
    vec![log.checkpoint(3), log.checkpoint(7), anchor.clone(), seal.into_bytes()]
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let log = &fixture::SMALL;
    let other = SigningKey::generate(log.identity.origin.clone(), &[9; 32]);
    let list = KeyList::create(&log.key);
    let rotated = list.rotate(&log.key, &other.verifier(), TreeSize(5)).unwrap();
    let mut texts = notes(log);
    texts.extend([
        log.identity.to_bytes(),
        log.vkey().to_line().into_bytes(),
        log.vkey().to_string().into_bytes(),
        list.to_text().into_bytes(),
        rotated.to_text().into_bytes(),
        other.to_pem().unwrap().as_bytes().to_vec(),
        b"2026-11-21T09:30:00.250Z".to_vec(),
        b"18446744073709551615".to_vec(),
        base64_encode(&[1, 2, 3, 4]).into_bytes(),
    ]);
    let mut seeds: Vec<Vec<u8>> =
        texts.iter().map(|text| [&[0], text.as_slice()].concat()).collect();
    for note in notes(log) {
        let text = Note::parse(&note).unwrap().text().as_bytes().to_vec();
        seeds.push([&[1], text.as_slice()].concat());
    }
    seeds
}
