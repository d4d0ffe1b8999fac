//! Callers, records and bodies of the tests.

use std::collections::BTreeSet;

use shoseki_engine::record::{
    AuditId, Fault, Prepared, Record, Salt, Stamp, Timestamp, content_of, encode_body,
};
use shoseki_server::door::{DoorError, DoorRules, prepare, take};
use shoseki_server::identity::{Caller, Facilities, Means, Role, Roles};

/// 2026-11-21T09:30:00Z, a second behind every `timestamp` here.
pub(crate) const NOW: i64 = 1_795_253_401_000_000;

pub(crate) fn caller(name: &str, facilities: &[&str]) -> Caller {
    let names: BTreeSet<String> = facilities.iter().map(ToString::to_string).collect();
    let all = names.contains("*");
    Caller {
        producer: shoseki_engine::record::Producer::new(name).unwrap(),
        roles: Roles::of(&[Role::Writer]),
        facilities: if all { Facilities::All } else { Facilities::Only(names) },
        means: Means::Token { id: None, key: "k".to_owned() },
        expires_at: None,
    }
}

pub(crate) fn send(body: &str) -> Result<Vec<Record>, DoorError> {
    send_as(body.as_bytes(), &caller("app", &["F1"]), &DoorRules::default(), NOW)
}

/// What is taken, read record by record; preparing it comes to the same.
pub(crate) fn send_as(
    body: &[u8],
    caller: &Caller,
    rules: &DoorRules,
    now: i64,
) -> Result<Vec<Record>, DoorError> {
    let taken = take(body, caller, rules, now);
    let of =
        |records: &Vec<Record>| Prepared::of(records, &rules.limits).map_err(DoorError::Invalid);
    assert_eq!(
        prepare(body, caller, rules, now),
        taken.as_ref().map_err(Clone::clone).and_then(of)
    );
    taken
}

pub(crate) fn one(body: &str) -> Record {
    let mut records = send(body).unwrap_or_else(|error| panic!("{body}: {error:?}"));
    assert_eq!(records.len(), 1, "{body}");
    records.pop().unwrap()
}

/// The stored body up to `received_at`.
pub(crate) fn stored(record: &Record) -> String {
    let mut body = Vec::new();
    let stamp = Stamp {
        audit_id: record.audit_id.unwrap_or(AuditId::from_bytes([0; 16])),
        received_at: Timestamp::from_unix_micros(NOW).unwrap(),
        ingested_by: None,
        salt: Salt::from_bytes([0; 12]),
    };
    encode_body(record, &stamp, &mut body);
    String::from_utf8(content_of(&body).unwrap().to_vec()).unwrap()
}

pub(crate) fn faults(body: &str) -> Vec<Fault> {
    match send(body) {
        Err(DoorError::Invalid(faults)) => faults,
        other => panic!("{body}: {other:?}"),
    }
}

/// `index pointer: expected | got` of each fault.
pub(crate) fn told(body: &str) -> Vec<String> {
    let line = |f: &Fault| format!("{} {}: {} | {}", f.index, f.pointer, f.expected, f.got);
    faults(body).iter().map(line).collect()
}

/// All required members of the second dialect, as they are sent.
pub(crate) const SECOND: &[(&str, &str)] = &[
    ("eventId", r#""018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d14""#),
    ("occurredAt", r#""2026-11-21T18:30:00+09:00""#),
    ("action", r#""read""#),
    ("outcome", r#""SUCCESS""#),
    ("actorId", r#""doctor-7""#),
    ("actorType", r#""USER""#),
    ("facilityId", r#""F1""#),
    ("traceId", r#""t1""#),
    ("requestId", r#""r1""#),
    ("sourceSystem", r#""server-modernized""#),
    ("requestPath", r#""/charts""#),
    ("httpMethod", r#""GET""#),
    ("httpStatus", "200"),
];

/// A record of the second dialect: [`SECOND`] with changes. An empty value leaves a member out.
pub(crate) fn second(changes: &[(&str, &str)]) -> String {
    let mut members: Vec<(&str, &str)> = SECOND.to_vec();
    for (name, value) in changes {
        match members.iter_mut().find(|(known, _)| known == name) {
            Some(member) => member.1 = value,
            None => members.push((name, value)),
        }
    }
    members.retain(|(_, value)| !value.is_empty());
    let parts: Vec<String> = members.iter().map(|(n, v)| format!("\"{n}\":{v}")).collect();
    format!("{{{}}}", parts.join(","))
}

/// A text that was written in several lines.
pub(crate) fn flat(text: &str) -> String {
    text.replace("\n        ", "")
}

/// A record of the first dialect with more members.
pub(crate) fn first(more: &str) -> String {
    flat(&format!(
        r#"{{"timestamp":"2026-11-21T09:30:00Z","actor_type":"user",
        "actor_id":"doctor-7","action":"READ_CHART","result":"success"{more}}}"#
    ))
}
