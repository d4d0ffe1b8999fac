//! Filters against records built for them.

use super::*;
use crate::format::TimeRange;
use crate::record::{
    ActorType, AuditId, Body, Limits, Outcome, Record, Salt, Sensitivity, Stamp, Timestamp,
    encode_body,
};

const RECORD: &str = r#"{"timestamp":"2026-03-01T10:00:00Z","actor_type":"user",
    "actor_id":"dr-\"x\"",
    "actor_role":"医師","action":"READ_CHART","target_type":"chart","target_id":"c-1",
    "request_id":"r-1","trace_id":"4BF92F3577B34DA6A3CE929D0E0E4736","facility_id":"f1",
    "source_ip":"::ffff:192.0.2.7","result":"success","pii_flag":true,"sensitivity":"high",
    "detail":{"patientId":"p-9","claim_id":0012e1,"runId":77,
    "note":"Straße, Öl und 血圧\n\u00c9",
    "list":[{"deep":"Needle"}],"Name\"y":1,"flag":true}}"#;

fn body() -> Vec<u8> {
    let text = RECORD.replace("0012e1", "12e1");
    let record = Record::from_json(text.as_bytes(), &Limits::default()).unwrap();
    let stamp = Stamp {
        audit_id: AuditId::from_bytes([7; 16]),
        received_at: Timestamp::from_unix_micros(1_800_000_000_000_000).unwrap(),
        ingested_by: None,
        salt: Salt::from_bytes([1; 12]),
    };
    let mut out = Vec::new();
    encode_body(&record, &stamp, &mut out);
    out
}

fn matches(filter: &Filter) -> bool {
    let bytes = body();
    let body = Body::parse(&bytes).unwrap();
    let found = filter.matches(&body);
    assert!(!found || filter.quick_check().passes(&bytes), "the quick check lost {filter:?}");
    found
}

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|v| (*v).to_owned()).collect()
}

#[test]
fn exact_fields_join_values_by_or_and_fields_by_and() {
    assert!(matches(&Filter::default()));
    let actor = |values: &[&str]| Filter { actor_id: strings(values), ..Filter::default() };
    assert!(matches(&actor(&["dr-\"x\""])));
    assert!(matches(&actor(&["other", "dr-\"x\""])));
    assert!(!matches(&actor(&["dr-"])));
    let both = Filter { facility_id: strings(&["f2"]), ..actor(&["dr-\"x\""]) };
    assert!(!matches(&both));
    let all = Filter {
        actor_type: vec![ActorType::User],
        actor_role: strings(&["医師"]),
        action: vec![ActionPattern::parse("READ_CHART")],
        result: vec![Outcome::Failure, Outcome::Success],
        target_type: strings(&["chart"]),
        target_id: strings(&["c-1"]),
        facility_id: strings(&["f1"]),
        request_id: strings(&["r-1"]),
        trace_id: strings(&["4bf92f3577b34da6a3ce929d0e0e4736"]),
        sensitivity: vec![Sensitivity::High],
        pii_flag: Some(true),
        ..Filter::default()
    };
    assert!(matches(&all));
    assert!(!matches(&Filter { pii_flag: Some(false), ..all.clone() }));
    assert!(!matches(&Filter { result: vec![Outcome::Warning], ..all.clone() }));
    assert!(!matches(&Filter { trace_id: strings(&["4bf9"]), ..all.clone() }));
    assert!(!matches(&Filter { request_id: strings(&[""]), ..all }));
}

#[test]
fn actions_match_whole_or_by_prefix() {
    for (pattern, expected) in [
        ("READ_CHART", true),
        ("READ", false),
        ("READ*", true),
        ("*", true),
        ("READ_CHART*", true),
        ("READ_CHARTS*", false),
        ("*CHART", false),
    ] {
        let filter = Filter { action: vec![ActionPattern::parse(pattern)], ..Filter::default() };
        assert_eq!(matches(&filter), expected, "{pattern}");
    }
}

#[test]
fn from_is_inclusive_and_to_is_not() {
    let time = |text: &str| Some(Timestamp::parse(text).unwrap());
    let at = time("2026-03-01T10:00:00Z");
    let before = time("2026-03-01T09:59:59.999999999Z");
    let after = time("2026-03-01T10:00:00.000000001Z");
    for (from, to, expected) in [
        (at, None, true),
        (after, None, false),
        (None, at, false),
        (None, after, true),
        (before, after, true),
        (at, at, false),
    ] {
        assert_eq!(matches(&Filter { from, to, ..Filter::default() }), expected);
    }
    let nanos = |time: Option<Timestamp>| time.unwrap().unix_nanos();
    let range = TimeRange { min: nanos(before), max: nanos(at) };
    let filter = |from, to| Filter { from, to, ..Filter::default() };
    assert!(filter(at, None).takes_range(&range));
    assert!(!filter(after, None).takes_range(&range));
    assert!(!filter(None, before).takes_range(&range));
    assert!(filter(None, at).takes_range(&range));
    assert!(!Filter { from: at, ..Filter::default() }.takes_range(&TimeRange::EMPTY));
}

#[test]
fn details_match_strings_and_number_tokens() {
    let detail =
        |filter: DetailFilter| matches(&Filter { detail: vec![filter], ..Filter::default() });
    assert!(detail(DetailFilter::patient(strings(&["p-1", "p-9"]))));
    assert!(!detail(DetailFilter::patient(strings(&["p-"]))));
    assert!(detail(DetailFilter::claim(strings(&["12e1"]))));
    assert!(!detail(DetailFilter::claim(strings(&["120"]))), "numbers are never evaluated");
    assert!(detail(DetailFilter::run(strings(&["77"]))));
    assert!(!detail(DetailFilter::document(strings(&["77"]))));
    assert!(detail(DetailFilter::member("Name\"y", strings(&["1"]))));
    assert!(!detail(DetailFilter::member("flag", strings(&["true"]))));
    assert!(!detail(DetailFilter::member("deep", strings(&["Needle"]))), "first level only");
}

#[test]
fn words_occur_in_any_case_in_values_only() {
    for (words, expected) in [
        (&["needle"][..], true),
        (&["NEEDLE", "öl"], true),
        (&["needle", "nadel"], false),
        (&["血圧"], true),
        (&["é"], true),
        (&["read_chart"], true),
        (&["医師"], true),
        (&["patientid"], false),
        (&["name"], false),
        (&["12e1"], false),
        (&["AQEB"], false),
        (&[""], true),
    ] {
        let words: Vec<Word> = words.iter().map(|word| Word::new(word)).collect();
        assert_eq!(
            matches(&Filter { words: words.clone(), ..Filter::default() }),
            expected,
            "{words:?}"
        );
    }
}

#[test]
fn addresses_match_by_network_and_mapped_ones_are_v4() {
    let source = |text: &str| {
        let source_ip = vec![AddressPattern::parse(text).unwrap()];
        matches(&Filter { source_ip, ..Filter::default() })
    };
    for (text, expected) in [
        ("192.0.2.7", true),
        ("192.0.2.0/24", true),
        ("192.0.2.8/29", false),
        ("0.0.0.0/0", true),
        ("::ffff:192.0.2.0/120", true),
        ("::/0", false),
        ("2001:db8::/32", false),
        ("host.example", false),
    ] {
        assert_eq!(source(text), expected, "{text}");
    }
    for wrong in ["192.0.2.0/33", "::/129", "192.0.2.0/", "192.0.2.0/+8", "::ffff:0.0.0.0/95"] {
        assert!(AddressPattern::parse(wrong).is_err(), "{wrong}");
    }
    let v6 = AddressPattern::parse("2001:db8::/33").unwrap();
    assert!(v6.matches("2001:db8:7fff::1"));
    assert!(!v6.matches("2001:db8:8000::1"));
    let name = AddressPattern::parse("ecs.amazonaws.com").unwrap();
    assert!(name.matches("ecs.amazonaws.com"));
    assert!(!name.matches("ec2.amazonaws.com"));
}
