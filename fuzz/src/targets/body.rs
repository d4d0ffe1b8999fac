//! Stored bodies: strictly read, encoded again to the same bytes, shown as a row of CSV.

use shoseki_engine::record::{
    Body, DetailToken, Limits, Member, Producer, Record, Salt, Stamp, Timestamp, content_of,
    csv_row, encode_body,
};
use shoseki_engine::types::{ChainHash, RecordHash, Seq};

use crate::fixture;
use crate::memory::within;

pub(super) fn run(data: &[u8]) {
    let parsed = within(4096 + data.len(), "reading a body", || Body::parse(data));
    let Ok(body) = parsed else { return };
    let record = body.to_record();
    let producer = body.ingested_by().map(|by| Producer::parse(&by));
    let stamp = Stamp {
        audit_id: body.audit_id(),
        received_at: body.received_at(),
        ingested_by: producer.as_ref().and_then(|producer| producer.as_ref().ok()),
        salt: body.salt(),
    };
    assert!(producer.is_none() || stamp.ingested_by.is_some(), "a producer that none could be");
    let mut again = Vec::new();
    encode_body(&record, &stamp, &mut again);
    assert!(again == data, "encoded again: {}", String::from_utf8_lossy(&again));
    members(&body);
    let limits = Limits {
        record_len_max: usize::MAX,
        detail_depth_max: usize::MAX,
        detail_members_max: usize::MAX,
        number_len_max: usize::MAX,
        ..Limits::default()
    };
    let content = [content_of(data).unwrap(), b"}"].concat();
    assert_eq!(Record::from_json(&content, &limits).as_ref(), Ok(&record));
    let mut row = Vec::new();
    csv_row(&body, Seq(1), &RecordHash([1; 64]), &ChainHash([2; 64]), false, &mut row);
    assert!(row.ends_with(b"\r\n") && core::str::from_utf8(&row).is_ok());
}

/// What is read member by member is what the whole says.
fn members(body: &Body<'_>) {
    let given = Member::ALL.into_iter().filter_map(|member| body.member(member));
    let within = body.as_bytes().len();
    assert!(given.map(<[u8]>::len).sum::<usize>() <= within);
    assert!(Timestamp::parse_canonical(&body.timestamp().to_string()) == Some(body.timestamp()));
    assert_eq!(Salt::parse(&text(body, Member::Salt)), Some(body.salt()));
    let mut open = 0_usize;
    for token in body.detail_tokens() {
        match token {
            DetailToken::Object | DetailToken::Array => open += 1,
            DetailToken::End => open = open.checked_sub(1).unwrap(),
            _ => assert!(open > 0),
        }
    }
    assert_eq!(open, 0);
}

fn text(body: &Body<'_>, member: Member) -> String {
    body.text(member).unwrap().into_owned()
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> = fixture::SMALL.bodies.clone();
    for (n, line) in (0_u8..).zip(&*fixture::LINES) {
        let record = Record::from_json(line, &Limits::default()).unwrap();
        let producer = Producer::with_key("importer", "key-1").unwrap();
        let stamp = Stamp {
            audit_id: shoseki_engine::record::AuditId::from_bytes([n; 16]),
            received_at: record.timestamp.to_micros(),
            ingested_by: (n % 2 == 0).then_some(&producer),
            salt: Salt::from_bytes([n; 12]),
        };
        let mut body = Vec::new();
        encode_body(&record, &stamp, &mut body);
        bodies.push(body);
    }
    bodies
}
