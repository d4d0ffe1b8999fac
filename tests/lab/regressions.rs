//! What the lab found, each by itself and with its story.
//!
//! The seeds are those of the schedules that found it first; schedules change with the lab, so each
//! story is told again here, call by call.

use shoseki_engine::log::{ErrorClass, Log};
use shoseki_engine::verify::NoticeKind;
use shoseki_lab::{Fault, FaultKind, Schedules, Setup};

use crate::stage::Stage;

/// Schedules that broke a promise once.
const SEEDS: &[(Schedules, u64)] = &[
    (Schedules::Crash, 43),
    (Schedules::Crash, 368),
    (Schedules::Crash, 369),
    (Schedules::Crash, 3732),
    (Schedules::Crash, 7317),
    (Schedules::Crash, 9069),
    (Schedules::Crash, 11_914),
    (Schedules::Crash, 17_627),
    (Schedules::Corruption, 20),
    (Schedules::Corruption, 116),
];

#[test]
fn seeds_that_broke_a_promise_keep_it_now() {
    for (schedules, seed) in SEEDS {
        let outcome = schedules.run(*seed, &Setup::default());
        assert_eq!(outcome.checked, Ok(()), "{schedules:?} {seed}");
    }
}

/// Calls that change something, from here on.
fn writes_of(stage: &mut Stage, act: impl FnOnce(&mut Stage)) -> std::ops::Range<u64> {
    let before = stage.storage.writes();
    act(stage);
    before..stage.storage.writes()
}

/// Crash seed 43. A writer helps sealing when too many files wait, and may do so before the first
/// checkpoint was signed. The power went in between: verification found a sealed file and no
/// checkpoint, and said that somebody had taken it away.
#[test]
fn a_log_that_seals_before_its_first_checkpoint_is_not_called_tampered() {
    let mut stage = Stage::new(43);
    stage.options.segment_raw_len_max = 1500;
    stage.options.unsealed_files_max = 1;
    let log = stage.open();
    for _ in 0..8 {
        stage.append(&log, 3).unwrap();
    }
    assert!(stage.storage.paths().iter().any(|path| path.ends_with(".seg")), "sealed by a writer");
    stage.kill(log);
    assert_eq!(stage.audit().findings, []);
    stage.check();
}

/// Crash seed 368. The sync of a commit failed, and the kernel called its pages clean. The log was
/// opened again, read the commit from the cache, synced (which wrote nothing) and went on behind
/// it. When the power went, a hole stood below records that had been acknowledged.
#[test]
fn what_a_failed_sync_left_in_the_cache_is_written_again() {
    for seed in 0..24 {
        let mut stage = Stage::new(seed);
        let log = stage.open();
        stage.append(&log, 2).unwrap();
        // Of a commit the first call writes and the second syncs.
        let call = stage.storage.writes() + 1;
        let kind = FaultKind::ErrorBefore(std::io::ErrorKind::Other);
        stage.storage.plan(Some(Fault { call, reads: false, kind }));
        assert!(stage.append(&log, 3).is_none(), "an error of sync acknowledges nobody");
        assert!(stage.storage.hit().unwrap().starts_with("sync active/"));
        stage.kill(log);
        let log = stage.open();
        stage.append(&log, 2).unwrap();
        stage.append(&log, 1).unwrap();
        stage.power_cut();
        drop(log);
        stage.check();
    }
}

/// Crash seed 369. The power went after the list of keys was stored and before `log.vkey` was:
/// until the next open, verification called `log.vkey` a wrong signature.
#[test]
fn a_rotation_that_was_cut_short_is_no_finding() {
    let calls = {
        let mut stage = Stage::new(0);
        let log = stage.open();
        stage.append(&log, 2).unwrap();
        writes_of(&mut stage, |_| log.rotate_key().unwrap())
    };
    for kind in [FaultKind::CrashBefore, FaultKind::CrashAfter] {
        for call in calls.clone() {
            let mut stage = Stage::new(call);
            let log = stage.open();
            stage.append(&log, 2).unwrap();
            stage.storage.plan(Some(Fault { call, reads: false, kind }));
            // The last call may be past what matters.
            let _ = log.rotate_key();
            stage.power_cut();
            drop(log);
            stage.check();
        }
    }
}

/// Beside it: once the newest key has signed, an older `log.vkey` is a finding.
#[test]
fn an_older_key_beside_a_checkpoint_of_the_newest_is_a_finding() {
    let mut stage = Stage::new(0);
    let log = stage.open();
    stage.append(&log, 2).unwrap();
    let older = stage.storage.bytes("log.vkey").unwrap();
    log.rotate_key().unwrap();
    log.close().unwrap();
    assert_eq!(stage.audit().findings, []);
    stage.storage.put("log.vkey", &older);
    let findings = stage.audit().findings;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].segment.as_deref(), Some("log.vkey"));
}

/// Corruption seeds 20 and 116. A `log.vkey` that rotted or vanished was written anew at the next
/// open without a word: verification had reported it, and then it was as if nothing had been.
#[test]
fn a_key_file_that_is_none_of_ours_is_kept_and_said() {
    let mut stage = Stage::new(1);
    let log = stage.open();
    stage.append(&log, 2).unwrap();
    log.close().unwrap();
    let good = stage.storage.bytes("log.vkey").unwrap();
    stage.storage.rot("log.vkey", |bytes| bytes[60] ^= 1);
    let bad = stage.storage.bytes("log.vkey").unwrap();
    assert_eq!(stage.audit().findings.len(), 1);
    let log = stage.open();
    assert!(log.report().vkey_rebuilt);
    let paths = stage.storage.paths();
    let kept = paths.iter().find(|path| path.starts_with("quarantine/log.vkey-")).unwrap();
    assert_eq!(stage.storage.bytes(kept).unwrap(), bad);
    assert_eq!(stage.storage.bytes("log.vkey").unwrap(), good);
    log.close().unwrap();
    assert!(!stage.open().report().vkey_rebuilt, "said once");
}

/// Found by reading, when the lab stopped to take what a killed process wrote for durable.
/// The process died between the rename of a sealed file and the sync of its directory; the next one
/// saw the sealed file, removed the active one durably, and the power took the name of the sealed
/// one.
#[test]
fn a_sealed_file_whose_name_is_only_cached_does_not_replace_its_active_file() {
    let seal = |log: &Log| log.seal();
    let calls = {
        let mut stage = Stage::new(0);
        let log = stage.open();
        stage.append(&log, 3).unwrap();
        log.checkpoint().unwrap();
        writes_of(&mut stage, |_| seal(&log).unwrap())
    };
    let mut renamed = 0;
    for call in calls {
        for seed in 0..4 {
            let mut stage = Stage::new(seed);
            let log = stage.open();
            stage.append(&log, 3).unwrap();
            log.checkpoint().unwrap();
            let kind = FaultKind::Gone;
            stage.storage.plan(Some(Fault { call, reads: false, kind }));
            let _ = seal(&log);
            stage.kill(log);
            let cached = stage.storage.paths().iter().any(|path| path.ends_with(".seg"));
            renamed += u64::from(cached);
            let log = stage.open();
            stage.power_cut();
            drop(log);
            stage.check();
        }
    }
    assert!(renamed > 0, "some died behind the rename");
}

/// Crash seeds 3732, 11914, 17627 and others. A read that failed while a log was opened was told as
/// a damaged segment: an operator would have forked a log that was sound.
#[test]
fn a_read_that_fails_at_opening_is_not_called_damage() {
    let mut stage = Stage::new(2);
    let log = stage.open();
    for _ in 0..2 {
        stage.append(&log, 3).unwrap();
        log.seal().unwrap();
    }
    log.close().unwrap();
    let first = stage.storage.calls();
    drop(stage.open());
    let calls = stage.storage.calls() - first;
    let mut refused = 0;
    for call in 0..calls {
        stage.storage = stage.storage.kill();
        let call = stage.storage.calls() + call;
        let kind = FaultKind::ErrorBefore(std::io::ErrorKind::Other);
        stage.storage.plan(Some(Fault { call, reads: true, kind }));
        if let Err(error) = stage.try_open() {
            let hit = stage.storage.hit().unwrap();
            assert_ne!(error.class(), ErrorClass::Damaged, "{error}: {hit}");
            refused += 1;
        }
    }
    assert!(refused > 10, "{refused} of {calls}");
    stage.storage = stage.storage.kill();
    stage.check();
}

/// Crash seeds 7317 and 9069. A frame began with the last byte of a sector, and of a torn write
/// every sector arrived but that one. One byte was missing, which the audit took for a change.
#[test]
fn a_torn_write_that_lacks_its_first_byte_alone_is_no_finding() {
    let path = "active/00000000000000000000.log";
    let mut stage = Stage::new(3);
    let log = stage.open();
    stage.append(&log, 2).unwrap();
    let before = stage.storage.bytes(path).unwrap();
    let number = stage.model.send(2, false);
    let records = stage.model.content().batch(number, 2, false);
    log.append(None, records).unwrap();
    let after = stage.storage.bytes(path).unwrap();
    let first = before.iter().zip(&after).position(|(a, b)| a != b).unwrap();
    stage.kill(log);
    stage.storage.rot(path, |bytes| bytes[first] = 0);
    let report = stage.audit();
    assert_eq!(report.findings, []);
    assert!(report.notices.iter().any(|notice| notice.kind == NoticeKind::Torn));
    // The same of a mark, which holds no record.
    let mut stage = Stage::new(3);
    let log = stage.open();
    stage.append(&log, 2).unwrap();
    log.checkpoint().unwrap();
    log.step().unwrap();
    stage.kill(log);
    stage.storage.rot(path, |bytes| bytes[first] = 0);
    assert_eq!(stage.audit().findings, []);
    // A mark behind it shows that the whole frame was durable.
    let mut stage = Stage::new(3);
    let log = stage.open();
    stage.append(&log, 2).unwrap();
    stage.append(&log, 2).unwrap();
    log.step().unwrap();
    stage.kill(log);
    stage.storage.rot(path, |bytes| bytes[first] = 0);
    assert_ne!(stage.audit().findings, []);
}
