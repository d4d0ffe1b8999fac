//! Questions: nothing is answered that is not recorded, or noted beside a log that takes nothing.
//!
//! Invariant: time is set by hand; nothing sleeps. Knows nothing about routes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed step of a test is the test's failure"
)]
#![allow(dead_code, reason = "the fixture serves two test programs")]

use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use shoseki_engine::log::{LogOptions, Query};
use shoseki_engine::query::{DetailFilter, Filter, Order};
use shoseki_server::audit::{Event, PENDING_FILE, PageSeen, Question, Refusal, TimeRange};
use shoseki_server::identity::Role;
use shoseki_server::problem::{ErrorCode, FaultItem};

#[path = "support/audit.rs"]
mod support;
use support::{Fixture, MINUTE, caller, correlation_of};

fn question() -> Question {
    Question {
        resource: "/v1/audit-logs".to_owned(),
        range: TimeRange { from: Some("2026-01-01T00:00:00Z".to_owned()), to: None },
        parameters: vec![
            ("patient_id".to_owned(), "P-1".to_owned()),
            ("word".to_owned(), "secret name".to_owned()),
        ],
    }
}

fn page(session: Option<u128>, last: bool, records: u64) -> PageSeen {
    PageSeen { session, last, records }
}

/// Phase, pages and records of every question that was recorded.
fn phases(fixture: &Fixture) -> Vec<(String, u64, u64)> {
    let phase = |record: &Value| {
        let detail = &record["detail"];
        let number = |key: &str| detail[key].as_u64().unwrap();
        let phase = detail["phase"].as_str().unwrap().to_owned();
        (phase, number("pages"), number("recordsReturned"))
    };
    fixture.records().iter().map(phase).collect()
}

fn phase(phase: &str, pages: u64, records: u64) -> (String, u64, u64) {
    (phase.to_owned(), pages, records)
}

#[tokio::test]
async fn a_question_is_recorded_before_it_is_answered() {
    let fixture = Fixture::new();
    let who = caller("kim", &[Role::Auditor, Role::Compliance], &["F1"]);
    let correlation = correlation_of(Some(who));
    fixture.audit.query(&correlation, &question(), page(None, true, 7)).await.unwrap();
    let records = fixture.records();
    let [record] = &records[..] else { unreachable!("{records:?}") };
    for (member, expected) in [
        ("timestamp", "2027-01-15T08:00:00Z"),
        ("action", "AUDIT_QUERY"),
        ("actor_type", "user"),
        ("actor_id", "kim"),
        ("actor_role", "auditor,compliance"),
        ("facility_id", "F1"),
        ("source_ip", "2001:db8:1:2:3::4"),
        ("request_id", correlation.request_id()),
        ("trace_id", correlation.trace_id()),
        ("result", "success"),
    ] {
        assert_eq!(record[member], expected, "{member}");
    }
    let expected = json!({
        "actorId": "kim",
        "timeRange": {"from": "2026-01-01T00:00:00Z", "to": null},
        "filter": {"count": 2, "parameters": [
            {"name": "patient_id", "value": "P-1"},
            {"name": "word", "value": "*** name"},
        ]},
        "recordsReturned": 7,
        "pages": 1,
        "phase": "single",
        "resource": "/v1/audit-logs",
    });
    assert_eq!(record["detail"], expected);
    fixture.end().await;
}

#[tokio::test]
async fn a_copy_of_a_filter_is_not_found_by_what_it_asks_for() {
    let fixture = Fixture::new();
    let correlation = correlation_of(Some(caller("kim", &[Role::Auditor], &["*"])));
    let mut question = question();
    for name in ["patientId", "patientIds", "appointmentId", "claimId", "documentId", "runId"] {
        question.parameters.push((name.to_owned(), "P-1".to_owned()));
    }
    fixture.audit.query(&correlation, &question, page(None, true, 0)).await.unwrap();
    let record = &fixture.records()[0];
    let detail = record["detail"].as_object().unwrap();
    for name in ["patientId", "patient_id", "patientIds", "appointmentId", "claimId", "runId"] {
        assert!(!detail.contains_key(name), "{name}");
    }
    assert!(record.get("target_id").is_none() && record.get("target_type").is_none());
    let search = |filter: DetailFilter| {
        let filter = Filter { detail: vec![filter], ..Filter::default() };
        let query = Query { filter, order: Order::Ascending, limit: 10, ..Query::default() };
        fixture.log.reader().search(&query).unwrap().entries.len()
    };
    assert_eq!(search(DetailFilter::patient(vec!["P-1".to_owned()])), 0);
    let single = DetailFilter::member("phase", vec!["single".to_owned()]);
    assert_eq!(search(single), 1, "the search itself works");
    fixture.end().await;
}

#[tokio::test]
async fn pages_of_one_cursor_are_an_opening_and_a_closing_record() {
    let fixture = Fixture::new();
    let correlation = correlation_of(Some(caller("kim", &[Role::Auditor], &["*"])));
    for (last, records) in [(false, 100), (false, 100), (false, 100), (true, 5)] {
        let page = page(Some(9), last, records);
        fixture.audit.query(&correlation, &question(), page).await.unwrap();
    }
    assert_eq!(phases(&fixture), [phase("open", 1, 100), phase("close", 4, 305)]);
    fixture.end().await;
}

#[tokio::test]
async fn a_session_ends_after_five_minutes_and_a_later_page_opens_another() {
    let fixture = Fixture::new();
    let correlation = correlation_of(Some(caller("kim", &[Role::Auditor], &["*"])));
    let ask = async |last| {
        fixture.audit.query(&correlation, &question(), page(Some(9), last, 10)).await.unwrap();
    };
    ask(false).await;
    fixture.pass(5 * MINUTE - 1);
    fixture.audit.tick().await;
    ask(false).await;
    assert_eq!(phases(&fixture).len(), 1, "one session so far");
    fixture.pass(1);
    fixture.audit.tick().await;
    assert_eq!(phases(&fixture)[1..], [phase("close", 2, 20)]);
    ask(false).await;
    assert_eq!(phases(&fixture)[2..], [phase("open", 1, 10)]);
    let log = std::sync::Arc::clone(&fixture.log);
    fixture.audit.close().await;
    assert_eq!(log.size().0, 4, "the end of the server closes what is open");
    fixture.intake.close();
}

#[tokio::test]
async fn sessions_are_bounded_and_the_oldest_is_closed_for_a_new_one() {
    let fixture = Fixture::new();
    let correlation = correlation_of(Some(caller("kim", &[Role::Auditor], &["*"])));
    for session in 0..1_001_u64 {
        let page = page(Some(u128::from(session)), false, session);
        fixture.audit.query(&correlation, &question(), page).await.unwrap();
        fixture.pass(1);
    }
    let last = page(Some(0), true, 1);
    fixture.audit.query(&correlation, &question(), last).await.unwrap();
    let closed: Vec<_> =
        phases(&fixture).into_iter().filter(|(phase, ..)| phase != "open").collect();
    assert!(closed.contains(&phase("single", 1, 1)), "its session was forgotten");
    let log = std::sync::Arc::clone(&fixture.log);
    fixture.end().await;
    assert_eq!(log.size().0, 1_001 + 1_001 + 1, "each was opened and closed");
}

#[tokio::test]
async fn a_full_log_lets_auditors_read_and_their_reads_become_records_later() {
    let full = LogOptions { free_space_reserve: Some(u64::MAX), ..LogOptions::default() };
    // A log can't be made on a full disk, so it is made before.
    let dir = Fixture::new().end().await;
    let fixture = Fixture::at(dir, full);
    let auditor = correlation_of(Some(caller("kim", &[Role::Auditor], &["F1"])));
    let operator = correlation_of(Some(caller("op", &[Role::Operator], &["*"])));
    for correlation in [&auditor, &operator, &auditor] {
        fixture.audit.query(correlation, &question(), page(None, true, 3)).await.unwrap();
    }
    for who in [None, Some(caller("co", &[Role::Compliance], &["*"]))] {
        let other = correlation_of(who);
        let refused = fixture.audit.query(&other, &question(), page(None, true, 3)).await;
        assert_eq!(refused.unwrap_err().code, ErrorCode::AuditFailed);
    }
    assert_eq!(fixture.log.size().0, 0);
    let dir = fixture.end().await;
    let file = dir.path().join(PENDING_FILE);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read(&file).unwrap();
    std::fs::OpenOptions::new().append(true).open(&file).unwrap().write_all(b"{\"torn").unwrap();
    let torn = std::fs::read(&file).unwrap();
    assert!(text.len() < torn.len());

    let fixture = Fixture::at(dir, LogOptions::default());
    assert_eq!(fixture.audit.recover().await.unwrap(), 4);
    assert!(!file.exists());
    let expected = ["AUDIT_QUERY", "AUDIT_QUERY", "AUDIT_QUERY", "AUDIT_PENDING_UNREADABLE"];
    assert_eq!(fixture.actions(), expected);
    let records = fixture.records();
    assert_eq!(records[0]["actor_id"], "kim");
    assert_eq!(records[0]["request_id"], auditor.request_id());
    assert_eq!(records[1]["actor_id"], "op");
    assert_eq!(records[3]["detail"]["length"], 6);

    // A crash between the append and the removal: the same lines again make no second record.
    std::fs::write(&file, &text).unwrap();
    assert_eq!(fixture.audit.recover().await.unwrap(), 3);
    assert_eq!(fixture.log.size().0, 4);
    assert_eq!(fixture.audit.recover().await.unwrap(), 0);
    fixture.end().await;
}

#[tokio::test]
async fn a_closed_log_answers_nobody() {
    let fixture = Fixture::new();
    fixture.intake.close();
    let auditor = correlation_of(Some(caller("kim", &[Role::Auditor], &["*"])));
    let refused = fixture.audit.query(&auditor, &question(), page(None, true, 3)).await;
    let problem = refused.unwrap_err();
    assert_eq!((problem.code, problem.retry_after), (ErrorCode::AuditFailed, Some(1)));
    assert!(!fixture.dir.path().join(PENDING_FILE).exists());
}

#[tokio::test]
async fn logins_refusals_and_changes_are_recorded_with_their_keys() {
    let fixture = Fixture::new();
    let who = caller("his", &[Role::Writer], &["F1", "F2"]);
    let correlation = correlation_of(Some(who.clone()));
    correlation.set_facility("F2");
    fixture.audit.record(Event::login(&correlation, &who)).await.unwrap();
    let fault = FaultItem {
        index: Some(2),
        pointer: Some("/result".to_owned()),
        expected: Some("e".repeat(1_000)),
        got: None,
        ..FaultItem::default()
    };
    let refusal = Refusal {
        code: ErrorCode::InvalidRecords,
        index: Some(2),
        faults: &vec![fault; 500],
        sha512: &[0xab; 64],
        length: 99,
    };
    fixture.audit.record(Event::ingest_refused(&correlation, &refusal)).await.unwrap();
    let change = Event::config_update(&correlation, "masking.mode", json!({"to": "mask"}));
    fixture.audit.record(change).await.unwrap();
    let records = fixture.records();
    assert_eq!(fixture.actions(), ["AUTH_LOGIN", "INGEST_REFUSED", "CONFIG_UPDATE"]);
    for record in &records {
        assert_eq!(record["facility_id"], "F2");
        assert_eq!((&record["actor_id"], &record["actor_type"]), (&json!("his"), &json!("system")));
    }
    assert_eq!(records[0]["detail"]["tokenId"], "jti-1");
    let refused = &records[1]["detail"];
    assert_eq!(refused["sha512"], "ab".repeat(64));
    assert_eq!((&refused["index"], &refused["length"]), (&json!(2), &json!(99)));
    assert_eq!(refused["faultCount"], 500);
    assert_eq!(refused["faults"].as_array().unwrap().len(), 20);
    assert_eq!(refused["faults"][0]["expected"].as_str().unwrap().chars().count(), 257);
    fixture.end().await;
}

#[tokio::test]
async fn whatever_a_client_asks_is_a_valid_record_of_bounded_length() {
    let fixture = Fixture::new();
    let correlation = correlation_of(Some(caller("kim", &[Role::Auditor], &["*"])));
    let odd = "\u{0}\u{1f}\"\\\n\u{2028}😀".repeat(1_000);
    let parameters = vec![(odd.clone(), odd.clone()); 1_000];
    let range = TimeRange { from: Some(odd.clone()), to: Some(odd) };
    let question = Question { resource: "/v1".to_owned(), range, parameters };
    fixture.audit.query(&correlation, &question, page(None, true, 0)).await.unwrap();
    let record = &fixture.records()[0];
    assert!(record.to_string().len() < 200_000);
    assert_eq!(record["detail"]["filter"]["count"], 1_000);
    assert!(!record["detail"]["timeRange"]["from"].as_str().unwrap().contains('\n'));
    fixture.end().await;
}

#[tokio::test]
async fn a_clock_that_was_set_is_a_record_of_the_server() {
    let fixture = Fixture::new();
    let step = Event::clock_step(-3_600_000, "2026-11-21T10:00:00Z", "2026-11-21T09:00:00Z");
    fixture.audit.record(step).await.unwrap();
    let record = &fixture.records()[0];
    assert_eq!(
        (&record["action"], &record["actor_id"]),
        (&json!("AUDIT_CLOCK_STEP"), &json!("shoseki"))
    );
    assert_eq!((&record["facility_id"], &record["result"]), (&json!("-"), &json!("warning")));
    assert_eq!(record["detail"]["stepMs"], -3_600_000);
    fixture.end().await;
}
