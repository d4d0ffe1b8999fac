//! The time inside a UUIDv7 as its distance from a time of its record: 10 bytes and a small number
//! instead of 16 bytes.
//!
//! Such an id begins with 48 bits of Unix time in milliseconds. A client makes it when the record
//! happens and the server when it arrives, so that they nearly always repeat `timestamp` or
//! `received_at`. Invariant: [`join`] gives back the id that [`split`] took apart, from no other
//! distance. Format: "Group" in format.md. Knows nothing of where the two halves are stored.

use crate::record::Timestamp;

/// Bytes of an id behind its time: version, variant and 74 random bits.
pub(super) const REST_LEN: usize = 10;

/// Five bytes as a varint: with the rest no longer than the id. 99 days either way.
const DISTANCE_END: u64 = 1 << 35;

/// `timestamp` and `received_at` of the record.
pub(super) type Near = (Timestamp, Timestamp);

/// The distance of the id's time and the rest of the id; `None` where it is no UUIDv7 or too far.
pub(super) fn split(id: &[u8; 16], near: Near) -> Option<(u64, [u8; REST_LEN])> {
    let (time, rest) = id.split_first_chunk::<6>()?;
    let rest = *rest.first_chunk::<REST_LEN>().filter(|rest| is_v7(rest))?;
    let [t0, t1, t2, t3, t4, t5] = *time;
    let time = i64::from_le_bytes([t5, t4, t3, t2, t1, t0, 0, 0]);
    let (from_timestamp, from_received) = (time - millis(near.0), time - millis(near.1));
    let distance = if from_received.unsigned_abs() < from_timestamp.unsigned_abs() {
        zigzag(from_received) << 1 | 1
    } else {
        zigzag(from_timestamp) << 1
    };
    (distance < DISTANCE_END).then_some((distance, rest))
}

/// The id of a distance and a rest; `None` where [`split`] would not give these.
pub(super) fn join(distance: u64, rest: [u8; REST_LEN], near: Near) -> Option<[u8; 16]> {
    if distance >= DISTANCE_END {
        return None;
    }
    let from = millis(if distance & 1 == 0 { near.0 } else { near.1 });
    let zigzag = distance >> 1;
    let time = from + ((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed());
    // Most significant byte first in an id.
    let [t5, t4, t3, t2, t1, t0, 0, 0] = time.to_le_bytes() else { return None };
    let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9] = rest;
    let id = [t0, t1, t2, t3, t4, t5, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9];
    (split(&id, near) == Some((distance, rest))).then_some(id)
}

/// What to look for in a file: the bytes that are stored of the id end with these.
pub(crate) fn stored_part(id: &[u8; 16]) -> &[u8] {
    id.last_chunk::<REST_LEN>().filter(|rest| is_v7(rest)).map_or(id, <[u8; _]>::as_slice)
}

fn is_v7(rest: &[u8; REST_LEN]) -> bool {
    let [version, _, variant, ..] = rest;
    version >> 4 == 7 && variant >> 6 == 2
}

fn millis(time: Timestamp) -> i64 {
    time.unix_nanos() / 1_000_000
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests index what they have just built")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::AuditId;

    /// 2026-11-21T09:30:00Z, in milliseconds.
    const NOW: i64 = 1_795_253_400_000;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_nanos(millis * 1_000_000 + 999_999).unwrap()
    }

    fn v7(millis: i64) -> [u8; 16] {
        *AuditId::v7(millis.cast_unsigned(), [0x5a; 10]).as_bytes()
    }

    fn distance(id: i64, near: (i64, i64)) -> Option<u64> {
        split(&v7(id), (at(near.0), at(near.1))).map(|(distance, _)| distance)
    }

    #[test]
    fn the_nearer_time_counts_and_the_record_s_own_where_both_are_as_near() {
        assert_eq!(distance(NOW, (NOW, NOW + 5)), Some(0));
        assert_eq!(distance(NOW, (NOW, NOW)), Some(0));
        assert_eq!(distance(NOW + 5, (NOW, NOW + 5)), Some(1));
        assert_eq!(distance(NOW + 1, (NOW, NOW + 5)), Some(0b100));
        assert_eq!(distance(NOW + 4, (NOW, NOW + 5)), Some(0b11));
        assert_eq!(distance(NOW + 1, (NOW, NOW + 2)), Some(0b100));
        assert_eq!(distance(NOW - 1, (NOW, NOW + 2)), Some(0b10));
    }

    #[test]
    fn an_id_too_far_or_of_another_kind_stays_whole() {
        let most = 1 << 33;
        assert_eq!(distance(NOW - most, (NOW, NOW)), Some((1 << 35) - 2));
        assert_eq!(distance(NOW + most, (NOW, NOW)), None);
        assert_eq!(distance(0, (NOW, NOW)), None);
        assert_eq!(distance(0xffff_ffff_ffff, (NOW, NOW)), None);
        for (byte, value) in [(6, 0x4a), (6, 0x8a), (8, 0x5a), (8, 0xda), (8, 0x1a)] {
            let mut id = v7(NOW);
            id[byte] = value;
            assert_eq!(split(&id, (at(NOW), at(NOW))), None);
            assert_eq!(stored_part(&id), id);
        }
    }

    #[test]
    fn what_no_writer_makes_is_no_id() {
        let rest = split(&v7(NOW), (at(NOW), at(NOW))).unwrap().1;
        let near = (at(NOW), at(NOW + 2));
        assert!(join(0, rest, near).is_some());
        // From the farther time, from the later of two as near, beyond the bound, another version.
        assert_eq!(join(0b111, rest, near), None);
        assert_eq!(join(0b11, rest, near), None);
        assert_eq!(join(1, rest, (at(NOW), at(NOW))), None);
        assert_eq!(join(1 << 35, rest, near), None);
        assert_eq!(join(u64::MAX, rest, near), None);
        assert_eq!(join(0, [0x4a; REST_LEN], near), None);
        // Before 1970.
        assert_eq!(join(0b10, rest, (Timestamp::MIN, at(NOW))), None);
    }

    proptest! {
        #[test]
        fn any_id_comes_back(
            id in any::<[u8; 16]>(), v7 in any::<bool>(), off in -1_i64 << 34..1_i64 << 34,
            timestamp in 0..7_258_118_400_000_i64, received in 0..7_258_118_400_000_i64,
        ) {
            let near = (at(timestamp), at(received));
            let mut id = id;
            if v7 {
                let random = *id.first_chunk().unwrap();
                id = *AuditId::v7((timestamp + off).max(0).cast_unsigned(), random).as_bytes();
            }
            if let Some((distance, rest)) = split(&id, near) {
                prop_assert_eq!(join(distance, rest, near), Some(id));
                prop_assert_eq!(stored_part(&id), &rest);
            }
        }

        #[test]
        fn any_distance_is_an_id_s_or_none(
            distance in any::<u64>(), shift in 0..64_u32, rest in any::<[u8; REST_LEN]>(),
            timestamp in 0..7_258_118_400_000_i64, received in 0..7_258_118_400_000_i64,
        ) {
            let near = (at(timestamp), at(received));
            if let Some(id) = join(distance >> shift, rest, near) {
                prop_assert_eq!(split(&id, near), Some((distance >> shift, rest)));
            }
        }
    }
}
