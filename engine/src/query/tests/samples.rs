//! Random records and filters of few values, so that they meet.

use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::query::*;
use crate::record::{
    ActorType, AuditId, Limits, Outcome, Producer, Record, Salt, Sensitivity, Stamp, Timestamp,
    encode_body,
};

/// Texts that hold each other's words, characters and numbers.
const TEXTS: [&str; 22] = [
    "dr-sato",
    "Dr SATO 1",
    "sato",
    "医師",
    "血圧",
    "高血圧 120",
    "ｶﾙﾃ 参照",
    "カルテ",
    "READ_CHART",
    "READ",
    "chart",
    "P3",
    "P00000123",
    "12345",
    "-1.50e3",
    "7",
    "550e8400-e29b-41d4-a716-446655440000",
    "550E8400E29B41D4A716446655440000",
    "192.0.2.7",
    "2001:db8::1",
    "a \"quoted\"\n text",
    "--",
];
const SOURCES: [&str; 9] = [
    "192.0.2.7",
    "::ffff:192.0.2.9",
    "10.0.0.1",
    "2001:db8::1",
    "2001:DB8:0:0:1::",
    "2001:db8:1::1",
    "fe80::1",
    "ecs.amazonaws.com",
    "550e8400-e29b-41d4-a716-446655440000",
];
const PATTERNS: [&str; 14] = [
    "192.0.2.7",
    "192.0.2.0/24",
    "192.0.2.8/29",
    "0.0.0.0/0",
    "::ffff:192.0.2.0/120",
    "10.0.0.1/32",
    "2001:db8::1",
    "2001:db8::/64",
    "2001:db8::/50",
    "2001:db8::/32",
    "2001::/16",
    "::/0",
    "ecs.amazonaws.com",
    "ECS.amazonaws.com",
];
const NAMES: [&str; 10] = [
    "patientId",
    "patient_id",
    "patientIds",
    "run_ids",
    "runId",
    "documentId",
    "note",
    "a",
    "b",
    "items",
];
const TARGET_TYPES: [&str; 4] = ["patient", "PATIENT", "Run", "chart"];
const PRODUCERS: [&str; 4] = ["p1", "p1#key", "p2", "p12#p1"];
const NUMBERS: [&str; 6] = ["7", "12345", "-1.50e3", "120", "1234567", "0"];

pub(super) fn text() -> impl Strategy<Value = String> + Clone {
    select(&TEXTS[..]).prop_map(str::to_owned)
}

/// A value of `detail`, with numbers by their characters.
fn value() -> impl Strategy<Value = Value> {
    let number = select(&NUMBERS[..]).prop_map(|n| json!(format!("#{n}")));
    let leaf = prop_oneof![
        4 => text().prop_map(Value::String),
        2 => number,
        1 => Just(json!(null)),
        1 => any::<bool>().prop_map(Value::Bool),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            proptest::collection::btree_map(select(&NAMES[..]), inner, 0..3).prop_map(object),
        ]
    })
}

fn object(members: std::collections::BTreeMap<&'static str, Value>) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The body of a random record.
pub(super) fn body() -> impl Strategy<Value = Vec<u8>> {
    let texts = proptest::collection::vec(of(text()), 6);
    let fixed = (time(), select(ActorType::ALL), select(Outcome::ALL));
    let marks = (select(Sensitivity::ALL), any::<bool>(), any::<bool>());
    let detail = proptest::collection::btree_map(select(&NAMES[..]), value(), 1..7);
    let source = of(select(&SOURCES[..]));
    let producer = of(select(&PRODUCERS[..]));
    let target = of(select(&TARGET_TYPES[..]));
    let rest = (of(detail.prop_map(object)), producer, target);
    (fixed, texts, text(), text(), source, marks, rest).prop_map(
        |((time, kind, result), texts, actor, action, source, marks, rest)| {
            let (detail, producer, target) = rest;
            let mut record = Record::new(time, kind, actor, action, result);
            let mut texts = texts.into_iter();
            let mut next = || texts.next().flatten();
            record.actor_role = next();
            record.target_type = target.map(str::to_owned).or_else(&mut next);
            record.target_id = next();
            record.request_id = next();
            record.trace_id = next();
            record.facility_id = next();
            record.source_ip = source.map(str::to_owned);
            (record.sensitivity, record.pii_flag) = (marks.0, marks.1);
            record.detail = detail.map(|detail| {
                // `"#12"` stands for the number 12.
                let mut text = detail.to_string();
                for number in NUMBERS {
                    text = text.replace(&format!("\"#{number}\""), number);
                }
                crate::record::Detail::parse(text.as_bytes(), &Limits::default()).unwrap()
            });
            let uuid = AuditId::parse("550e8400-e29b-41d4-a716-446655440000").unwrap();
            let audit_id = if marks.2 { uuid } else { AuditId::from_bytes([7; 16]) };
            stamped_by(&record, audit_id, producer)
        },
    )
}

pub(super) fn stamped(record: &Record, audit_id: AuditId) -> Vec<u8> {
    stamped_by(record, audit_id, None)
}

fn stamped_by(record: &Record, audit_id: AuditId, producer: Option<&str>) -> Vec<u8> {
    let producer = producer.map(|name| Producer::parse(name).unwrap());
    let stamp = Stamp {
        audit_id,
        received_at: Timestamp::from_unix_micros(1_800_000_000_000_000).unwrap(),
        ingested_by: producer.as_ref(),
        salt: Salt::from_bytes([1; 12]),
    };
    let mut out = Vec::new();
    encode_body(record, &stamp, &mut out);
    out
}

/// Times within a few hundred nanoseconds, and far ones.
pub(super) fn time() -> impl Strategy<Value = Timestamp> {
    let near = (0_i64..200).prop_map(|n| Timestamp::from_unix_nanos(1_700_000_000_000_000_000 + n));
    let far = (0_i64..4).prop_map(|n| Timestamp::from_unix_nanos(n * 1_000_000_000_000_000_000));
    prop_oneof![9 => near, 1 => far].prop_map(Option::unwrap)
}

fn few<T: Clone + std::fmt::Debug>(
    value: impl Strategy<Value = T> + Clone + 'static,
) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![
        12 => Just(Vec::new()),
        2 => value.clone().prop_map(|v| vec![v]),
        1 => proptest::collection::vec(value, 2..4),
    ]
}

fn detail_filter() -> impl Strategy<Value = DetailFilter> + Clone {
    let number = select(&NUMBERS[..]).prop_map(str::to_owned);
    let values = proptest::collection::vec(prop_oneof![text(), number], 0..3);
    let path = proptest::collection::vec(select(&NAMES[..]).prop_map(str::to_owned), 1..3);
    (0_u8..8, path, values).prop_map(|(kind, path, values)| match kind {
        0 => DetailFilter::patient(values),
        1 => DetailFilter::run(values),
        2 => DetailFilter::document(values),
        3 => DetailFilter::member(&path[0], values),
        _ => {
            DetailFilter { paths: vec![DetailPath::new(path)], ..DetailFilter::member("", values) }
        }
    })
}

pub(super) fn filter() -> impl Strategy<Value = Filter> {
    let action = text().prop_map(|text| match text.chars().next() {
        Some(first @ ('R' | 'P')) => ActionPattern::Prefix(first.into()),
        _ => ActionPattern::Exact(text),
    });
    let source = select(&PATTERNS[..]).prop_map(|text| AddressPattern::parse(text).unwrap());
    let word = prop_oneof![
        text(),
        select(&SOURCES[..]).prop_map(str::to_owned),
        select(&["圧", "師", "chart read", "ＣＨＡＲＴ", "カ", "120", "圧 120", "参照"][..])
            .prop_map(str::to_owned),
    ];
    let texts = proptest::collection::vec(few(text()), 7);
    let fixed = (
        few(select(ActorType::ALL)),
        few(select(Outcome::ALL)),
        few(select(Sensitivity::ALL)),
        prop_oneof![4 => Just(None), 1 => any::<bool>().prop_map(Some)],
    );
    let rest =
        (few(action), few(source), few(detail_filter()), few(word.prop_map(|w| Word::new(&w))));
    let producer = select(&["p1", "p2", "p", ""][..]).prop_map(str::to_owned);
    let scope = proptest::collection::vec(text(), 0..9);
    let producers = (few(producer.clone()), few(producer), prop::option::weighted(0.2, scope));
    let rest = (rest, producers);
    (prop::option::weighted(0.3, time()), prop::option::weighted(0.3, time()), texts, fixed, rest)
        .prop_map(|(from, to, texts, fixed, (rest, producers))| {
            let (action, source_ip, detail, words) = rest;
            let mut texts = texts.into_iter();
            let mut next = || texts.next().unwrap_or_default();
            Filter {
                from,
                to,
                actor_id: next(),
                actor_role: next(),
                target_type: next(),
                target_id: next(),
                facility_id: next(),
                request_id: next(),
                trace_id: next(),
                actor_type: fixed.0,
                result: fixed.1,
                sensitivity: fixed.2,
                pii_flag: fixed.3,
                action,
                source_ip,
                detail,
                words,
                ingested_by: producers.0,
                not_ingested_by: producers.1,
                facility_scope: producers.2,
                // Whoever asks a plan cuts the log by them.
                received_from: None,
                received_to: None,
                after_seq: None,
            }
        })
}

/// A record from its JSON text, stamped.
pub(super) fn body_of(json: &str) -> Vec<u8> {
    let record = Record::from_json(json.as_bytes(), &Limits::default()).unwrap();
    stamped(&record, AuditId::from_bytes([7; 16]))
}

/// A record that has only what it must have, and this detail.
pub(super) fn with_detail(detail: &str) -> Vec<u8> {
    body_of(&format!(
        r#"{{"timestamp":"2026-03-01T10:00:00Z","actor_type":"user","actor_id":"u","action":"A",
        "result":"success","detail":{detail}}}"#
    ))
}
