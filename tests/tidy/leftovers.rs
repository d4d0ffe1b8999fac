//! Nothing half-done is left behind, no test is switched off, and no test waits for the clock.
//!
//! Invariant: the words looked for are put together here, so that this file passes itself.
//! Knows nothing about data files: only sources, scripts and documents are read.

use crate::source::{self, File, assert_none, code_only, split_tests};

const MARKERS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Looked for in code without comments and literals.
const HOLLOW: &[&str] = &[
    concat!("dbg", "!"),
    concat!("todo", "!"),
    concat!("unimplemented", "!"),
    concat!("#[", "ignore"),
    concat!("assert!(", "true"),
];

/// Waiting in a test: (path, reason). A test waits for an event, not for time.
const SLEEPERS: &[(&str, &str)] = &[];

/// The only files of the shipped packages with unsafe code.
const UNSAFE_FILES: [&str; 2] = ["engine/src/io/os.rs", "engine/src/proof/many/x86.rs"];

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let behind = line.get(at + word.len()..).and_then(|text| text.chars().next());
        let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !part(before) && !part(behind)
    })
}

fn marker_faults(file: &File) -> Vec<String> {
    let mut faults = Vec::new();
    for (i, line) in file.text.lines().enumerate() {
        for marker in MARKERS.iter().filter(|marker| has_word(line, marker)) {
            faults.push(format!("{}:{}: {marker}", file.path, i + 1));
        }
    }
    faults
}

fn hollow_faults(file: &File) -> Vec<String> {
    let code = code_only(&file.text);
    let mut faults = Vec::new();
    for (i, line) in code.lines().enumerate() {
        for found in HOLLOW.iter().filter(|found| line.contains(**found)) {
            faults.push(format!("{}:{}: {found}", file.path, i + 1));
        }
    }
    faults
}

fn sleep_faults(file: &File) -> Vec<String> {
    if SLEEPERS.iter().any(|(path, _)| *path == file.path) {
        return Vec::new();
    }
    let text = match (file.is_rust(), file.is_test()) {
        (true, true) => code_only(&file.text),
        (true, false) => split_tests(&code_only(&file.text)).1,
        (false, true) => file.text.clone(),
        (false, false) => return Vec::new(),
    };
    // A shell calls it as a command, Rust and Python as a function.
    let sleeps = |line: &str| {
        let word = concat!("sl", "eep");
        let shell = line.trim_start().starts_with(word) || line.contains(concat!("; sl", "eep "));
        let call = line.contains(concat!("sl", "eep("));
        if file.is_rust() { call } else { call || shell }
    };
    let lines = text.lines().enumerate().filter(|(_, line)| sleeps(line));
    lines.map(|(i, _)| format!("{}:{}: a test that waits for time", file.path, i + 1)).collect()
}

fn unsafe_faults(file: &File) -> Vec<String> {
    if UNSAFE_FILES.contains(&file.path.as_str()) {
        return Vec::new();
    }
    let code = code_only(&file.text);
    let lines = code.lines().enumerate().filter(|(_, line)| has_word(line, "unsafe"));
    lines
        .map(|(i, _)| format!("{}:{}: unsafe outside {UNSAFE_FILES:?}", file.path, i + 1))
        .collect()
}

#[test]
fn nothing_is_left_half_done() {
    let texts = source::files(&["rs", "md", "toml", "sh", "py", ""]);
    let rust = source::files(&["rs"]);
    assert!(rust.len() > 5, "is this the workspace?");
    let mut faults: Vec<String> = texts.iter().flat_map(marker_faults).collect();
    faults.extend(rust.iter().flat_map(hollow_faults));
    assert_none("leftovers", &faults);
}

#[test]
fn no_test_waits_for_the_clock() {
    let files = source::files(&["rs", "sh", "py", ""]);
    let faults: Vec<String> = files.iter().flat_map(sleep_faults).collect();
    assert_none("tests that wait", &faults);
}

#[test]
fn unsafe_code_stays_in_two_files() {
    let files = source::rust_files_under(&[
        "engine/src/",
        "tools/src/",
        "tools/lab/src/",
        "tools/import/src/",
    ]);
    let faults: Vec<String> = files.iter().flat_map(unsafe_faults).collect();
    assert_none("unsafe", &faults);
}

#[test]
fn planted_leftovers_are_found() {
    let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
    let shipped = |text: &str| file("engine/src/a.rs", text);
    assert_eq!(marker_faults(&shipped(concat!("// TO", "DO: later"))).len(), 1);
    assert_eq!(marker_faults(&shipped(concat!("// no TO", "DOLIST here"))).len(), 0);
    assert_eq!(hollow_faults(&shipped(concat!("#[ig", "nore]\nfn f() { dbg", "!(1); }"))).len(), 2);
    assert_eq!(hollow_faults(&shipped(concat!("// dbg", "!(1)"))).len(), 0);
    let sleep = concat!("thread::sl", "eep(second);");
    assert_eq!(sleep_faults(&shipped(sleep)).len(), 0);
    let inline = format!("#[cfg(test)]\nmod t {{\n{sleep}\n}}");
    assert_eq!(sleep_faults(&shipped(&inline)).len(), 1);
    assert_eq!(sleep_faults(&file("tests/a.rs", sleep)).len(), 1);
    assert_eq!(sleep_faults(&file("tests/e2e/a.sh", concat!("true; sl", "eep 1"))).len(), 1);
    assert_eq!(unsafe_faults(&shipped("fn f() { unsafe { g() } }")).len(), 1);
    assert_eq!(unsafe_faults(&shipped("#![deny(unsafe_code)] // unsafe")).len(), 0);
}
