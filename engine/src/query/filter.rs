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
    /// Whether a record matches.
    #[must_use]
    pub fn matches(&self, body: &Body<'_>) -> bool {
        self.matches_fixed(body) && self.matches_texts(body) && all_occur(&self.words, body)
    }

    /// Whether every record matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether only times are asked for.
    #[must_use]
    pub fn is_time_only(&self) -> bool {
        *self == Self { from: self.from, to: self.to, ..Self::default() }
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
            && self.matches_patterns(body)
            && self.detail.iter().all(|detail| detail.matches(body))
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
