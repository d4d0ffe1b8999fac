//! Readers beside a writer: files that move, records that come.

use std::sync::atomic::Ordering::Relaxed;

use parking_lot::Mutex;
use std::sync::Arc;

use super::assert_whole;
use super::fixture::{Fixture, Put};
use super::watch::Watch;
use crate::format::{Counts, TimeRange};
use crate::log::catalogue::{self, SegmentEntry};
use crate::log::{OpenReadError, Reader};
use crate::types::{ChainHash, Seq, TreeSize};

#[test]
fn opening_neither_writes_nor_locks() {
    let fixture = super::mixed();
    fixture.checkpoint(700);
    let watch = Watch::new(fixture.storage());
    let reader = Reader::open_storage(watch.clone()).unwrap();
    assert_whole(&reader, &fixture);
    reader.refresh().unwrap();
    reader.prove_inclusion(Seq(3), TreeSize(700)).unwrap();
    assert_eq!(watch.writes.load(Relaxed), 0);
}

#[test]
fn a_file_that_is_sealed_while_the_log_is_opened_is_seen_once() {
    let active = "active/00000000000000000005.log";
    // Sealed before the active file is opened, or between that and the list of sealed ones.
    for moment in [active, "sealed"] {
        let mut fixture = Fixture::new();
        fixture.seal(5);
        fixture.active(&[Put::Records(10), Put::Close]);
        fixture.active_from(15, 7, &[Put::Records(4), Put::Mark]);
        fixture.checkpoint(19);
        let watch = Watch::new(fixture.storage());
        let fixture = Arc::new(Mutex::new(fixture));
        let sealing = Arc::clone(&fixture);
        watch.before(moment, move || {
            let mut fixture = sealing.lock();
            fixture.seal(10);
            fixture.remove(active);
        });
        let reader = Reader::open_storage(watch).unwrap();
        assert_whole(&reader, &fixture.lock());
    }
}

#[test]
fn a_file_that_vanishes_for_good_is_damage() {
    let mut fixture = Fixture::new();
    fixture.seal(5);
    let (active, _) = fixture.active(&[Put::Records(10), Put::Close]);
    fixture.active_from(15, 7, &[Put::Records(4), Put::Mark]);
    let watch = Watch::new(fixture.storage());
    let path = fixture.path().join(&active);
    watch.before(&active, move || std::fs::remove_file(path).unwrap());
    let reader = Reader::open_storage(watch).unwrap();
    assert_eq!(reader.damage().len(), 1);
    assert!(reader.read(Seq(5)).unwrap().is_damaged());
    assert!(!reader.read(Seq(15)).unwrap().is_damaged());
}

#[test]
fn refresh_shows_new_records_and_sealed_files() {
    let mut fixture = Fixture::new();
    fixture.active(&[Put::Records(3), Put::Mark]);
    let reader = fixture.open();
    assert_whole(&reader, &fixture);
    let old = reader.scan(0..99, crate::query::Order::Ascending);
    fixture.active(&[Put::Records(3), Put::Mark, Put::Records(5), Put::Mark]);
    assert_eq!(reader.size(), TreeSize(3));
    reader.refresh().unwrap();
    assert_whole(&reader, &fixture);
    reader.refresh().unwrap();
    assert_eq!(reader.size(), TreeSize(8), "nothing new, nothing lost");
    let name = "active/00000000000000000000.log";
    fixture.seal(8);
    fixture.active(&[Put::Records(2), Put::Records(1)]);
    fixture.remove(name);
    fixture.checkpoint(11);
    reader.refresh().unwrap();
    assert_whole(&reader, &fixture);
    assert_eq!(old.filter(|entry| !entry.as_ref().unwrap().is_damaged()).count(), 3);
}

#[test]
fn many_sealed_segments_open_without_being_touched() {
    const SEGMENTS: u64 = 3000;
    let fixture = Fixture::new();
    let mut entries = Vec::new();
    let mut chain = fixture.chain_before(0);
    for first_seq in 0..SEGMENTS {
        let chain_after = ChainHash([(first_seq % 250) as u8; 64]);
        let entry = SegmentEntry {
            first_seq,
            count: 1,
            timestamp: TimeRange { min: 0, max: 0 },
            received: TimeRange { min: 0, max: 0 },
            raw_len: 1,
            file_len: 1,
            chain_before: chain,
            chain_after,
            counts: Counts::default(),
            range_nodes: vec![crate::types::NodeHash([0; 32])],
        };
        std::fs::write(fixture.path().join(entry.path()), b"x").unwrap();
        chain = chain_after;
        entries.push(entry);
    }
    // The catalogue may know files that are gone.
    entries.push(SegmentEntry { first_seq: SEGMENTS, ..entries[0].clone() });
    catalogue::rewrite(&*fixture.storage(), &entries).unwrap();
    let watch = Watch::new(fixture.storage());
    let reader = Reader::open_storage(watch.clone()).unwrap();
    assert_eq!((reader.size(), reader.damage()), (TreeSize(SEGMENTS), Vec::new()));
    assert!(watch.opens.load(Relaxed) < 10);
    assert!(reader.read(Seq(7)).unwrap().is_damaged(), "the file is no segment");
}

#[test]
fn what_is_no_log_is_named() {
    let fixture = Fixture::new();
    let refused = |fixture: &Fixture| Reader::open(fixture.path()).err().unwrap();
    fixture.flip("log.json", 3);
    assert!(matches!(refused(&fixture), OpenReadError::Identity));
    std::fs::write(
        fixture.path().join("log.json"),
        String::from_utf8(fixture.identity.to_bytes()).unwrap().replace(":0,", ":8,"),
    )
    .unwrap();
    assert!(matches!(refused(&fixture), OpenReadError::Format { found: 8, known: 0 }));
    fixture.remove("log.json");
    assert!(matches!(refused(&fixture), OpenReadError::NoLog));
}
