//! The published registers say what the code does.
//!
//! Invariant: a row too many fails like a row too few. Knows nothing about how records are made:
//! the fixture of the other tests checks that they have these keys.
#![allow(clippy::unwrap_used, reason = "a failed step of a test is the test's failure")]

use shoseki_server::audit::EventKind;
use shoseki_server::problem::ErrorCode;
use shoseki_server::telemetry::names::{self, Kind};

/// Cells of the rows of the first table of a page, without the head.
fn table(page: &str) -> Vec<Vec<String>> {
    let path = format!("{}/docs/{page}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let cells = |line: &str| {
        line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()
    };
    text.lines().filter(|line| line.starts_with('|')).skip(2).map(cells).collect()
}

#[test]
fn the_register_of_errors_is_that_of_the_code() {
    let said: Vec<[String; 3]> = table("errors.md")
        .into_iter()
        .map(|row| row.get(..3).and_then(|row| row.to_vec().try_into().ok()).unwrap())
        .collect();
    let row = |code: &ErrorCode| {
        [code.as_str().to_owned(), code.status().as_str().to_owned(), code.title().to_owned()]
    };
    let known: Vec<[String; 3]> = ErrorCode::ALL.iter().map(row).collect();
    assert_eq!(said, known);
}

#[test]
fn the_register_of_events_is_that_of_the_code() {
    let row = |kind: EventKind| {
        let action = kind.action();
        let name = if kind == EventKind::Error { "ERROR_<CODE>" } else { action };
        vec![name.to_owned(), kind.keys().join(", ")]
    };
    let known: Vec<Vec<String>> = EventKind::ALL.into_iter().map(row).collect();
    assert_eq!(table("events.md"), known);
}

#[test]
fn the_register_of_metrics_is_that_of_the_code() {
    let row = |metric: &names::Metric| {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        [metric.name, kind, &metric.labels.join(", "), metric.help].map(str::to_owned).to_vec()
    };
    let known: Vec<Vec<String>> = names::ALL.iter().map(row).collect();
    assert_eq!(table("metrics.md"), known);
}
