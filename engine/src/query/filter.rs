//! A filter over records.
//!
//! Invariant: fields are joined by AND, the values of one field by OR; an empty field asks nothing.
//! Values are compared as they are stored, except where the field's own comment says otherwise.

use super::address::AddressPattern;
use super::detail::DetailFilter;
use super::quick::QuickCheck;
use super::words::{Word, all_occur};
use crate::format::TimeRange;
use crate::record::{ActorType, Body, Member, Outcome, Sensitivity, Timestamp};
use crate::types::Seq;

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// `timestamp` at or after it.
    pub from: Option<Timestamp>,
    /// `timestamp` before it.
    pub to: Option<Timestamp>,
    /// Who acted.
    pub actor_id: Vec<String>,
    /// Who acted, by kind.
    pub actor_type: Vec<ActorType>,
    /// In which role.
    pub actor_role: Vec<String>,
    /// What was done.
    pub action: Vec<ActionPattern>,
    /// How it ended.
    pub result: Vec<Outcome>,
    /// To what, by kind.
    pub target_type: Vec<String>,
    /// To what.
    pub target_id: Vec<String>,
    /// Where.
    pub facility_id: Vec<String>,
    /// Where whoever asks may look: beside `facility_id`, one of these. A record without facility
    /// is in no scope, nor is one that can't be read unless the index knows where it belongs.
    pub facility_scope: Option<Vec<String>>,
    /// The request that it belongs to.
    pub request_id: Vec<String>,
    /// The trace that it belongs to; of 32 hex digits the case does not matter.
    pub trace_id: Vec<String>,
    /// From which address or network.
    pub source_ip: Vec<AddressPattern>,
    /// How carefully it is to be handled.
    pub sensitivity: Vec<Sensitivity>,
    /// Whether personal data is in it.
    pub pii_flag: Option<bool>,
    /// Who handed it in: the name in `ingested_by`, without the key id.
    pub ingested_by: Vec<String>,
    /// Who did not; a record that says nothing of it was handed in by none of them.
    pub not_ingested_by: Vec<String>,
    /// `received_at` at or after it.
    pub received_from: Option<Timestamp>,
    /// `received_at` before it.
    pub received_to: Option<Timestamp>,
    /// Only what stands behind this seq. A record does not know its seq: [`Self::takes_seq`].
    pub after_seq: Option<Seq>,
    /// Values in `detail`, each of which must be there.
    pub detail: Vec<DetailFilter>,
    /// Words that must all occur in some text of the record, or be one of its identifiers, in any
    /// case and width. A word is found whole: `chart` in `READ_CHART`, not in `charts`; in scripts
    /// without spaces, characters in a row. Texts are `actor_id`, `actor_role`, `action`,
    /// `target_type`, `target_id`, `facility_id` and the strings of `detail`; identifiers are
    /// `audit_id`, `request_id`, `trace_id` and `source_ip`.
    pub words: Vec<Word>,
}

/// An action, or all that begin with a prefix.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ActionPattern {
    /// This action.
    Exact(String),
    /// Every action that begins so.
    Prefix(String),
}

impl ActionPattern {
    /// `A*` is a prefix, everything else an action.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some(prefix) => Self::Prefix(prefix.to_owned()),
            None => Self::Exact(text.to_owned()),
        }
    }

    fn matches(&self, action: &str) -> bool {
        match self {
            Self::Exact(wanted) => action == wanted,
            Self::Prefix(prefix) => action.starts_with(prefix.as_str()),
        }
    }
}

impl Filter {
    /// Whether a record matches, wherever it stands.
    #[must_use]
    pub fn matches(&self, body: &Body<'_>) -> bool {
        self.matches_fixed(body) && self.matches_texts(body) && all_occur(&self.words, body)
    }

    /// Whether every record matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether only times and places in the log are asked for.
    #[must_use]
    pub fn is_time_only(&self) -> bool {
        let times = Self {
            from: self.from,
            to: self.to,
            received_from: self.received_from,
            received_to: self.received_to,
            after_seq: self.after_seq,
            ..Self::default()
        };
        *self == times
    }

    /// Whether a record at this seq may match.
    #[must_use]
    pub fn takes_seq(&self, seq: Seq) -> bool {
        self.after_seq.is_none_or(|after| after < seq)
    }

    /// Whether a record with this `received_at` may match.
    #[must_use]
    pub fn takes_received(&self, received_at: Timestamp) -> bool {
        self.received_from.is_none_or(|from| from <= received_at)
            && self.received_to.is_none_or(|to| received_at < to)
    }

    /// Whether a record of this `timestamp` may match.
    #[must_use]
    pub fn takes_time(&self, timestamp: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= timestamp) && self.to.is_none_or(|to| timestamp < to)
    }

    /// Whether a record with a `timestamp` in this range may match.
    #[must_use]
    pub fn takes_range(&self, range: &TimeRange) -> bool {
        self.from.is_none_or(|from| from.unix_nanos() <= range.max)
            && self.to.is_none_or(|to| range.min < to.unix_nanos())
    }

    /// A check on raw bytes that passes at least the bodies that match.
    #[must_use]
    pub fn quick_check(&self) -> QuickCheck {
        QuickCheck::new(self)
    }

    fn matches_fixed(&self, body: &Body<'_>) -> bool {
        self.takes_time(body.timestamp())
            && is_asked(&self.actor_type, &body.actor_type())
            && is_asked(&self.result, &body.result())
            && is_asked(&self.sensitivity, &body.sensitivity())
            && self.pii_flag.is_none_or(|wanted| wanted == body.pii_flag())
            && self.takes_received(body.received_at())
    }

    fn matches_texts(&self, body: &Body<'_>) -> bool {
        let text = |wanted: &[String], member| {
            wanted.is_empty() || body.text(member).is_some_and(|text| is_one_of(wanted, &text))
        };
        text(&self.actor_id, Member::ActorId)
            && text(&self.actor_role, Member::ActorRole)
            && text(&self.target_type, Member::TargetType)
            && text(&self.target_id, Member::TargetId)
            && text(&self.facility_id, Member::FacilityId)
            && text(&self.request_id, Member::RequestId)
            && self.facility_scope.as_ref().is_none_or(|scope| {
                body.facility_id().is_some_and(|facility| is_one_of(scope, &facility))
            })
            && self.matches_producer(body)
            && self.matches_patterns(body)
            && self.detail.iter().all(|detail| detail.matches(body))
    }

    fn matches_producer(&self, body: &Body<'_>) -> bool {
        if self.ingested_by.is_empty() && self.not_ingested_by.is_empty() {
            return true;
        }
        let producer = body.producer();
        let is_in = |names: &[String]| producer.as_ref().is_some_and(|name| is_one_of(names, name));
        (self.ingested_by.is_empty() || is_in(&self.ingested_by)) && !is_in(&self.not_ingested_by)
    }

    fn matches_patterns(&self, body: &Body<'_>) -> bool {
        let action =
            || body.text(Member::Action).is_some_and(|a| self.action.iter().any(|p| p.matches(&a)));
        let trace = || {
            let stored = body.trace_id();
            stored.is_some_and(|stored| self.trace_id.iter().any(|t| is_same_trace(t, &stored)))
        };
        let source = || {
            let from = |ip: &str| self.source_ip.iter().any(|pattern| pattern.matches(ip));
            body.source_ip().is_some_and(|ip| from(&ip))
        };
        (self.action.is_empty() || action())
            && (self.trace_id.is_empty() || trace())
            && (self.source_ip.is_empty() || source())
    }
}

fn is_same_trace(wanted: &str, stored: &str) -> bool {
    wanted == stored || is_trace_digits(wanted) && wanted.eq_ignore_ascii_case(stored)
}

/// Whether it is a trace of W3C's form, which is written in lower or upper case.
pub(super) fn is_trace_digits(trace: &str) -> bool {
    trace.len() == 32 && trace.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_asked<T: PartialEq>(wanted: &[T], value: &T) -> bool {
    wanted.is_empty() || wanted.contains(value)
}

fn is_one_of(wanted: &[String], text: &str) -> bool {
    wanted.iter().any(|value| value == text)
}
