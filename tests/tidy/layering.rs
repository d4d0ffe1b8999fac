//! Which layer of the engine may name which, and what the pure layers may not name at all.
//!
//! Invariant: a layer that is missing in the table fails; nothing is allowed by omission.
//! Knows nothing about other packages: Cargo keeps those apart.

use crate::paths::{self, NamedPath};
use crate::source::{self, File, assert_none, code_only, without_tests};

/// A folder or file of engine/src, and the layers that its shipped code may name.
const LAYERS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("record", &["types"]),
    ("format", &["types"]),
    ("proof", &["types"]),
    ("text", &[]),
    ("segment", &["types", "record", "format", "proof"]),
    ("recovery", &["types", "record", "format", "proof", "segment"]),
    ("index", &["types", "record", "format", "proof", "text", "segment", "io"]),
    ("query", &["types", "record", "format", "proof", "text", "segment", "index"]),
    ("io", &["types"]),
    ("log", &["types", "record", "format", "proof", "segment", "recovery", "index", "query", "io"]),
    // Empty but for the tests that take checks out.
    ("mutants", &[]),
    // The auditor shares formats and mathematics with the writer, never its caches.
    ("verify", &["types", "record", "format", "proof", "segment"]),
];

/// Single paths that a layer may name beside its layers, with the reason:
/// (layer, path, reason).
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("recovery", "crate::mutants", "with the feature `mutants` only, which nothing shipped has"),
    ("log", "crate::mutants", "with the feature `mutants` only, which nothing shipped has"),
];

/// Slices in, values out: no file, clock, thread, environment or random number.
const PURE: &[&str] = &["types", "record", "format", "proof", "text", "segment", "recovery"];

const IMPURE_PATHS: &[&str] = &[
    "std::fs",
    "std::time::SystemTime",
    "std::time::Instant",
    "std::thread",
    "std::env",
    "std::net",
    "std::process",
    "std::os",
    "getrandom",
    "rustix",
    "memmap2",
];

/// A verifier that can't write can't repair what it should report.
const WRITING_PATHS: &[&str] = &[
    "std::fs::write",
    "std::fs::rename",
    "std::fs::remove_file",
    "std::fs::remove_dir",
    "std::fs::remove_dir_all",
    "std::fs::create_dir",
    "std::fs::create_dir_all",
    "std::fs::copy",
    "std::fs::hard_link",
    "std::fs::set_permissions",
    "std::fs::OpenOptions",
    "fs::write",
    "fs::rename",
    "fs::remove_file",
    "fs::remove_dir",
    "fs::remove_dir_all",
    "fs::create_dir",
    "fs::create_dir_all",
    "fs::copy",
    "fs::hard_link",
    "fs::set_permissions",
    "fs::OpenOptions",
    "fs::File::create",
    "std::fs::File::create",
    "File::create",
    "File::create_new",
    "File::options",
];

/// The operating system is touched in one place, so that the simulated one can stand in for it.
/// The auditor reads files of its own.
const OS_PATHS: &[&str] = &["std::fs", "rustix", "memmap2"];
const OS_LAYERS: &[&str] = &["io", "verify"];

/// `engine/src/format/frame.rs` -> `["format", "frame"]`; the crate root is empty.
fn module_of(path: &str) -> Vec<String> {
    let inside = path.strip_prefix("engine/src/").unwrap_or(path);
    let inside = inside.strip_suffix(".rs").unwrap_or(inside);
    let mut module: Vec<String> = inside.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod" || last == "lib") {
        module.pop();
    }
    module
}

fn allowed(layer: &str) -> Option<&'static [&'static str]> {
    LAYERS.iter().find(|(name, _)| *name == layer).map(|(_, allowed)| *allowed)
}

fn excepted(layer: &str, path: &NamedPath) -> bool {
    EXCEPTIONS.iter().any(|(from, prefix, _)| *from == layer && path.is_in(prefix))
}

fn faults(file: &File) -> Vec<String> {
    let module = module_of(&file.path);
    let Some(layer) = module.first() else { return Vec::new() };
    let Some(allowed) = allowed(layer) else {
        return vec![format!("{}: `{layer}` is in no row of the table", file.path)];
    };
    let code = without_tests(&code_only(&file.text));
    let mut faults = Vec::new();
    for path in paths::named(&code) {
        let path = path.resolved(&module);
        if excepted(layer, &path) {
            continue;
        }
        if let Some(reason) = forbidden(layer, allowed, &path) {
            faults.push(format!("{}:{}: {path}: {reason}", file.path, path.line));
        }
    }
    faults
}

fn forbidden(layer: &str, allowed: &[&str], path: &NamedPath) -> Option<String> {
    if path.is_in("crate") {
        let target = path.segments.get(1)?;
        let fine = target == layer || allowed.contains(&target.as_str());
        return (!fine).then(|| format!("`{layer}` may not know `{target}`"));
    }
    let names = |list: &[&str]| list.iter().any(|prefix| path.is_in(prefix));
    if PURE.contains(&layer) && names(IMPURE_PATHS) {
        return Some(format!("`{layer}` is pure"));
    }
    if !OS_LAYERS.contains(&layer) && names(OS_PATHS) {
        return Some("the operating system is `io`'s".to_owned());
    }
    (layer == "verify" && names(WRITING_PATHS)).then(|| "the verifier never writes".to_owned())
}

#[test]
fn layers_name_only_what_stands_below_them() {
    let files = source::rust_files_under(&["engine/src/"]);
    let faults: Vec<String> =
        files.iter().filter(|file| !file.is_test()).flat_map(faults).collect();
    assert_none("layering (table in tests/tidy/layering.rs)", &faults);
}

#[test]
fn planted_layering_faults_are_found() {
    let check = |path: &str, text: &str| {
        faults(&File { path: path.to_owned(), text: text.to_owned() }).len()
    };
    assert_eq!(check("engine/src/verify/mod.rs", "use crate::{index::Index, types::Seq};"), 1);
    assert_eq!(check("engine/src/proof/mod.rs", "fn f() { crate::format::frame(); }"), 1);
    assert_eq!(check("engine/src/record/json.rs", "use super::super::log::Log;"), 1);
    assert_eq!(check("engine/src/record/json.rs", "use super::fault::Fault;"), 0);
    assert_eq!(check("engine/src/types.rs", "use std::{fmt, time::{Duration, Instant}};"), 1);
    assert_eq!(check("engine/src/segment/mod.rs", "getrandom::fill(&mut salt);"), 1);
    assert_eq!(check("engine/src/log/mod.rs", "use std::fs;"), 1);
    assert_eq!(check("engine/src/io/os.rs", "use std::fs;"), 0);
    assert_eq!(check("engine/src/verify/mod.rs", "use std::fs;\nfn f() { fs::rename(a, b); }"), 1);
    assert_eq!(check("engine/src/elsewhere.rs", ""), 1);
    assert_eq!(check("engine/src/verify/mod.rs", "#[cfg(test)] mod t { use crate::log::Log; }"), 0);
    assert_eq!(check("engine/src/verify/mod.rs", "/// See [`crate::log::Log`].\n"), 0);
}
