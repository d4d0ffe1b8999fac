//! Filters against records built for them.

use super::samples::{body_of, with_detail};
use crate::format::TimeRange;
use crate::query::*;
use crate::record::{ActorType, Body, Outcome, Sensitivity, Timestamp};
use crate::types::Seq;

const RECORD: &str = r#"{"timestamp":"2026-03-01T10:00:00Z","actor_type":"user",
    "actor_id":"dr-\"x\"",
    "actor_role":"医師","action":"READ_CHART","target_type":"chart","target_id":"c-1",
    "request_id":"r-1","trace_id":"4BF92F3577B34DA6A3CE929D0E0E4736","facility_id":"f1",
    "source_ip":"::ffff:192.0.2.7","result":"success","pii_flag":true,"sensitivity":"high",
    "detail":{"patientId":"p-9","claim_id":0012e1,"runId":77,
    "note":"Straße, Öl und 血圧\n\u00c9",
    "list":[{"deep":"Needle"}],"Name\"y":1,"flag":true}}"#;

fn body() -> Vec<u8> {
    body_of(&RECORD.replace("0012e1", "12e1"))
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
    let other = body_of(
        &RECORD.replace("0012e1", "12").replace("4BF92F3577B34DA6A3CE929D0E0E4736", "Root=1-5E1B"),
    );
    let trace = |text: &str| Filter { trace_id: strings(&[text]), ..Filter::default() };
    assert!(trace("Root=1-5E1B").matches(&Body::parse(&other).unwrap()));
    assert!(!trace("root=1-5e1b").matches(&Body::parse(&other).unwrap()), "no hex digits");
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
    assert!(detail(DetailFilter::parse("list.deep=Needle").unwrap()));
    assert!(detail(DetailFilter::default()));
    assert!(!detail(DetailFilter {
        paths: Vec::new(),
        ..DetailFilter::member("a", strings(&["1"]))
    }));
}

#[test]
fn a_patient_is_found_wherever_one_is_named() {
    let record = |target: &str, detail: &str| {
        body_of(&format!(
            r#"{{"timestamp":"2026-03-01T10:00:00Z","actor_type":"user","actor_id":"u",
            "action":"A","result":"success"{target},"detail":{detail}}}"#
        ))
    };
    let target = |kind: &str| format!(r#","target_type":"{kind}","target_id":"P1""#);
    let patient = DetailFilter::patient(strings(&["P0", "P1"]));
    for (target, detail, expected) in [
        ("", r#"{"patientId":"P1"}"#, true),
        ("", r#"{"patient_id":"P1"}"#, true),
        ("", r#"{"patientIds":["P9","P1"]}"#, true),
        ("", r#"{"patient_ids":["P1"]}"#, true),
        ("", r#"{"patientIds":["P9"]}"#, false),
        ("", r#"{"filter":{"patientId":"P1"}}"#, false),
        (&target("patient"), "{}", true),
        (&target("PATIENT"), "{}", true),
        (&target("patients"), "{}", false),
        (&target("document"), "{}", false),
        (r#","target_id":"P1""#, "{}", false),
    ] {
        let bytes = record(target, detail);
        let filter = Filter { detail: vec![patient.clone()], ..Filter::default() };
        assert_eq!(filter.matches(&Body::parse(&bytes).unwrap()), expected, "{target} {detail}");
    }
    let bytes = record(&target("Run"), "{}");
    let run = vec![DetailFilter::run(strings(&["P1"]))];
    assert!(Filter { detail: run, ..Filter::default() }.matches(&Body::parse(&bytes).unwrap()));
}

#[test]
fn producers_and_scopes_and_times_of_arrival() {
    let time = |text: &str| Some(Timestamp::parse(text).unwrap());
    let none = Filter::default;
    // The sample has no producer, is of f1, and came in at 2027-01-15T08:00:00Z.
    for (filter, expected) in [
        (Filter { ingested_by: strings(&["p1"]), ..none() }, false),
        (Filter { not_ingested_by: strings(&["p1"]), ..none() }, true),
        (Filter { facility_scope: Some(strings(&["f0", "f1"])), ..none() }, true),
        (Filter { facility_scope: Some(strings(&["f0"])), ..none() }, false),
        (Filter { facility_scope: Some(Vec::new()), ..none() }, false),
        (
            Filter {
                facility_id: strings(&["f1"]),
                facility_scope: Some(strings(&["f2"])),
                ..none()
            },
            false,
        ),
        (Filter { received_from: time("2027-01-15T08:00:00Z"), ..none() }, true),
        (Filter { received_from: time("2027-01-15T08:00:01Z"), ..none() }, false),
        (Filter { received_to: time("2027-01-15T08:00:00Z"), ..none() }, false),
        (Filter { received_to: time("2027-01-15T08:00:01Z"), ..none() }, true),
    ] {
        assert_eq!(matches(&filter), expected, "{filter:?}");
    }
    let elsewhere = body_of(&RECORD.replace("0012e1", "12").replace(r#""facility_id":"f1","#, ""));
    let scoped = Filter { facility_scope: Some(strings(&["f1", ""])), ..none() };
    assert!(!scoped.matches(&Body::parse(&elsewhere).unwrap()), "no facility, no scope");
    let behind = Filter { after_seq: Some(Seq(7)), ..none() };
    assert_eq!([6, 7, 8].map(|seq| behind.takes_seq(Seq(seq))), [false, false, true]);
    assert!(behind.is_time_only() && !scoped.is_time_only());
}

#[test]
fn paths_lead_through_objects_and_arrays() {
    let bytes = with_detail(
        r#"{"a":{"b":{"c":"x"},"b.c":"dots","=":1},"list":["one",["two",{"n":3}],{"n":4.50}],
        "b":{"c":"wrong"},"n":9,"a=b":"equals"}"#,
    );
    let body = Body::parse(&bytes).unwrap();
    for (text, expected) in [
        ("a.b.c=x", true),
        ("a.b.c=wrong", false),
        ("b.c=x", false),
        ("a.b=x", false),
        (r"a.b\.c=dots", true),
        (r"a.\==1", true),
        (r"a\=b=equals", true),
        ("list=one", true),
        ("list=two", true),
        ("list.n=3", true),
        ("list.n=4.50", true),
        ("list.n=4.5", false),
        ("list.n=9", false),
        ("n=9", true),
        ("list.0=one", false),
        ("n=", false),
    ] {
        let detail = vec![DetailFilter::parse(text).unwrap()];
        assert_eq!(Filter { detail, ..Filter::default() }.matches(&body), expected, "{text}");
    }
    for wrong in ["", "a", "=x", "a..b=x", ".a=x", "a.=x", "a\\=x"] {
        assert!(DetailFilter::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn words_are_found_whole_in_any_case_and_width_in_values_only() {
    for (words, expected) in [
        (&["needle"][..], true),
        (&["NEEDLE", "öl"], true),
        (&["needle", "nadel"], false),
        (&["need"], false),
        (&["血圧"], true),
        (&["圧"], true),
        (&["圧血"], false),
        (&["é"], true),
        (&["e"], false),
        (&["ＲＥＡＤ"], true),
        (&["read_chart"], true),
        (&["read", "chart"], true),
        (&["öl und 血圧"], true),
        (&["straße und"], false),
        (&["医師"], true),
        (&["p-9", "9"], true),
        (&["c-1", "f1", "x"], true),
        (&["patientid"], false),
        (&["name"], false),
        (&["12e1"], false),
        (&["77"], false),
        (&["AQEB"], false),
        (&[""], true),
        (&["--", "*"], true),
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
fn identifiers_are_found_by_the_word_that_they_are() {
    for (word, expected) in [
        ("r-1", true),
        ("R 1", true),
        ("r", false),
        ("4bf92f3577b34da6a3ce929d0e0e4736", true),
        ("4bf92f35-77b3-4da6-a3ce-929d0e0e4736", true),
        ("4bf92f35", false),
        ("07070707-0707-0707-0707-070707070707", true),
        ("07070707070707070707070707070707", true),
        ("192.0.2.7", true),
        ("::ffff:192.0.2.7", true),
        ("192.0.2", false),
        ("192 0 2 7", false),
        ("ffff 192 0 2 7", false),
    ] {
        let filter = Filter { words: vec![Word::new(word)], ..Filter::default() };
        assert_eq!(matches(&filter), expected, "{word}");
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
    for wrong in [
        "192.0.2.0/33",
        "::/129",
        "192.0.2.0/",
        "192.0.2.0/+8",
        "::ffff:0.0.0.0/95",
        "10.0.0/8",
        "300.1.1.0/24",
        "010.0.0.0/8",
        "2001:db8/32",
    ] {
        assert!(AddressPattern::parse(wrong).is_err(), "{wrong}");
    }
    for name in ["db.example/8", "batch/7", "10.0.0.1/a", "de.ad/8", "1.2.3", ""] {
        let pattern = AddressPattern::parse(name);
        assert_eq!(pattern.is_ok_and(|p| p.matches(name)), name != "10.0.0.1/a", "{name}");
    }
    let v6 = AddressPattern::parse("2001:db8::/33").unwrap();
    assert!(v6.matches("2001:db8:7fff::1"));
    assert!(!v6.matches("2001:db8:8000::1"));
    let name = AddressPattern::parse("ecs.amazonaws.com").unwrap();
    assert!(name.matches("ecs.amazonaws.com"));
    assert!(!name.matches("ec2.amazonaws.com"));
}

#[test]
fn a_plain_word_is_missed_in_the_raw_bytes_only_where_it_is_nowhere() {
    let passes = |word: &str, note: &str| {
        let filter = Filter { words: vec![Word::new(word)], ..Filter::default() };
        let bytes = with_detail(&format!(r#"{{"note":"{note}"}}"#));
        let found = filter.matches(&Body::parse(&bytes).unwrap());
        let passes = filter.quick_check().passes(&bytes);
        assert!(passes || !found, "the quick check lost {word} in {note}");
        (passes, found)
    };
    assert_eq!(passes("needle", "hay"), (false, false));
    assert_eq!(passes("Needle", "a NEEDLE"), (true, true));
    assert_eq!(passes("hay needle", "needle, no h"), (true, false));
    assert_eq!(passes("needle", "血圧、カルテ"), (false, false));
    assert_eq!(passes("needle", "血圧needle"), (true, true));
    // Letters in another form: escaped, wide, with a sign that is nothing, a sign for kelvin.
    assert_eq!(passes("needle", r"\u004eeedle"), (true, true));
    assert_eq!(passes("needle", "ｎｅｅｄｌｅ"), (true, true));
    assert_eq!(passes("needle", "nee\u{ad}dle"), (true, true));
    assert_eq!(passes("kb", "\u{212a}b"), (true, true));
    assert_eq!(passes("192.0.2.9", "hay"), (true, false));
}
