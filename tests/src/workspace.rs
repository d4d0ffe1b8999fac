//! Where the workspace is, and which files belong to it.
//!
//! Invariant: paths are relative to the root, sorted, with `/`.
//! Knows nothing about what the files mean.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Directories that a walk never enters: build output and scratch logs.
const SKIPPED: [&str; 3] = ["target", ".git", "shoseki-data"];

/// The directory of the workspace's `Cargo.toml`.
#[must_use]
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}

/// The files of the project: what git tracks or would track, and in an unpacked archive, where git
/// has no say, every file outside the build output.
///
/// # Errors
/// A directory of the workspace can't be read.
pub fn files() -> io::Result<Vec<String>> {
    let root = root();
    let listed = listed_by_git(&root);
    let mut found = BTreeSet::new();
    match listed {
        // A file deleted but not yet committed is still listed.
        Some(names) => found.extend(names.into_iter().filter(|name| root.join(name).is_file())),
        None => walk(&root, "", &mut found)?,
    }
    Ok(found.into_iter().collect())
}

fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    if !root.join(".git").exists() {
        return None;
    }
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn walk(root: &Path, under: &str, found: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(under))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if under.is_empty() { name.clone() } else { format!("{under}/{name}") };
        if entry.file_type()?.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                walk(root, &path, found)?;
            }
        } else {
            found.insert(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_listings_hold_this_file() {
        let this = "tests/src/workspace.rs".to_owned();
        assert!(files().unwrap().contains(&this));
        let mut walked = BTreeSet::new();
        walk(&root(), "", &mut walked).unwrap();
        assert!(walked.contains(&this));
        assert!(walked.iter().all(|path| !path.starts_with("target/")));
    }
}
