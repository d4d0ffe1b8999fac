//! Groups: the unprotected bytes behind the checksum, plain and compressed; and bodies through the
//! packer and back.

use std::sync::LazyLock;

use shoseki_engine::format::{BODY_LEN_MAX, GroupEncoding, GroupEntry};
use shoseki_engine::record::Body;
use shoseki_engine::segment::{GroupPlace, PackedItem, SealedSegment};
use shoseki_engine::types::ChainHash;
use shoseki_lab::evidence::SealedPlan;

use crate::memory::within;
use crate::{fixture, repair};

const DICTIONARY: &[u8] = b"patientId name nurse LOGIN PATIENT_VIEW CLAIM_SEND success";

static SEGMENT: LazyLock<SealedSegment<Vec<u8>>> =
    LazyLock::new(|| SealedSegment::open(sealed(&fixture::SMALL.bodies[..3])).unwrap());

/// A segment of these bodies, all in one group.
fn sealed(bodies: &[Vec<u8>]) -> Vec<u8> {
    let log = &fixture::SMALL;
    SealedPlan {
        key: &log.key,
        identity: &log.identity,
        first: 0,
        bodies,
        erased: &[],
        chain_before: log.chain[0],
        frontier: log.frontier(0),
        group: 256,
        dictionary: DICTIONARY.to_vec(),
    }
    .build()
}

pub(super) fn run(data: &[u8]) {
    let [mode, count, rest @ ..] = data else { return };
    match mode & 7 {
        0..=2 => unpacked(*mode, usize::from(*count), rest),
        3 => raw(*count, rest),
        _ => packed(rest),
    }
}

/// Fixed part and text as they are; the text is compressed here.
fn unpacked(mode: u8, count: usize, stored: &[u8]) {
    let Some(fixed) = repair::fixed_len(stored, count) else {
        // What is compressed behind a fixed part that is cut would be taken for its end.
        assert_eq!(unpack(count, GroupEncoding::Plain, 0, stored, 1 << 20), None);
        return;
    };
    let (fixed, text) = stored.split_at(fixed);
    let (encoding, coded) = match mode & 3 {
        0 => (GroupEncoding::Plain, text.to_vec()),
        1 => (GroupEncoding::Zstd, zstd::bulk::compress(text, 1).unwrap()),
        _ => {
            let mut with = zstd::bulk::Compressor::with_dictionary(1, DICTIONARY).unwrap();
            (GroupEncoding::ZstdDictionary, with.compress(text).unwrap())
        }
    };
    let stored = [fixed, &coded].concat();
    // The bodies are the text with at most this much put around each and lifted out of it.
    let limit = (1 << 16) + text.len() * 4 + count * 1024;
    let items = unpack(count, encoding, text.len(), &stored, limit);
    let plain = unpack(count, GroupEncoding::Plain, text.len(), &[fixed, text].concat(), limit);
    assert_eq!(items, plain, "the encoding makes a difference");
}

/// Compressed bytes as they are.
fn raw(count: u8, stored: &[u8]) {
    let raw_len = usize::from(count) * 16;
    for encoding in [GroupEncoding::Zstd, GroupEncoding::ZstdDictionary] {
        unpack(1 + usize::from(count & 1), encoding, raw_len, stored, (1 << 20) + raw_len * 4);
    }
}

fn unpack(
    count: usize,
    encoding: GroupEncoding,
    raw_len: usize,
    stored: &[u8],
    limit: usize,
) -> Option<Vec<Vec<u8>>> {
    let entry = GroupEntry {
        stored_len: u32::try_from(stored.len()).unwrap(),
        raw_len: u32::try_from(raw_len).unwrap(),
        record_count: u16::try_from(count).unwrap(),
        encoding,
        crc: 0,
        chain_after: ChainHash([0; 64]),
    };
    let segment = &*SEGMENT;
    let unpack = || segment.unpack_stored(&entry, stored);
    let items = within(limit, "unpacking", unpack).ok()?;
    assert_eq!(items.len(), count);
    let bodies = items.iter().map(|item| match item {
        PackedItem::Body(body) => body.to_vec(),
        PackedItem::Erased(id, hash) => [id.as_bytes().as_slice(), &hash.0].concat(),
    });
    let bodies: Vec<Vec<u8>> = bodies.collect();
    assert!(bodies.len() == count && bodies.iter().all(|body| body.len() <= BODY_LEN_MAX * 2));
    Some(bodies)
}

/// Lines that are bodies, packed, sealed and read back.
fn packed(text: &[u8]) {
    let lines = text.split(|b| *b == b'\n').filter(|line| Body::parse(line).is_ok());
    let bodies: Vec<Vec<u8>> = lines.take(8).map(<[u8]>::to_vec).collect();
    if bodies.is_empty() {
        return;
    }
    let segment = SealedSegment::open(sealed(&bodies)).unwrap();
    let head = segment.block_head(0).unwrap();
    let mut back = Vec::new();
    for group in 0..head.groups.len() {
        let read = segment.read_group(&head, GroupPlace { block: 0, group }).unwrap();
        back.extend(read.items.iter().map(|item| match item {
            PackedItem::Body(body) => body.to_vec(),
            PackedItem::Erased(..) => panic!("nothing was erased"),
        }));
    }
    assert_eq!(back, bodies);
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let bodies = &fixture::SMALL.bodies;
    let mut seeds = Vec::new();
    for take in [1, 3] {
        let file = sealed(&bodies[..take]);
        let segment = SealedSegment::open(file.as_slice()).unwrap();
        let head = segment.block_head(0).unwrap();
        let entry = &head.groups[0];
        let start = usize::try_from(segment.directory()[0].offset).unwrap() + head.encoded_len();
        let stored = &file[start..start + usize::try_from(entry.stored_len).unwrap()];
        let (fixed, text) = stored.split_at(repair::fixed_len(stored, take).unwrap());
        let text = match entry.encoding {
            GroupEncoding::Plain => text.to_vec(),
            _ => {
                let mut with = zstd::bulk::Decompressor::with_dictionary(DICTIONARY).unwrap();
                with.decompress(text, usize::try_from(entry.raw_len).unwrap()).unwrap()
            }
        };
        let count = u8::try_from(take).unwrap();
        for mode in 0..3 {
            seeds.push([&[mode, count], fixed, text.as_slice()].concat());
        }
        seeds.push([&[3, 30], stored].concat());
    }
    seeds.push([b"\0\x01\x02".as_slice(), &[7; 80]].concat());
    let mut packed = super::body::seeds();
    packed.truncate(14);
    seeds.extend(packed.chunks(3).map(|some| [b"\x04\0", some.join(&b'\n').as_slice()].concat()));
    seeds
}
