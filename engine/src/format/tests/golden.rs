//! Golden bytes: each structure as another program laid it out from the tables of format.md
//! (Python's
//! `struct` and `zlib.crc32`), and names of files.

use super::*;

#[test]
fn every_structure_has_the_bytes_of_the_tables() {
    let golden = [
        ("active header", ACTIVE_HEADER),
        ("frame header", FRAME_HEADER),
        ("segment header", SEGMENT_HEADER),
        ("block head", BLOCK_HEAD),
        ("footer", FOOTER),
        ("tail", TAIL),
    ];
    for (name, hex) in golden {
        let case = cases().into_iter().find(|case| case.name == name).unwrap();
        assert_eq!(to_hex(&case.bytes), hex, "{name}");
    }
    let entry = encoded(&directory_entry(), DirectoryEntry::encode_into);
    assert_eq!(to_hex(&entry), DIRECTORY_ENTRY);
}

#[test]
fn every_structure_comes_back() {
    let decoded = |name: &str| cases().into_iter().find(|c| c.name == name).unwrap().bytes;
    assert_eq!(ActiveHeader::decode(&decoded("active header")), Ok(active_header()));
    assert_eq!(FrameHeader::decode(&decoded("frame header")), Ok(frame_header()));
    assert_eq!(SegmentHeader::decode(&decoded("segment header")), Ok(segment_header()));
    assert_eq!(BlockHead::decode(&decoded("block head")), Ok(block_head()));
    assert_eq!(Footer::decode(&decoded("footer")), Ok(footer()));
    assert_eq!(Tail::decode(&decoded("tail"), TAIL_FILE_LEN), Ok(tail()));
    let both = vec![directory_entry(), directory_entry()];
    assert_eq!(DirectoryEntry::decode_all(&decoded("directory")), Ok(both));
    assert!(!RecordsPayload::crc_holds(&frame_header(), &payload()));
}

#[test]
fn a_tail_belongs_to_one_length_of_file() {
    for other in [TAIL_FILE_LEN - 1, TAIL_FILE_LEN + 1, 0, u64::MAX] {
        assert!(Tail::decode(&tail().encode(), other).is_err());
    }
}

#[test]
fn a_newer_read_version_is_named_and_a_newer_write_version_is_read() {
    let crc = |bytes: &mut Vec<u8>| {
        let at = bytes.len() - 4;
        let sum = crc32fast::hash(&bytes[..at]).to_le_bytes();
        bytes[at..].copy_from_slice(&sum);
    };
    for (bytes, recode) in [
        (active_header().encode(), cases().remove(0).recode),
        (segment_header().encode(), cases().remove(2).recode),
    ] {
        let mut newer = bytes.clone();
        newer[8] = 1;
        crc(&mut newer);
        assert_eq!(recode(&newer), Ok(bytes.clone()));
        newer[10] = 1;
        crc(&mut newer);
        assert_eq!(recode(&newer).unwrap_err().kind, FormatErrorKind::Version(1));
    }
}

#[test]
fn impossible_frames_are_refused() {
    let refused = |change: fn(&mut FrameHeader)| {
        let mut header = frame_header();
        change(&mut header);
        FrameHeader::decode(&encoded(&header, FrameHeader::encode_into)).is_err()
    };
    assert!(!refused(|_| ()));
    assert!(refused(|h| h.record_count = 0), "records without records");
    assert!(refused(|h| h.kind = FrameKind::Mark), "a mark with records");
    assert!(refused(|h| h.record_count = 5), "more records than fit");
    assert!(refused(|h| h.durable_seq = Seq(5)), "durable beyond what is written");
    assert!(refused(|h| h.payload_len = (256 << 20) + 1), "longer than any frame");
    assert!(refused(|h| h.offset = u64::MAX - 8), "ends beyond 64 bits");
    assert!(refused(|h| h.first_seq = Seq(u64::MAX - 2)), "ends at the last seq");
    let mark =
        FrameHeader { kind: FrameKind::Close, record_count: 0, payload_len: 64, ..frame_header() };
    assert_eq!(FrameHeader::decode(&encoded(&mark, FrameHeader::encode_into)), Ok(mark));
}

#[test]
fn a_block_does_not_pass_the_end_of_its_tile() {
    let at = |first_seq| BlockHead { first_seq: Seq(first_seq), ..block_head() };
    let decode = |head: &BlockHead| BlockHead::decode(&encoded(head, BlockHead::encode_into));
    assert_eq!(decode(&at(253)), Ok(at(253)));
    assert!(decode(&at(254)).is_err());
    let mut short = block_head();
    short.locators.pop();
    assert!(decode(&short).is_err(), "groups of other records than there are locators");
}

#[test]
fn names_sort_as_seqs_and_have_one_spelling() {
    assert_eq!(active_name(Seq(7)), "00000000000000000007.log");
    assert_eq!(sealed_name(Seq(7), 12), "00000000000000000007-00000000000000000012.seg");
    assert_eq!(parse_active_name(&active_name(Seq(u64::MAX))), Some(Seq(u64::MAX)));
    assert_eq!(parse_sealed_name(&sealed_name(Seq(7), 12)), Some((Seq(7), 12)));
    for wrong in [
        "7.log",
        "+0000000000000000007.log",
        "00000000000000000007.log.tmp",
        "99999999999999999999.log",
        "00000000000000000007",
        "0000000000000000000x.log",
    ] {
        assert_eq!(parse_active_name(wrong), None, "{wrong}");
    }
    for wrong in ["00000000000000000007.seg", "00000000000000000007-12.seg", "-.seg", ""] {
        assert_eq!(parse_sealed_name(wrong), None, "{wrong}");
    }
}

const ACTIVE_HEADER: &str = concat!(
    "53484f53454b4941000000000000000008070605040302011817161514131211000102030405060708090a0b",
    "0c0d0e0f101112131415161718191a1b1c1d1e1f404142434445464748494a4b4c4d4e4f5051525354555657",
    "58595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f28272625",
    "2423222100000000000000000000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    "000000000000000000000000000000000000000000000000000000000000000064ac6bb8",
);
const FRAME_HEADER: &str = concat!(
    "5348465200010000050000000000000003000000000000000400000000000000020000006000000018171615",
    "1413121100010000000000000070a119c8600600efbeaddea7ff5a3f",
);
const SEGMENT_HEADER: &str = concat!(
    "53484f53454b495300000000000400002c01000000000000e803000000000000000102030405060708090a0b",
    "0c0d0e0f101112131415161718191a1b1c1d1e1f404142434445464748494a4b4c4d4e4f5051525354555657",
    "58595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80818283",
    "8485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f10000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    "00000000000000000000000000000000000000000000000000000000000000008feb7cd3",
);
const BLOCK_HEAD: &str = concat!(
    "5348424b0300020000010000000000006b000000a34bdaac64000000c800000002000200efbeadde00010203",
    "0405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f",
    "303132333435363738393a3b3c3d3e3f07000000070000000100000004030201404142434445464748494a4b",
    "4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f7071727374757677",
    "78797a7b7c7d7e7f6162636465666768696a6b6c",
);
const DIRECTORY_ENTRY: &str = concat!(
    "00010000000000000010000003000100ffffffffffffffff0100000000000000020000000000000003000000",
    "000000000100000001000200000000000000010001000100000102030405060708090a0b0c0d0e0f10111213",
    "1415161718191a1b1c1d1e1f",
);
const FOOTER: &str = concat!(
    "534846543b020000ff0000000000000002000000000000000500000000000000060000000000000007000000",
    "0000000008000000000000008403000000000000000102030405060708090a0b0c0d0e0f1011121314151617",
    "18191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40414243",
    "4445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f",
    "707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b",
    "9c9d9e9f0101000000000000a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf",
    "0100000000000000010000000000000000000000000000000200000000000000000000000000000000000000",
    "0000000000000000000000000100000000000000010000000000000001000000000000000000000000000000",
    "401f00000000000002000000efbeadde00010000000000000100010001000700000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    "000000000000000000000000000000000000000000000000000102030405060708090a0b0c0d0e0f10111213",
    "1415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
    "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f616e63686f720a36be1c4d",
);
const TAIL: &str = concat!(
    "10270000000000003b020000c8000000432a000000000000000000000000000000000000442d6b9053484f53",
    "454b495a",
);
