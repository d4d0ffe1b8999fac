//! Every truncation, every flipped bit and every byte too many of every structure.

use super::*;

#[test]
fn every_truncation_is_an_error() {
    for case in cases() {
        for len in 0..case.bytes.len() {
            // Whole entries of a directory are a directory; the footer says how many there are.
            if case.name == "directory" && len % DIRECTORY_ENTRY_LEN == 0 {
                continue;
            }
            assert!((case.recode)(&case.bytes[..len]).is_err(), "{} cut to {len}", case.name);
        }
    }
}

#[test]
fn a_byte_too_many_is_an_error() {
    for case in cases() {
        // What follows a block head are the groups.
        if case.name == "block head" {
            continue;
        }
        let mut longer = case.bytes.clone();
        longer.push(0);
        assert!((case.recode)(&longer).is_err(), "{}", case.name);
    }
}

#[test]
fn every_flipped_bit_is_an_error_or_another_value() {
    for case in cases() {
        for bit in 0..case.bytes.len() * 8 {
            let mut flipped = case.bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match (case.recode)(&flipped) {
                Err(_) => {}
                // Without a checksum of its own, a changed value is at least not mistaken for the
                // old one.
                Ok(again) => {
                    assert!(!case.checked, "{}: bit {bit} goes unnoticed", case.name);
                    assert_eq!(again, flipped, "{}: bit {bit}", case.name);
                }
            }
        }
    }
}
