//! Tests of the structures: golden bytes made by another program, every truncation and every
//! flipped bit, properties of all decoders.
#![expect(clippy::indexing_slicing, reason = "tests index what they have just built")]

mod bits;
mod golden;
mod properties;

use super::*;
use crate::types::{ChainHash, NodeHash, Seq, TreeSize, to_hex};

/// `first, first + 1, …`
fn bytes<const N: usize>(first: u8) -> [u8; N] {
    core::array::from_fn(|i| first.wrapping_add(u8::try_from(i % 256).unwrap()))
}

fn active_header() -> ActiveHeader {
    ActiveHeader {
        first_seq: Seq(0x0102_0304_0506_0708),
        file_tag: 0x1112_1314_1516_1718,
        identity_sha256: bytes(0),
        chain_before: ChainHash(bytes(0x40)),
        first_commit: 0x2122_2324_2526_2728,
    }
}

fn frame_header() -> FrameHeader {
    FrameHeader {
        kind: FrameKind::Records,
        commit: 5,
        durable_seq: Seq(3),
        first_seq: Seq(4),
        record_count: 2,
        payload_len: 0x60,
        file_tag: 0x1112_1314_1516_1718,
        offset: 256,
        received_at: 1_795_262_400_000_000,
        payload_crc: 0xdead_beef,
    }
}

fn segment_header() -> SegmentHeader {
    SegmentHeader {
        dictionary_len: 1024,
        first_seq: Seq(300),
        count: 1000,
        identity_sha256: bytes(0),
        chain_before: ChainHash(bytes(0x40)),
        dictionary_sha256: bytes(0x80),
        group_records_max: 16,
    }
}

fn block_head() -> BlockHead {
    let first = GroupEntry {
        stored_len: 100,
        raw_len: 200,
        record_count: 2,
        encoding: GroupEncoding::ZstdDictionary,
        crc: 0xdead_beef,
        chain_after: ChainHash(bytes(0)),
    };
    let second = GroupEntry {
        stored_len: 7,
        raw_len: 7,
        record_count: 1,
        encoding: GroupEncoding::Plain,
        crc: 0x0102_0304,
        chain_after: ChainHash(bytes(0x40)),
    };
    BlockHead {
        first_seq: Seq(256),
        groups: vec![first, second],
        locators: vec![*b"abcd", *b"efgh", *b"ijkl"],
    }
}

fn counts() -> Counts {
    Counts { result: [1, 1, 0], sensitivity: [2, 0, 0], actor_type: [0, 1, 1], pii: 1, erased: 0 }
}

fn directory_entry() -> DirectoryEntry {
    DirectoryEntry {
        offset: 256,
        len: 4096,
        record_count: 3,
        timestamp: TimeRange { min: -1, max: 1 },
        received: TimeRange { min: 2, max: 3 },
        counts: Counts { result: [1, 0, 1], erased: 1, ..counts() },
        root: NodeHash(bytes(0)),
    }
}

fn footer() -> Footer {
    Footer {
        first_seq: Seq(255),
        count: 2,
        timestamp: TimeRange { min: 5, max: 6 },
        received: TimeRange { min: 7, max: 8 },
        raw_len: 900,
        chain_before: ChainHash(bytes(0)),
        chain_after: ChainHash(bytes(0x40)),
        segment_root: NodeHash(bytes(0x80)),
        log_size: TreeSize(257),
        log_root: NodeHash(bytes(0xa0)),
        counts: counts(),
        directory_offset: 8000,
        block_count: 2,
        directory_crc: 0xdead_beef,
        range_nodes: vec![NodeHash(bytes(0))],
        first_tile: vec![NodeHash(bytes(0x20))],
        last_tile: vec![NodeHash(bytes(0x40))],
        anchor: "anchor\n".to_owned(),
    }
}

/// Bytes of the file that ends with [`tail`].
const TAIL_FILE_LEN: u64 = 10_000 + 571 + 200 + 48;

fn tail() -> Tail {
    Tail { footer_offset: 10_000, footer_len: 571, seal_len: 200, file_len: TAIL_FILE_LEN }
}

fn encoded<T>(value: &T, encode_into: impl FnOnce(&T, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode_into(value, &mut out);
    out
}

/// Decodes and encodes again.
type Recode = fn(&[u8]) -> Result<Vec<u8>, FormatError>;

/// A structure with its bytes.
struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    recode: Recode,
    /// Whether the structure has a checksum of its own.
    checked: bool,
}

fn cases() -> Vec<Case> {
    let case = |name, bytes, recode: Recode| Case { name, bytes, recode, checked: true };
    let mut directory = encoded(&directory_entry(), DirectoryEntry::encode_into);
    directory.extend(encoded(&directory_entry(), DirectoryEntry::encode_into));
    vec![
        case("active header", active_header().encode(), |b| Ok(ActiveHeader::decode(b)?.encode())),
        case("frame header", encoded(&frame_header(), FrameHeader::encode_into), |b| {
            Ok(encoded(&FrameHeader::decode(b)?, FrameHeader::encode_into))
        }),
        case("segment header", segment_header().encode(), |b| {
            Ok(SegmentHeader::decode(b)?.encode())
        }),
        case("block head", encoded(&block_head(), BlockHead::encode_into), |b| {
            Ok(encoded(&BlockHead::decode(b)?, BlockHead::encode_into))
        }),
        case("footer", footer().encode(), |b| Ok(Footer::decode(b)?.encode())),
        case("tail", tail().encode(), |b| Ok(Tail::decode(b, TAIL_FILE_LEN)?.encode())),
        Case { checked: false, ..case("directory", directory, recode_directory) },
        Case { checked: false, ..case("payload", payload(), recode_payload) },
    ]
}

fn recode_directory(bytes: &[u8]) -> Result<Vec<u8>, FormatError> {
    let mut out = Vec::new();
    for entry in DirectoryEntry::decode_all(bytes)? {
        entry.encode_into(&mut out);
    }
    Ok(out)
}

fn payload() -> Vec<u8> {
    let hash = crate::types::RecordHash(bytes(7));
    let mut out = Vec::new();
    for body in [&b"{}"[..], &[0; 14]] {
        out.extend(encode_record_prefix(u32::try_from(body.len()).unwrap(), &hash));
        out.extend(body);
    }
    out.extend(bytes::<64>(0x40));
    assert_eq!(out.len(), frame_header().payload_len());
    out
}

fn recode_payload(bytes: &[u8]) -> Result<Vec<u8>, FormatError> {
    let payload = RecordsPayload::decode(&frame_header(), bytes)?;
    let mut out = Vec::new();
    for record in &payload.records {
        out.extend(u32::try_from(record.body.len()).unwrap().to_le_bytes());
        out.extend(record.locator);
        out.extend(record.body);
    }
    out.extend(payload.chain_after.0);
    Ok(out)
}
