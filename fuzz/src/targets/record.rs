//! JSON of clients: one record, and a batch.
//!
//! What is taken is within the limits, becomes a body that reads back as the same record, and is
//! taken again in the spelling of that body.

use shoseki_engine::record::{
    AuditId, Body, InputError, Limits, Producer, Record, Salt, Stamp, Timestamp, content_of,
    encode_body, parse_batch,
};

use crate::fixture;
use crate::memory::within;

/// Most records of a batch that this target takes.
const BATCH_MAX: usize = 100;

pub(super) fn run(data: &[u8]) {
    let limits = Limits::default();
    // Faults are bounded by their number, ten thousand of some hundred bytes.
    let limit = (8 << 20) + data.len() * 64;
    let one = within(limit, "one record", || Record::from_json(data, &limits));
    let batch = within(limit, "a batch", || parse_batch(data, &limits, BATCH_MAX));
    match &one {
        Ok(record) => {
            assert_eq!(batch.as_deref(), Ok(std::slice::from_ref(record)));
            check(record, &limits);
        }
        Err(error) => explained(error, data, &limits),
    }
    match &batch {
        Ok(records) => {
            assert!(records.len() <= BATCH_MAX);
            records.iter().for_each(|record| check(record, &limits));
        }
        Err(error) => explained(error, data, &limits),
    }
}

/// A refusal names a place inside of the input, and its text can be shown.
fn explained(error: &InputError, data: &[u8], limits: &Limits) {
    assert!(error.to_string().chars().all(|c| c >= ' '), "a control character in {error:?}");
    match error {
        InputError::Syntax { offset, line, column, .. } => {
            assert!(*offset <= data.len() && *line >= 1 && *column >= 1, "{error:?}");
        }
        InputError::Invalid(faults) => {
            assert!(!faults.is_empty() && faults.len() <= limits.faults_max + 1);
            assert!(faults.iter().all(|fault| fault.got.chars().count() <= 40), "{faults:?}");
        }
        _ => {}
    }
}

fn check(record: &Record, limits: &Limits) {
    assert_eq!(record.check(limits), Ok(()));
    let producer = Producer::new("clinic-app").unwrap();
    let stamp = Stamp {
        audit_id: record.audit_id.unwrap_or(AuditId::from_bytes([5; 16])),
        received_at: Timestamp::from_unix_micros(1_795_000_000_000_001).unwrap(),
        ingested_by: Some(&producer),
        salt: Salt::from_bytes([9; 12]),
    };
    let mut bytes = Vec::new();
    encode_body(record, &stamp, &mut bytes);
    let body = Body::parse(&bytes).unwrap_or_else(|e| panic!("our own body: {e}"));
    let stamped = Record { audit_id: Some(stamp.audit_id), ..record.clone() };
    assert_eq!(body.to_record(), stamped);
    assert_eq!((body.audit_id(), body.salt()), (stamp.audit_id, stamp.salt));
    let line = [content_of(&bytes).unwrap(), b"}"].concat();
    assert_eq!(Record::from_json(&line, limits).as_ref(), Ok(&stamped));
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let lines = fixture::LINES.clone();
    let mut seeds = vec![
        b"[]".to_vec(),
        br#"{"timestamp":"2026-11-21T09:30:00.5+09:00","actor_type":"user",
            "actor_id":"a\u3042\ud83d\ude00",
            "action":"X","result":"success","detail":{"a":[1.10,-0,1e9,{"b":null,"c":true}]}}"#
            .to_vec(),
        br#"{"actor_id":7,"received_at":"x","nope":{},"detail":[1]}"#.to_vec(),
    ];
    seeds.push([b"[", lines[..3].join(&b',').as_slice(), b"]"].concat());
    seeds.push(lines[3..6].join(&b'\n'));
    seeds.extend(lines);
    seeds
}
