//! Packing and unpacking of groups: any items come back; damage is an error or other records,
//! never a panic.

use proptest::prelude::*;

use super::super::compress::{Decoder, Encoder};
use super::super::pack::{Packed, Packer};
use super::super::unpack::{split, unpack};
use super::*;
use crate::format::{FormatError, GroupEncoding};

/// An item that owns its bytes.
#[derive(Clone, Debug)]
enum Item {
    Body(Vec<u8>),
    Erased([u8; 16], u8),
}

impl Item {
    fn packed(&self) -> PackedItem<'_> {
        match self {
            Self::Body(body) => PackedItem::Body(body),
            Self::Erased(id, byte) => {
                PackedItem::Erased(AuditId::from_bytes(*id), RecordHash([*byte; 64]))
            }
        }
    }
}

fn pack(items: &[PackedItem<'_>]) -> Packed {
    let (mut packer, mut packed) = (Packer::default(), Packed::default());
    // What another group was before must not matter.
    packer.body(&Body::parse(&body(77)).unwrap());
    packer.take(&mut packed);
    for item in items {
        match item {
            PackedItem::Erased(id, hash) => packer.erased(*id, *hash),
            PackedItem::Body(bytes) => match Body::parse(bytes) {
                Ok(body) => packer.body(&body),
                Err(_) => packer.verbatim(bytes),
            },
        }
    }
    assert_eq!(packer.count(), items.len());
    packer.take(&mut packed);
    packed
}

fn unpacked(packed: &Packed, count: usize) -> Result<Unpacked, FormatError> {
    let stored = [&packed.fixed[..], &packed.text].concat();
    unpack(&split(&stored, count)?, &packed.text)
}

fn assert_comes_back(items: &[Item]) -> Packed {
    let items: Vec<PackedItem<'_>> = items.iter().map(Item::packed).collect();
    let packed = pack(&items);
    let again = unpacked(&packed, items.len()).unwrap();
    assert_eq!(again.iter().collect::<Vec<_>>(), items);
    assert_eq!((again.len(), again.is_empty()), (items.len(), items.is_empty()));
    packed
}

/// Bodies that look usual and are not: each must be stored as it is, or it would come back changed.
fn odd_bodies() -> Vec<Vec<u8>> {
    let usual = String::from_utf8(body(1)).unwrap();
    let changed = |from: &str, to: &str| {
        let odd = usual.replacen(from, to, 1);
        assert_ne!(odd, usual, "{from}");
        odd.into_bytes()
    };
    let time = &usual[usual.find("\"timestamp\":\"").unwrap() + 13..][..27];
    vec![
        Vec::new(),
        b"{}".to_vec(),
        vec![0xff; 40],
        changed("\"audit_id\"", "\"audit_ie\""),
        changed("-0000-", "-000G-"),
        changed(time, "2026-11-21T09:30:00.100000Z"),
        changed(time, "2026-11-21T09:30:00.000Z"),
        changed(time, "2026-11-21T09:30:60Z"),
        changed(time, "1969-11-21T09:30:00Z"),
        changed(",\"received_at\":", ",\"received_aT\":"),
        changed("\"received_at\":\"2026", "\"received_at\":\"\\u0032026"),
        changed("\"salt\":\"AQ", "\"salt\":\"A!"),
        [&usual.as_bytes()[..usual.len() - 1], b" }"].concat(),
        [usual.as_bytes(), b"\n"].concat(),
        usual.as_bytes()[..usual.len() / 2].to_vec(),
    ]
}

#[test]
fn usual_bodies_are_taken_apart_and_odd_ones_kept_whole() {
    let packed = assert_comes_back(&[Item::Body(body(1))]);
    assert_eq!((packed.fixed.len(), packed.fixed[0]), (29, 0));
    for odd in odd_bodies() {
        let packed = assert_comes_back(&[Item::Body(odd.clone())]);
        assert_eq!(packed.fixed, [1], "{}", String::from_utf8_lossy(&odd));
    }
    let erased = assert_comes_back(&[Item::Erased([5; 16], 7)]);
    assert_eq!((erased.fixed.len(), erased.fixed[0], erased.text.len()), (81, 2, 0));
}

/// A body whose ids are UUIDv7: made `off` ms behind its timestamp or its arrival.
fn timed_body(n: u64, off: i64, by_server: bool, with_request: bool) -> Vec<u8> {
    let body = body(n);
    let read = Body::parse(&body).unwrap();
    let mut record = read.to_record();
    let time = if by_server { read.received_at() } else { record.timestamp };
    let millis = |off: i64| (time.unix_nanos() / 1_000_000 + off).cast_unsigned();
    let random = |n: u64| {
        let mut random = [0x5a; 10];
        random[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        random
    };
    if with_request {
        record.request_id = Some(AuditId::v7(millis(off - 3), random(!n)).to_string());
    }
    let stamp = Stamp {
        audit_id: AuditId::v7(millis(off), random(n)),
        received_at: read.received_at(),
        ingested_by: None,
        salt: Salt::from_bytes([7; 12]),
    };
    let mut body = Vec::new();
    encode_body(&record, &stamp, &mut body);
    body
}

#[test]
fn ids_near_a_time_of_their_record_are_stored_without_theirs() {
    let at = |n, off, server, request| {
        assert_comes_back(&[Item::Body(timed_body(n, off, server, request))])
    };
    let (plain, both) = (at(8, 0, false, false), at(8, 0, false, true));
    assert_eq!((plain.fixed.len(), plain.fixed[0]), (23, 0x40));
    assert_eq!((both.fixed.len(), both.fixed[0]), (33, 0xd0));
    assert_eq!(both.fixed[1..11], timed_id(8)[6..], "the rest of the id can be searched for");
    assert_eq!(at(8, 0, true, false).fixed[0], 0x40);
    let far = at(8, 1 << 40, false, true);
    assert_eq!((far.fixed.len(), far.fixed[0]), (45, 0x10));
    // The distance of a usual id takes one byte of the text.
    let apart = assert_comes_back(&[Item::Body(body(8))]);
    assert_eq!(plain.text.len(), apart.text.len() + 1);
}

fn timed_id(n: u64) -> [u8; 16] {
    *Body::parse(&timed_body(n, 0, false, true)).unwrap().audit_id().as_bytes()
}

#[test]
fn a_request_id_that_is_not_there_has_no_time_to_lack() {
    let packed = assert_comes_back(&[Item::Body(timed_body(8, 0, false, false))]);
    let mut stored = [&packed.fixed[..], &packed.text].concat();
    stored[0] |= 0x80;
    assert!(split(&stored, 1).is_err());
}

/// Files from before ids were taken apart: whole ids, whatever they are.
#[test]
fn a_whole_id_near_its_time_is_read() {
    let far = assert_comes_back(&[Item::Body(timed_body(8, 1 << 40, false, false))]);
    assert_eq!((far.fixed.len(), far.fixed[0]), (29, 0));
    let fixed = [&[0][..], &timed_id(8), &far.fixed[17..]].concat();
    let near = unpacked(&Packed { fixed, text: far.text }, 1).unwrap();
    assert_eq!(near.get(0), Some(PackedItem::Body(&timed_body(8, 0, false, false))));
}

#[test]
fn a_text_for_a_dictionary_holds_nothing_random() {
    let text = String::from_utf8(sample_text(&body(2))).unwrap();
    assert!(text.starts_with(",\"actor_type\""), "{text}");
    assert!(!text.contains("received_at") && !text.contains("salt"), "{text}");
    assert_eq!(sample_text(b"odd"), b"odd");
}

fn group() -> (Packed, usize) {
    let items = [
        Item::Body(body(0)),
        Item::Body(b"odd".to_vec()),
        Item::Erased([5; 16], 7),
        Item::Body(body(3)),
        Item::Body(timed_body(5, -2, true, true)),
        Item::Body(timed_body(6, 40, false, false)),
    ];
    (assert_comes_back(&items), items.len())
}

#[test]
fn every_truncation_is_an_error() {
    let (packed, count) = group();
    for len in 0..packed.text.len() {
        let cut = Packed { fixed: packed.fixed.clone(), text: packed.text[..len].to_vec() };
        assert!(unpacked(&cut, count).is_err(), "text cut to {len}");
    }
    for len in 0..packed.fixed.len() {
        assert!(split(&packed.fixed[..len], count).is_err(), "fixed part cut to {len}");
    }
    let mut longer = packed.clone();
    longer.text.push(0);
    assert!(unpacked(&longer, count).is_err());
}

#[test]
fn every_flipped_bit_is_an_error_or_other_records() {
    let (packed, count) = group();
    let before = unpacked(&packed, count).unwrap();
    let stored = [&packed.fixed[..], &packed.text].concat();
    for bit in 0..stored.len() * 8 {
        let mut flipped = stored.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let after = split(&flipped, count).and_then(|parts| unpack(&parts, parts.text));
        if let Ok(after) = after {
            assert_ne!(after, before, "bit {bit} changes nothing");
        }
    }
}

fn any_item() -> impl Strategy<Value = Item> {
    prop_oneof![
        6 => (0..5000u64).prop_map(|n| Item::Body(body(n))),
        3 => (0..5000u64, -(1i64 << 34)..1 << 34, 0..34u32, any::<(bool, bool)>()).prop_map(
            |(n, off, shift, (server, request))| {
                Item::Body(timed_body(n, off >> shift, server, request))
            }
        ),
        1 => (0..15usize).prop_map(|i| Item::Body(odd_bodies()[i].clone())),
        1 => proptest::collection::vec(any::<u8>(), 0..60).prop_map(Item::Body),
        1 => any::<([u8; 16], u8)>().prop_map(|(id, byte)| Item::Erased(id, byte)),
        1 => (0..5000u64, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(n, at, byte)| {
            let mut body = body(n);
            let at = at.index(body.len());
            body[at] = byte;
            Item::Body(body)
        }),
    ]
}

proptest! {
    #[test]
    fn any_items_come_back(items in proptest::collection::vec(any_item(), 0..20)) {
        assert_comes_back(&items);
    }

    #[test]
    fn any_bytes_are_an_error_or_records(
        stored in proptest::collection::vec(any::<u8>(), 0..300), count in 0..6usize,
    ) {
        if let Ok(parts) = split(&stored, count)
            && let Ok(records) = unpack(&parts, parts.text)
        {
            prop_assert_eq!(records.len(), count);
        }
    }

    #[test]
    fn any_text_comes_back_from_every_encoding(
        text in proptest::collection::vec(0..4u8, 0..3000), with_dictionary in any::<bool>(),
    ) {
        let dictionary = if with_dictionary { dictionary() } else { Vec::new() };
        let mut encoder = Encoder::new(&dictionary, 3);
        encoder.encode(b"another text, of a group before");
        let (encoding, stored) = encoder.encode(&text);
        prop_assert!(stored.len() <= text.len());
        let decoder = Decoder::new(&dictionary);
        prop_assert_eq!(decoder.decode(encoding, stored, text.len()), Some(text.clone()));
        for wrong in [text.len() + 1, text.len().wrapping_sub(1).min(1 << 20)] {
            prop_assert_eq!(decoder.decode(encoding, stored, wrong), None);
        }
    }
}

pub(super) fn dictionary() -> Vec<u8> {
    let samples: Vec<Vec<u8>> = (0..2000).map(|n| sample_text(&body(n))).collect();
    let dictionary = train_dictionary(&samples, 1 << 20);
    assert!(dictionary.len() > 1000);
    dictionary
}

#[test]
fn few_samples_give_no_dictionary() {
    assert!(train_dictionary(&[], 0).is_empty());
    assert!(train_dictionary(&vec![vec![7; 100]; 20], 1 << 20).is_empty());
}

/// A small stored text that claims to be, or expands to, a large one.
#[test]
fn a_text_never_grows_beyond_its_stated_length() {
    let bomb = zstd::encode_all(&vec![0; 64 << 20][..], 3).unwrap();
    assert!(bomb.len() < 10_000);
    let decoder = Decoder::new(&[]);
    assert_eq!(decoder.decode(GroupEncoding::Zstd, &bomb, 1000), None);
    assert_eq!(decoder.decode(GroupEncoding::Zstd, &bomb, 0), None);
    assert_eq!(decoder.decode(GroupEncoding::Plain, &bomb, 1000), None);
    assert_eq!(decoder.decode(GroupEncoding::ZstdDictionary, &bomb, 64 << 20), None);
    let parts = split(&[1], 1).unwrap();
    // One record whose length says 2^63.
    let text = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
    assert!(unpack(&parts, &text).is_err());
}
