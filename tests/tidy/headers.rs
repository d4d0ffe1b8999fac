//! Each file says what it is, and `mod.rs` only lists what is in its folder.
//!
//! Invariant: a file without a header fails, whatever else it holds.
//! Knows nothing about whether a header is true.

use crate::source::{self, File, assert_none, code_only, without_tests};

const ITEMS: &[&str] =
    &["fn", "struct", "enum", "impl", "trait", "const", "static", "union", "type"];

fn header_fault(file: &File) -> Option<String> {
    (!file.text.starts_with("//!")).then(|| format!("{}: does not begin with `//!`", file.path))
}

/// `mod.rs` and the engine's `lib.rs` hold docs, `mod` and `pub use`. Folders of tests are free.
fn item_faults(file: &File) -> Vec<String> {
    let listing = file.path.ends_with("/mod.rs") || file.path == "engine/src/lib.rs";
    if !listing || file.is_test() {
        return Vec::new();
    }
    let code = without_tests(&code_only(&file.text));
    let item = |line: &str| {
        let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        let mut words = words.filter(|w| !matches!(*w, "" | "pub" | "crate" | "super" | "unsafe"));
        words.next().is_some_and(|word| ITEMS.contains(&word))
    };
    let lines = code.lines().enumerate().filter(|(_, line)| item(line));
    lines.map(|(i, _)| format!("{}:{}: an item in a listing", file.path, i + 1)).collect()
}

#[test]
fn every_file_says_what_it_is() {
    let files = source::rust_files_under(&[
        "engine/src/",
        "tools/src/",
        "tools/lab/src/",
        "tools/import/src/",
        "tests/",
        "benches/",
    ]);
    let faults: Vec<String> = files.iter().filter_map(header_fault).collect();
    assert_none("headers", &faults);
}

#[test]
fn listings_hold_no_items() {
    let files = source::rust_files_under(&[
        "engine/src/",
        "tools/src/",
        "tools/lab/src/",
        "tools/import/src/",
    ]);
    let faults: Vec<String> = files.iter().flat_map(item_faults).collect();
    assert_none("mod.rs and lib.rs", &faults);
}

#[test]
fn planted_header_faults_are_found() {
    let file = |text: &str| File { path: "engine/src/a/mod.rs".to_owned(), text: text.to_owned() };
    assert!(header_fault(&file("use std::fmt;\n")).is_some());
    assert!(header_fault(&file("//! Says.\n")).is_none());
    assert_eq!(item_faults(&file("//! x\npub(crate) fn f() {}\nimpl A {}\n")).len(), 2);
    let tests = File { path: "engine/src/a/tests/mod.rs".to_owned(), text: "fn f() {}".to_owned() };
    assert_eq!(item_faults(&tests).len(), 0);
    assert_eq!(item_faults(&file("//! fn\nmod a;\npub use a::{\n    A, type_of,\n};\n")).len(), 0);
}
