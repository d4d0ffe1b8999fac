//! Periods of arrival as runs of seqs.

use super::fixture::{Fixture, Put, START};
use crate::record::Timestamp;

/// When the record at a seq came in.
fn arrival(seq: i64) -> Option<Timestamp> {
    Timestamp::from_unix_nanos(START + seq * 1_000_000_000)
}

#[test]
fn a_period_of_arrival_is_a_run_of_seqs() {
    let mut fixture = Fixture::new();
    fixture.seal(100);
    fixture.seal(1);
    fixture.seal(50);
    fixture.active(&[Put::Records(30), Put::Mark, Put::Records(1), Put::Records(8)]);
    let reader = fixture.open();
    let size = reader.size().0;
    assert!(size > 180, "{size}");
    for seq in 0..size {
        let at = arrival(i64::try_from(seq).unwrap());
        assert_eq!(reader.seqs_received(at, None).unwrap(), seq..size);
        assert_eq!(reader.seqs_received(None, at).unwrap(), 0..seq);
        let next = arrival(i64::try_from(seq).unwrap() + 1);
        assert_eq!(reader.seqs_received(at, next).unwrap(), seq..seq + 1);
    }
    assert_eq!(reader.seqs_received(None, None).unwrap(), 0..size);
    assert_eq!(reader.seqs_received(arrival(-5), arrival(9_999)).unwrap(), 0..size);
    assert_eq!(reader.seqs_received(arrival(9_999), None).unwrap(), size..size);
    assert_eq!(reader.seqs_received(None, arrival(-5)).unwrap(), 0..0);
    assert!(reader.seqs_received(arrival(120), arrival(40)).unwrap().is_empty());
}

#[test]
fn what_cannot_be_read_is_in_every_run_that_it_may_be_in() {
    let mut fixture = Fixture::new();
    let name = fixture.seal(100);
    fixture.seal(20);
    let id = super::fixture::audit_id(40);
    let bytes = std::fs::read(fixture.path().join(&name)).unwrap();
    let place = bytes.windows(16).position(|w| w == id.as_bytes()).unwrap();
    fixture.flip(&name, place + 16 + 3);
    let reader = fixture.open();
    // The group of 32 to 47 is lost.
    for seq in 33..48 {
        assert_eq!(reader.seqs_received(arrival(seq), None).unwrap(), 32..120, "{seq}");
        assert_eq!(reader.seqs_received(None, arrival(seq)).unwrap(), 0..48, "{seq}");
    }
    assert_eq!(reader.seqs_received(arrival(31), arrival(49)).unwrap(), 31..49);
    assert_eq!(reader.seqs_received(arrival(48), arrival(32)).unwrap(), 32..48);
}
