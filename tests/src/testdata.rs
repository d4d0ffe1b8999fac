//! Finds the published test data that is kept beside the workspace, not in it.
//!
//! Invariant: a test that needs data either gets it, says that it was skipped, or fails; with
//! `SHOSEKI_REQUIRE_TESTDATA=1` it never skips.
//! Knows nothing about what the files hold.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::workspace;

/// Names the directory of the test data.
pub const DIRECTORY_VARIABLE: &str = "SHOSEKI_TESTDATA";

/// Turns absent test data from a skipped test into a failed one, when set to `1`.
pub const REQUIRED_VARIABLE: &str = "SHOSEKI_REQUIRE_TESTDATA";

/// What a test does about one file of the test data.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Here(PathBuf),
    Skip,
    Missing(PathBuf),
}

/// The path of a file or directory of the test data, for example `merkle/inclusion.jsonl`.
/// `None` when it is absent and may be: the caller returns, its test counts as passed.
///
/// # Panics
/// It is absent and [`REQUIRED_VARIABLE`] is `1`.
#[must_use]
pub fn path(relative: &str) -> Option<PathBuf> {
    let directory = directory(env::var_os(DIRECTORY_VARIABLE), &workspace::root());
    match find(&directory, relative, env::var_os(REQUIRED_VARIABLE).as_deref()) {
        Found::Here(path) => Some(path),
        Found::Skip => {
            say_skipped();
            None
        }
        Found::Missing(path) => fail(&path),
    }
}

fn directory(named: Option<OsString>, root: &Path) -> PathBuf {
    named.map_or_else(|| root.join("../shared/testdata"), PathBuf::from)
}

fn find(directory: &Path, relative: &str, required: Option<&std::ffi::OsStr>) -> Found {
    let path = directory.join(relative);
    if path.exists() {
        Found::Here(path)
    } else if required.is_some_and(|value| value == "1") {
        Found::Missing(path)
    } else {
        Found::Skip
    }
}

#[expect(clippy::print_stdout, reason = "a skipped test says so in the test output")]
fn say_skipped() {
    println!("skipped: no test data");
}

#[expect(clippy::panic, reason = "the test that asked for the data has to fail")]
fn fail(path: &Path) -> ! {
    panic!("no test data at {} and {REQUIRED_VARIABLE}=1", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_directory_is_beside_the_workspace() {
        let found = directory(None, Path::new("somewhere/shoseki"));
        assert_eq!(found, Path::new("somewhere/shoseki/../shared/testdata"));
        assert_eq!(directory(Some("elsewhere".into()), Path::new("x")), Path::new("elsewhere"));
    }

    #[test]
    fn absent_data_skips_or_fails_and_present_data_is_found() {
        let root = workspace::root();
        assert_eq!(find(&root, "Cargo.toml", None), Found::Here(root.join("Cargo.toml")));
        assert_eq!(find(&root, "no such file", None), Found::Skip);
        assert_eq!(find(&root, "no such file", Some("0".as_ref())), Found::Skip);
        let missing = find(&root, "no such file", Some("1".as_ref()));
        assert_eq!(missing, Found::Missing(root.join("no such file")));
    }
}
