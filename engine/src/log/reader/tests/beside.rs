//! Readers, followers and backups beside a writer that appends, rolls and seals all the while.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use crate::log::{BackupKey, Log, LogOptions, Reader};
use crate::proof::{chain_genesis, chain_next};
use crate::query::{Filter, Order};
use crate::record::{ActorType, Outcome, Record, Timestamp};
use crate::types::{Seq, TreeSize};

const BATCHES: u64 = 150;

fn batch(n: u64) -> Vec<Record> {
    let time = Timestamp::from_unix_micros(1_795_262_400_000_000).unwrap();
    let record = |i| {
        let actor = format!("user-{n}-{i}");
        Record::new(time, ActorType::User, actor, "READ_PATIENT", Outcome::Success)
    };
    (0..1 + n % 9).map(record).collect()
}

/// Whole, undamaged and chained from the first record on.
fn assert_sound(reader: &Reader) {
    assert_eq!(reader.damage(), []);
    let mut chain = chain_genesis(reader.origin(), &reader.log_id());
    let size = reader.size();
    let mut seen = 0;
    for entry in reader.scan(0..size.0, Order::Ascending) {
        let entry = entry.unwrap();
        let record = entry.record().unwrap_or_else(|| panic!("{entry:?} of {size}"));
        assert_eq!(record.seq, Seq(seen));
        chain = chain_next(&chain, &record.hash);
        assert_eq!(chain, record.chain_hash);
        seen += 1;
    }
    assert_eq!(seen, size.0);
}

fn read_beside(log: &Log, dir: &std::path::Path, durable: &AtomicU64, done: &AtomicBool) {
    let follower = Reader::open(dir).unwrap();
    let own = log.reader();
    let copies = tempfile::tempdir().unwrap();
    for round in 0.. {
        let last = done.load(SeqCst);
        let acknowledged = durable.load(SeqCst);
        assert!(own.size().0 >= acknowledged, "the writer's reader sees what was acknowledged");
        assert_sound(&own);
        assert_sound(&Reader::open(dir).unwrap());
        let before = follower.size();
        follower.refresh().unwrap();
        assert!(follower.size() >= before);
        assert_sound(&follower);
        let size = own.size().0;
        if size > 0 {
            let seq = Seq(round * 7919 % size);
            own.prove_inclusion(seq, TreeSize(size)).unwrap();
            assert_eq!(own.query(&Filter::default(), Order::Descending, 5).unwrap().damaged, 0);
        }
        if round % 3 == 0 {
            for (name, reader) in [("own", &own), ("other", &follower)] {
                let target = copies.path().join(format!("{name}-{round}"));
                let report = reader.backup(&target, BackupKey::Without).unwrap();
                assert!(report.checkpoint.is_none_or(|signed| signed <= report.size));
                let copy = Reader::open(&target).unwrap();
                assert_sound(&copy);
                if let Some(signed) = copy.checkpoint().unwrap() {
                    let root = copy.root_at(signed.checkpoint.size).unwrap();
                    assert_eq!(root, signed.checkpoint.root);
                }
            }
        }
        if last {
            return;
        }
    }
}

#[test]
fn readers_and_backups_beside_a_busy_writer_see_a_sound_log() {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions {
        segment_raw_len_max: 16 << 10,
        compression_level: 1,
        free_space_reserve: Some(0),
        ..LogOptions::default()
    };
    let log = Log::open(dir.path(), options).unwrap();
    let (durable, done) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|threads| {
        let appenders: Vec<_> = (0..2)
            .map(|_| {
                threads.spawn(|| {
                    for n in 0..BATCHES {
                        let appended = log.append(None, batch(n)).unwrap();
                        durable.fetch_max(appended.last_seq.unwrap().0 + 1, SeqCst);
                    }
                })
            })
            .collect();
        let reading = threads.spawn(|| read_beside(&log, dir.path(), &durable, &done));
        // Sealing goes on for as long as there are appends, and once behind them.
        while appenders.iter().any(|appender| !appender.is_finished()) {
            log.seal().unwrap();
        }
        log.seal().unwrap();
        for appender in appenders {
            appender.join().unwrap();
        }
        done.store(true, SeqCst);
        reading.join().unwrap();
    });
    let size = log.size();
    log.close().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.size(), size);
    assert_sound(&reader);
    let sealed = reader.segments().iter().filter(|info| info.sealed).count();
    assert!(sealed > 1, "only {sealed} sealed");
    let published = tempfile::tempdir().unwrap();
    assert_eq!(reader.publish(published.path()).unwrap().size, size);
}
