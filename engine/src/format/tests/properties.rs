//! Properties: any bytes decode to an error or to a value that encodes to the same bytes.

use proptest::prelude::*;

use super::super::codec::{Put, Reader};
use super::*;

fn error_or_same(case: &Case, bytes: &[u8]) {
    if let Ok(again) = (case.recode)(bytes) {
        // Behind a block head follow the groups.
        let len = if case.name == "block head" { again.len() } else { bytes.len() };
        // A write version is read over, whatever it is.
        if !matches!(case.name, "active header" | "segment header" | "tail") {
            assert_eq!(again, bytes[..len], "{}", case.name);
        }
    }
}

/// Makes the checksum hold again, so that what lies behind it is tried too.
fn mend(case: &Case, bytes: &mut [u8]) {
    let end = bytes.len();
    let sum = |b: &[u8]| crc32fast::hash(b).to_le_bytes();
    match case.name {
        "block head" => {
            let crc = sum(&[&bytes[..20], &bytes[24..]].concat());
            bytes[20..24].copy_from_slice(&crc);
        }
        "tail" => {
            let crc = sum(&bytes[..end - 12]);
            bytes[end - 12..end - 8].copy_from_slice(&crc);
        }
        _ if case.checked => {
            let crc = sum(&bytes[..end - 4]);
            bytes[end - 4..].copy_from_slice(&crc);
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn any_bytes_are_an_error_or_a_value(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
        for case in cases() {
            error_or_same(&case, &bytes);
        }
    }

    /// Damage that the checksum does not see, as somebody would make it who can count.
    #[test]
    fn changed_bytes_with_a_mended_checksum_are_an_error_or_a_value(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for case in cases() {
            let mut bytes = case.bytes.clone();
            for (at, value) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            mend(&case, &mut bytes);
            error_or_same(&case, &bytes);
        }
    }

    #[test]
    fn varints_have_one_spelling(value in any::<u64>(), tail in any::<u8>()) {
        let mut bytes = Vec::new();
        bytes.varint(value).u8(tail);
        let mut reader = Reader::new(Structure::Group, &bytes);
        prop_assert_eq!(reader.varint(), Ok(value));
        prop_assert_eq!(reader.remaining(), 1);
        let mut longer = bytes[..bytes.len() - 1].to_vec();
        *longer.last_mut().unwrap() |= 0x80;
        longer.push(0);
        prop_assert!(Reader::new(Structure::Group, &longer).varint().is_err());
    }

    #[test]
    fn frame_headers_come_back(
        kind in prop::sample::select(vec![FrameKind::Records, FrameKind::Mark, FrameKind::Close]),
        commit in any::<u64>(), first in 0..u64::MAX / 2, behind in 0..1000u64,
        records in 1..1000u32, more in 0..10_000u32, offset in 0..u64::MAX / 2,
        file_tag in any::<u64>(), received_at in any::<i64>(), payload_crc in any::<u32>(),
    ) {
        let none = kind != FrameKind::Records;
        let record_count = if none { 0 } else { records };
        let header = FrameHeader {
            kind,
            commit,
            durable_seq: Seq(first.saturating_sub(behind)),
            first_seq: Seq(first),
            record_count,
            payload_len: record_count * 8 + 64 + if none { 0 } else { more },
            file_tag,
            offset,
            received_at,
            payload_crc,
        };
        let bytes = encoded(&header, FrameHeader::encode_into);
        prop_assert_eq!(FrameHeader::decode(&bytes), Ok(header));
    }
}
