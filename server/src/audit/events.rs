//! Builders of the events, one for each kind.
//!
//! Invariant: a copy of a question's filter stands in a list inside `filter`, so that no search for
//! a patient finds the questions about it. Knows nothing about how events are written.

use serde_json::{Value, json};
use shoseki_engine::record::{Outcome, Sensitivity, Timestamp};

use super::event::{Event, EventKind, NOTHING, cut, cut_to, roles};
use super::sessions::Question;
use crate::correlation::{Correlation, Exchange};
use crate::identity::{Caller, Means};
use crate::problem::{ErrorCode, FaultItem};

/// Most parameters of a filter that are copied.
const PARAMETERS_MAX: usize = 64;
/// Longest name of a parameter, in characters.
const NAME_LEN_MAX: usize = 64;
/// Most faults that are copied.
const FAULTS_MAX: usize = 20;
/// Faults that are said in `errorDetails`.
const FAULTS_SAID: usize = 5;

/// A period, `from` inclusive and `to` exclusive; `None` is open.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TimeRange {
    /// Its begin (RFC 3339).
    pub from: Option<String>,
    /// Its end.
    pub to: Option<String>,
}

/// A record or a request that was refused.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// Why.
    pub code: ErrorCode,
    /// Position of the record in its request; `None` for a whole request.
    pub index: Option<usize>,
    /// What was wrong.
    pub faults: &'a [FaultItem],
    /// SHA-512 of the bytes that were refused.
    pub sha512: &'a [u8; 64],
    /// How many bytes they are.
    pub length: usize,
}

impl Event {
    /// Records were read: `phase` is `single`, `open` or `close` (of the pages of one cursor).
    pub(super) fn query(
        correlation: &Correlation,
        question: &Question,
        phase: &'static str,
        (pages, records): (u64, u64),
    ) -> Self {
        let event = Self::of_request(EventKind::Query, correlation);
        let actor = event.actor_id().to_owned();
        let parameter = |(name, value): &(String, String)| {
            let (name, value) = (cut_to(name, NAME_LEN_MAX), cut(value));
            json!({"name": name, "value": value})
        };
        let kept: Vec<Value> =
            question.parameters.iter().take(PARAMETERS_MAX).map(parameter).collect();
        let range = json!({
            "from": question.range.from.as_deref().map(cut),
            "to": question.range.to.as_deref().map(cut),
        });
        event
            .with("actorId", actor)
            .with("timeRange", range)
            .with("filter", json!({"parameters": kept, "count": question.parameters.len()}))
            .with("recordsReturned", records)
            .with("pages", pages)
            .with("phase", phase)
            .with("resource", question.resource.clone())
            .sensitive(Sensitivity::Medium)
    }

    /// A token or certificate was used for the first time.
    #[must_use]
    pub fn login(correlation: &Correlation, caller: &Caller) -> Self {
        let event = Self::of_request(EventKind::Login, correlation);
        let event = match &caller.means {
            Means::Token { id, key } => {
                let event = event.with("means", "token").with("key", cut(key));
                event.with("tokenId", id.as_deref().map_or_else(|| NOTHING.to_owned(), cut))
            }
            Means::Certificate { fingerprint } => {
                event.with("means", "certificate").with("key", cut(fingerprint))
            }
        };
        let event = match caller.expires_at {
            Some(seconds) => event.with("expiresAt", seconds),
            None => event,
        };
        event.with("actorId", caller.subject()).with("roles", roles(caller))
    }

    /// The configuration was changed; `difference` without secrets.
    #[must_use]
    pub fn config_update(correlation: &Correlation, key: &str, difference: Value) -> Self {
        let event = Self::of_request(EventKind::ConfigUpdate, correlation);
        let actor = event.actor_id().to_owned();
        event
            .with("actorId", actor)
            .with("configKey", cut(key))
            .with("difference", difference)
            .with("outcome", "SUCCESS")
            .sensitive(Sensitivity::High)
    }

    /// A record or a request of an authenticated producer was refused.
    #[must_use]
    pub fn ingest_refused(correlation: &Correlation, refusal: &Refusal<'_>) -> Self {
        let event = Self::of_request(EventKind::IngestRefused, correlation);
        let producer = event.actor_id().to_owned();
        let fault = |fault: &FaultItem| {
            let text = |text: &Option<String>| text.as_deref().map(cut);
            json!({
                "index": fault.index,
                "pointer": text(&fault.pointer),
                "expected": text(&fault.expected),
                "got": text(&fault.got),
            })
        };
        let faults: Vec<Value> = refusal.faults.iter().take(FAULTS_MAX).map(fault).collect();
        event
            .with("producer", producer)
            .with("index", refusal.index)
            .with("faults", faults)
            .with("faultCount", refusal.faults.len())
            .with("sha512", hex(refusal.sha512))
            .with("length", refusal.length)
            .with("errorCode", refusal.code.as_str())
            .ended(Outcome::Failure)
    }

    /// Something was not allowed.
    pub(super) fn deny(exchange: &Exchange<'_>, code: ErrorCode) -> Self {
        let event = Self::of_request(EventKind::Deny, exchange.correlation);
        let (actor, facility) = (event.actor_id().to_owned(), event.facility().to_owned());
        event
            .with("actorId", actor)
            .with("facilityId", facility)
            .with("resource", exchange.route.unwrap_or(NOTHING))
            .with("errorCode", code.as_str())
            .ended(Outcome::Failure)
            .sensitive(Sensitivity::Medium)
    }

    /// An answer was a 4xx or 5xx.
    pub(super) fn error(exchange: &Exchange<'_>, message: &str, details: String) -> Self {
        let problem = exchange.problem;
        let code = problem.map_or(ErrorCode::Internal, |problem| problem.code);
        let origin = problem.map_or("internal", |problem| problem.origin);
        // Whoever sent what could not be taken is outside.
        let cause = if exchange.status.is_client_error() && origin == "internal" {
            "external"
        } else {
            origin
        };
        let route = exchange.route.unwrap_or(NOTHING);
        let action = code.as_str().to_ascii_uppercase().replace('-', "_");
        let event = Self::of_request(EventKind::Error, exchange.correlation)
            .named(format!("{}{action}", EventKind::Error.action()))
            .with("resource", route)
            .with("errorCode", code.as_str())
            .with("errorMessage", cut(message))
            .with("errorDetails", details)
            .with("exceptionClass", format!("{code:?}"))
            .with("cause", cause)
            .with("requestPath", route)
            .with("httpMethod", exchange.method)
            .with("httpStatus", exchange.status.as_u16())
            .ended(Outcome::Failure);
        match exchange.correlation.run_id() {
            Some(run) => event.with("runId", run),
            None => event,
        }
    }

    /// Errors of one code from one source that were only counted.
    pub(super) fn error_summary(
        code: &str,
        source: &str,
        count: u64,
        (from, to): (Timestamp, Timestamp),
    ) -> Self {
        Self::of_server(EventKind::ErrorSummary)
            .with("resource", NOTHING)
            .with("errorCode", code)
            .with("source", source)
            .with("count", count)
            .with("from", from.to_string())
            .with("to", to.to_string())
            .ended(Outcome::Failure)
    }

    /// The clock was set: by how much, what it would have said, and what it says.
    #[must_use]
    pub fn clock_step(step_ms: i64, from: &str, to: &str) -> Self {
        Self::of_server(EventKind::ClockStep)
            .with("stepMs", step_ms)
            .with("from", from)
            .with("to", to)
            .ended(Outcome::Warning)
            .sensitive(Sensitivity::Medium)
    }

    /// A line of the side file that is no record.
    pub(super) fn pending_unreadable(line: usize, sha512: &[u8; 64], length: usize) -> Self {
        Self::of_server(EventKind::PendingUnreadable)
            .with("line", line)
            .with("sha512", hex(sha512))
            .with("length", length)
            .ended(Outcome::Failure)
            .sensitive(Sensitivity::High)
    }
}

/// What was wrong, without what was sent.
pub(super) fn details_of(faults: &[FaultItem]) -> String {
    let say = |fault: &FaultItem| {
        let pointer = fault.pointer.as_deref().map_or_else(String::new, cut);
        let expected = fault.expected.as_deref().map_or_else(String::new, cut);
        let place = fault.index.map_or_else(String::new, |index| format!("record {index} "));
        format!("{place}{pointer}: expected {expected}")
    };
    let said: Vec<String> = faults.iter().take(FAULTS_SAID).map(say).collect();
    match (faults.len(), faults.len().saturating_sub(FAULTS_SAID)) {
        (0, _) => NOTHING.to_owned(),
        (_, 0) => said.join("; "),
        (_, more) => format!("{}; and {more} more", said.join("; ")),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    crate::correlation::push_hex(&mut text, bytes);
    text
}
