//! Facilities, reserved names, clocks and keys.

use std::path::Path;

use shoseki_engine::log::{Log, LogOptions};
use shoseki_engine::record::{AuditId, Prepared, Producer, Record};
use shoseki_server::door::{DoorError, DoorRules, IdempotencyKey};

use super::support::{NOW, caller, faults, first, one, second, send, send_as, stored};

const HOUR: i64 = 3_600_000_000;

fn of(facilities: &[&str], body: &str) -> Result<Vec<Record>, DoorError> {
    send_as(body.as_bytes(), &caller("app", facilities), &DoorRules::default(), NOW)
}

#[test]
fn a_caller_of_one_facility_need_not_name_it() {
    for absent in ["", r#","facility_id":null"#] {
        assert_eq!(one(&first(absent)).facility_id.as_deref(), Some("F1"));
        for facilities in [&["F1", "F2"][..], &["*"], &[]] {
            let Err(DoorError::Invalid(found)) = of(facilities, &first(absent)) else {
                panic!("{facilities:?}")
            };
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].pointer, "/facility_id");
        }
    }
    assert!(of(&["*"], &first(r#","facility_id":"any""#)).is_ok());
    // It is told together with everything else.
    let Err(DoorError::Invalid(found)) = of(&["*"], &first(",\"x\":1")) else { panic!() };
    let pointers: Vec<_> = found.iter().map(|f| f.pointer.as_str()).collect();
    assert_eq!(pointers, ["/x", "/facility_id"]);
}

#[test]
fn a_foreign_facility_refuses_the_batch_after_validation() {
    let foreign = first(r#","facility_id":"F2""#);
    let batch = format!("[{},{foreign}]", first(""));
    assert_eq!(send(&batch), Err(DoorError::Facility { index: 1 }));
    let second = second(&[("facilityId", "\"F2\"")]);
    assert_eq!(send(&second), Err(DoorError::Facility { index: 0 }));
    assert!(matches!(send(&format!("[{foreign},{{}}]")), Err(DoorError::Invalid(_))));
}

#[test]
fn names_of_the_server_are_refused() {
    for action in ["AUDIT_QUERY", "AUDIT_", "INGEST_REFUSED", "CONFIG_UPDATE", "RECORD_ERASED"] {
        let body = first("").replacen("READ_CHART", action, 1);
        let refused = Err(DoorError::Reserved { index: 0, what: "action" });
        assert_eq!(send(&body), refused, "{action}");
        let event = format!("\"{action}\"");
        assert_eq!(send(&second(&[("eventType", &event)])), refused, "{action}");
    }
    // Made of action and target, or in small letters, it is the same action that is stored.
    let made = second(&[("action", "\"audit\""), ("patientId", "\"P\"")]);
    assert_eq!(send(&made), Err(DoorError::Reserved { index: 0, what: "action" }));
    for action in ["ERROR_X", "AUTH_LOGIN", "AUTHZ_DENY", "CONFIG_UPDATES", "AUDITED", "audit_x"] {
        assert!(send(&first("").replacen("READ_CHART", action, 1)).is_ok(), "{action}");
    }
    let server = caller("shoseki", &["F1"]);
    let answer = send_as(first("").as_bytes(), &server, &DoorRules::default(), NOW);
    assert_eq!(answer, Err(DoorError::Reserved { index: 0, what: "producer" }));
}

#[test]
fn source_systems_are_those_of_the_producer() {
    let source_systems = vec!["a".to_owned(), "b".to_owned()];
    let rules = DoorRules { source_systems, ..DoorRules::default() };
    let sent = |name: &str| {
        let body = second(&[("sourceSystem", &format!("\"{name}\""))]);
        send_as(body.as_bytes(), &caller("app", &["F1"]), &rules, NOW)
    };
    assert!(sent("b").is_ok());
    assert!(matches!(sent("server-modernized"), Err(DoorError::Invalid(f)) if f.len() == 1));
}

fn at(body: &str, now: i64) -> Record {
    let taken = send_as(body.as_bytes(), &caller("app", &["F1"]), &DoorRules::default(), now);
    taken.unwrap().pop().unwrap()
}

#[test]
fn a_clock_that_is_off_is_noted() {
    let happened = NOW - 1_000_000;
    let detail = |now| at(&first(""), now).detail.map(|d| format!("{d:?}"));
    assert_eq!(detail(happened + 24 * HOUR), None);
    assert_eq!(detail(happened - HOUR / 6), None);
    let late = r#"Detail({"_clock_skew_ms":-86400001})"#;
    assert_eq!(detail(happened + 24 * HOUR + 1_000).as_deref(), Some(late));
    let early = r#"Detail({"_clock_skew_ms":600001})"#;
    assert_eq!(detail(happened - HOUR / 6 - 1_000).as_deref(), Some(early));
    let day = 24 * HOUR;
    let with = at(&first(r#","detail":{"a":1}"#), happened + 2 * day);
    assert!(stored(&with).contains(r#""detail":{"a":1,"_clock_skew_ms":-172800000}"#));
    assert!(stored(&at(&second(&[]), happened + 2 * day)).contains("_clock_skew_ms"));
    // Imports are exempt, a member of this name stays, and a record never gets too long by it.
    let rules = DoorRules { clock_skew: false, ..DoorRules::default() };
    let import = send_as(first("").as_bytes(), &caller("app", &["F1"]), &rules, NOW + 2 * day);
    assert_eq!(import.unwrap()[0].detail, None);
    let sent = r#","detail":{"_clock_skew_ms":1}"#;
    assert!(stored(&at(&first(sent), NOW + 2 * day)).contains(r#"{"_clock_skew_ms":1}"#));
    let whole = DoorRules::default().limits.record_len_max;
    let base = first(r#","detail":{"a":""}"#);
    let spare = (0..whole).rev().find(|spare| {
        let body = base.replacen("\"\"", &format!("\"{}\"", "x".repeat(*spare)), 1);
        whole - spare > 400 && send(&body).is_ok()
    });
    let full = base.replacen("\"\"", &format!("\"{}\"", "x".repeat(spare.unwrap())), 1);
    assert!(at(&full, NOW).check(&DoorRules::default().limits).is_ok());
}

fn open(dir: &Path) -> Log {
    Log::open(dir, LogOptions::default()).unwrap()
}

#[test]
fn a_retry_behind_the_threshold_is_still_a_repeat() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let producer = Producer::new("app").unwrap();
    let id = |n: u8| AuditId::from_bytes([n; 16]);
    let bodies: Vec<String> = ["", r#","detail":{}"#, r#","detail":{"a":[1,{"b":2}]}"#]
        .iter()
        .zip(1..)
        .map(|(detail, n)| first(&format!(r#","audit_id":"{}"{detail}"#, id(n))))
        .chain([second(&[])])
        .collect();
    let batch = format!("[{}]", bodies.join(","));
    let call = caller("app", &["F1"]);
    let tries = [NOW, NOW + 20 * HOUR, NOW + 30 * HOUR, NOW + 60 * HOUR, NOW - 5 * HOUR];
    for (at, now) in tries.into_iter().enumerate() {
        let records = send_as(batch.as_bytes(), &call, &DoorRules::default(), now).unwrap();
        let answer = log.append(Some(&producer), records).unwrap();
        let expected = if at == 0 { 4 } else { 0 };
        assert_eq!(answer.accepted, expected, "try {at}");
        assert!(answer.receipts.iter().all(|receipt| receipt.duplicate == (at > 0)));
    }
    // Other content under the same id stays a conflict, noted skew or not.
    let other = first(&format!(r#","audit_id":"{}","detail":{{"a":1}}"#, id(1)));
    for now in [NOW, NOW + 30 * HOUR] {
        let records = send_as(other.as_bytes(), &call, &DoorRules::default(), now).unwrap();
        assert!(log.append(Some(&producer), records).is_err());
    }
    log.close().unwrap();
}

#[test]
fn a_key_gives_each_record_its_id() {
    let key = IdempotencyKey::parse(b"order-1").unwrap();
    let app = Producer::new("app").unwrap();
    let id = key.audit_id(&app, 0);
    // SHA-512 of "shoseki/idempotency-key/v1\n" "3:app" "7:order-1" "1:0", by another program.
    assert_eq!(id.to_string(), "9b9817f9-acfe-88b9-8907-a7b6fe398b26");
    let others = [
        key.audit_id(&app, 1),
        key.audit_id(&Producer::new("ap").unwrap(), 0),
        IdempotencyKey::parse(b"order-10").unwrap().audit_id(&app, 0),
        IdempotencyKey::parse(b"porder-1").unwrap().audit_id(&Producer::new("ap").unwrap(), 0),
    ];
    for (at, other) in others.iter().enumerate() {
        assert!(*other != id && !others[..at].contains(other), "{at}");
    }
    // The key that signed a request is no part of who sent it.
    assert_eq!(key.audit_id(&Producer::with_key("app", "k2").unwrap(), 0), id);
    let own = AuditId::from_bytes([9; 16]);
    let mut records = vec![one(&first("")), one(&first("")), one(&first(""))];
    records[1].audit_id = Some(own);
    let mut records = Prepared::of(&records, &DoorRules::default().limits).unwrap();
    key.apply(&app, &mut records);
    let ids: Vec<_> = records.audit_ids().collect();
    assert_eq!(ids, [id, own, key.audit_id(&app, 2)].map(Some));
    for bad in [&b""[..], &[b'a'; 256], b"a b", b"a\tb", "é".as_bytes(), b"\x7f"] {
        assert!(IdempotencyKey::parse(bad).is_err(), "{bad:?}");
    }
    assert!(IdempotencyKey::parse(&[b'~'; 255]).is_ok());
}

#[test]
fn messages_of_errors_are_one_masked_line() {
    let cases = [
        (r#""fine""#, r#""errorMessage":"fine""#),
        (r#""fi\u006ee""#, r#""errorMessage":"fi\u006ee""#),
        (r#""a\r\n\tb\n""#, r#""errorMessage":"a \tb""#),
        (
            r#""no mail to taro@example.jp""#,
            concat!(
                r#""errorMessage":"no mail to [email]","b":1,"#,
                r#""_masked":[{"pointer":"/detail/errorMessage","rule":"email"}]"#
            ),
        ),
    ];
    for (sent, expected) in cases {
        let record = one(&first(&format!(r#","detail":{{"errorMessage":{sent},"b":1}}"#)));
        let body = stored(&record);
        assert!(body.contains(expected), "{body}");
        assert_eq!(record.pii_flag, expected.contains("_masked"), "{body}");
    }
    // A name with escapes, and a list that was sent already.
    let sent = r#","detail":{"error\u004dessage":"a@example.jp","_masked":[]}"#;
    let record = one(&first(sent));
    assert!(stored(&record).contains(r#"{"error\u004dessage":"[email]","_masked":[]}"#));
    assert!(record.pii_flag);
    let elsewhere = r#","detail":{"o":{"errorMessage":"a@example.jp"},"m":"a@example.jp"}"#;
    assert!(!one(&first(elsewhere)).pii_flag);
    let failed = second(&[
        ("outcome", "\"FAILURE\""),
        ("errorMessage", "\"call 090-1234-5678\\nor a@example.jp\""),
        ("errorCode", "\"E\""),
        ("errorDetails", "[]"),
        ("exceptionClass", "\"X\""),
        ("cause", "\"external\""),
    ]);
    let record = one(&failed);
    let body = stored(&record);
    assert!(body.contains(r#""errorMessage":"call [phone] or [email]","errorCode":"E""#), "{body}");
    assert!(body.contains(r#"{"pointer":"/detail/errorMessage","rule":"phone"}]"#), "{body}");
    assert!(record.pii_flag);
    // Masking may make a record longer than it may be.
    let many = "a@b.co ".repeat(37_000);
    let long = first(&format!(r#","detail":{{"errorMessage":"{many}"}}"#));
    assert_eq!(faults(&long)[0].got, "more");
}
