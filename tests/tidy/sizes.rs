//! Lengths of files, of inline tests and of lines. (Length of functions: clippy's
//! `too_many_lines`, with the bound in clippy.toml.)
//!
//! Invariant: lines are counted without tests where a file holds both.
//! Knows nothing about how a long file should be split.

use crate::source::{self, File, assert_none, code_only, split_tests};

const FILE_LINES_MAX: usize = 500;
/// A file of tests alone may be longer: it is read in parts.
const TEST_FILE_LINES_MAX: usize = 700;
/// Longer tests move to a sibling `tests.rs`.
const INLINE_TEST_LINES_MAX: usize = 150;
const LINE_COLUMNS_MAX: usize = 100;

/// Lines that can't be broken: a link, a string that a format fixes.
const LONG_LINES: &[(&str, &str, &str)] = &[];

fn faults(file: &File) -> Vec<String> {
    let mut faults = Vec::new();
    let path = &file.path;
    let all = file.text.lines().count();
    if file.is_test() {
        if all > TEST_FILE_LINES_MAX {
            faults.push(format!("{path}: {all} lines of tests, {TEST_FILE_LINES_MAX} at most"));
        }
    } else {
        let inline = test_lines(&file.text);
        if inline > INLINE_TEST_LINES_MAX {
            faults.push(format!("{path}: {inline} lines of inline tests, move them to tests.rs"));
        }
        let own = all - inline;
        if own > FILE_LINES_MAX {
            faults.push(format!("{path}: {own} lines, {FILE_LINES_MAX} at most"));
        }
    }
    for (i, line) in file.text.lines().enumerate() {
        let columns = line.chars().count();
        let known = LONG_LINES.iter().any(|(at, part, _)| at == path && line.contains(part));
        if columns > LINE_COLUMNS_MAX && !known {
            faults.push(format!("{path}:{}: {columns} columns", i + 1));
        }
    }
    faults
}

/// Lines from the first to the last token of each `#[cfg(test)]` item.
fn test_lines(text: &str) -> usize {
    let code = code_only(text);
    let (_, tests) = split_tests(&code);
    let mut spans = 0;
    let mut depth = 0_usize;
    for line in tests.lines() {
        let open = line.chars().filter(|c| *c == '{').count();
        let close = line.chars().filter(|c| *c == '}').count();
        if depth > 0 || !line.trim().is_empty() {
            spans += 1;
        }
        depth = (depth + open).saturating_sub(close);
    }
    spans
}

#[test]
fn files_and_lines_are_short_enough() {
    let files = source::files(&["rs"]);
    assert!(files.len() > 5, "is this the workspace?");
    let faults: Vec<String> = files.iter().flat_map(faults).collect();
    assert_none("sizes", &faults);
}

#[test]
fn planted_long_files_are_found() {
    let check = |path: &str, text: String| faults(&File { path: path.to_owned(), text }).len();
    let tests =
        |lines: usize| format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "// x\n".repeat(lines));
    assert_eq!(check("engine/src/a.rs", "//\n".repeat(500)), 0);
    assert_eq!(check("engine/src/a.rs", "//\n".repeat(501)), 1);
    assert_eq!(check("engine/src/a.rs", "//\n".repeat(500) + &tests(147)), 0);
    assert_eq!(check("engine/src/a.rs", tests(148)), 1);
    assert_eq!(check("engine/src/a/tests.rs", "//\n".repeat(700)), 0);
    assert_eq!(check("engine/src/a/tests.rs", "//\n".repeat(701)), 1);
    assert_eq!(check("engine/src/a.rs", "録".repeat(100)), 0);
    assert_eq!(check("engine/src/a.rs", "録".repeat(101)), 1);
}
