//! Log lines and metrics of requests, through the correlation layer.
//!
//! Invariant: the lines are read back as JSON; nothing that a client sent is in them but ids of the
//! allowed form.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed step of a test is the test's failure"
)]

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware;
use axum::routing::get;
use serde_json::Value;
use shoseki_engine::log::Observer as _;
use shoseki_server::correlation::{self, Observer, Observers};
use shoseki_server::problem::{ErrorCode, Problem};
use shoseki_server::telemetry::names;
use shoseki_server::telemetry::{
    Access, Intake, LogForm, LogState, Metrics, Refused, self_audit_dropped, self_audit_pending,
    subscriber,
};
use tower::ServiceExt;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

async fn broken() -> Problem {
    tracing::info!(rows = 3, odd = "a\nb\"", "within \"the\" handler");
    Problem::new(ErrorCode::Internal, "it broke").caused_by("the disk")
}

async fn ask(observers: Vec<Arc<dyn Observer>>, path: &str) {
    let app = Router::new()
        .route("/v1/ok/{id}", get(|| async { "ok" }))
        .route("/v1/broken/{id}", get(broken))
        .layer(middleware::from_fn_with_state(Observers::new(observers), correlation::layer));
    let request = Request::get(path)
        .header("traceparent", "00-12345678901234567890123456789012-1234567890123456-01")
        .header("x-request-id", "r-1")
        .header("authorization", "Bearer secret")
        .body(Body::from("secret"))
        .unwrap();
    app.oneshot(request).await.unwrap();
}

/// The lines that two requests leave behind at a filter.
async fn lines(filter: &str, form: LogForm) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = subscriber(filter, form, move || writer.clone()).unwrap();
    let _guard = tracing::subscriber::set_default(subscriber);
    ask(vec![Arc::new(Access)], "/v1/ok/secret?secret").await;
    ask(vec![Arc::new(Access)], "/v1/broken/secret?secret").await;
    tracing::warn!("of no request");
    lines.text()
}

#[tokio::test]
async fn a_line_is_an_object_with_the_ids_of_its_request() {
    let text = lines("debug", LogForm::Json).await;
    assert!(!text.contains("secret"), "{text}");
    let parsed: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [ok, within, failed, outside] = &parsed[..] else { panic!("{text}") };
    for line in [ok, within, failed] {
        assert_eq!(line["traceId"], "12345678901234567890123456789012");
        assert_eq!(line["requestId"], "r-1");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }
    assert!(outside.get("traceId").is_none());
    assert_eq!(within["message"], "within \"the\" handler");
    assert_eq!(
        (&within["fields"]["rows"], &within["fields"]["odd"]),
        (&3.into(), &"a\nb\"".into())
    );
    assert_eq!((&ok["level"], &ok["message"]), (&"DEBUG".into(), &"answered".into()));
    assert_eq!(
        (&ok["fields"]["route"], &ok["fields"]["status"]),
        (&"/v1/ok/{id}".into(), &200.into())
    );
    assert_eq!(
        (&failed["level"], &failed["fields"]["code"]),
        (&"WARN".into(), &"SERVER-500".into())
    );
    assert_eq!(failed["fields"]["cause"], "the disk");
    let order = ["timestamp", "level", "target", "traceId", "requestId", "message", "fields"];
    let first = text.lines().next().unwrap();
    let places: Vec<usize> =
        order.iter().map(|name| first.find(&format!("\"{name}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{first}");
}

#[tokio::test]
async fn the_filter_leaves_lines_out_and_ids_stay() {
    let text = lines("warn", LogForm::Json).await;
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.lines().next().unwrap().contains("\"requestId\":\"r-1\""), "{text}");
    assert!(subscriber("=x=", LogForm::Json, std::io::sink).is_err());
}

#[tokio::test]
async fn people_read_the_same_without_colours_where_they_are_off() {
    let text = lines("debug", LogForm::Human { colour: false }).await;
    assert!(text.contains("/v1/broken/{id}") && text.contains("r-1"), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains("secret"), "{text}");
}

#[tokio::test]
async fn metrics_count_by_template_and_every_name_is_rendered() {
    let metrics = Metrics::install().unwrap();
    let again = Metrics::install().unwrap();
    ask(vec![Arc::new(metrics.clone())], "/v1/ok/secret?secret").await;
    ask(vec![Arc::new(again)], "/v1/broken/secret").await;
    ask(vec![Arc::new(metrics.clone())], "/secret").await;
    metrics.received(5);
    metrics.appended(2, 1);
    metrics.refused(Refused::Conflict, 2);
    metrics.failed(1);
    metrics.query("done", Duration::from_millis(20));
    metrics.fsync(Duration::from_micros(300));
    metrics.auth_failure("expired");
    metrics.integrity_findings(2);
    metrics.committed(7, 900, Duration::from_micros(200));
    metrics.commit_failed();
    metrics.sealed(7, 900, Duration::from_millis(3));
    self_audit_dropped("queue", 4);
    self_audit_pending();
    metrics.upkeep();
    let log = LogState {
        records: Some(10),
        bytes: Some(2_000),
        segments: Some(3),
        disk_free_bytes: Some(1 << 40),
    };
    let text = metrics.render(Intake { requests: 6, bytes: 700 }, log);
    for metric in names::ALL {
        assert!(text.contains(&format!("# HELP {} {}", metric.name, metric.help)), "{text}");
    }
    for line in [
        "shoseki_http_requests_total{route=\"/v1/ok/{id}\",method=\"GET\",status=\"200\"} 1",
        "shoseki_http_requests_total{route=\"/v1/broken/{id}\",method=\"GET\",status=\"500\"} 1",
        "shoseki_http_requests_total{route=\"-\",method=\"GET\",status=\"404\"} 1",
        "shoseki_http_request_seconds_count{route=\"-\",method=\"GET\"} 1",
        "shoseki_records_received_total 5",
        "shoseki_records_accepted_total 2",
        "shoseki_records_duplicate_total 1",
        "shoseki_records_refused_total{reason=\"conflict\"} 2",
        "shoseki_records_failed_total 1",
        "shoseki_query_seconds_bucket{le=\"0.01\"} 0",
        "shoseki_query_seconds_bucket{le=\"0.025\"} 1",
        "shoseki_fsync_seconds_bucket{le=\"0.0005\"} 2",
        "shoseki_auth_failures_total{reason=\"expired\"} 1",
        "shoseki_self_audit_dropped_total{reason=\"queue\"} 4",
        "shoseki_self_audit_pending_total 1",
        "shoseki_intake_requests 6",
        "shoseki_intake_bytes 700",
        "shoseki_log_records 10",
        "shoseki_log_segments 3",
        "shoseki_disk_free_bytes 1099511627776",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains("secret"));
}
