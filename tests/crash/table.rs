//! The decision table of recovery, row by row, on a whole log.
//!
//! Invariant: what was acknowledged and synced is never cut; what is cut is kept; a log that is
//! damaged opens for reading only, and reading writes nothing.

use std::sync::Arc;

use shoseki_engine::log::{Entry, Log, OpenError, Reader};
use shoseki_engine::query::Order;
use shoseki_engine::recovery::Damage;
use shoseki_lab::{Fault, FaultKind, FaultyStorage};

use crate::model::{DAY, Model};
use crate::workload::Machine;

const ACTIVE: &str = "active/00000000000000000000.log";

/// Batches of two records each, all in one active file, as they are after a kill; and the lengths
/// of the used part of the file after each of them.
fn killed(batches: u64) -> (Machine, Vec<usize>) {
    let mut machine = Machine::new(batches);
    let log = machine.open().unwrap();
    let mut ends = vec![used(&machine.storage)];
    for n in 0..batches {
        machine.append(&log, n, 2).unwrap();
        ends.push(used(&machine.storage));
    }
    machine.storage = machine.storage.kill();
    drop(log);
    (machine, ends)
}

fn used(storage: &FaultyStorage) -> usize {
    let bytes = storage.bytes(ACTIVE).unwrap();
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

fn changed(
    storage: &FaultyStorage,
    path: &str,
    change: impl FnOnce(&mut Vec<u8>),
) -> FaultyStorage {
    let copy = storage.copy(1);
    let mut bytes = copy.bytes(path).unwrap();
    change(&mut bytes);
    copy.put(path, &bytes);
    copy
}

fn with(machine: &Machine, storage: FaultyStorage) -> Machine {
    Machine { storage, environment: Arc::clone(&machine.environment), model: machine.model.clone() }
}

fn damage(machine: &Machine) -> Vec<Damage> {
    let before = machine.storage.writes();
    let Err(OpenError::Damaged(damage)) = machine.open() else { panic!("it opened") };
    // The lock and the directory itself aside, an open that refuses changes nothing.
    let changes = machine.storage.writes() - before;
    assert!(changes <= 1, "{changes} changes");
    damage
}

/// Seqs that a reader can read; it must not write.
fn readable(machine: &Machine) -> Vec<u64> {
    let before = machine.storage.writes();
    let reader = Reader::open_storage(machine.shared()).unwrap();
    assert_ne!(reader.damage(), []);
    let entries = reader.scan(0..reader.size().0, Order::Ascending);
    let seqs = entries.filter_map(|entry| match entry.unwrap() {
        Entry::Record(record) => Some(record.seq.0),
        _ => None,
    });
    let seqs = seqs.collect();
    assert_eq!(machine.storage.writes(), before);
    seqs
}

fn goes_on(machine: &mut Machine, size: u64, number: u64) -> Log {
    let log = machine.open().unwrap();
    assert_eq!(log.size().0, size);
    machine.append(&log, number, 1).unwrap();
    assert_eq!(log.size().0, size + 1);
    log
}

#[test]
fn a_clean_end_goes_on() {
    let (machine, _) = killed(3);
    let mut machine = with(&machine, machine.storage.copy(2));
    let log = goes_on(&mut machine, 6, 50);
    assert_eq!(log.report().quarantined, None);
    machine.model.check(&log.reader());
}

#[test]
fn a_last_commit_torn_at_any_byte_is_cut_and_kept() {
    let (machine, ends) = killed(3);
    let (start, end) = (ends[2], ends[3]);
    for cut in start..end {
        for zeros in [false, true] {
            let storage = changed(&machine.storage, ACTIVE, |bytes| {
                if zeros { bytes[cut..].fill(0) } else { bytes.truncate(cut) }
            });
            let whole = storage.bytes(ACTIVE).unwrap();
            let torn = &whole[start..used(&storage)];
            let mut machine = with(&machine, storage);
            // Nobody was told of the last batch in this story.
            machine.model = Model::default();
            let log = goes_on(&mut machine, 4, 50);
            let kept = log.report().quarantined.clone();
            assert_eq!(kept.is_some(), !torn.is_empty(), "cut at {cut}");
            if let Some(kept) = kept {
                assert_eq!(kept.offset as usize, start);
                assert_eq!(machine.storage.bytes(&kept.path).unwrap(), torn);
            }
            machine.model.check(&log.reader());
        }
    }
}

#[test]
fn any_bad_byte_before_the_last_commit_makes_the_log_read_only() {
    let (machine, ends) = killed(5);
    for (batch, range) in ends.windows(2).take(4).enumerate() {
        let bad = [2 * batch as u64, 2 * batch as u64 + 1];
        for at in range[0]..range[1] {
            let storage = changed(&machine.storage, ACTIVE, |bytes| bytes[at] ^= 0x55);
            let before = storage.bytes(ACTIVE).unwrap();
            let machine = with(&machine, storage);
            let found = damage(&machine);
            let missing = Damage::Missing { first_seq: bad[0], end_seq: bad[1] + 1 };
            assert_eq!(found, [missing], "byte {at}");
            assert_eq!(machine.storage.bytes(ACTIVE).unwrap(), before);
            // What stands right behind can't be verified: the chain hash before it is gone.
            let readable_ones = |seq: &u64| *seq < bad[0] || (*seq > bad[1] + 2 && *seq < 8);
            let expected: Vec<u64> = (0..10).filter(readable_ones).collect();
            assert_eq!(readable(&machine), expected, "byte {at}");
        }
    }
}

#[test]
fn a_damaged_mark_makes_the_log_read_only_and_names_no_record() {
    let mut machine = Machine::new(4);
    let log = machine.open().unwrap();
    machine.append(&log, 0, 2).unwrap();
    let start = used(&machine.storage);
    log.step().unwrap();
    let end = used(&machine.storage);
    assert!(start < end, "no mark was written");
    for n in 1..3 {
        machine.append(&log, n, 2).unwrap();
    }
    machine.storage = machine.storage.kill();
    drop(log);
    for at in start..end {
        let storage = changed(&machine.storage, ACTIVE, |bytes| bytes[at] ^= 0x55);
        let machine = with(&machine, storage);
        let (offset, end) = (start as u64, end as u64);
        assert_eq!(damage(&machine), [Damage::Bytes { file: 0, offset, end }], "byte {at}");
        // Nothing says yet that the last batch was synced.
        assert_eq!(readable(&machine), [0, 1, 2, 3], "byte {at}");
    }
}

#[test]
fn a_bad_byte_in_a_file_header_makes_the_log_read_only() {
    let (machine, _) = killed(2);
    for at in 0..256 {
        let storage = changed(&machine.storage, ACTIVE, |bytes| bytes[at] ^= 0x55);
        assert_eq!(damage(&with(&machine, storage)), [Damage::ActiveHeader { seq: 0 }], "{at}");
    }
}

#[test]
fn a_log_shorter_than_its_checkpoint_is_read_only() {
    let (machine, ends) = killed(3);
    let mut machine = with(&machine, machine.storage.copy(3));
    let log = machine.open().unwrap();
    log.checkpoint().unwrap();
    machine.storage = machine.storage.kill();
    drop(log);
    for (batches, end) in ends.iter().enumerate().take(3) {
        let storage = changed(&machine.storage, ACTIVE, |bytes| bytes[*end..].fill(0));
        let found = damage(&with(&machine, storage));
        let shorter = Damage::Shorter { size: 2 * batches as u64, checkpoint: 6 };
        assert_eq!(found, [shorter]);
    }
}

#[test]
fn a_torn_end_below_the_checkpoint_is_damage() {
    let (machine, ends) = killed(3);
    let machine = with(&machine, machine.storage.copy(4));
    let log = machine.open().unwrap();
    log.checkpoint().unwrap();
    let machine = with(&machine, machine.storage.kill());
    drop(log);
    let storage = changed(&machine.storage, ACTIVE, |bytes| bytes[ends[2] + 90] ^= 1);
    let machine = with(&machine, storage);
    let found = damage(&machine);
    assert!(found.contains(&Damage::Missing { first_seq: 4, end_seq: 6 }), "{found:?}");
    assert_eq!(readable(&machine), [0, 1, 2, 3]);
}

/// A log of three active files, none sealed.
fn three_files() -> Machine {
    let mut machine = Machine::new(9);
    let log = machine.open().unwrap();
    for day in 0..3 {
        machine.append(&log, day, 2).unwrap();
        machine.environment.advance(DAY);
    }
    machine.storage = machine.storage.kill();
    drop(log);
    machine
}

fn files(storage: &FaultyStorage, dir: &str) -> Vec<String> {
    storage.paths().into_iter().filter(|path| path.starts_with(dir)).collect()
}

fn segments(storage: &FaultyStorage) -> Vec<String> {
    let mut paths = files(storage, "sealed/");
    paths.retain(|path| path.ends_with(".seg"));
    paths
}

#[test]
fn several_active_files_are_sealed_in_order() {
    let mut machine = three_files();
    assert_eq!(files(&machine.storage, "active/").len(), 3);
    let log = goes_on(&mut machine, 6, 50);
    machine.steps(&log).unwrap();
    assert_eq!(files(&machine.storage, "active/").len(), 1);
    assert_eq!(segments(&machine.storage).len(), 3);
    machine.model.check(&log.reader());
}

#[test]
fn a_file_that_does_not_link_makes_the_log_read_only() {
    let (one, other) = (three_files(), {
        let mut machine = Machine::new(10);
        let log = machine.open().unwrap();
        machine.append(&log, 7, 2).unwrap();
        drop(log);
        machine
    });
    // A file of another log under the name of ours.
    let storage = one.storage.copy(5);
    storage.put(ACTIVE, &other.storage.bytes(ACTIVE).unwrap());
    let found = damage(&with(&one, storage));
    assert!(found.contains(&Damage::ActiveHeader { seq: 0 }), "{found:?}");
    // A file that is gone.
    let storage = one.storage.copy(5);
    storage.take("active/00000000000000000002.log");
    assert_eq!(damage(&with(&one, storage)), [Damage::Missing { first_seq: 2, end_seq: 4 }]);
}

/// A log with a sealed segment whose active file is still there: the power went before it was
/// removed.
fn sealed_and_active() -> (Machine, String, String) {
    let mut machine = three_files();
    let active = machine.storage.bytes(ACTIVE).unwrap();
    let log = machine.open().unwrap();
    while segments(&machine.storage).is_empty() {
        log.step().unwrap();
    }
    machine.storage = machine.storage.kill();
    drop(log);
    machine.storage.put(ACTIVE, &active);
    let sealed = segments(&machine.storage);
    (machine, ACTIVE.to_owned(), sealed[0].clone())
}

#[test]
fn a_sealed_file_that_verifies_takes_the_place_of_its_active_one() {
    let (mut machine, active, sealed) = sealed_and_active();
    let log = goes_on(&mut machine, 6, 50);
    assert!(machine.storage.bytes(&active).is_none());
    assert!(machine.storage.bytes(&sealed).is_some());
    assert_eq!(log.report().resealed, [""; 0]);
    machine.model.check(&log.reader());
}

#[test]
fn a_damaged_sealed_file_goes_to_quarantine_while_its_active_one_is_there() {
    let (machine, _, sealed) = sealed_and_active();
    let len = machine.storage.bytes(&sealed).unwrap().len();
    for catalogue in [true, false] {
        for at in (0..len).step_by(31) {
            let storage = changed(&machine.storage, &sealed, |bytes| bytes[at] ^= 0x10);
            if !catalogue {
                storage.take("segments.cat");
            }
            let mut machine = with(&machine, storage);
            let log = machine.open();
            let log = log.unwrap_or_else(|e| panic!("byte {at}, catalogue {catalogue}: {e}"));
            machine.model.check(&log.reader());
            machine.steps(&log).unwrap();
            machine.model.check(&log.reader());
            if let [moved] = log.report().resealed.as_slice() {
                assert_eq!(*moved, sealed);
                assert_eq!(files(&machine.storage, "quarantine/").len(), 1);
            }
            drop(log);
            goes_on(&mut machine, 6, 50);
        }
    }
}

#[test]
fn a_half_built_sealed_file_is_forgotten_and_sealed_again() {
    let mut machine = three_files();
    machine.storage.put("sealed/00000000000000000000-00000000000000000002.seg.tmp", b"half");
    let log = goes_on(&mut machine, 6, 50);
    machine.steps(&log).unwrap();
    assert_eq!(segments(&machine.storage).len(), 3);
    machine.model.check(&log.reader());
}

#[test]
fn a_creation_cut_short_anywhere_leaves_an_empty_directory() {
    let machine = Machine::new(0);
    drop(machine.open().unwrap());
    for call in 0..machine.storage.writes() {
        for kind in [FaultKind::CrashBefore, FaultKind::CrashAfter] {
            let mut machine = Machine::new(call);
            machine.storage.plan(Some(Fault { call, reads: false, kind }));
            drop(machine.open());
            machine.storage = machine.storage.restart();
            let log = goes_on(&mut machine, 0, 1);
            machine.model.check(&log.reader());
        }
    }
}

#[test]
fn a_checkpoint_that_cannot_be_read_is_signed_again_over_everything() {
    let (machine, _) = killed(3);
    let machine = with(&machine, machine.storage.copy(6));
    let log = machine.open().unwrap();
    log.checkpoint().unwrap();
    log.close().unwrap();
    let note = machine.storage.bytes("checkpoint").unwrap();
    for at in (0..note.len()).step_by(3) {
        let storage = changed(&machine.storage, "checkpoint", |bytes| bytes[at] ^= 2);
        let machine = with(&machine, storage);
        let log = machine.open().unwrap();
        assert!(log.report().checkpoint_rebuilt, "byte {at}");
        log.checkpoint().unwrap();
        let reader = Reader::open_storage(machine.shared()).unwrap();
        assert_eq!(reader.checkpoint().unwrap().unwrap().checkpoint.size.0, 6);
    }
}

#[test]
fn segments_without_a_name_of_the_log_are_not_taken_for_an_empty_directory() {
    let (machine, _) = killed(1);
    machine.storage.take("log.json");
    let refused = machine.open().err().unwrap();
    assert!(matches!(refused, OpenError::IdentityMissing), "{refused}");
}
