//! Counting, and the text that Prometheus reads.
//!
//! Invariant: a label's value comes from a fixed set (templates of routes, names in the code), so
//! that a client can't make series. There is one recorder in a process; copies share it.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::names::{self, Kind, Metric};
use crate::correlation::{Exchange, Observer};

/// Upper bounds of answers and questions, in seconds: 1.5 is the one that alerts look at.
const REQUEST_BUCKETS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0];
/// Upper bounds of syncs, in seconds.
const FSYNC_BUCKETS: &[f64] =
    &[0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// Counts, and gives the text of what was counted.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

/// What waits before the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Intake {
    /// Requests that wait.
    pub requests: usize,
    /// Bytes of all that were taken.
    pub bytes: usize,
}

/// The state of the log at a scrape; what is not known is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LogState {
    /// Durable records.
    pub records: Option<u64>,
    /// Bytes of its files.
    pub bytes: Option<u64>,
    /// Sealed segments.
    pub segments: Option<u64>,
    /// Free bytes of its file system.
    pub disk_free_bytes: Option<u64>,
}

/// Why records were refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// Not JSON.
    Syntax,
    /// Not valid.
    Invalid,
    /// Too long or too many.
    TooLarge,
    /// A facility or name that is not the caller's.
    Forbidden,
    /// The same id with other content.
    Conflict,
    /// Too much is waiting.
    Busy,
    /// The disk is full.
    Full,
}

impl Refused {
    /// Its name in labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Invalid => "invalid",
            Self::TooLarge => "too_large",
            Self::Forbidden => "forbidden",
            Self::Conflict => "conflict",
            Self::Busy => "busy",
            Self::Full => "full",
        }
    }
}

impl Metrics {
    /// The metrics of this process; the first call makes them.
    ///
    /// # Errors
    /// [`BuildError`] where another recorder was set before.
    pub fn install() -> Result<Self, BuildError> {
        static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = INSTALLED.get() {
            return Ok(Self { handle: handle.clone() });
        }
        let mut builder = PrometheusBuilder::new();
        for metric in names::ALL.iter().filter(|metric| metric.kind == Kind::Histogram) {
            let buckets =
                if metric.name == names::FSYNC_SECONDS { FSYNC_BUCKETS } else { REQUEST_BUCKETS };
            let name = Matcher::Full(metric.name.to_owned());
            builder = builder.set_buckets_for_metric(name, buckets)?;
        }
        let handle = builder.install_recorder()?;
        names::ALL.iter().for_each(describe);
        Ok(Self { handle: INSTALLED.get_or_init(|| handle).clone() })
    }

    /// The text of `GET /metrics`, with gauges as they are now.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; 2^53 bytes are exact")]
    pub fn render(&self, intake: Intake, log: LogState) -> String {
        gauge!(names::INTAKE_REQUESTS).set(intake.requests as f64);
        gauge!(names::INTAKE_BYTES).set(intake.bytes as f64);
        for (name, value) in [
            (names::LOG_RECORDS, log.records),
            (names::LOG_BYTES, log.bytes),
            (names::LOG_SEGMENTS, log.segments),
            (names::DISK_FREE_BYTES, log.disk_free_bytes),
        ] {
            if let Some(value) = value {
                gauge!(name).set(value as f64);
            }
        }
        self.handle.render()
    }

    /// Moves samples of histograms into their buckets; to be called every few seconds, so that
    /// memory stays bounded where nobody scrapes.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// Records of one request or line arrived.
    pub fn received(&self, records: u64) {
        counter!(names::RECORDS_RECEIVED).increment(records);
    }

    /// Records are durable; `duplicates` of them were before.
    pub fn appended(&self, accepted: u64, duplicates: u64) {
        counter!(names::RECORDS_ACCEPTED).increment(accepted);
        counter!(names::RECORDS_DUPLICATE).increment(duplicates);
    }

    /// Records were refused.
    pub fn refused(&self, reason: Refused, records: u64) {
        counter!(names::RECORDS_REFUSED, "reason" => reason.as_str()).increment(records);
    }

    /// Records were not appended by a fault of the server.
    pub fn failed(&self, records: u64) {
        counter!(names::RECORDS_FAILED).increment(records);
    }

    /// A question ended; `result` is a word of the code (`done`, `timeout`, `failed`).
    pub fn query(&self, result: &'static str, took: Duration) {
        counter!(names::QUERIES, "result" => result).increment(1);
        histogram!(names::QUERY_SECONDS).record(took);
    }

    /// The log was synced.
    pub fn fsync(&self, took: Duration) {
        histogram!(names::FSYNC_SECONDS).record(took);
    }

    /// A verification found so many things wrong.
    pub fn integrity_findings(&self, findings: u64) {
        counter!(names::INTEGRITY_FINDINGS).increment(findings);
    }

    /// An authentication failed; `reason` is a word of the code.
    pub fn auth_failure(&self, reason: &'static str) {
        counter!(names::AUTH_FAILURES, "reason" => reason).increment(1);
    }
}

impl Observer for Metrics {
    fn answered(&self, exchange: &Exchange<'_>) {
        let (route, method) = (exchange.route.unwrap_or("-").to_owned(), exchange.method);
        let status = exchange.status.as_u16().to_string();
        counter!(
            names::REQUESTS, "route" => route.clone(), "method" => method, "status" => status
        )
        .increment(1);
        histogram!(names::REQUEST_SECONDS, "route" => route, "method" => method)
            .record(exchange.duration);
    }
}

fn describe(metric: &Metric) {
    match metric.kind {
        Kind::Counter => metrics::describe_counter!(metric.name, metric.unit, metric.help),
        Kind::Gauge => metrics::describe_gauge!(metric.name, metric.unit, metric.help),
        Kind::Histogram => metrics::describe_histogram!(metric.name, metric.unit, metric.help),
    }
}

/// Self-audit records could not be written; `reason` is a word of the code.
pub fn self_audit_dropped(reason: &'static str, count: u64) {
    counter!(names::AUDIT_DROPPED, "reason" => reason).increment(count);
}

/// A self-audit record was noted beside the log.
pub fn self_audit_pending() {
    counter!(names::AUDIT_PENDING).increment(1);
}
