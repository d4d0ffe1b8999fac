//! A data directory in memory that can refuse any call.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;

use crate::io::{LockError, LockGuard, Map, OpenMode, Space, Storage, StorageFile};

type Bytes = Arc<Mutex<Vec<u8>>>;

#[derive(Default)]
pub(super) struct MemoryStorage {
    files: Mutex<BTreeMap<String, Bytes>>,
    fuse: Arc<Fuse>,
}

/// Counts calls; the one at zero fails and those after it work again.
struct Fuse(AtomicI64);

impl Default for Fuse {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MAX))
    }
}

impl Fuse {
    fn burn(&self) -> io::Result<()> {
        if self.0.fetch_sub(1, Ordering::Relaxed) == 0 {
            return Err(io::Error::other("the storage fails here"));
        }
        Ok(())
    }
}

impl MemoryStorage {
    /// The call after the next `calls` fails.
    pub(super) fn fail_after(&self, calls: i64) {
        self.fuse.0.store(calls, Ordering::Relaxed);
    }

    /// Ends the failing; whether a call has failed.
    pub(super) fn mend(&self) -> bool {
        self.fuse.0.swap(i64::MAX, Ordering::Relaxed) < 0
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.files.lock().keys().cloned().collect()
    }

    pub(super) fn get(&self, path: &str) -> Vec<u8> {
        self.files.lock()[path].lock().clone()
    }

    pub(super) fn delete(&self, path: &str) {
        assert!(self.files.lock().remove(path).is_some());
    }

    pub(super) fn put(&self, path: &str, bytes: &[u8]) {
        let bytes = Arc::new(Mutex::new(bytes.to_vec()));
        self.files.lock().insert(path.to_owned(), bytes);
    }
}

impl Storage for MemoryStorage {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Arc<dyn StorageFile>> {
        self.fuse.burn()?;
        let mut files = self.files.lock();
        let create = matches!(mode, OpenMode::Create | OpenMode::CreatePrivate);
        let bytes = match files.get(path) {
            Some(_) if create => return Err(io::ErrorKind::AlreadyExists.into()),
            Some(bytes) => Arc::clone(bytes),
            None if create => Arc::clone(files.entry(path.to_owned()).or_default()),
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(Arc::new(MemoryFile { bytes, fuse: Arc::clone(&self.fuse) }))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.fuse.burn()?;
        let files = self.files.lock();
        let names = files.keys().filter_map(|path| path.strip_prefix(dir)?.strip_prefix('/'));
        Ok(names.map(str::to_owned).collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.fuse.burn()?;
        let mut files = self.files.lock();
        let bytes = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), bytes);
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.fuse.burn()?;
        self.files.lock().remove(path).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn create_dir(&self, _: &str) -> io::Result<()> {
        self.fuse.burn()
    }

    fn sync_dir(&self, _: &str) -> io::Result<()> {
        self.fuse.burn()
    }

    fn set_read_only(&self, _: &str) -> io::Result<()> {
        self.fuse.burn()
    }

    fn space(&self) -> io::Result<Space> {
        Ok(Space { free: 0, total: 0 })
    }

    fn lock(&self) -> Result<Box<dyn LockGuard>, LockError> {
        Err(LockError::Held { pid: None })
    }
}

struct MemoryFile {
    bytes: Bytes,
    fuse: Arc<Fuse>,
}

impl StorageFile for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().len() as u64)
    }

    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.fuse.burn()?;
        let mut file = self.bytes.lock();
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let end = offset + bytes.len();
        if file.len() < end {
            file.resize(end, 0);
        }
        file[offset..end].copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.fuse.burn()
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn map(&self) -> io::Result<Map> {
        self.fuse.burn()?;
        Ok(Map::Owned(self.bytes.lock().clone()))
    }
}
