//! Appending: receipts, order, idempotency, rolling, sealing, reopening.

use super::*;
use crate::log::{AppendError, Entry, Reader};
use crate::proof::{CompactRange, chain_genesis, chain_next, leaf_hash, record_hash};
use crate::query::Order;
use crate::types::Seq;

/// Everything in the log, checked against the chain and the newest checkpoint's root.
fn bodies(reader: &Reader) -> Vec<Vec<u8>> {
    let mut chain = chain_genesis(reader.origin(), &reader.log_id());
    let mut tree = CompactRange::new(0);
    let checkpoint = reader.checkpoint().unwrap().map(|c| c.checkpoint);
    let mut bodies = Vec::new();
    for entry in reader.scan(0..u64::MAX, Order::Ascending) {
        let Entry::Record(record) = entry.unwrap() else { panic!("not a record") };
        assert_eq!(record.seq, Seq(bodies.len() as u64));
        assert_eq!(record.hash, record_hash(record.body()));
        chain = chain_next(&chain, &record.hash);
        assert_eq!(record.chain_hash, chain);
        tree.push(leaf_hash(&record.hash)).unwrap();
        bodies.push(record.body().to_vec());
        if let Some(checkpoint) = &checkpoint
            && checkpoint.size.0 == bodies.len() as u64
        {
            assert_eq!(checkpoint.root, tree.root().unwrap());
        }
    }
    if let Some(checkpoint) = checkpoint {
        assert!(checkpoint.size.0 <= bodies.len() as u64);
    }
    bodies
}

#[test]
fn what_was_acknowledged_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let first = log.append(None, records(0..3)).unwrap();
    let second = log.append(Some(&producer("clinic")), records(3..4)).unwrap();
    assert_eq!((first.accepted, first.first_seq, first.last_seq), (3, Some(Seq(0)), Some(Seq(2))));
    assert_eq!(second.receipts.first().unwrap().seq, Seq(3));
    assert_eq!(bodies(&log.reader()).len(), 4);
    log.close().unwrap();
    let log = open(dir.path());
    assert!(!log.report().created);
    assert_eq!(log.report().quarantined, None);
    log.append(None, records(4..6)).unwrap();
    assert_eq!(bodies(&log.reader()).len(), 6);
    log.close().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.damage(), []);
    let all = bodies(&reader);
    assert_eq!(all.len(), 6);
    for receipt in first.receipts.iter().chain(&second.receipts) {
        let body = &all[usize::try_from(receipt.seq.0).unwrap()];
        assert_eq!(record_hash(body), receipt.hash);
    }
    assert_eq!(reader.checkpoint().unwrap().unwrap().checkpoint.size.0, 6);
}

#[test]
fn sealing_keeps_every_byte_and_the_log_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for n in 0..10 {
        log.append(None, records(n * 100..n * 100 + 100)).unwrap();
    }
    let before = bodies(&log.reader());
    log.seal().unwrap();
    assert_eq!(bodies(&log.reader()), before);
    let segments = log.reader().segments();
    assert_eq!(
        segments.iter().map(|s| (s.sealed, s.count)).collect::<Vec<_>>(),
        [(true, 1000), (false, 0)]
    );
    log.append(None, records(1000..1300)).unwrap();
    log.seal().unwrap();
    log.append(None, records(1300..1301)).unwrap();
    let after = bodies(&log.reader());
    assert_eq!(after.len(), 1301);
    assert_eq!(after[..1000], before);
    log.close().unwrap();
    let log = open(dir.path());
    assert_eq!(bodies(&log.reader()), after);
    assert!(log.checkpoint().is_ok());
}

#[test]
fn files_roll_by_size_and_by_day_and_a_finished_day_gets_its_anchor() {
    let dir = tempfile::tempdir().unwrap();
    let (options, clock) = by_hand();
    let log = Log::open(dir.path(), LogOptions { segment_raw_len_max: 40_000, ..options }).unwrap();
    for n in 0..20 {
        log.append(None, records(n * 20..n * 20 + 20)).unwrap();
    }
    clock.advance(DAY);
    log.append(None, records(400..401)).unwrap();
    while log.step().unwrap() {}
    let segments = log.reader().segments();
    assert!(segments.len() > 3, "{segments:?}");
    assert_eq!(segments.last().map(|s| (s.sealed, s.count)), Some((false, 1)));
    assert_eq!(bodies(&log.reader()).len(), 401);
    let anchor = std::fs::read(dir.path().join("anchors/2026-11-21/anchor")).unwrap();
    let anchor = log.reader().keys().unwrap().open_anchor(&anchor).unwrap();
    assert_eq!((anchor.first_seq, anchor.count, anchor.log_size.0), (Seq(0), 400, 400));
}

#[test]
fn a_repeat_gets_the_first_receipt_and_other_content_refuses_the_batch() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let first = log.append(Some(&producer("a")), vec![with_id(1, 1), record(2)]).unwrap();
    let again = log.append(Some(&producer("a")), vec![with_id(1, 1)]).unwrap();
    assert_eq!((again.accepted, again.first_seq), (0, None));
    let receipt = again.receipts.first().unwrap();
    assert!(receipt.duplicate);
    assert_eq!(receipt.chain_hash, first.receipts[0].chain_hash);
    let other = log.append(Some(&producer("a")), vec![record(3), with_id(9, 1)]);
    let Err(AppendError::Conflict(conflicts)) = other else { panic!("{other:?}") };
    assert_eq!((conflicts[0].index, conflicts[0].seq), (1, Some(Seq(0))));
    assert_eq!(log.size().0, 2);
    // Another producer's record of the same id is another record.
    let b = log.append(Some(&producer("b")), vec![with_id(9, 1)]).unwrap();
    assert_eq!(b.accepted, 1);
    // A repeat inside one batch.
    let twice = log.append(None, vec![with_id(5, 5), with_id(5, 5), record(6)]).unwrap();
    assert_eq!(twice.accepted, 2);
    assert_eq!(
        twice.receipts[1],
        crate::log::Receipt { duplicate: true, ..twice.receipts[0].clone() }
    );
    let both = log.append(None, vec![with_id(7, 7), with_id(8, 7)]);
    assert!(matches!(both, Err(AppendError::Conflict(_))), "{both:?}");
    // Still known after sealing and reopening.
    log.seal().unwrap();
    log.close().unwrap();
    let log = open(dir.path());
    let again = log.append(Some(&producer("a")), vec![with_id(1, 1)]).unwrap();
    assert_eq!(again.receipts[0].seq, Seq(0));
    assert_eq!(log.size().0, 5);
}

#[test]
fn many_writers_get_what_they_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions { segment_raw_len_max: 200_000, ..LogOptions::default() };
    let log = Log::open(dir.path(), options).unwrap();
    let receipts = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..16u64)
            .map(|w| {
                let log = &log;
                scope.spawn(move || {
                    let mut receipts = Vec::new();
                    for n in 0..40 {
                        let from = w * 1000 + n * 3;
                        let appended = log.append(None, records(from..from + 1 + n % 3)).unwrap();
                        receipts.extend(appended.receipts);
                    }
                    receipts
                })
            })
            .collect();
        writers.into_iter().flat_map(|w| w.join().unwrap()).collect::<Vec<_>>()
    });
    log.seal().unwrap();
    let all = bodies(&log.reader());
    assert_eq!(all.len(), receipts.len());
    for receipt in receipts {
        assert_eq!(record_hash(&all[usize::try_from(receipt.seq.0).unwrap()]), receipt.hash);
    }
    log.close().unwrap();
    assert_eq!(bodies(&Reader::open(dir.path()).unwrap()), all);
}

#[test]
fn a_second_writer_is_refused_with_the_pid_of_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let second = Log::open(dir.path(), by_hand().0);
    let text = second.err().unwrap().to_string();
    assert!(text.contains(&std::process::id().to_string()), "{text}");
    drop(log);
    assert!(Log::open(dir.path(), by_hand().0).is_ok());
}

#[test]
fn a_log_that_is_opened_and_sealed_at_once_signs_everything() {
    // Sealing took the active file away before the tree had read what was in it.
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(None, records(0..300)).unwrap();
    log.close().unwrap();
    let log = open(dir.path());
    log.append(None, records(300..310)).unwrap();
    log.seal().unwrap();
    assert_eq!(log.reader().checkpoint().unwrap().unwrap().checkpoint.size.0, 310);
    assert_eq!(bodies(&log.reader()).len(), 310);
    log.close().unwrap();
    let log = open(dir.path());
    log.seal().unwrap();
    assert_eq!(bodies(&log.reader()).len(), 310);
}

#[test]
fn files_that_wait_for_sealing_are_few() {
    let dir = tempfile::tempdir().unwrap();
    let (options, _) = by_hand();
    let options = LogOptions { segment_raw_len_max: 10_000, unsealed_files_max: 3, ..options };
    let log = Log::open(dir.path(), options).unwrap();
    for n in 0..60 {
        log.append(None, records(n * 20..n * 20 + 20)).unwrap();
        let open = log.reader().segments().iter().filter(|s| !s.sealed).count();
        assert!(open <= 4, "{open} files wait");
    }
    assert!(log.reader().segments().len() > 20);
    assert_eq!(bodies(&log.reader()).len(), 1200);
}

#[test]
fn ids_are_known_after_a_close_and_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let count = 20_000u64;
    let given = |n: u64| {
        let mut id = [9; 16];
        id[..8].copy_from_slice(&n.to_le_bytes());
        Record { audit_id: Some(AuditId::from_bytes(id)), ..record(n) }
    };
    let log = open(dir.path());
    for from in (0..count).step_by(500) {
        log.append(None, (from..from + 500).map(given).collect()).unwrap();
    }
    log.close().unwrap();
    // More than a few: stored at the close, so that opening need not read them again.
    assert!(dir.path().join("ids").read_dir().unwrap().count() > 0);
    let log = open(dir.path());
    log.append(None, (count..count + 300).map(given).collect()).unwrap();
    let copy = tempfile::tempdir().unwrap();
    log.reader().backup(&copy.path().join("log"), crate::log::BackupKey::With).unwrap();
    for log in [log, open(&copy.path().join("log"))] {
        let size = log.size().0;
        for n in [0, 7_777, count - 1, count, count + 299] {
            let again = log.append(None, vec![given(n)]).unwrap();
            assert_eq!((again.accepted, again.receipts[0].seq), (0, Seq(n)));
        }
        assert_eq!(log.size().0, size);
    }
}

#[test]
fn a_bit_that_flips_between_append_and_seal_stops_the_seal() {
    use std::os::unix::fs::FileExt;
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(None, records(0..50)).unwrap();
    let path = dir.path().join(log.reader().segments()[0].path.clone());
    let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 9_000).unwrap();
    file.write_all_at(&[byte[0] ^ 1], 9_000).unwrap();
    let sealed = log.seal();
    assert!(matches!(sealed, Err(crate::log::LogError::Damaged { .. })), "{sealed:?}");
    assert!(path.exists());
    assert!(log.reader().segments().iter().all(|segment| !segment.sealed));
    let kept: Vec<_> = std::fs::read_dir(dir.path().join("sealed")).unwrap().collect();
    assert_eq!(kept.len(), 0, "{kept:?}");
    // The log goes on; what is signed stays behind the damage.
    log.append(None, records(50..60)).unwrap();
    assert_eq!(log.size().0, 60);
}
