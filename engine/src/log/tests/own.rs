//! Which records may still go in when the disk is nearly full.

use std::io;
use std::sync::atomic::AtomicU64;

use super::*;
use crate::io::{LockError, LockGuard, OpenMode, OsStorage, Space, Storage, StorageFile};
use crate::log::{AppendError, Appended};

const RESERVE: u64 = 8 << 20;
const KEPT: u64 = RESERVE / 4;
const MIB: u64 = 1 << 20;

/// A directory on a disk that says what a test wants it to.
struct Disk {
    inner: OsStorage,
    free: AtomicU64,
}

impl Storage for Disk {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Arc<dyn StorageFile>> {
        self.inner.open(path, mode)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.inner.list(dir)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.inner.create_dir(path)
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        self.inner.sync_dir(path)
    }

    fn set_read_only(&self, path: &str) -> io::Result<()> {
        self.inner.set_read_only(path)
    }

    fn space(&self) -> io::Result<Space> {
        Ok(Space { free: self.free.load(Ordering::Relaxed), total: 1 << 40 })
    }

    fn lock(&self) -> Result<Box<dyn LockGuard>, LockError> {
        self.inner.lock()
    }
}

fn on_disk(dir: &Path) -> (Arc<Disk>, Log, Arc<Clock>) {
    let disk = Disk { inner: OsStorage::new(dir), free: AtomicU64::new(1 << 30) };
    let disk = Arc::new(disk);
    let (options, clock) = by_hand();
    let options = LogOptions { free_space_reserve: Some(RESERVE), ..options };
    let log = Log::open_storage(Arc::clone(&disk) as _, options).unwrap();
    (disk, log, clock)
}

fn own(log: &Log, count: u64) -> Result<Appended, AppendError> {
    log.append_own(vec![(Some(producer("shoseki")), records(0..count))]).remove(0)
}

/// Ordinary records until one is refused; the bound that refused it.
fn fill(log: &Log) -> u64 {
    for _ in 0..1_000 {
        match log.append(None, records(0..400)) {
            Ok(_) => {}
            Err(AppendError::DiskFull { reserve, .. }) => return reserve,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("never full");
}

#[test]
fn below_the_reserve_only_the_logs_own_records_go_in() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, log, _) = on_disk(dir.path());
    log.append(None, records(0..3)).unwrap();
    disk.free.store(RESERVE - MIB, Ordering::Relaxed);
    assert_eq!(fill(&log), RESERVE);
    let size = log.size().0;
    // More than the room that the file has left, several times over.
    for _ in 0..10 {
        own(&log, 400).unwrap();
    }
    assert_eq!(log.size().0, size + 4_000);
    // What was made ready for them is not for others.
    let refused = log.append(None, records(0..1)).unwrap_err();
    assert!(matches!(refused, AppendError::DiskFull { reserve: RESERVE, .. }), "{refused}");
    let refused = log.append_all(vec![(None, records(0..1))]).remove(0).unwrap_err();
    assert!(matches!(refused, AppendError::DiskFull { reserve: RESERVE, .. }), "{refused}");
    assert_eq!(log.size().0, size + 4_000);
    disk.free.store(1 << 30, Ordering::Relaxed);
    log.append(None, records(0..1)).unwrap();
    assert!(log.health().refusal.is_none());
}

#[test]
fn the_logs_own_records_leave_a_quarter_of_the_reserve() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, log, clock) = on_disk(dir.path());
    disk.free.store(KEPT - 1, Ordering::Relaxed);
    assert_eq!(fill(&log), RESERVE);
    let refused = (0..100).find_map(|_| own(&log, 400).err()).unwrap();
    assert!(matches!(refused, AppendError::DiskFull { reserve: KEPT, .. }), "{refused}");
    // A new day begins a file, which is room too.
    disk.free.store(RESERVE - MIB, Ordering::Relaxed);
    clock.advance(DAY);
    own(&log, 1).unwrap();
}

/// A batch of the log's own that waits in one commit with ordinary ones was refused by their bound.
#[test]
fn a_full_disk_never_takes_the_logs_own_records_along() {
    for _ in 0..30 {
        let dir = tempfile::tempdir().unwrap();
        let (disk, log, _) = on_disk(dir.path());
        disk.free.store(RESERVE - MIB, Ordering::Relaxed);
        let log = &log;
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(move || fill(log));
            }
            for _ in 0..20 {
                own(log, 5).unwrap();
            }
        });
        assert_eq!(fill(log), RESERVE);
    }
}
