//! `--state FILE`: which files have been imported to their end.
//!
//! Invariant: a file is skipped only while its path, size and time of change are those it was
//! finished with; losing the state file costs time, never records, since ids are stable.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

/// The finished files, one JSON line each.
#[derive(Debug)]
pub struct Finished {
    known: HashSet<Entry>,
    file: File,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
struct Entry {
    path: PathBuf,
    size: u64,
    changed_ns: u64,
}

impl Finished {
    /// Reads the state, or begins one. Lines that don't parse are of no account.
    ///
    /// # Errors
    /// Where the file can't be read or written.
    pub fn open(path: &Path) -> io::Result<Self> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read?,
        };
        let known = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ok(Self { known, file: OpenOptions::new().create(true).append(true).open(path)? })
    }

    /// Whether the file was finished as it is now.
    #[must_use]
    pub fn has(&self, path: &Path) -> bool {
        Entry::of(path).is_ok_and(|entry| self.known.contains(&entry))
    }

    /// Notes that the file was imported to its end.
    ///
    /// # Errors
    /// Where the state can't be written.
    pub fn add(&mut self, path: &Path) -> io::Result<()> {
        let entry = Entry::of(path)?;
        let mut line = serde_json::to_vec(&entry)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.known.insert(entry);
        Ok(())
    }
}

impl Entry {
    fn of(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let meta = path.metadata()?;
        let since = meta.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let changed_ns = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        Ok(Self { size: meta.len(), path, changed_ns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finished_file_is_known_until_it_changes() {
        let dir = tempfile::tempdir().expect("a directory");
        let (state, data) = (dir.path().join("state"), dir.path().join("a.json"));
        fs::write(&data, "{}").expect("written");
        let mut finished = Finished::open(&state).expect("opened");
        assert!(!finished.has(&data));
        finished.add(&data).expect("noted");
        assert!(Finished::open(&state).expect("opened").has(&data));
        fs::write(&data, "{ }").expect("written");
        assert!(!Finished::open(&state).expect("opened").has(&data));
    }
}
