//! Many threads at one log: everybody gets an answer, every answer is true.
//!
//! Invariant: no test waits for a time; a lost wake-up shows as a test that does not end.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread::ScopedJoinHandle;

use shoseki_engine::log::{AppendError, Appended, Log, LogOptions, Reader};
use shoseki_engine::record::Producer;
use shoseki_lab::{Fault, FaultKind, Rng};

use crate::model::{Model, batch, batch_with_ids};
use crate::process::{Told, check, verify, walk};
use crate::workload::Machine;

fn options() -> LogOptions {
    LogOptions { segment_raw_len_max: 60_000, free_space_reserve: Some(0), ..LogOptions::default() }
}

/// Remembers receipts, each once.
pub(crate) fn tell(told: &mut Told, appended: &Appended) {
    for receipt in &appended.receipts {
        let promise = (receipt.hash.0.to_vec(), receipt.chain_hash.0.to_vec());
        assert_eq!(told.insert(receipt.seq.0, promise), None, "seq {} twice", receipt.seq);
    }
}

#[test]
fn writers_sealers_signers_and_a_reader_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), options()).unwrap();
    let done = AtomicBool::new(false);
    let told = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..12u64)
            .map(|w| {
                let log = &log;
                scope.spawn(move || {
                    let mut told = Told::new();
                    let producer = Producer::new("clinic").unwrap();
                    for n in 0..60 {
                        let number = w * 1000 + n;
                        let (producer, records) = match w % 3 {
                            0 => (None, batch(number, 1)),
                            1 => (None, batch(number, 1 + n % 20)),
                            _ => (Some(&producer), batch_with_ids(number, 1 + n % 4)),
                        };
                        tell(&mut told, &log.append(producer, records).unwrap());
                    }
                    told
                })
            })
            .collect();
        let (log, done) = (&log, &done);
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                log.seal().unwrap();
                log.rotate_key().unwrap();
            }
        });
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                log.checkpoint().unwrap();
            }
        });
        scope.spawn(|| {
            let reader = Reader::open(dir.path()).unwrap();
            let mut size = 0;
            while !done.load(Ordering::Relaxed) {
                reader.refresh().unwrap();
                assert_eq!(reader.damage(), []);
                assert!(reader.size().0 >= size, "the log became shorter for a reader");
                size = reader.size().0;
                walk(&reader, &Told::new());
            }
        });
        let mut told = Told::new();
        for writer in writers {
            told.extend(writer.join().unwrap());
        }
        done.store(true, Ordering::Relaxed);
        told
    });
    assert_eq!(check(&log.reader(), &told), told.len() as u64);
    log.close().unwrap();
    check(&Reader::open(dir.path()).unwrap(), &told);
    verify(dir.path());
}

#[test]
fn of_racing_repeats_one_is_new_and_all_get_its_receipt() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), options()).unwrap();
    let barrier = Barrier::new(8);
    let accepted = AtomicU64::new(0);
    let answers: Vec<Vec<_>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8u64)
            .map(|t| {
                let (log, barrier, accepted) = (&log, &barrier, &accepted);
                scope.spawn(move || {
                    let producer = Producer::new("clinic").unwrap();
                    let mut answers = Vec::new();
                    for number in 0..100 {
                        barrier.wait();
                        let mut records = batch_with_ids(number, 3);
                        // Some send more than the others.
                        records.truncate(1 + usize::try_from((number + t) % 3).unwrap());
                        let appended = log.append(Some(&producer), records).unwrap();
                        accepted.fetch_add(appended.accepted, Ordering::Relaxed);
                        let new = appended.receipts.iter().filter(|r| !r.duplicate).count();
                        assert_eq!(new as u64, appended.accepted);
                        answers.extend(appended.receipts);
                    }
                    answers
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(accepted.load(Ordering::Relaxed), 300);
    assert_eq!(log.size().0, 300);
    let mut firsts = std::collections::HashMap::new();
    for receipt in answers.iter().flatten() {
        let told = (receipt.seq, receipt.hash, receipt.chain_hash);
        assert_eq!(*firsts.entry(receipt.audit_id).or_insert(told), told);
    }
    assert_eq!(firsts.values().map(|(seq, ..)| *seq).collect::<HashSet<_>>().len(), 300);
    log.close().unwrap();
    let mut model = Model::default();
    model.note_checkpoint(&Reader::open(dir.path()).unwrap());
    check(&Reader::open(dir.path()).unwrap(), &Told::new());
}

#[test]
fn who_is_refused_by_a_full_queue_leaves_no_hole() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), LogOptions { queue_len_max: 2_000, ..options() }).unwrap();
    let told = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16u64)
            .map(|t| {
                let log = &log;
                scope.spawn(move || {
                    let mut told = Told::new();
                    let mut busy = 0u64;
                    for n in 0..50 {
                        let records = || batch(t * 100 + n, 2);
                        let appended = if t % 2 == 0 {
                            log.append(None, records()).unwrap()
                        } else {
                            match log.try_append(None, records()) {
                                Ok(appended) => appended,
                                Err(AppendError::Busy) => {
                                    busy += 1;
                                    continue;
                                }
                                Err(other) => panic!("{other}"),
                            }
                        };
                        tell(&mut told, &appended);
                    }
                    (told, busy)
                })
            })
            .collect();
        let mut told = Told::new();
        let mut busy = 0;
        for thread in threads {
            let (more, refused) = thread.join().unwrap();
            told.extend(more);
            busy += refused;
        }
        assert!(busy > 0, "nobody was refused");
        told
    });
    assert_eq!(log.size().0, told.len() as u64);
    assert_eq!(check(&log.reader(), &told), told.len() as u64);
}

#[test]
fn dropped_without_a_close_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let mut told = Told::new();
    for round in 0..5 {
        let log = Log::open(dir.path(), options()).unwrap();
        for n in 0..30 {
            tell(&mut told, &log.append(None, batch(round * 100 + n, 10)).unwrap());
        }
        // Rolled files wait to be sealed.
        drop(log);
    }
    check(&Reader::open(dir.path()).unwrap(), &told);
}

#[test]
fn the_power_goes_under_many_threads() {
    for seed in 0..60 {
        let mut machine = Machine::new(seed);
        let mut rng = Rng::new(seed);
        let fault = Fault { call: 20 + rng.below(300), reads: false, kind: FaultKind::CrashAfter };
        machine.storage.plan(Some(fault));
        let options = LogOptions { background: true, ..machine.options() };
        let log = Log::open_storage(machine.shared(), options.clone());
        let acknowledged = log.as_ref().map(|log| until_it_fails(log, rng.clone()));
        for (number, appended) in acknowledged.unwrap_or_default() {
            machine.model.acknowledge(number, &appended);
        }
        drop(log);
        assert!(machine.storage.hit().is_some(), "seed {seed}");
        machine.storage = machine.storage.restart();
        let log = Log::open_storage(machine.shared(), options).unwrap();
        println!("seed {seed}, cut {:?}", log.report().quarantined);
        machine.model.check(&log.reader());
        let size = log.append(None, batch(999_999, 2)).unwrap().last_seq;
        log.close().unwrap();
        let reader = crate::model::reader(&machine.shared());
        machine.model.note_checkpoint(&reader);
        assert_eq!(Some(machine.model.check(&reader)), size.map(|seq| seq.0 + 1));
    }
}

/// Appends from eight threads until every one of them was refused.
fn until_it_fails(log: &Log, rng: Rng) -> Vec<(u64, Appended)> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8u64)
            .map(|t| {
                let mut rng = rng.clone();
                scope.spawn(move || {
                    let mut acknowledged = Vec::new();
                    for n in 0.. {
                        let number = t * 10_000 + n;
                        let count = 1 + (rng.draw() ^ t) % 4;
                        match log.append(None, batch(number, count)) {
                            Ok(appended) => acknowledged.push((number, appended)),
                            Err(AppendError::Poisoned(_)) => break,
                            Err(other) => panic!("{other}"),
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn a_thread_that_dies_while_it_leads_takes_the_log_with_it_and_nobody_waits() {
    for seed in 0..40 {
        let mut machine = Machine::new(seed);
        let log = machine.open().unwrap();
        let call = machine.storage.writes() + Rng::new(seed).below(60);
        machine.storage.plan(Some(Fault { call, reads: false, kind: FaultKind::Panic }));
        let (died, acknowledged) = until_somebody_dies(&log);
        assert_eq!(died, 1, "seed {seed}");
        for (number, appended) in acknowledged {
            machine.model.acknowledge(number, &appended);
        }
        let refused = log.append(None, batch(999_999, 1));
        assert!(matches!(refused, Err(AppendError::Poisoned(_))), "{refused:?}");
        log.step().unwrap_err();
        log.close().unwrap_err();
        machine.storage = machine.storage.kill();
        let log = machine.open().unwrap();
        machine.model.check(&log.reader());
        log.append(None, batch(999_998, 1)).unwrap();
    }
}

/// Appends from eight threads until every one of them was refused or died; how many died, and what
/// was acknowledged.
fn until_somebody_dies(log: &Log) -> (usize, Vec<(u64, Appended)>) {
    let told = Mutex::new(Vec::new());
    let died = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8u64)
            .map(|t| {
                let told = &told;
                scope.spawn(move || {
                    for number in t * 10_000.. {
                        match log.append(None, batch(number, 1 + number % 4)) {
                            Ok(appended) => told.lock().unwrap().push((number, appended)),
                            Err(AppendError::Poisoned(_)) => break,
                            Err(other) => panic!("{other}"),
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().map(ScopedJoinHandle::join).filter(Result::is_err).count()
    });
    (died, told.into_inner().unwrap())
}
