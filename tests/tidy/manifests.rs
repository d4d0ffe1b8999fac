//! Every outside dependency has its reason beside it, and every package takes the shared lints.
//!
//! Invariant: a dependency is named once, in the workspace's `Cargo.toml`.
//! Knows nothing about TOML beyond lines, sections and comments.

use crate::source::{self, assert_none};

/// Dependencies of the workspace that have neither a comment above nor behind them. Packages of the
/// workspace itself (`path = …`) need none.
fn without_reason(manifest: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut inside = false;
    let mut commented = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == "[workspace.dependencies]";
        } else if line.starts_with('#') {
            commented = true;
            continue;
        } else if inside && starts_entry(line) {
            let own = line.contains("path = ");
            if !own && !commented && !line.contains(" # ") {
                faults.push(format!("Cargo.toml: no reason given for: {line}"));
            }
        }
        commented = false;
    }
    faults
}

fn starts_entry(line: &str) -> bool {
    line.starts_with(|c: char| c.is_ascii_alphabetic()) && line.contains(" = ")
}

/// Dependencies of a member that don't come from the workspace.
fn own_versions(path: &str, manifest: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if inside && line.contains('=') && !line.starts_with('#') {
            let shared = line.contains(".workspace = true") || line.contains("workspace = true");
            if !shared {
                faults.push(format!("{path}: not from the workspace: {line}"));
            }
        }
    }
    faults
}

#[test]
fn every_dependency_has_a_reason() {
    let root = source::files(&["toml"]).into_iter().find(|file| file.path == "Cargo.toml");
    let manifest = root.map(|file| file.text).unwrap_or_default();
    assert!(manifest.contains("[workspace.dependencies]"), "the root manifest was not found");
    assert_none("dependencies", &without_reason(&manifest));
}

#[test]
fn members_share_dependencies_and_lints() {
    let mut members = source::files(&["toml"]);
    // A workspace of its own shares nothing.
    members.retain(|file| {
        file.path.ends_with("/Cargo.toml") && !file.text.contains("\n[workspace]\n")
    });
    assert!(members.len() >= 4, "is this the workspace?");
    let mut faults = Vec::new();
    for member in &members {
        faults.extend(own_versions(&member.path, &member.text));
        if !member.text.contains("[lints]\nworkspace = true") {
            faults.push(format!("{}: without the workspace's lints", member.path));
        }
    }
    assert_none("members", &faults);
}

#[test]
fn planted_manifest_faults_are_found() {
    let manifest = concat!(
        "[workspace.dependencies]\nown = { path = \"own\" }\n# why\na = \"1\"\nb = \"2\"\n",
        "c = \"3\" # why\n[profile.release]\ndebug = 1\n",
    );
    assert_eq!(without_reason(manifest), ["Cargo.toml: no reason given for: b = \"2\""]);
    let member = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true\n\
                  b = { workspace = true }\nc = \"1\"\n";
    assert_eq!(own_versions("x", member).len(), 1);
}
