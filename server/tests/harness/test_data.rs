//! Where the published test data is.
//!
//! Invariant: a test that needs data gets it, or says that it was skipped; with
//! `SHOSEKI_REQUIRE_TESTDATA=1` it fails instead. Knows nothing of what the files hold.

use std::path::{Path, PathBuf};

/// A folder or file of the test data. `None` (said so) where there is none on this machine.
pub(crate) fn test_data(name: &str) -> Option<PathBuf> {
    let given = std::env::var_os("SHOSEKI_TESTDATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/testdata");
    let path = given.unwrap_or(beside).join(name);
    if path.exists() {
        return Some(path);
    }
    let required = std::env::var_os("SHOSEKI_REQUIRE_TESTDATA").is_some_and(|value| value == "1");
    assert!(!required, "no test data at {}", path.display());
    println!("skipped: no test data");
    None
}
