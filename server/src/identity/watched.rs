//! A file that is read anew when it changes.
//!
//! Invariant: what was read last and was right stays in force; a file that vanished or broke is
//! reported once per change and never empties what it held. Knows nothing about what is in it.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

/// Longest file that is read, in bytes.
const FILE_LEN_MAX: u64 = 1 << 20;

/// Why a file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It can't be read.
    #[error("{path}: can't be read: {source}")]
    Read {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What is in it can't be used.
    #[error("{path}: {fault}")]
    Content {
        /// Its path.
        path: PathBuf,
        /// What is wrong, in one line.
        fault: String,
    },
}

type Parse<T> = fn(&[u8]) -> Result<T, String>;

/// What a file holds.
pub(super) struct Watched<T> {
    path: PathBuf,
    parse: Parse<T>,
    state: Mutex<State<T>>,
}

struct State<T> {
    value: Arc<T>,
    version: Option<Version>,
    /// Whether the version tells every later change: not while the file is younger than its clock.
    settled: bool,
    /// Second of the last look.
    looked_at: Option<i64>,
    fault: Option<String>,
}

/// By what a change is seen: a file that was replaced has another inode, whatever its time says.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Version {
    modified: (i64, i64),
    len: u64,
    inode: u64,
}

impl<T> Watched<T> {
    /// Reads the file for the first time.
    pub(super) fn open(path: &Path, parse: Parse<T>) -> Result<Self, FileError> {
        let version = version(path).ok();
        let value = Arc::new(read(path, parse)?);
        let state = State { value, version, settled: false, looked_at: None, fault: None };
        Ok(Self { path: path.to_owned(), parse, state: Mutex::new(state) })
    }

    /// What the file holds; looks for a change at most once a second of `now_unix`.
    pub(super) fn get(&self, now_unix: i64) -> Arc<T> {
        let mut state = self.state.lock();
        if state.looked_at != Some(now_unix) {
            state.looked_at = Some(now_unix);
            self.look(&mut state, now_unix);
        }
        Arc::clone(&state.value)
    }

    /// What is wrong with the file as it is now, if anything is.
    pub(super) fn fault(&self) -> Option<String> {
        self.state.lock().fault.clone()
    }

    fn look(&self, state: &mut State<T>, now_unix: i64) {
        // The version is taken before the content: a change in between is seen at the next look.
        let version = version(&self.path).ok();
        let changed = version != state.version;
        if !changed && state.settled {
            return;
        }
        state.version = version;
        state.settled =
            version.is_none_or(|version| version.modified.0 < now_unix.saturating_sub(1));
        match read(&self.path, self.parse) {
            Ok(value) => {
                state.value = Arc::new(value);
                state.fault = None;
                if changed {
                    tracing::info!(path = %self.path.display(), "read anew");
                }
            }
            Err(error) => {
                let fault = Some(error.to_string());
                if state.fault != fault {
                    tracing::error!(%error, "the file can't be used: what was read before stands");
                }
                state.fault = fault;
            }
        }
    }
}

fn version(path: &Path) -> io::Result<Version> {
    let found = fs::metadata(path)?;
    let modified = (found.mtime(), found.mtime_nsec());
    Ok(Version { modified, len: found.len(), inode: found.ino() })
}

fn read<T>(path: &Path, parse: Parse<T>) -> Result<T, FileError> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path);
    file.and_then(|file| file.take(FILE_LEN_MAX + 1).read_to_end(&mut bytes))
        .map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    let content = |fault| FileError::Content { path: path.to_owned(), fault };
    if bytes.len() as u64 > FILE_LEN_MAX {
        return Err(content(format!("longer than {FILE_LEN_MAX} bytes")));
    }
    parse(&bytes).map_err(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(bytes: &[u8]) -> Result<u32, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        text.parse().map_err(|_| format!("{text:?} is no number"))
    }

    #[test]
    fn a_change_is_seen_and_a_broken_file_keeps_the_old_value() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("number");
        assert!(matches!(Watched::open(&path, number), Err(FileError::Read { .. })));
        fs::write(&path, "1").unwrap();
        let watched = Watched::open(&path, number).unwrap();
        assert_eq!(*watched.get(0), 1);

        fs::write(&path, "22").unwrap();
        assert_eq!(*watched.get(0), 1, "one look a second");
        assert_eq!(*watched.get(1), 22);

        fs::write(&path, "broken").unwrap();
        assert_eq!((*watched.get(2), watched.fault().is_some()), (22, true));
        fs::remove_file(&path).unwrap();
        assert_eq!((*watched.get(3), watched.fault().is_some()), (22, true));

        fs::write(&path, "333").unwrap();
        assert_eq!((*watched.get(4), watched.fault()), (333, None));
    }

    #[test]
    fn a_change_within_one_tick_of_the_file_clock_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("number");
        fs::write(&path, "1").unwrap();
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        let watched = Watched::open(&path, number).unwrap();
        let now = version(&path).unwrap().modified.0;
        assert_eq!(*watched.get(now), 1);
        // The same inode, length and time.
        fs::write(&path, "2").unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        assert_eq!(*watched.get(now + 1), 2);
    }

    #[test]
    fn a_file_without_end_is_not_read() {
        let endless = Watched::open(Path::new("/dev/zero"), number);
        assert!(matches!(endless, Err(FileError::Content { .. })));
    }
}
