//! What a writer says of itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{by_hand, records};
use crate::log::{AppendError, Log, LogOptions, Observer};
use crate::types::TreeSize;

#[derive(Default)]
struct Counts {
    commits: AtomicU64,
    failed: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
    sealed: AtomicU64,
}

impl Counts {
    fn of(&self) -> [u64; 4] {
        [&self.commits, &self.failed, &self.records, &self.sealed]
            .map(|count| count.load(Ordering::Relaxed))
    }
}

impl Observer for Counts {
    fn committed(&self, records: u64, bytes: u64, _: Duration) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.records.fetch_add(records, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn commit_failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    fn sealed(&self, records: u64, bytes: u64, _: Duration) {
        assert!(bytes > 0);
        self.sealed.fetch_add(records, Ordering::Relaxed);
    }
}

#[test]
fn an_observer_is_told_of_commits_and_sealed_files() {
    let dir = tempfile::tempdir().unwrap();
    let counts = Arc::new(Counts::default());
    let observer = Some(Arc::clone(&counts) as Arc<dyn Observer>);
    let log = Log::open(dir.path(), LogOptions { observer, ..by_hand().0 }).unwrap();
    log.append(None, records(0..5)).unwrap();
    log.append(None, records(5..7)).unwrap();
    assert_eq!(counts.of(), [2, 0, 7, 0]);
    assert!(counts.bytes.load(Ordering::Relaxed) > 7 * 100);
    while log.step().unwrap() {}
    assert_eq!(counts.of(), [3, 0, 7, 0], "a mark is a commit without records");
    log.seal().unwrap();
    assert_eq!(counts.of()[3], 7);
}

#[test]
fn health_says_what_waits_and_what_is_signed() {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions { segment_raw_len_max: 2_000, ..by_hand().0 };
    let log = Log::open(dir.path(), options.clone()).unwrap();
    let health = log.health();
    assert!(health.refusal.is_none() && health.background_failure.is_none());
    assert_eq!((health.size, health.unsealed_files, health.unsealed_bytes), (TreeSize(0), 0, 0));
    for n in 0..12 {
        log.append(None, records(n..n + 1)).unwrap();
    }
    let health = log.health();
    assert_eq!(health.size, TreeSize(12));
    assert!(health.unsealed_files >= 1, "{health:?}");
    assert!(health.unsealed_bytes > health.unsealed_files * 1_500, "{health:?}");
    assert_eq!(health.queue_bytes, 0);
    log.seal().unwrap();
    let health = log.health();
    assert_eq!((health.unsealed_files, health.unsealed_bytes), (0, 0));
    assert_eq!(health.checkpoint, Some(TreeSize(12)));
    log.append(None, records(12..13)).unwrap();
    assert_eq!(log.health().checkpoint, Some(TreeSize(12)), "not signed yet");
    drop(log);
    let log = Log::open(dir.path(), options).unwrap();
    assert_eq!(log.health().checkpoint, Some(TreeSize(13)), "signed when it was closed");
}

#[test]
fn health_says_why_appends_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let reserve = Some(u64::MAX / 2);
    let made = Log::open(dir.path(), by_hand().0).unwrap();
    made.close().unwrap();
    let options = LogOptions { free_space_reserve: reserve, ..by_hand().0 };
    let log = Log::open(dir.path(), options).unwrap();
    assert!(matches!(log.health().refusal, Some(AppendError::DiskFull { .. })));
    assert_eq!(log.health().reserve_bytes, reserve);
    log.core().set_poison("a test");
    assert!(matches!(log.health().refusal, Some(AppendError::Poisoned(_))));
    let closed = Log::open(tempfile::tempdir().unwrap().path(), by_hand().0).unwrap();
    closed.core().intake.close(AppendError::Closed);
    assert!(matches!(closed.health().refusal, Some(AppendError::Closed)));
}
