//! Every seed, every input of the corpora and every input that once found something, without
//! libFuzzer.
//!
//! Invariant: a target without seeds or a folder that belongs to no target fails.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests; a failure names its input")]

use std::fs;
use std::path::{Path, PathBuf};

use shoseki_fuzz::{Counting, TARGETS};

#[global_allocator]
static COUNTING: Counting = Counting;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The inputs below a folder, by target.
fn inputs(kind: &str, target: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder(kind).join(target)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn all(kind: &str) {
    for target in TARGETS {
        for path in inputs(kind, target.name) {
            println!("{}", path.display());
            (target.run)(&fs::read(&path).unwrap());
        }
    }
}

#[test]
fn every_seed_is_fine() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{}", target.name);
        for (n, seed) in seeds.iter().enumerate() {
            println!("{} {n}", target.name);
            (target.run)(seed);
        }
    }
}

#[test]
fn every_input_of_the_corpora_is_fine() {
    all("corpus");
}

#[test]
fn nothing_that_was_found_comes_back() {
    all("regressions");
}

#[test]
fn folders_belong_to_targets() {
    for kind in ["corpus", "regressions"] {
        let Ok(entries) = fs::read_dir(folder(kind)) else { continue };
        for entry in entries {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(TARGETS.iter().any(|target| target.name == name), "{kind}/{name}");
        }
    }
}
