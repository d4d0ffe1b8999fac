//! Finds the one byte of a frame that is not as it was written.
//!
//! A torn write loses the end of what was written, or whole sectors. A frame that is whole but for
//! one byte was there once: its checksum, and for a payload the chain hash too, hold with one other
//! value. So a changed byte of the last frame is told from a write that was never finished.
//! Invariant: only a copy is changed; what comes back satisfies the checksum that the frame
//! carries.

use crate::format::{FRAME_HEADER_LEN, FrameHeader};

/// CRC-32 (IEEE, reflected) by byte.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut i: u32 = 0;
    #[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
    while i < 256 {
        let mut value = i;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0xEDB8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[i as usize] = value;
        i += 1;
    }
    table
};

/// Index of the only entry of [`TABLE`] with this highest byte.
const BY_TOP: [u8; 256] = {
    let mut index = [0; 256];
    let mut i: u8 = 0;
    #[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
    loop {
        index[(TABLE[i as usize] >> 24) as usize] = i;
        if i == 255 {
            break;
        }
        i += 1;
    }
    index
};

/// A frame header that is one byte away from `bytes`: which byte, and the header.
pub(super) fn mend_header(
    bytes: &[u8],
    accept: impl Fn(&FrameHeader) -> bool,
) -> Option<(usize, FrameHeader)> {
    let mut copy: [u8; FRAME_HEADER_LEN] = bytes.try_into().ok()?;
    for at in 0..FRAME_HEADER_LEN {
        let original = *copy.get(at)?;
        for change in 1..=255 {
            *copy.get_mut(at)? = original ^ change;
            if let Some(header) = FrameHeader::decode(&copy).ok().filter(&accept) {
                return Some((at, header));
            }
        }
        *copy.get_mut(at)? = original;
    }
    None
}

/// Places at which one other byte gives `bytes` the checksum `crc`, and that byte.
pub(super) fn mend_places(bytes: &[u8], crc: u32) -> Vec<(usize, u8)> {
    let mut delta = crc32fast::hash(bytes) ^ crc;
    let mut places = Vec::new();
    // From the last byte backwards: the difference as it was when this byte had gone in.
    for (at, byte) in bytes.iter().enumerate().rev() {
        let [_, _, _, top] = delta.to_le_bytes();
        let change = BY_TOP.get(usize::from(top)).copied().unwrap_or(0);
        let step = TABLE.get(usize::from(change)).copied().unwrap_or(0);
        if step == delta && change != 0 {
            places.push((at, byte ^ change));
        }
        delta = (delta ^ step) << 8 | u32::from(change);
    }
    places
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests may panic")]
mod tests {
    use super::*;
    use crate::format::FrameKind;
    use crate::types::Seq;

    #[test]
    fn any_single_changed_byte_is_found_by_the_checksum() {
        let whole: Vec<u8> = (0..700_u32).map(|i| (i * 7 % 251) as u8).collect();
        let crc = crc32fast::hash(&whole);
        assert!(mend_places(&whole, crc).is_empty());
        for at in (0..whole.len()).step_by(13) {
            for change in [1, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= change;
                assert!(mend_places(&bytes, crc).contains(&(at, whole[at])), "{at} {change}");
            }
        }
    }

    #[test]
    fn any_single_changed_byte_of_a_header_is_found() {
        let header = FrameHeader {
            kind: FrameKind::Mark,
            commit: 7,
            durable_seq: Seq(9),
            first_seq: Seq(9),
            record_count: 0,
            payload_len: 64,
            file_tag: 0x1122_3344_5566_7788,
            offset: 256,
            received_at: 1_700_000_000_000_000,
            payload_crc: 0xdead_beef,
        };
        let mut bytes = Vec::new();
        header.encode_into(&mut bytes);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x40;
            assert!(FrameHeader::decode(&damaged).is_err());
            assert_eq!(mend_header(&damaged, |_| true), Some((at, header.clone())));
        }
    }
}
