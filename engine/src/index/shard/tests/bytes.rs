//! Sources, parts of them and cursors.

use std::sync::Arc;

use super::super::bytes::{Cursor, Part, Source};
use super::super::error::ShardError;
use crate::format::Put;

#[test]
fn a_part_gives_its_own_bytes_and_no_others() {
    let whole: Arc<Vec<u8>> = Arc::new((0..100).collect());
    let part = Part::new(Arc::clone(&whole), 10..20).unwrap();
    assert_eq!(part.len(), 10);
    assert_eq!(part.bytes(0, 10).unwrap(), (10..20).collect::<Vec<u8>>());
    assert_eq!(part.bytes(10, 0).unwrap(), [0_u8; 0]);
    for (at, len) in [(0, 11), (10, 1), (11, 0), (u64::MAX, 1), (1, usize::MAX)] {
        assert!(part.bytes(at, len).is_err(), "{at} {len}");
    }
    let inner = Part::new(&part, 4..6).unwrap();
    assert_eq!(inner.bytes(1, 1).unwrap(), [15]);
    assert!(Part::new(&part, 4..11).is_err());
    #[expect(clippy::reversed_empty_ranges, reason = "what a damaged header may ask for")]
    let reversed = Part::new(&part, 6..4);
    assert!(reversed.is_err());
    assert!(whole.bytes(100, 1).is_err());
}

#[test]
fn a_cursor_reads_numbers_and_bytes_across_its_windows() {
    let numbers: Vec<u64> = (0..300).map(|i| 1 << (i % 64)).collect();
    let mut bytes = vec![0xFF; 3];
    for number in &numbers {
        bytes.varint(*number);
        bytes.extend_from_slice(&[7; 40]);
    }
    let end = bytes.len() as u64;
    bytes.push(0xFF);
    let mut cursor = Cursor::new(&bytes, 3, end, "values");
    for number in &numbers {
        assert_eq!(cursor.varint(), Ok(*number));
        assert_eq!(cursor.take(10), Ok([7; 10].as_slice()));
        cursor.skip(25).unwrap();
        assert_eq!(cursor.take(5), Ok([7; 5].as_slice()));
    }
    assert!(cursor.is_at_end());
    let error = Err(ShardError::Structure("values"));
    assert_eq!(cursor.take(1), error);
    assert_eq!(cursor.varint().map(|_| ()), error.map(|_: &[u8]| ()));
    assert!(cursor.skip(1).is_err());
}

#[test]
fn a_number_without_an_end_is_an_error() {
    for bytes in [vec![0x80; 400], vec![0xFF; 10], vec![0x80; 3]] {
        let mut cursor = Cursor::new(&bytes, 0, bytes.len() as u64, "values");
        assert_eq!(cursor.varint(), Err(ShardError::Structure("values")));
    }
}
