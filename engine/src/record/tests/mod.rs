//! Tests of the record model: golden bytes first, then tables, the test data of others, and
//! properties.
#![expect(clippy::indexing_slicing, reason = "tests index what they have just built")]

mod golden;
mod input;
mod output;
mod plain;
mod prepared;
mod properties;
mod suites;
mod times;

use super::*;

/// The smallest input, with more members spliced in: `with(r#","detail":{}"#)`.
fn with(more: &str) -> String {
    format!(
        "{{{}{more}}}",
        concat!(
            r#""timestamp":"2026-11-21T09:30:00Z","actor_type":"user","actor_id":"a","#,
            r#""action":"X","result":"success""#
        )
    )
}

fn parse(json: &str) -> Result<Record, InputError> {
    Record::from_json(json.as_bytes(), &Limits::default())
}

/// The faults of an input that is well-formed JSON, as `pointer: expected | got`.
fn faults(json: &str) -> Vec<String> {
    match parse(json) {
        Err(InputError::Invalid(faults)) => shown(&faults),
        other => panic!("no faults but {other:?} for {json}"),
    }
}

fn shown(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(|f| format!("{}: {} | {}", f.pointer, f.expected, f.got)).collect()
}

fn stamp(producer: Option<&Producer>) -> Stamp<'_> {
    Stamp {
        audit_id: AuditId::parse("018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d14").unwrap(),
        received_at: Timestamp::parse("2026-11-21T09:30:01.000250Z").unwrap(),
        ingested_by: producer,
        salt: Salt::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 250, 255]),
    }
}

fn body_of(record: &Record) -> Vec<u8> {
    let mut out = Vec::new();
    encode_body(record, &stamp(None), &mut out);
    out
}

/// A body parses, and encodes to the same bytes again.
fn assert_round_trip(body: &[u8]) {
    let read = Body::parse(body).unwrap();
    let producer = read.ingested_by().map(|text| Producer::parse(&text).unwrap());
    let stamp = Stamp {
        audit_id: read.audit_id(),
        received_at: read.received_at(),
        ingested_by: producer.as_ref(),
        salt: read.salt(),
    };
    let mut again = Vec::new();
    encode_body(&read.to_record(), &stamp, &mut again);
    assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(body));
}
