//! Golden files: bytes that were written once must mean the same forever.
//!
//! Invariant: no test here writes a golden file; `tests/examples/make_golden.rs` does, for a new
//! version.
//! Knows nothing about how a log is appended to.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops where it can't go on")]

mod bodies;
mod data_directory;
mod document;
mod files;
mod sample;

use std::fs;
use std::path::PathBuf;

use shoseki_tests::workspace;

/// The committed files.
fn data() -> PathBuf {
    workspace::root().join("tests/golden/data")
}

fn golden(name: &str) -> Vec<u8> {
    fs::read(data().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}
