//! What the engine asks of a disk, a clock and a source of randomness.
//!
//! Invariant: the documentation of each method says what is durable when it returns; the engine
//! relies on that and on nothing else. Paths are relative to the data directory, with `/` between
//! names.

use std::io;
use std::ops::Deref;
use std::sync::Arc;

/// How a file is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenMode {
    /// For reading; it must exist.
    Read,
    /// For reading what is on the disk rather than in a cache, where that can be asked for.
    ReadBack,
    /// For reading and writing; it must exist.
    Write,
    /// A new file for reading and writing; it must not exist.
    Create,
    /// As `Create`, readable by the owner alone.
    CreatePrivate,
}

/// Free and total bytes of the file system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    /// Bytes that may still be written.
    pub free: u64,
    /// Bytes of the whole file system.
    pub total: u64,
}

/// Why the lock was not given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process (or another handle of this one) has it.
    #[error("the data directory is in use by another writer{}", by(*.pid))]
    Held {
        /// Its process id, as it wrote it into `LOCK`.
        pid: Option<u32>,
    },
    /// The lock file could not be made or read.
    #[error("{0}")]
    Io(#[from] io::Error),
}

fn by(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
}

/// Holds the lock until it is dropped.
pub trait LockGuard: Send + Sync {}

/// One data directory.
pub trait Storage: Send + Sync {
    /// Opens a file. A created file is durable in its directory only after [`Storage::sync_dir`].
    ///
    /// # Errors
    /// What the operating system says.
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Arc<dyn StorageFile>>;

    /// Names in a directory, unordered; a missing directory is empty.
    ///
    /// # Errors
    /// What the operating system says.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;

    /// Renames over whatever is there; durable only after [`Storage::sync_dir`] of both
    /// directories.
    ///
    /// # Errors
    /// What the operating system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file; durable only after [`Storage::sync_dir`].
    ///
    /// # Errors
    /// What the operating system says.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Makes a directory and its parents; one that is there is fine.
    ///
    /// # Errors
    /// What the operating system says.
    fn create_dir(&self, dir: &str) -> io::Result<()>;

    /// Makes creations, renames and removals in a directory durable.
    ///
    /// # Errors
    /// What the operating system says; the state of the directory is then unknown.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;

    /// Makes a file read-only for everybody.
    ///
    /// # Errors
    /// What the operating system says.
    fn set_read_only(&self, path: &str) -> io::Result<()>;

    /// Space of the file system.
    ///
    /// # Errors
    /// What the operating system says.
    fn space(&self) -> io::Result<Space>;

    /// Takes the writer's lock without waiting.
    ///
    /// # Errors
    /// [`LockError`]: held by somebody, or not to be had.
    fn lock(&self) -> Result<Box<dyn LockGuard>, LockError>;
}

/// One open file.
#[expect(clippy::len_without_is_empty, reason = "a file's length, not a collection's")]
pub trait StorageFile: Send + Sync {
    /// Length in bytes.
    ///
    /// # Errors
    /// What the operating system says.
    fn len(&self) -> io::Result<u64>;

    /// Reads up to the end of `buffer` or of the file; returns the bytes read.
    ///
    /// # Errors
    /// What the operating system says.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `bytes`; durable only after [`StorageFile::sync`].
    ///
    /// # Errors
    /// What the operating system says; any part may have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Takes space for `len` bytes behind the end of the file, which then holds zeros there; as
    /// durable as what is written.
    ///
    /// # Errors
    /// What the operating system says; any part may have been taken.
    fn extend(&self, offset: u64, len: u64) -> io::Result<()> {
        write_zeros(self, offset, len)
    }

    /// Makes everything written to this file so far durable, with what is needed to read it.
    ///
    /// # Errors
    /// What the operating system says; what was written since the last success must be taken for
    /// lost, and a later success says nothing about it.
    fn sync(&self) -> io::Result<()>;

    /// Cuts or extends (with zeros) the file.
    ///
    /// # Errors
    /// What the operating system says.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// All bytes as a map. Only for files that never change again.
    ///
    /// # Errors
    /// What the operating system says.
    fn map(&self) -> io::Result<Map>;
}

/// Zeros in parts that stay in the processor's cache.
static ZEROS: [u8; 256 << 10] = [0; 256 << 10];

/// Writes zeros from `offset` on.
///
/// # Errors
/// What the file says; any part may have been written.
pub(crate) fn write_zeros<F: StorageFile + ?Sized>(
    file: &F,
    offset: u64,
    len: u64,
) -> io::Result<()> {
    let mut done = 0;
    while done < len {
        let part = usize::try_from(len - done).unwrap_or(usize::MAX).min(ZEROS.len());
        file.write_at(offset + done, ZEROS.get(..part).unwrap_or_default())?;
        done += part as u64;
    }
    Ok(())
}

/// The bytes of a file that never changes.
pub enum Map {
    /// Mapped by the operating system.
    Mapped(memmap2::Mmap),
    /// Held in memory.
    Owned(Vec<u8>),
}

impl Map {
    /// Lets the memory go that the operating system spent on it. The bytes are still there and are
    /// read again when they are asked for.
    pub fn release(&self) {
        if let Self::Mapped(map) = self {
            super::os::release(map);
        }
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Map {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// Time and randomness.
pub trait Environment: Send + Sync {
    /// Microseconds since 1970, UTC.
    fn now_micros(&self) -> i64;

    /// Fills a buffer with random bytes that nobody can predict.
    ///
    /// # Errors
    /// What the operating system says.
    fn fill_random(&self, buffer: &mut [u8]) -> io::Result<()>;
}
