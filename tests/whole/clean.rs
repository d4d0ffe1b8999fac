//! Whatever the writer did: no finding.

use shoseki_engine::log::{BackupKey, Log, LogOptions, Reader};
use shoseki_engine::record::IntegrityStatus;

use super::*;

fn assert_clean(dir: &Path, size: u64, when: &str) {
    let report = audit(dir);
    assert_eq!(report.findings, [], "{when}");
    assert_eq!(report.status(), IntegrityStatus::Valid, "{when}");
    assert_eq!(report.records, size, "{when}");
}

#[test]
fn a_log_is_clean_at_every_moment_of_its_life() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    let (options, clock) = by_hand();
    let options = LogOptions { segment_raw_len_max: 60_000, ..options };
    let log = Log::open(path, options.clone()).unwrap();
    assert_clean(path, 0, "made");
    let mut size = 0;
    for round in 0..12 {
        log.append(None, records(round, 40 + round)).unwrap();
        size += 40 + round;
        assert_clean(path, size, "live, before its mark");
        log.step().unwrap();
        assert_clean(path, size, "live and idle");
        clock.advance(DAY / 7);
    }
    finish(&log);
    assert_clean(path, size, "sealed and idle");
    log.rotate_key().unwrap();
    assert_clean(path, size, "after a rotation");
    log.append(None, records(99, 700)).unwrap();
    size += 700;
    log.seal().unwrap();
    assert_clean(path, size, "sealed by hand");
    clock.advance(DAY);
    finish(&log);
    assert_clean(path, size, "a day later");
    log.close().unwrap();
    assert_clean(path, size, "closed");
    let log = Log::open(path, options).unwrap();
    assert_clean(path, size, "opened again");
    log.append(None, records(7, 3)).unwrap();
    finish(&log);
    assert_clean(path, size + 3, "gone on");
    drop(log);
    assert_clean(path, size + 3, "dropped");
}

#[test]
fn a_backup_taken_under_load_opens_and_is_clean() {
    let dir = tempfile::tempdir().unwrap();
    let (live, copy) = (dir.path().join("live"), dir.path().join("copy"));
    let options = LogOptions {
        segment_raw_len_max: 100_000,
        free_space_reserve: Some(0),
        ..LogOptions::default()
    };
    let log = Log::open(&live, options.clone()).unwrap();
    log.append(None, records(1, 500)).unwrap();
    log.checkpoint().unwrap();
    let report = std::thread::scope(|scope| {
        let (log, live) = (&log, &live);
        let writer = scope.spawn(move || {
            for round in 0..60 {
                log.append(None, records(round, 50)).unwrap();
            }
        });
        let report = Reader::open(live).unwrap().backup(&copy, BackupKey::Without).unwrap();
        writer.join().unwrap();
        report
    });
    let audited = audit(&copy);
    assert_eq!(audited.findings, []);
    assert!(audited.records >= 500, "{report:?}");
    let reader = Reader::open(&copy).unwrap();
    assert_eq!(reader.damage(), []);
    // The last commit may have been copied before its mark: there, but not known to be durable.
    assert!((500..=audited.records).contains(&reader.size().0));
    log.close().unwrap();
}

impl Clock {
    pub(super) fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::Relaxed);
    }
}
