//! Real disks, the real clock, the kernel's randomness: the only unsafe code and the only
//! `std::fs`.
//!
//! Invariant: directory handles stay open from the first use, so that an error of a rename or a
//! creation is reported to the sync that follows it. `sync` is fdatasync.

use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use rustix::fs::{
    Advice, Dir, FallocateFlags, FlockOperation, Mode, OFlags, fadvise, fallocate, flock, open,
    statvfs,
};
use rustix::io::Errno;
use rustix::process::setpriority_process;

use super::storage::{
    Environment, LockError, LockGuard, Map, OpenMode, Space, Storage, StorageFile, write_zeros,
};

const LOCK_NAME: &str = "LOCK";
/// Where 0 is usual and 19 is the least.
const PRIORITY_LEAST: i32 = 10;

/// A data directory on a real file system.
pub struct OsStorage {
    root: PathBuf,
    directories: Mutex<HashMap<String, Arc<File>>>,
}

impl OsStorage {
    /// The directory at `root`, which need not exist yet.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), directories: Mutex::default() }
    }

    /// Makes the directory itself and its parents, durably.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn create_root(&self) -> io::Result<()> {
        let here = |path: &Path| path.as_os_str().is_empty() || path.exists();
        let missing: Vec<&Path> = self.root.ancestors().take_while(|path| !here(path)).collect();
        if missing.is_empty() {
            // Making it again would say "exists" where looking at it fails.
            return Ok(());
        }
        std::fs::create_dir_all(&self.root)?;
        for path in missing {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(())
    }

    fn path(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }

    fn directory(&self, dir: &str) -> io::Result<Arc<File>> {
        let mut directories = self.directories.lock();
        if let Some(handle) = directories.get(dir) {
            return Ok(Arc::clone(handle));
        }
        let handle = Arc::new(File::open(self.path(dir))?);
        directories.insert(dir.to_owned(), Arc::clone(&handle));
        Ok(handle)
    }
}

impl Storage for OsStorage {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Arc<dyn StorageFile>> {
        let mut options = OpenOptions::new();
        options.read(true);
        match mode {
            OpenMode::Read | OpenMode::ReadBack => &mut options,
            OpenMode::Write => options.write(true),
            OpenMode::Create => options.write(true).create_new(true).mode(0o640),
            OpenMode::CreatePrivate => options.write(true).create_new(true).mode(0o600),
        };
        if matches!(mode, OpenMode::Create | OpenMode::CreatePrivate) {
            let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
            self.directory(dir)?;
        }
        // A pipe in a file's place must not make anybody wait for its other end.
        options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        let file = options.open(self.path(path))?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        if mode == OpenMode::ReadBack {
            // Only a hint: clean pages leave the cache, so that the read comes from the disk.
            fadvise(&file, 0, None, Advice::DontNeed)?;
        }
        Ok(Arc::new(OsFile(file)))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = match open(self.path(dir), flags, Mode::empty()) {
            Ok(directory) => directory,
            Err(Errno::NOENT) => return Ok(Vec::new()),
            Err(e) => return Err(e.into()),
        };
        // Not by `std::fs::read_dir`: it panics where the directory can't be closed.
        let mut names = Vec::new();
        for entry in Dir::new(directory)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        std::fs::remove_file(self.path(path))
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        // Records are not for everybody on the machine: what is read-only to its owner is not
        // readable by others either.
        let path = self.path(dir);
        match DirBuilder::new().recursive(true).mode(0o750).create(&path) {
            // The builder could not look whether what is there is a directory: what keeps us from
            // looking is the error, not that something is there.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                if std::fs::metadata(&path)?.is_dir() { Ok(()) } else { Err(e) }
            }
            made => made,
        }
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.directory(dir)?.sync_all()
    }

    fn set_read_only(&self, path: &str) -> io::Result<()> {
        std::fs::set_permissions(self.path(path), Permissions::from_mode(0o444))
    }

    fn space(&self) -> io::Result<Space> {
        let stat = statvfs(&self.root)?;
        Ok(Space {
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
        })
    }

    fn lock(&self) -> Result<Box<dyn LockGuard>, LockError> {
        let path = self.path(LOCK_NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut text = String::new();
                let _ = Read::by_ref(&mut file).take(64).read_to_string(&mut text);
                return Err(LockError::Held { pid: text.trim().parse().ok() });
            }
            Err(e) => return Err(LockError::Io(e.into())),
        }
        // Always the same length and never shorter: whoever is refused finds a pid at any moment,
        // and a full disk is no reason not to open a log.
        file.write_all_at(format!("{:<10}\n", std::process::id()).as_bytes(), 0)?;
        Ok(Box::new(OsLock { _file: file }))
    }
}

/// The lock lives as long as the file is open.
struct OsLock {
    _file: File,
}

impl LockGuard for OsLock {}

struct OsFile(File);

impl StorageFile for OsFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, offset + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(done)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn extend(&self, offset: u64, len: u64) -> io::Result<()> {
        match fallocate(&self.0, FallocateFlags::empty(), offset, len) {
            // Not every file system can.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => write_zeros(self, offset, len),
            other => Ok(other?),
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    #[expect(unsafe_code, reason = "the one place where files are mapped")]
    fn map(&self) -> io::Result<Map> {
        // SAFETY: only files that never change again are mapped (the trait says so): sealed
        // segments and index runs, written once under another name, synced, made read-only and
        // renamed. Whoever truncates such a file behind our back can end the process with SIGBUS,
        // but not corrupt memory.
        Ok(Map::Mapped(unsafe { memmap2::Mmap::map(&self.0) }?))
    }
}

/// Lets the memory go that a map takes up; its bytes are read from the file again when they are
/// asked for.
#[expect(unsafe_code, reason = "the one place where files are mapped")]
pub(super) fn release(map: &memmap2::Mmap) {
    // SAFETY: the map is shared, read-only and of a file that never changes (see `map`), so that
    // what is faulted in again is what was there. A refusal leaves everything as it is.
    let _ = unsafe { map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
}

/// Lets the calling thread run only when the processor has nothing more urgent to do, as far as the
/// operating system lets it.
pub fn yield_to_others() {
    // The priority of a process by the id 0 is that of the calling thread on Linux.
    let _ = setpriority_process(None, PRIORITY_LEAST);
}

/// The machine's clock and randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEnvironment;

impl Environment for OsEnvironment {
    fn now_micros(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    fn fill_random(&self, buffer: &mut [u8]) -> io::Result<()> {
        getrandom::fill(buffer).map_err(|e| io::Error::other(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::OpenMode;

    /// Memory of this process that maps of files take up, in KiB.
    fn mapped_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut ours = false;
        let mut sum = 0;
        for line in status.lines() {
            if line.contains(" r--s ") {
                ours = line.ends_with("/released");
            } else if let Some(rss) = line.strip_prefix("Rss:").filter(|_| ours) {
                sum += rss.trim().trim_end_matches(" kB").parse::<u64>().unwrap();
                ours = false;
            }
        }
        sum
    }

    #[test]
    fn a_released_map_takes_no_memory_and_has_its_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let storage = OsStorage::new(dir.path());
        let file = storage.open("released", OpenMode::Create).unwrap();
        file.write_at(0, &[7; 1 << 20]).unwrap();
        let file = storage.open("released", OpenMode::Read).unwrap();
        let map = file.map().unwrap();
        let sum = || map.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        assert_eq!(sum(), 7 << 20);
        assert!(mapped_kib() >= 1 << 10, "{}", mapped_kib());
        map.release();
        assert_eq!(mapped_kib(), 0);
        assert_eq!(sum(), 7 << 20);
    }
}
