//! From answers to records: what is written, what is only counted, and what neither.
//!
//! Invariant: the routes are asked through the correlation layer; time is set by hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test is the test's failure"
)]
#![allow(dead_code, reason = "the fixture serves two test programs")]

use axum::Router;
use axum::routing::{get, post};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use shoseki_server::audit::Event;
use shoseki_server::identity::{Caller, Role};
use shoseki_server::problem::{ErrorCode, FaultItem, Problem};

#[path = "support/audit.rs"]
mod support;
use support::{Fixture, MINUTE, caller, correlation_of};

fn routes() -> Router {
    let invalid = || async {
        let fault = FaultItem {
            index: Some(0),
            pointer: Some("/result".to_owned()),
            expected: Some("success, failure or warning".to_owned()),
            got: Some("090-1234-5678".to_owned()),
            ..FaultItem::default()
        };
        Problem::new(ErrorCode::InvalidRecords, "2 secret\nfaults")
            .with_errors(vec![fault; 7])
            .caused_by("/var/lib")
    };
    Router::new()
        .route("/v1/records/{id}", post(invalid))
        .route("/v1/ok", get(|| async { "ok" }))
        .route("/v1/denied", get(|| async { Problem::new(ErrorCode::ForbiddenFacility, "no") }))
        .route("/v1/busy", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
        .route("/v1/often", get(|| async { StatusCode::TOO_MANY_REQUESTS }))
        .route("/v1/broken", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/healthz", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/tile/{*rest}", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/tiles", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
}

fn writer() -> Option<Caller> {
    Some(caller("his", &[Role::Writer], &["F1"]))
}

/// Asks, and waits until everything that was noted is written.
async fn records_after(asked: &[(Option<Caller>, Method, &str)]) -> Vec<Value> {
    let fixture = Fixture::new();
    for (who, method, path) in asked {
        fixture.ask(routes(), who.clone(), method.clone(), path).await;
    }
    fixture.audit.close().await;
    fixture.records()
}

fn summaries(records: &[Value]) -> Vec<(String, String, u64)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let summary = |record: &Value| {
        let detail = &record["detail"];
        (text(&detail["errorCode"]), text(&detail["source"]), detail["count"].as_u64().unwrap())
    };
    let is_summary = |record: &&Value| record["action"] == "ERROR_SUMMARY";
    records.iter().filter(is_summary).map(summary).collect()
}

fn summary(code: &str, source: &str, count: u64) -> (String, String, u64) {
    (code.to_owned(), source.to_owned(), count)
}

#[tokio::test]
async fn an_error_of_a_caller_is_a_record_without_query_body_and_token() {
    let path = "/v1/records/secret?patient_id=secret";
    let records = records_after(&[(writer(), Method::POST, path)]).await;
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["action"], "ERROR_RECORD_422");
    assert_eq!((&record["actor_id"], &record["facility_id"]), (&json!("his"), &json!("F1")));
    assert_eq!(
        (&record["source_ip"], &record["request_id"]),
        (&json!("192.0.2.77"), &json!("r-1"))
    );
    assert_eq!(record["result"], "failure");
    let fault = "record 0 /result: expected success, failure or warning";
    let expected = json!({
        "resource": "/v1/records/{id}",
        "errorCode": "RECORD-422",
        "errorMessage": "2 *** faults",
        "errorDetails": format!("{}; and 2 more", [fault; 5].join("; ")),
        "exceptionClass": "InvalidRecords",
        "cause": "external",
        "requestPath": "/v1/records/{id}",
        "httpMethod": "POST",
        "httpStatus": 422,
        "runId": "run-9",
    });
    assert_eq!(record["detail"], expected);
    assert!(!record.to_string().contains("secret") && !record.to_string().contains("/var/lib"));
}

#[tokio::test]
async fn a_denial_is_recorded_with_who_where_and_what() {
    let records = records_after(&[(writer(), Method::GET, "/v1/denied")]).await;
    let [denial, error] = &records[..] else { panic!("{records:?}") };
    assert_eq!(denial["action"], "AUTHZ_DENY");
    let expected = json!({
        "actorId": "his",
        "facilityId": "F1",
        "resource": "/v1/denied",
        "errorCode": "AUTHZ-403-facility",
    });
    assert_eq!(denial["detail"], expected);
    assert_eq!(error["action"], "ERROR_AUTHZ_403_FACILITY");
    assert_eq!(denial["trace_id"], error["trace_id"]);
}

#[tokio::test]
async fn what_anybody_can_cause_is_only_counted() {
    let get = Method::GET;
    let records = records_after(&[
        (None, Method::POST, "/v1/records/1"),
        (None, Method::POST, "/v1/records/2"),
        (None, get.clone(), "/nowhere/secret"),
        (writer(), get.clone(), "/nowhere"),
        (writer(), get.clone(), "/v1/busy"),
        (writer(), get.clone(), "/v1/often"),
        (writer(), get, "/v1/ok"),
    ])
    .await;
    let source = "192.0.2.0/24";
    let mut counted = summaries(&records);
    counted.sort();
    let expected = [
        summary("RECORD-422", source, 2),
        summary("REQUEST-404", source, 2),
        summary("SERVER-429", source, 1),
        summary("SERVER-503-busy", source, 1),
    ];
    assert_eq!(counted, expected);
    assert_eq!(records.len(), 4, "nothing else was written");
    for record in &records {
        assert_eq!((&record["actor_id"], &record["facility_id"]), (&json!("shoseki"), &json!("-")));
    }
}

#[tokio::test]
async fn a_fault_of_the_server_is_recorded_whoever_met_it_but_not_at_exempt_routes() {
    let get = Method::GET;
    let records = records_after(&[
        (None, get.clone(), "/v1/broken"),
        (writer(), get.clone(), "/healthz"),
        (writer(), get.clone(), "/tile/0/000"),
        (writer(), get, "/tiles"),
    ])
    .await;
    let seen: Vec<(&Value, &Value)> =
        records.iter().map(|record| (&record["detail"]["resource"], &record["actor_id"])).collect();
    let expected = [(&json!("/v1/broken"), &json!("shoseki")), (&json!("/tiles"), &json!("his"))];
    assert_eq!(seen, expected);
    assert_eq!(records[0]["detail"]["cause"], "internal");
}

#[tokio::test]
async fn records_of_one_code_and_subject_are_bounded_by_the_minute() {
    let fixture = Fixture::new();
    let ask = async |who: &Option<Caller>| {
        fixture.ask(routes(), who.clone(), Method::POST, "/v1/records/1").await;
    };
    for _ in 0..70 {
        ask(&writer()).await;
    }
    ask(&Some(caller("other", &[Role::Writer], &["F1"]))).await;
    fixture.pass(MINUTE);
    ask(&writer()).await;
    fixture.audit.close().await;
    let records = fixture.records();
    let of = |subject: &str| records.iter().filter(|record| record["actor_id"] == subject).count();
    assert_eq!((of("his"), of("other")), (61, 1));
    assert_eq!(summaries(&records), [summary("RECORD-422", "192.0.2.0/24", 10)]);
}

#[tokio::test]
async fn a_summary_is_written_once_a_minute_with_its_period() {
    let fixture = Fixture::new();
    fixture.ask(routes(), None, Method::GET, "/nowhere").await;
    fixture.pass(MINUTE - 1);
    fixture.audit.tick().await;
    assert_eq!(fixture.log.size().0, 0);
    fixture.pass(1);
    fixture.audit.tick().await;
    fixture.audit.tick().await;
    let records = fixture.records();
    let [record] = &records[..] else { panic!("{records:?}") };
    let (from, to) = (&record["detail"]["from"], &record["detail"]["to"]);
    assert_eq!((from, to), (&json!("2027-01-15T08:00:00Z"), &json!("2027-01-15T08:01:00Z")));
    fixture.end().await;
}

#[tokio::test]
async fn sources_are_coarse_and_beyond_a_thousand_they_are_counted_together() {
    let fixture = Fixture::new();
    let ask = async |peer: &str| {
        fixture.ask_from(routes(), None, Method::GET, "/nowhere", peer).await;
    };
    for peer in ["::ffff:198.51.100.1", "198.51.100.255", "2001:db8:0:1::1", "2001:db8:0:1:ff::"] {
        ask(peer).await;
    }
    for number in 0..1_100 {
        ask(&format!("10.{}.{}.1", number / 256, number % 256)).await;
    }
    fixture.audit.close().await;
    let counted = summaries(&fixture.records());
    assert_eq!(counted.len(), 1_001);
    assert!(counted.contains(&summary("REQUEST-404", "198.51.100.0/24", 2)));
    assert!(counted.contains(&summary("REQUEST-404", "2001:db8:0:1::/64", 2)));
    assert!(counted.contains(&summary("other", "other", 102)));
}

#[tokio::test]
async fn what_the_queue_can_not_take_is_counted() {
    let fixture = Fixture::new();
    let who = caller("kim", &[Role::Auditor], &["*"]);
    let correlation = correlation_of(Some(who.clone()));
    // Nothing is awaited in between, so the queue is not emptied.
    for _ in 0..1_034 {
        fixture.audit.note(Event::login(&correlation, &who));
    }
    fixture.audit.close().await;
    let records = fixture.records();
    assert_eq!(records.len(), 1_025);
    assert_eq!(summaries(&records), [summary("AUDIT-503", "self-audit", 10)]);
}

#[tokio::test]
async fn an_error_that_can_not_be_written_changes_no_answer_and_makes_no_other() {
    let fixture = Fixture::new();
    fixture.intake.close();
    let response =
        fixture.ask_from(routes(), writer(), Method::POST, "/v1/records/1", "192.0.2.1").await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    fixture.audit.close().await;
    assert_eq!(fixture.log.size().0, 0);
}
