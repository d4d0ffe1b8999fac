//! Inputs, the bodies that they become, and the hashes of these.

use shoseki_engine::proof::record_hash;
use shoseki_engine::record::{
    AuditId, Body, Limits, Producer, Record, Salt, Stamp, Timestamp, encode_body,
};

use crate::golden;

/// The server's part of every vector.
fn stamp(record: &Record) -> Stamp<'_> {
    Stamp {
        audit_id: record.audit_id.unwrap(),
        received_at: Timestamp::parse("2026-11-21T09:30:01.000250Z").unwrap(),
        ingested_by: None,
        salt: Salt::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 250, 255]),
    }
}

/// Vectors of four lines: a comment, the input, the body, SHA-512 of the body.
#[test]
fn inputs_become_the_same_bodies() {
    let text = String::from_utf8(golden("bodies.txt")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() >= 40 && lines.len().is_multiple_of(4), "{} lines", lines.len());
    for vector in lines.chunks(4) {
        let [comment, input, body, sha512] = vector else { panic!("{vector:?}") };
        assert!(comment.starts_with("# "), "{comment}");
        let record = Record::from_json(input.as_bytes(), &Limits::default());
        let record = record.unwrap_or_else(|e| panic!("{comment}: {e}"));
        let mut encoded = Vec::new();
        let producer = Producer::with_key("clinic", "k1").unwrap();
        let signed = comment.contains("signed");
        let stamp = Stamp { ingested_by: signed.then_some(&producer), ..stamp(&record) };
        encode_body(&record, &stamp, &mut encoded);
        assert_eq!(std::str::from_utf8(&encoded).unwrap(), *body, "{comment}");
        assert_eq!(record_hash(body.as_bytes()).to_hex(), *sha512, "{comment}");
        let read = Body::parse(body.as_bytes()).unwrap();
        assert_eq!(read.audit_id(), record.audit_id.unwrap_or(AuditId::from_bytes([0; 16])));
    }
}
