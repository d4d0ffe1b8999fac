//! The names of all metrics, with what they count.
//!
//! Invariant: units are in the name (`_seconds`, `_bytes`), counters end in `_total`; a name is
//! published and keeps its meaning. Knows nothing about who counts.

use metrics::Unit;

/// A metric's kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
}

/// A metric.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Its unit.
    pub unit: Unit,
    /// What it says.
    pub help: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
}

macro_rules! table {
    ($($const:ident = $name:literal, $kind:ident, $unit:ident, [$($label:literal),*], $help:literal;)+) => {
        $(#[doc = $help] pub const $const: &str = $name;)+

        /// All metrics.
        pub const ALL: &[Metric] = &[$(Metric {
            name: $name,
            kind: Kind::$kind,
            unit: Unit::$unit,
            help: $help,
            labels: &[$($label),*],
        }),+];
    };
}

table! {
    REQUESTS = "shoseki_http_requests_total", Counter, Count, ["route", "method", "status"],
        "Requests that were answered.";
    REQUEST_SECONDS = "shoseki_http_request_seconds", Histogram, Seconds, ["route", "method"],
        "Time from the head of a request to the head of its answer.";
    INTEGRITY_FINDINGS = "shoseki_integrity_findings_total", Counter, Count, [],
        "Findings of verifications.";
    RECORDS_RECEIVED = "shoseki_records_received_total", Counter, Count, [],
        "Records that arrived, whatever became of them.";
    RECORDS_ACCEPTED = "shoseki_records_accepted_total", Counter, Count, [],
        "Records that are new in the log, durably.";
    RECORDS_DUPLICATE = "shoseki_records_duplicate_total", Counter, Count, [],
        "Records that were in the log before.";
    RECORDS_REFUSED = "shoseki_records_refused_total", Counter, Count, ["reason"],
        "Records that were refused.";
    RECORDS_FAILED = "shoseki_records_failed_total", Counter, Count, [],
        "Records that were lost to a fault of the server or a timeout; their senders know.";
    INTAKE_REQUESTS = "shoseki_intake_requests", Gauge, Count, [],
        "Requests that wait to be appended.";
    INTAKE_BYTES = "shoseki_intake_bytes", Gauge, Bytes, [],
        "Bytes of all requests that wait or are being appended.";
    QUERIES = "shoseki_queries_total", Counter, Count, ["result"],
        "Questions that were answered or given up.";
    QUERY_SECONDS = "shoseki_query_seconds", Histogram, Seconds, [],
        "Time that a question took.";
    FSYNC_SECONDS = "shoseki_fsync_seconds", Histogram, Seconds, [],
        "Time that a sync of the log took.";
    AUTH_FAILURES = "shoseki_auth_failures_total", Counter, Count, ["reason"],
        "Authentications that failed.";
    AUDIT_DROPPED = "shoseki_self_audit_dropped_total", Counter, Count, ["reason"],
        "Self-audit records that could not be written.";
    AUDIT_PENDING = "shoseki_self_audit_pending_total", Counter, Count, [],
        "Self-audit records that were noted beside the log.";
    LOG_RECORDS = "shoseki_log_records", Gauge, Count, [],
        "Durable records of the log.";
    LOG_BYTES = "shoseki_log_bytes", Gauge, Bytes, [],
        "Bytes of the log's files.";
    LOG_SEGMENTS = "shoseki_log_segments", Gauge, Count, [],
        "Sealed segments.";
    DISK_FREE_BYTES = "shoseki_disk_free_bytes", Gauge, Bytes, [],
        "Bytes that are free on the file system of the log.";
}
