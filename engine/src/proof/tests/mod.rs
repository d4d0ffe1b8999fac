//! Tests of the proof mathematics: against a naive tree, against vectors of others, and against
//! golden texts of our own.
#![expect(clippy::indexing_slicing, reason = "a test that indexes wrongly fails, as it should")]

mod bits;
mod golden;
mod notes;
mod text;
mod tree;
mod vectors;

use std::path::PathBuf;

use serde_json::Value;

use super::*;
use crate::types::*;

/// A file of the test data, or `None` (said on standard output) where there is none.
fn testdata(path: &str) -> Option<Vec<u8>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/testdata");
    let root = std::env::var_os("SHOSEKI_TESTDATA").map_or_else(|| beside.into(), PathBuf::from);
    if !root.is_dir() {
        let required = std::env::var("SHOSEKI_REQUIRE_TESTDATA").is_ok_and(|value| value == "1");
        assert!(!required, "test data is required but not there");
        println!("skipped: no test data");
        return None;
    }
    let file = root.join(path);
    Some(std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())))
}

/// The lines of a JSON Lines file of the test data.
fn json_lines(path: &str) -> Option<Vec<Value>> {
    let bytes = testdata(path)?;
    let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    Some(lines.map(|line| serde_json::from_slice(line).unwrap()).collect())
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| from_hex::<1>(pair).unwrap()[0]).collect()
}

/// The key of the golden texts and most tests; never one of a real log.
fn test_key(first_byte: u8) -> SigningKey {
    let mut seed = [7; 32];
    seed[0] = first_byte;
    SigningKey::generate(Origin::new("shoseki.example/test").unwrap(), &seed)
}

/// Record hashes of the test log: SHA-512 of `record 0`, `record 1` and so on.
fn test_hashes(count: usize) -> Vec<RecordHash> {
    (0..count).map(|seq| record_hash(format!("record {seq}").as_bytes())).collect()
}

fn tree_of(leaves: impl IntoIterator<Item = NodeHash>) -> CompactRange {
    let mut range = CompactRange::new(0);
    for leaf in leaves {
        range.push(leaf).unwrap();
    }
    range
}
