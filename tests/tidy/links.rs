//! Links between documents lead to files that are there.
//!
//! Invariant: only relative links are followed; nothing is fetched.
//! Knows nothing about anchors inside a document.

use shoseki_tests::workspace;

use crate::source::{self, File, assert_none};

/// The targets of `[text](target)` outside code blocks, with their lines.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (i, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        found.extend(targets.map(|(target, _)| (i + 1, target.to_owned())));
    }
    found
}

fn faults(file: &File) -> Vec<String> {
    let root = workspace::root();
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut faults = Vec::new();
    for (line, link) in links(&file.text) {
        let target = link.split('#').next().unwrap_or_default();
        let outside = target.contains("://") || target.starts_with("mailto:");
        if target.is_empty() || outside {
            continue;
        }
        if !root.join(folder).join(target).exists() {
            faults.push(format!("{}:{line}: no such file: {target}", file.path));
        }
    }
    faults
}

#[test]
fn documents_link_to_files_that_exist() {
    let documents = source::files(&["md"]);
    assert!(documents.iter().any(|file| file.path == "README.md"), "is this the workspace?");
    let faults: Vec<String> = documents.iter().flat_map(faults).collect();
    assert_none("links", &faults);
}

#[test]
fn planted_dead_links_are_found() {
    let text =
        "[a](LICENSE-MIT) [b](nowhere.md#x) [c](https://x.example)\n```\n[d](e)\n```\n[f](#g)\n";
    let file = File { path: "README.md".to_owned(), text: text.to_owned() };
    assert_eq!(faults(&file), ["README.md:1: no such file: nowhere.md"]);
}
