//! Where evidence is read from: a directory, or memory.
//!
//! Invariant: reading only, with positioned reads: a file that is cut meanwhile is an error, not a
//! signal. Paths are relative, with `/` between names.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustix::fs::{Dir, FileType, Mode, OFlags, SeekFrom, open};
use rustix::io::Errno;

use super::report::{Collector, Finding, FindingKind};
use crate::segment::ByteSource;

/// The bytes of one file.
pub type Bytes = Box<dyn ByteSource + Send + Sync>;

/// Files to audit.
pub trait EvidenceSource: Sync {
    /// Names in a directory, sorted; those of directories end with `/`. A missing directory is
    /// empty.
    ///
    /// # Errors What the medium says.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;

    /// A file as long as it is now; `None` where there is none.
    ///
    /// # Errors
    /// What the medium says.
    fn open(&self, path: &str) -> io::Result<Option<Bytes>>;

    /// What the medium would not give so far, though it may hold it: the first such thing.
    fn unread(&self) -> Option<&str> {
        None
    }
}

/// Keeps the first error of the medium itself.
#[derive(Clone, Debug, Default)]
struct Unread(Arc<OnceLock<String>>);

impl Unread {
    fn note(&self, path: &str, error: io::Error) -> io::Error {
        // Whoever removed a file or put another thing in its place gets other errors than these.
        const PASSING: [Errno; 8] = [
            Errno::IO,
            Errno::INTR,
            Errno::NOMEM,
            Errno::MFILE,
            Errno::NFILE,
            Errno::AGAIN,
            Errno::TIMEDOUT,
            Errno::STALE,
        ];
        if Errno::from_io_error(&error).is_some_and(|errno| PASSING.contains(&errno)) {
            let path = if path.is_empty() { "the directory" } else { path };
            let _ = self.0.set(format!("{path} could not be read: {error}"));
        }
        error
    }
}

/// A directory of the file system.
#[derive(Clone, Debug)]
pub struct DirEvidence {
    root: PathBuf,
    unread: Unread,
}

impl DirEvidence {
    /// The directory at `path`.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { root: path.to_path_buf(), unread: Unread::default() }
    }

    fn names(&self, dir: &str) -> io::Result<Vec<String>> {
        let path = self.root.join(dir);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = match open(&path, flags, Mode::empty()) {
            Ok(directory) => directory,
            Err(Errno::NOENT) => return Ok(Vec::new()),
            Err(e) => return Err(e.into()),
        };
        // Not by `fs::read_dir`: it panics where the directory can't be closed.
        let mut names = Vec::new();
        for entry in Dir::new(directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == "." || name == ".." {
                continue;
            }
            let is_dir = match entry.file_type() {
                FileType::Unknown => fs::symlink_metadata(path.join(&name))?.is_dir(),
                known => known == FileType::Directory,
            };
            names.push(if is_dir { format!("{name}/") } else { name });
        }
        names.sort();
        Ok(names)
    }
}

impl EvidenceSource for DirEvidence {
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.names(dir).map_err(|e| self.unread.note(dir, e))
    }

    fn open(&self, path: &str) -> io::Result<Option<Bytes>> {
        match FileBytes::open(&self.root.join(path)) {
            Ok(file) => {
                let told = Some((self.unread.clone(), path.to_owned()));
                Ok(Some(Box::new(FileBytes { told, ..file })))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(self.unread.note(path, e)),
        }
    }

    fn unread(&self) -> Option<&str> {
        self.unread.0.get().map(String::as_str)
    }
}

/// An open file, up to the length that it had when it was opened.
pub(super) struct FileBytes {
    file: File,
    len: u64,
    /// Who is told of errors of the medium, and under which path.
    told: Option<(Unread, String)>,
}

impl FileBytes {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        // A pipe in a file's place must not make the audit wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
        let meta = file.metadata()?;
        if meta.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !meta.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Self { file, len: meta.len(), told: None })
    }
}

impl ByteSource for FileBytes {
    fn len(&self) -> u64 {
        self.len
    }

    fn bytes(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        // Checked before anything is allocated.
        let end = offset.checked_add(len as u64).filter(|end| *end <= self.len);
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut buffer = vec![0; len];
        let read = self.file.read_exact_at(&mut buffer, offset);
        read.map_err(|e| match &self.told {
            Some((unread, path)) => unread.note(path, e),
            None => e,
        })?;
        Ok(Cow::Owned(buffer))
    }

    /// Reads are positioned: that this moves the file's own place disturbs none of them.
    fn next_data(&self, offset: u64) -> Option<u64> {
        let found = match rustix::fs::seek(&self.file, SeekFrom::Data(offset)) {
            Ok(found) => found.max(offset),
            Err(Errno::NXIO) => return None,
            // A file system that knows of no holes: everything may be data.
            Err(_) => offset,
        };
        (found < self.len).then_some(found)
    }
}

/// Files in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryEvidence(pub BTreeMap<String, Arc<Vec<u8>>>);

impl MemoryEvidence {
    /// Puts a file in place.
    pub fn put(&mut self, path: &str, bytes: Vec<u8>) {
        self.0.insert(path.to_owned(), Arc::new(bytes));
    }
}

impl EvidenceSource for MemoryEvidence {
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let mut names = BTreeSet::new();
        for path in self.0.keys() {
            let Some(rest) = path.strip_prefix(&prefix) else { continue };
            names.insert(match rest.split_once('/') {
                Some((name, _)) => format!("{name}/"),
                None => rest.to_owned(),
            });
        }
        Ok(names.into_iter().collect())
    }

    fn open(&self, path: &str) -> io::Result<Option<Bytes>> {
        Ok(self.0.get(path).map(|bytes| Box::new(Arc::clone(bytes)) as Bytes))
    }
}

/// Names in a directory of evidence; a finding where it can't be listed.
pub(super) fn names(source: &dyn EvidenceSource, dir: &str, found: &mut Collector) -> Vec<String> {
    source.list(dir).unwrap_or_else(|e| {
        let what = format!("{dir} can't be listed: {e}");
        found.find(Finding::whole(FindingKind::Corrupt, what).in_file(dir));
        Vec::new()
    })
}

/// A whole small file; `None` where there is none. Longer than `max` is an error.
pub(super) fn read_small(
    source: &dyn EvidenceSource,
    path: &str,
    max: u64,
) -> io::Result<Option<Vec<u8>>> {
    let Some(bytes) = source.open(path)? else { return Ok(None) };
    let len = bytes.len();
    if len > max {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let len = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
    Ok(Some(bytes.bytes(0, len)?.into_owned()))
}
