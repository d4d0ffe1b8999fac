//! Side by side against one after the other: every length, every number of messages.

use sha2::{Digest, Sha512};

use super::*;
use crate::types::RecordHash;
use crate::types::to_hex;

fn message(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from((at * 131 + seed * 29 + at / 7) % 256).unwrap()).collect()
}

fn check(messages: &[Vec<u8>]) {
    let bodies: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let wanted: Vec<RecordHash> =
        bodies.iter().map(|body| RecordHash(Sha512::digest(body).into())).collect();
    assert_eq!(record_hashes(&bodies), wanted);
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        let mut found = vec![None; bodies.len()];
        x86::hash_four(&bodies, &mut |index, hash| {
            let place = found.get_mut(index).unwrap();
            assert!(place.replace(hash).is_none(), "{index} twice");
        });
        assert_eq!(found.into_iter().map(Option::unwrap).collect::<Vec<_>>(), wanted);
    }
}

#[test]
fn every_length_beside_others_of_the_same_and_of_another() {
    for len in 0..=1_024 {
        check(&(0..9).map(|seed| message(len, seed)).collect::<Vec<_>>());
        check(&(0..5).map(|seed| message(len * (seed + 1) % 1_500, seed)).collect::<Vec<_>>());
    }
}

#[test]
fn every_number_of_messages() {
    for count in 0..40 {
        check(&(0..count).map(|n| message((n * 97) % 700, n)).collect::<Vec<_>>());
    }
}

#[test]
fn one_long_message_among_short_ones() {
    let lens = [10, 262_144, 0, 111, 112, 127, 128, 239, 240, 70_000, 5, 6, 7];
    check(&lens.iter().map(|len| message(*len, 3)).collect::<Vec<_>>());
}

/// FIPS 180-2, appendix C, by a path that does not know sha2.
#[test]
fn known_answers() {
    let abc = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
               2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
    let long = "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018\
                501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909";
    let text = b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno\
                 ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
    let hashes = record_hashes(&[&b"abc"[..], text, b"abc", text]);
    let hex: Vec<String> = hashes.iter().map(|hash| to_hex(&hash.0)).collect();
    assert_eq!(hex, [abc, long, abc, long]);
}
