//! A storage that counts opens, refuses writes and lets something happen in between.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::io::{LockError, LockGuard, OpenMode, Space, Storage, StorageFile};

type Act = Box<dyn FnOnce() + Send>;

pub(super) struct Watch {
    inner: Arc<dyn Storage>,
    pub(super) opens: AtomicUsize,
    pub(super) writes: AtomicUsize,
    /// What happens before the next call that names this path.
    acts: Mutex<HashMap<String, Act>>,
}

impl Watch {
    pub(super) fn new(inner: Arc<dyn Storage>) -> Arc<Self> {
        let (opens, writes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { inner, opens, writes, acts: Mutex::default() })
    }

    pub(super) fn before(&self, path: &str, act: impl FnOnce() + Send + 'static) {
        self.acts.lock().insert(path.to_owned(), Box::new(act));
    }

    fn happen(&self, path: &str) {
        let act = self.acts.lock().remove(path);
        if let Some(act) = act {
            act();
        }
    }

    fn refuse<T>(&self) -> io::Result<T> {
        self.writes.fetch_add(1, Relaxed);
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

impl Storage for Watch {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Arc<dyn StorageFile>> {
        self.happen(path);
        self.opens.fetch_add(1, Relaxed);
        match mode {
            OpenMode::Read | OpenMode::ReadBack => self.inner.open(path, mode),
            OpenMode::Write | OpenMode::Create | OpenMode::CreatePrivate => self.refuse(),
        }
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.happen(dir);
        self.inner.list(dir)
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        self.refuse()
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        self.refuse()
    }

    fn create_dir(&self, _: &str) -> io::Result<()> {
        self.refuse()
    }

    fn sync_dir(&self, _: &str) -> io::Result<()> {
        self.refuse()
    }

    fn set_read_only(&self, _: &str) -> io::Result<()> {
        self.refuse()
    }

    fn space(&self) -> io::Result<Space> {
        self.inner.space()
    }

    fn lock(&self) -> Result<Box<dyn LockGuard>, LockError> {
        self.refuse().map_err(LockError::Io)
    }
}
