//! One event of the server, before it is a record.
//!
//! Invariant: its detail is valid and bounded whatever a client sent; the required keys of its kind
//! are always there, `-` where there is nothing to say.
//! Knows nothing about when and how it is written.

use serde_json::{Map, Value};
use shoseki_engine::record::{
    ActorType, Detail, InputError, Limits, Outcome, Record, Sensitivity, Timestamp,
};

use crate::correlation::Correlation;
use crate::identity::{Caller, Role};

/// Name of the server in its own records, and their producer.
pub const SERVER: &str = "shoseki";
/// Stands where there is nothing to say.
pub(super) const NOTHING: &str = "-";
/// Longest text from a client, in characters.
pub(super) const TEXT_LEN_MAX: usize = 256;

/// The kinds of events, with the keys of `detail` that each always has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// Records were read.
    Query,
    /// A token or certificate was used for the first time.
    Login,
    /// Something was not allowed.
    Deny,
    /// An answer was a 4xx or 5xx.
    Error,
    /// Errors that were only counted.
    ErrorSummary,
    /// A record or a request of a producer was refused.
    IngestRefused,
    /// The configuration changed.
    ConfigUpdate,
    /// A noted event that could not be read back.
    PendingUnreadable,
    /// The clock of the machine was set.
    ClockStep,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Query,
        Self::Login,
        Self::Deny,
        Self::Error,
        Self::ErrorSummary,
        Self::IngestRefused,
        Self::ConfigUpdate,
        Self::PendingUnreadable,
        Self::ClockStep,
    ];

    /// `action` of the record; of [`EventKind::Error`] the code follows.
    #[must_use]
    pub fn action(self) -> &'static str {
        match self {
            Self::Query => "AUDIT_QUERY",
            Self::Login => "AUTH_LOGIN",
            Self::Deny => "AUTHZ_DENY",
            Self::Error => "ERROR_",
            Self::ErrorSummary => "ERROR_SUMMARY",
            Self::IngestRefused => "INGEST_REFUSED",
            Self::ConfigUpdate => "CONFIG_UPDATE",
            Self::PendingUnreadable => "AUDIT_PENDING_UNREADABLE",
            Self::ClockStep => "AUDIT_CLOCK_STEP",
        }
    }

    /// Keys that `detail` always has.
    #[must_use]
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Query => {
                &["actorId", "timeRange", "filter", "recordsReturned", "pages", "phase", "resource"]
            }
            Self::Login => &["actorId", "means", "key", "roles"],
            Self::Deny => &["actorId", "facilityId", "resource", "errorCode"],
            Self::Error => &[
                "resource",
                "errorCode",
                "errorMessage",
                "errorDetails",
                "exceptionClass",
                "cause",
                "requestPath",
                "httpMethod",
                "httpStatus",
            ],
            Self::ErrorSummary => &["resource", "errorCode", "source", "count", "from", "to"],
            Self::IngestRefused => {
                &["producer", "index", "faults", "faultCount", "sha512", "length", "errorCode"]
            }
            Self::ConfigUpdate => &["actorId", "configKey", "difference", "outcome"],
            Self::PendingUnreadable => &["sha512", "length", "line"],
            Self::ClockStep => &["stepMs", "from", "to"],
        }
    }
}

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    kind: EventKind,
    action: String,
    actor: Actor,
    facility: String,
    result: Outcome,
    sensitivity: Sensitivity,
    detail: Map<String, Value>,
    request_id: Option<String>,
    trace_id: Option<String>,
    source_ip: Option<String>,
}

#[derive(Clone, Debug)]
struct Actor {
    kind: ActorType,
    id: String,
    role: Option<String>,
}

impl Event {
    /// An event of a request: of its caller, or of the server where there is none.
    pub(super) fn of_request(kind: EventKind, correlation: &Correlation) -> Self {
        let caller = correlation.caller().map(|caller| &**caller);
        let mut event = Self::of_server(kind);
        event.actor = caller.map_or(event.actor, Actor::of);
        if caller.is_some()
            && let Some(facility) = correlation.facility()
        {
            event.facility = cut(facility);
        }
        event.request_id = Some(correlation.request_id().to_owned());
        event.trace_id = Some(correlation.trace_id().to_owned());
        event.source_ip = correlation.peer().map(|peer| peer.to_canonical().to_string());
        event
    }

    /// An event of the server itself.
    pub(super) fn of_server(kind: EventKind) -> Self {
        let actor = Actor { kind: ActorType::System, id: SERVER.to_owned(), role: None };
        Self {
            kind,
            action: kind.action().to_owned(),
            actor,
            facility: NOTHING.to_owned(),
            result: Outcome::Success,
            sensitivity: Sensitivity::Low,
            detail: Map::new(),
            request_id: None,
            trace_id: None,
            source_ip: None,
        }
    }

    pub(super) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(key.to_owned(), value.into());
        self
    }

    pub(super) fn ended(mut self, result: Outcome) -> Self {
        self.result = result;
        self
    }

    pub(super) fn sensitive(mut self, sensitivity: Sensitivity) -> Self {
        self.sensitivity = sensitivity;
        self
    }

    pub(super) fn named(mut self, action: String) -> Self {
        self.action = action;
        self
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        self.kind
    }

    /// Who acted, as it goes into `actor_id`.
    #[must_use]
    pub fn actor_id(&self) -> &str {
        &self.actor.id
    }

    /// Where, as it goes into `facility_id`.
    #[must_use]
    pub fn facility(&self) -> &str {
        &self.facility
    }

    /// Its `detail`.
    #[must_use]
    pub fn detail(&self) -> &Map<String, Value> {
        &self.detail
    }

    /// The record of it.
    ///
    /// # Errors
    /// [`InputError`] where the detail breaks the limits of a record; the builders cut so that it
    /// does not.
    pub fn into_record(self, now: Timestamp) -> Result<Record, InputError> {
        let detail = Value::Object(self.detail).to_string();
        let mut record = Record::new(now, self.actor.kind, self.actor.id, self.action, self.result);
        record.actor_role = self.actor.role;
        record.facility_id = Some(self.facility);
        record.request_id = self.request_id;
        record.trace_id = self.trace_id;
        record.source_ip = self.source_ip;
        record.sensitivity = self.sensitivity;
        record.detail = Some(Detail::parse(detail.as_bytes(), &Limits::default())?);
        Ok(record)
    }
}

impl Actor {
    /// Whoever only sends records is a system, everybody else is taken for a person.
    fn of(caller: &Caller) -> Self {
        let only_writer = caller.roles.iter().all(|role| role == Role::Writer);
        let kind = if only_writer { ActorType::System } else { ActorType::User };
        Self { kind, id: caller.subject().to_owned(), role: Some(roles(caller)) }
    }
}

/// The caller's roles, joined by commas.
pub(super) fn roles(caller: &Caller) -> String {
    caller.roles.iter().map(Role::as_str).collect::<Vec<_>>().join(",")
}

/// A text of bounded length in one line.
pub(super) fn cut(text: &str) -> String {
    cut_to(text, TEXT_LEN_MAX)
}

pub(super) fn cut_to(text: &str, max: usize) -> String {
    let one_line =
        |c: char| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { ' ' } else { c };
    let mut kept: String = text.chars().take(max).map(one_line).collect();
    if text.chars().nth(max).is_some() {
        kept.push('…');
    }
    kept
}
