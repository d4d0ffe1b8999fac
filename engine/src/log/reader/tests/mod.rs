//! Readers over data directories that were built by hand.
#![expect(clippy::cast_possible_truncation, reason = "small numbers of a test")]

mod beside;
mod copies;
mod damage;
mod fixture;
mod follow;
mod indexed;
mod naive;
mod proofs;
mod received;
mod search;
mod stats;
mod watch;

use fixture::{Fixture, Put};

use crate::log::{Entry, ReadError, Reader};
use crate::query::Order;
use crate::types::{Seq, TreeSize};

/// Every seq of the log, as the fixture knows it.
fn assert_whole(reader: &Reader, fixture: &Fixture) {
    assert_eq!(reader.size(), TreeSize(fixture.size()));
    assert_eq!(reader.damage(), []);
    let check = |entry: Entry, seq: u64| {
        let at = seq as usize;
        let record = entry.record().unwrap_or_else(|| panic!("{seq}: {entry:?}")).clone();
        assert_eq!(record.seq, Seq(seq));
        assert_eq!(record.body(), fixture.bodies[at]);
        assert_eq!((record.hash, record.chain_hash), (fixture.hashes[at], fixture.chain[at]));
    };
    let all = 0..fixture.size();
    for (entry, seq) in reader.scan(0..u64::MAX, Order::Ascending).zip(all.clone()) {
        check(entry.unwrap(), seq);
    }
    for (entry, seq) in reader.scan(0..u64::MAX, Order::Descending).zip(all.clone().rev()) {
        check(entry.unwrap(), seq);
    }
    assert_eq!(reader.scan(0..u64::MAX, Order::Ascending).count() as u64, fixture.size());
    for seq in all.map(|n| n * 101 % fixture.size()) {
        check(reader.read(Seq(seq)).unwrap(), seq);
    }
}

/// Sealed segments of odd sizes, an active file that waits for its seal, and the current one.
fn mixed() -> Fixture {
    let mut fixture = Fixture::new();
    for count in [5, 300, 251, 1, 256, 30] {
        fixture.seal(count);
    }
    let sealed = fixture.size();
    fixture.active_from(sealed, 1, &[Put::Records(40), Put::Records(1), Put::Close]);
    let puts = [Put::Records(3), Put::Mark, Put::Records(90), Put::Records(7), Put::Mark];
    fixture.active_from(sealed + 41, 9, &puts);
    fixture
}

#[test]
fn every_record_is_read_in_any_order() {
    let fixture = mixed();
    let reader = fixture.open();
    assert_whole(&reader, &fixture);
    assert!(matches!(
        reader.read(Seq(fixture.size())),
        Err(ReadError::NoSuchRecord { seq, size }) if seq.0 == size.0
    ));
    assert_eq!(reader.scan(7..7, Order::Ascending).count(), 0);
    assert_eq!(reader.scan(99_999..u64::MAX, Order::Descending).count(), 0);
    let infos = reader.segments();
    assert_eq!(infos.iter().map(|info| info.count).sum::<u64>(), fixture.size());
    assert_eq!(infos.iter().filter(|info| info.sealed).count(), 6);
    for info in infos {
        let len = std::fs::metadata(fixture.path().join(&info.path)).unwrap().len();
        assert_eq!((info.file_len, info.evidence_bytes), (len, len), "{}", info.path);
    }
}

#[test]
fn an_empty_log_is_readable() {
    let fixture = Fixture::new();
    let reader = fixture.open();
    assert_eq!((reader.size(), reader.segments().len()), (TreeSize(0), 0));
    assert_eq!(reader.checkpoint().unwrap(), None);
    assert!(reader.read(Seq(0)).is_err());
    assert_eq!(reader.root_at(TreeSize(0)).unwrap(), crate::proof::empty_root());
}

#[test]
fn only_what_is_durable_is_visible() {
    let mut fixture = Fixture::new();
    fixture.active(&[Put::Records(4), Put::Records(6)]);
    assert_eq!(fixture.open().size(), TreeSize(4), "the last commit may not be synced");
    fixture.checkpoint(10);
    assert_eq!(fixture.open().size(), TreeSize(10), "the checkpoint covers it");
    fixture.remove("checkpoint");
    fixture.active(&[Put::Records(4), Put::Records(6), Put::Mark]);
    assert_eq!(fixture.open().size(), TreeSize(10), "a mark follows it");
    fixture.active(&[Put::Records(4), Put::Records(6), Put::Close]);
    assert_eq!(fixture.open().size(), TreeSize(10), "the file was closed");
}

#[test]
fn a_torn_tail_is_invisible_and_no_damage() {
    let mut fixture = Fixture::new();
    let (name, _) = fixture.active(&[Put::Records(4), Put::Mark, Put::Records(6)]);
    let whole = std::fs::read(fixture.path().join(&name)).unwrap();
    for cut in 1..700 {
        std::fs::write(fixture.path().join(&name), &whole[..whole.len() - cut]).unwrap();
        let reader = fixture.open();
        assert_eq!((reader.size(), reader.damage()), (TreeSize(4), Vec::new()), "cut by {cut}");
        assert_eq!(reader.scan(0..9, Order::Ascending).filter(Result::is_ok).count(), 4);
    }
}
