//! Nothing names one machine: no absolute home or build path, no package source but crates.io.
//!
//! Invariant: the words looked for are put together here, so that this file passes itself.
//! Knows nothing about paths in data files.

use crate::source::{self, File, assert_none};

/// Directories under which one person or one machine keeps its things.
const HOMES: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Settings that send a package manager elsewhere.
const SOURCES: &[&str] = &[
    concat!("replace", "-with"),
    concat!("[registr", "ies"),
    concat!("index", "-url"),
    concat!("sparse", "+http"),
];

fn home_faults(file: &File) -> Vec<String> {
    let mut faults = Vec::new();
    for (i, line) in file.text.lines().enumerate() {
        let absolute = |home: &&&str| {
            line.match_indices(**home).any(|(at, _)| {
                let before = line.get(..at).and_then(|text| text.chars().next_back());
                !before.is_some_and(|c| c.is_alphanumeric() || "._-)}$/".contains(c))
            })
        };
        if let Some(home) = HOMES.iter().find(absolute) {
            faults.push(format!("{}:{}: {home}", file.path, i + 1));
        }
    }
    faults
}

fn source_faults(file: &File) -> Vec<String> {
    let lock = file.path.ends_with(".lock");
    let foreign = |line: &str| {
        if lock {
            line.starts_with("source = ") && !line.contains(CRATES_IO)
        } else {
            SOURCES.iter().any(|setting| line.contains(setting))
        }
    };
    let lines = file.text.lines().enumerate().filter(|(_, line)| foreign(line));
    lines.map(|(i, line)| format!("{}:{}: {line}", file.path, i + 1)).collect()
}

#[test]
fn no_file_names_one_machine() {
    let files = source::files(&["rs", "md", "toml", "lock", "sh", "py", "yml", "yaml", "", "html"]);
    assert!(files.iter().any(|file| file.path == "Cargo.lock"), "is this the workspace?");
    let mut faults: Vec<String> = files.iter().flat_map(home_faults).collect();
    faults.extend(files.iter().flat_map(source_faults));
    assert_none("places", &faults);
}

#[test]
fn planted_places_are_found() {
    let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
    assert_eq!(home_faults(&file("a.md", concat!("see /ho", "me/me/notes"))).len(), 1);
    assert_eq!(home_faults(&file("a.md", concat!("GET /v1/ro", "ot/x"))).len(), 0);
    assert_eq!(source_faults(&file("Cargo.lock", "source = \"registry+https://x\"")).len(), 1);
    assert_eq!(source_faults(&file("Cargo.lock", &format!("source = \"{CRATES_IO}\""))).len(), 0);
    assert_eq!(
        source_faults(&file(".cargo/config.toml", concat!("replace", "-with = 1"))).len(),
        1
    );
}
