//! A record as it was sent: valid, and borrowed from the input wherever it can be.
//!
//! Invariant: a [`SentDetail`] is what a `Detail` of the same bytes is. The other members are plain
//! values, which whoever stores the record checks again.
//! Knows nothing of who sent it and of what the server adds, but for the note of a clock that is
//! off.

use std::borrow::Cow;

use super::detail::Detail;
use super::error::Limits;
use super::ident::AuditId;
use super::model::{ActorType, Outcome, Record, Sensitivity};
use super::same::CLOCK_SKEW;
use super::time::Timestamp;

/// A client's part of a record, not yet copied out of the request. The members are those of
/// [`Record`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each member is that of Record of the same name")]
pub struct SentRecord<'a> {
    pub audit_id: Option<AuditId>,
    pub timestamp: Timestamp,
    pub actor_type: ActorType,
    pub actor_id: Cow<'a, str>,
    pub actor_role: Option<Cow<'a, str>>,
    pub action: Cow<'a, str>,
    pub target_type: Option<Cow<'a, str>>,
    pub target_id: Option<Cow<'a, str>>,
    pub request_id: Option<Cow<'a, str>>,
    pub trace_id: Option<Cow<'a, str>>,
    pub facility_id: Option<Cow<'a, str>>,
    pub source_ip: Option<Cow<'a, str>>,
    pub result: Outcome,
    pub detail: Option<SentDetail<'a>>,
    pub pii_flag: bool,
    pub sensitivity: Sensitivity,
}

/// A detail that was sent: compact and token-exact, as [`Detail`] is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SentDetail<'a> {
    bytes: Cow<'a, [u8]>,
    /// Members of all its levels.
    members: usize,
    /// Whether one of the outermost is [`CLOCK_SKEW`].
    says_skew: bool,
    /// What is written behind its last member, in milliseconds.
    skew: Option<i64>,
    /// The limits under which it was read.
    within: Limits,
}

impl SentRecord<'_> {
    /// The record on its own; without a note that [`Self::note_skew`] made.
    #[must_use]
    pub fn to_record(&self) -> Record {
        let owned = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
        let detail = self.detail.as_ref().filter(|detail| detail.is_stored(false));
        Record {
            audit_id: self.audit_id,
            timestamp: self.timestamp,
            actor_type: self.actor_type,
            actor_id: self.actor_id.clone().into_owned(),
            actor_role: owned(&self.actor_role),
            action: self.action.clone().into_owned(),
            target_type: owned(&self.target_type),
            target_id: owned(&self.target_id),
            request_id: owned(&self.request_id),
            trace_id: owned(&self.trace_id),
            facility_id: owned(&self.facility_id),
            source_ip: owned(&self.source_ip),
            result: self.result,
            detail: detail.map(SentDetail::to_detail),
            pii_flag: self.pii_flag,
            sensitivity: self.sensitivity,
        }
    }

    /// Notes by how many milliseconds the client's clock is ahead, as the last member of the
    /// detail. Does nothing where a member of this name was sent, or where the limits of a detail
    /// leave no room; whoever stores the record leaves the note out where it gets too long by it.
    pub fn note_skew(&mut self, milliseconds: i64, limits: &Limits) {
        let digits = usize::try_from(milliseconds.unsigned_abs().checked_ilog10().unwrap_or(0));
        let len = digits.unwrap_or(usize::MAX).saturating_add(1 + usize::from(milliseconds < 0));
        let detail = self.detail.get_or_insert_with(SentDetail::nothing);
        let room = detail.members < limits.detail_members_max && len <= limits.number_len_max;
        if room && !detail.says_skew {
            detail.skew = Some(milliseconds);
        }
    }
}

impl<'a> SentDetail<'a> {
    /// What the parser found.
    pub(super) fn parsed(
        bytes: Cow<'a, [u8]>,
        members: usize,
        says_skew: bool,
        within: Limits,
    ) -> Self {
        Self { bytes, members, says_skew, skew: None, within }
    }

    /// The detail on its own, without a note.
    pub(super) fn to_detail(&self) -> Detail {
        Detail::kept(self.bytes.as_ref().into(), self.within)
    }

    /// That of a record that was built in code: nothing more is added to it.
    pub(super) fn of(detail: &'a Detail) -> Self {
        Self::parsed(Cow::Borrowed(detail.as_bytes()), 0, true, detail.within())
    }

    /// Stands for one that was not sent. It is not stored but for a note in it.
    fn nothing() -> Self {
        Self::parsed(Cow::Borrowed(b""), 0, false, Limits::READ)
    }

    /// The bytes as they were sent, without white space between tokens; empty where only a note
    /// stands in it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// As [`Self::to_detail`].
    pub(super) fn into_detail(self) -> Detail {
        Detail::kept(self.bytes.into_owned().into_boxed_slice(), self.within)
    }

    /// Whether there is anything to store, with its note or without.
    pub(super) fn is_stored(&self, with_note: bool) -> bool {
        !self.bytes.is_empty() || with_note && self.skew.is_some()
    }

    /// Whether a note is to be added.
    pub(super) fn has_note(&self) -> bool {
        self.skew.is_some()
    }

    /// Appends the bytes, with the note or without.
    pub(super) fn write(&self, with_note: bool, out: &mut Vec<u8>) {
        let Some(skew) = self.skew.filter(|_| with_note) else {
            return out.extend_from_slice(&self.bytes);
        };
        let head = self.bytes.strip_suffix(b"}").unwrap_or(b"{");
        out.extend_from_slice(head);
        out.extend_from_slice(if head.len() > 1 { b",\"" } else { b"\"" });
        out.extend_from_slice(CLOCK_SKEW.as_bytes());
        out.extend_from_slice(b"\":");
        out.extend_from_slice(skew.to_string().as_bytes());
        out.push(b'}');
    }
}

impl Record {
    /// The same record, borrowed.
    #[must_use]
    pub fn as_sent(&self) -> SentRecord<'_> {
        fn borrowed(text: Option<&String>) -> Option<Cow<'_, str>> {
            text.map(|text| Cow::Borrowed(text.as_str()))
        }
        SentRecord {
            audit_id: self.audit_id,
            timestamp: self.timestamp,
            actor_type: self.actor_type,
            actor_id: Cow::Borrowed(&self.actor_id),
            actor_role: borrowed(self.actor_role.as_ref()),
            action: Cow::Borrowed(&self.action),
            target_type: borrowed(self.target_type.as_ref()),
            target_id: borrowed(self.target_id.as_ref()),
            request_id: borrowed(self.request_id.as_ref()),
            trace_id: borrowed(self.trace_id.as_ref()),
            facility_id: borrowed(self.facility_id.as_ref()),
            source_ip: borrowed(self.source_ip.as_ref()),
            result: self.result,
            detail: self.detail.as_ref().map(SentDetail::of),
            pii_flag: self.pii_flag,
            sensitivity: self.sensitivity,
        }
    }
}
