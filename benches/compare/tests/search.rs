//! The whole run, small: processes, files that are kept, tables.
//!
//! Knows nothing about figures; which peers there are depends on the features.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail loudly")]

use std::path::Path;
use std::process::{Command, Output};

fn search(keep: &Path, peers: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_compare"));
    command.args(["search", "--records", "2000", "--rounds", "2", "--samples", "4", "--cold", "1"]);
    command.args(["--peers", peers, "--keep"]).arg(keep);
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    done
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn kept_data_are_asked_again_and_not_filled_again() {
    let scratch = tempfile::tempdir().unwrap();
    let keep = scratch.path().join("kept");
    let first = search(&keep, "shoseki,tantivy");
    assert!(text(&first.stderr).contains("filling shoseki"));
    let tables = text(&first.stdout);
    assert!(tables.contains("| newest 100 of one actor in a week (4) |"), "{tables}");
    assert!(tables.contains("\n| Shoseki | "), "{tables}");
    let there = tables.contains("\n| tantivy | ");
    assert!(there || tables.contains("- Skipped: tantivy: built without"), "{tables}");
    let figures = std::fs::read(keep.join("search-2000.json")).unwrap();
    let figures: serde_json::Value = serde_json::from_slice(&figures).unwrap();
    let rounds = figures["peers"][0]["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), 2);
    assert_eq!(rounds[0]["warm"]["actor"]["ms"].as_array().unwrap().len(), 4);
    let compared = figures["compared"].as_u64().unwrap();
    assert!(if there { compared > 50 } else { compared == 8 }, "{compared}");

    let second = search(&keep, "shoseki");
    assert!(!text(&second.stderr).contains("filling"));

    // What was cut off while it was filled begins anew.
    std::fs::remove_file(keep.join("shoseki-2000-1.json")).unwrap();
    let third = search(&keep, "shoseki");
    assert!(text(&third.stderr).contains("filling shoseki"));
}
