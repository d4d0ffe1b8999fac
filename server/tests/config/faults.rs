//! Faulty files and the messages about them.

use std::path::Path;

use proptest::prelude::*;

use crate::support::{Folder, compare};

#[test]
fn faults_are_told_as_written() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/faults.txt");
    let text = std::fs::read_to_string(&path).expect("there");
    let mut parts = text.split("--- ");
    let mut due = parts.next().unwrap_or_default().to_owned();
    let mut count = 0;
    for case in parts {
        let (name, rest) = case.split_once('\n').expect("a name");
        let (file, _) = rest.split_once("=>\n").expect("a file");
        let faults = Folder::new().faults(file);
        assert!(!faults.is_empty(), "{name}");
        due.push_str(&format!("--- {name}\n{file}=>\n{}\n\n", faults.join("\n")));
        count += 1;
    }
    assert!(count > 40, "{count} cases");
    compare(&path, &format!("{}\n", due.trim_end()));
}

#[test]
fn bytes_and_lengths_that_are_not_a_configuration() {
    let folder = Folder::new();
    let not_text = "shoseki.toml:2:1: expected UTF-8, got bytes that are not";
    assert_eq!(folder.faults(b"a = 1\nb = \"\xff\"\n"), [not_text]);
    let long = "shoseki.toml: expected at most 1MiB of TOML, got 1048577 bytes";
    assert_eq!(folder.faults(" ".repeat((1 << 20) + 1)), [long]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_is_too_much(text in any::<String>()) {
        let _ = Folder::new().read(text);
    }

    #[test]
    fn no_piece_of_a_file_is_too_much(
        parts in proptest::collection::vec(0..PARTS.len(), 0..24),
    ) {
        let text: String = parts.iter().filter_map(|part| PARTS.get(*part).copied()).collect();
        let read = Folder::new().read(&text);
        // A fault is one line, so that a list of them can be read.
        for fault in read.err().unwrap_or_default() {
            prop_assert!(!fault.to_string().contains('\n'), "{fault:?}");
        }
    }
}

/// Pieces of files, whole and broken.
const PARTS: [&str; 24] = [
    "\n",
    " ",
    "=",
    "[",
    "]",
    "[[",
    "]]",
    "\"",
    "\"\"\"",
    "{",
    "}",
    ",",
    ".",
    "\n[server]\n",
    "\n[[identity.clients]]\n",
    "listen",
    "roles",
    "=[\"*\"]\n",
    "=\"30s\"\n",
    "=-9223372036854775809\n",
    "=0xffff_ffff_ffff_ffff\n",
    "=1979-05-27T07:32:00Z\n",
    "ö#\u{0}",
    "identity.allow_networks.admin",
];
