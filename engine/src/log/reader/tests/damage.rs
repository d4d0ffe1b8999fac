//! Damaged files: what can't be verified is said, everything else is read.

use super::fixture::{Fixture, Put, audit_id};
use crate::format::FRAME_HEADER_LEN;
use crate::log::{Entry, Reader};
use crate::query::Order;
use crate::recovery::Damage;
use crate::types::{Seq, TreeSize};

/// Seqs that are damaged; all others must be right.
fn damaged(reader: &Reader, fixture: &Fixture) -> Vec<u64> {
    let mut seqs = Vec::new();
    for (seq, entry) in (0..).zip(reader.scan(0..u64::MAX, Order::Ascending)) {
        let entry = entry.unwrap();
        assert_eq!(entry.seq(), Seq(seq));
        assert_eq!(entry, reader.read(Seq(seq)).unwrap());
        match entry {
            Entry::Record(record) => assert_eq!(record.body(), fixture.bodies[seq as usize]),
            Entry::Damaged { .. } => seqs.push(seq),
            Entry::Erased { .. } => panic!("nothing is erased here"),
        }
    }
    let mut back: Vec<u64> = reader
        .scan(0..u64::MAX, Order::Descending)
        .map(Result::unwrap)
        .filter(Entry::is_damaged)
        .map(|entry| entry.seq().0)
        .collect();
    back.reverse();
    assert_eq!(back, seqs);
    seqs
}

#[test]
fn a_changed_group_takes_nothing_else_with_it() {
    let mut fixture = Fixture::new();
    let name = fixture.seal(100);
    fixture.seal(50);
    let bytes = std::fs::read(fixture.path().join(&name)).unwrap();
    let id = audit_id(40);
    let place = bytes.windows(16).position(|w| w == id.as_bytes()).unwrap();
    fixture.flip(&name, place + 16 + 3);
    let reader = fixture.open();
    assert_eq!(reader.damage(), []);
    assert_eq!(damaged(&reader, &fixture), (32..48).collect::<Vec<_>>());
    let Entry::Damaged { audit_id: found, .. } = reader.read(Seq(40)).unwrap() else { panic!() };
    assert_eq!(found, Some(id), "the identifier can still be made out");
    let raw = reader.raw_damaged(Seq(41)).unwrap();
    assert_eq!(raw, fixture.bodies[41]);
    assert_ne!(reader.raw_damaged(Seq(40)).unwrap(), fixture.bodies[40]);
}

#[test]
fn every_byte_of_a_sealed_file_may_be_damaged() {
    let mut fixture = Fixture::new();
    let name = fixture.seal(40);
    fixture.seal(3);
    let len = std::fs::read(fixture.path().join(&name)).unwrap().len();
    for offset in (0..len).step_by(7) {
        fixture.flip(&name, offset);
        let reader = fixture.open();
        let bad = damaged(&reader, &fixture);
        assert!(bad.iter().all(|seq| *seq < 40), "byte {offset}: {bad:?}");
        assert_eq!(reader.size(), TreeSize(43));
        reader.raw_damaged(Seq(1)).unwrap();
        fixture.flip(&name, offset);
    }
}

#[test]
fn a_missing_segment_is_named_and_the_others_are_read() {
    let mut fixture = Fixture::new();
    fixture.seal(10);
    let middle = fixture.seal(20);
    let last = fixture.seal(10);
    fixture.remove(&middle);
    let reader = fixture.open();
    assert_eq!(reader.damage(), [Damage::Missing { first_seq: 10, end_seq: 30 }]);
    assert_eq!(damaged(&reader, &fixture), (10..30).collect::<Vec<_>>());
    assert!(reader.raw_damaged(Seq(12)).unwrap().is_empty());
    // A footer that can't be read at the very end.
    let len = std::fs::read(fixture.path().join(&last)).unwrap().len();
    fixture.flip(&last, len - 1);
    let reader = fixture.open();
    assert_eq!(damaged(&reader, &fixture), (10..40).collect::<Vec<_>>());
    assert!(reader.damage().contains(&Damage::Missing { first_seq: 30, end_seq: 40 }));
}

#[test]
fn a_segment_of_another_log_is_not_read() {
    let mut fixture = Fixture::new();
    let name = fixture.seal(10);
    let mut other = Fixture::with_id(2);
    let reader = fixture.open();
    other.seal(10);
    std::fs::copy(other.path().join(&name), fixture.path().join(&name)).unwrap();
    assert_eq!(damaged(&reader, &fixture).len(), 10, "exchanged behind the reader's back");
    let reader = fixture.open();
    assert_eq!(reader.damage(), [Damage::Unlinked { seq: 0 }]);
    assert_eq!(damaged(&reader, &fixture).len(), 10);
}

#[test]
fn behind_damage_in_an_active_file_reading_goes_on() {
    let mut fixture = Fixture::new();
    fixture.seal(5);
    let puts = [4, 3, 2, 6, 1].map(Put::Records);
    let puts: Vec<Put> = puts.into_iter().chain([Put::Mark]).collect();
    let (name, offsets) = fixture.active(&puts);
    // In the second frame: seqs 9 to 11. The frame behind it has no known chain before.
    fixture.flip(&name, offsets[1] + FRAME_HEADER_LEN + 20);
    let reader = fixture.open();
    assert_eq!(reader.damage(), [Damage::Missing { first_seq: 9, end_seq: 12 }]);
    assert_eq!(damaged(&reader, &fixture), (9..14).collect::<Vec<_>>());
    assert_eq!(reader.size(), TreeSize(21));
    let Entry::Damaged { audit_id: id, .. } = reader.read(Seq(13)).unwrap() else { panic!() };
    assert_eq!(id, Some(audit_id(13)));
    assert_eq!(reader.raw_damaged(Seq(13)).unwrap(), fixture.bodies[13]);
    assert_eq!(reader.raw_damaged(Seq(10)).unwrap().len(), offsets[2] - offsets[1]);
    reader.refresh().unwrap();
    assert_eq!(damaged(&reader, &fixture), (9..14).collect::<Vec<_>>());
}

#[test]
fn a_damaged_mark_loses_no_record() {
    let mut fixture = Fixture::new();
    let puts = [Put::Records(4), Put::Mark, Put::Records(3), Put::Records(2), Put::Mark];
    let (name, offsets) = fixture.active(&puts);
    fixture.flip(&name, offsets[1] + 5);
    let reader = fixture.open();
    assert_eq!(damaged(&reader, &fixture), [] as [u64; 0]);
    assert_eq!(reader.size(), TreeSize(9));
}

#[test]
fn durable_records_lost_at_the_end_stand_in_their_place() {
    let mut fixture = Fixture::new();
    let (name, offsets) = fixture.active(&[Put::Records(4), Put::Records(3)]);
    fixture.checkpoint(7);
    fixture.flip(&name, offsets[1] + FRAME_HEADER_LEN + 20);
    let reader = fixture.open();
    assert_eq!(damaged(&reader, &fixture), [4, 5, 6]);
    assert!(!reader.damage().is_empty());
}

#[test]
fn a_log_that_was_cut_says_so() {
    let mut fixture = Fixture::new();
    fixture.active(&[Put::Records(4), Put::Records(3), Put::Mark]);
    fixture.checkpoint(7);
    fixture.active(&[Put::Records(4), Put::Mark]);
    let reader = fixture.open();
    assert_eq!(reader.damage(), [Damage::Shorter { size: 4, checkpoint: 7 }]);
    assert_eq!(damaged(&reader, &fixture), [] as [u64; 0]);
}

#[test]
fn every_byte_of_an_active_file_may_be_damaged() {
    let mut fixture = Fixture::new();
    fixture.seal(3);
    let puts: Vec<Put> = (1..6).map(Put::Records).chain([Put::Mark]).collect();
    let (name, offsets) = fixture.active(&puts);
    fixture.checkpoint(fixture.size());
    let len = std::fs::read(fixture.path().join(&name)).unwrap().len();
    for offset in (256..len).step_by(5) {
        fixture.flip(&name, offset);
        let reader = fixture.open();
        let bad = damaged(&reader, &fixture);
        let frame = offsets.partition_point(|at| *at <= offset);
        assert!(bad.len() <= 9, "byte {offset} in frame {frame}: {bad:?}");
        assert!(frame == puts.len() || !bad.is_empty(), "byte {offset} in frame {frame}");
        assert_eq!(reader.size().0, fixture.size(), "byte {offset} in frame {frame}");
        fixture.flip(&name, offset);
    }
}
