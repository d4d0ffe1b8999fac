//! Codes of single numbers.

use proptest::prelude::*;

use super::super::bits::{BitReader, BitWriter, Rows, gamma_len, rice_len, rice_width, varint};
use super::super::bytes::Source;
use crate::format::Put;

#[derive(Clone, Copy, Debug)]
enum Code {
    Bits(u64, u32),
    Gamma(u32),
    Rice(u64, u32),
}

impl Code {
    fn len(self) -> u64 {
        match self {
            Self::Bits(_, width) => u64::from(width),
            Self::Gamma(value) => gamma_len(value),
            Self::Rice(value, k) => rice_len(value, k),
        }
    }

    fn write(self, writer: &mut BitWriter<'_>) {
        match self {
            Self::Bits(value, width) => writer.bits(value, width),
            Self::Gamma(value) => writer.gamma(value),
            Self::Rice(value, k) => writer.rice(value, k),
        }
    }

    fn reads(self, reader: &mut BitReader<'_>) -> bool {
        match self {
            Self::Bits(value, width) => reader.bits(width) == Some(value),
            Self::Gamma(value) => reader.gamma() == Some(value),
            Self::Rice(value, k) => reader.rice(k) == Some(value),
        }
    }
}

/// Numbers of every width, not only long ones.
fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0_u32..64).prop_map(|(value, shift)| value >> shift)
}

fn code() -> impl Strategy<Value = Code> {
    prop_oneof![
        (any::<u64>(), 0_u32..=64).prop_map(|(value, width)| Code::Bits(
            value.checked_shr(64 - width).unwrap_or(0),
            width
        )),
        number().prop_map(|value| Code::Gamma(u32::try_from(value >> 32).unwrap().max(1))),
        (number(), 0_u32..64).prop_map(|(value, k)| Code::Rice(value, k)),
    ]
}

proptest! {
    #[test]
    fn what_was_written_is_read(codes in proptest::collection::vec(code(), 0..60)) {
        let mut bytes = vec![0xAA];
        let mut writer = BitWriter::new(&mut bytes);
        codes.iter().for_each(|code| code.write(&mut writer));
        writer.finish();
        let bits: u64 = codes.iter().map(|code| code.len()).sum();
        prop_assert_eq!(bytes.len() as u64, 1 + bits.div_ceil(8));
        let mut reader = BitReader::new(&bytes[1..]);
        for code in &codes {
            prop_assert!(code.reads(&mut reader), "{:?}", code);
        }
        prop_assert_eq!(reader.clone().finish(), Some(()));
        // Behind the last byte there is nothing, and a byte too few is one code too few.
        prop_assert_eq!(reader.bits(8), None);
        if bits > 0 {
            let mut reader = BitReader::new(&bytes[1..bytes.len() - 1]);
            prop_assert!(!codes.iter().all(|code| code.reads(&mut reader)));
        }
    }

    #[test]
    fn skipping_and_reading_in_one_look_is_the_same_in_two(
        bytes in proptest::collection::vec(prop_oneof![Just(0), Just(1), any::<u8>()], 0..20),
        start in 0_usize..16,
        width in 1_u32..70,
        k in 0_u32..64,
    ) {
        let mut at_once = BitReader::new(&bytes);
        let _ = at_once.skip(start);
        let (before, mut apart) = (at_once.clone(), at_once.clone());
        let begins_with_one = before.clone().bits(1) == Some(1);
        let found = at_once.rice_behind(width, k);
        if found.is_some() {
            prop_assert!(begins_with_one);
            prop_assert_eq!(apart.skip(width as usize).and_then(|()| apart.rice(k)), found);
            prop_assert_eq!(at_once.bits(3), apart.bits(3));
        } else {
            prop_assert_eq!(at_once.bits(3), before.clone().bits(3));
            // What is short and there is never refused.
            let mut there = before;
            let code = there.skip(width as usize).and_then(|()| there.rice(k));
            let short = width + k < 30 && code.is_some_and(|code| code >> k < 20);
            prop_assert!(!begins_with_one || !short);
        }
    }

    #[test]
    fn any_bytes_are_read_to_their_end(
        bytes in proptest::collection::vec(prop_oneof![Just(0), any::<u8>()], 0..40),
        k in 0_u32..64,
    ) {
        let most = bytes.len() * 8;
        let codes: [fn(&mut BitReader<'_>, u32) -> Option<u64>; 3] = [
            |reader, k| reader.rice(k),
            |reader, _| reader.gamma().map(u64::from),
            |reader, k| reader.bits(k + 1),
        ];
        for code in codes {
            let mut reader = BitReader::new(&bytes);
            let read = (0..=most).take_while(|_| code(&mut reader, k).is_some()).count();
            prop_assert!(read <= most);
        }
    }

    #[test]
    fn a_varint_is_what_put_writes(value in number(), tail in any::<[u8; 2]>()) {
        let mut bytes = Vec::new();
        bytes.varint(value).bytes(&tail);
        let mut rest = bytes.as_slice();
        prop_assert_eq!(varint(&mut rest), Some(value));
        prop_assert_eq!(rest, tail);
        bytes.truncate(bytes.len() - 3);
        prop_assert_eq!(varint(&mut bytes.as_slice()), None);
    }

    #[test]
    fn a_row_is_read_alone(
        rows in proptest::collection::vec((number(), 0_u64..300, Just(0_u64)), 1..40),
    ) {
        let rows: Vec<[u64; 3]> = rows.into_iter().map(|(a, b, c)| [a, b, c]).collect();
        let table = Rows::fitting(&rows);
        let mut bytes = vec![0xFF; 5];
        table.write(&rows, &mut bytes);
        prop_assert_eq!(Some(bytes.len() as u64 - 5), table.bytes(rows.len() as u64));
        prop_assert_eq!(Rows::new(table.widths()), Some(table));
        for (index, row) in rows.iter().enumerate() {
            prop_assert_eq!(table.read(&bytes, 5, index as u64), Ok(*row));
        }
        let behind = Source::len(&bytes) * 8;
        prop_assert!(table.widths() == [0; 3] || table.read(&bytes, 5, behind).is_err());
    }
}

#[test]
fn numbers_of_more_than_64_bits_are_refused() {
    let mut longest = vec![0xFF; 9];
    longest.push(1);
    assert_eq!(varint(&mut longest.as_slice()), Some(u64::MAX));
    longest[9] = 2;
    assert_eq!(varint(&mut longest.as_slice()), None);
    longest[9] = 0x81;
    assert_eq!(varint(&mut longest.as_slice()), None);
    assert_eq!(Rows::new([64, 65]), None);
    assert!(Rows::new([64]).unwrap().bytes(u64::MAX).is_none());
}

#[test]
fn the_width_fits_numbers_that_fall_anywhere() {
    assert_eq!(rice_width(0, 0), 0);
    assert_eq!(rice_width(1000, 1000), 0);
    assert_eq!(rice_width(128_000, 1000), 6);
    assert_eq!(rice_width(u64::MAX, 1), 63);
}

#[test]
fn a_far_number_costs_less_than_a_line() {
    // Where one key lies far from all others, it pays for itself only.
    assert!(rice_len(u64::MAX, 0) <= 24 + 6 + 64);
}
