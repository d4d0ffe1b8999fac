//! The rules that hold for a whole record, whether it came as JSON or was built in code.
//!
//! Invariant: [`body_len`] is the length of what `encode_body` writes, without writing it.

use super::error::{FaultSink, Limits};
use super::ident::{AuditId, Producer, Salt};
use super::member::Member;
use super::model::Record;
use super::sent::SentRecord;
use super::text::json_string_len;
use super::time::Timestamp;

/// The most that `ingested_by` adds to a body beyond [`Limits::record_len_max`]: both parts of a
/// producer with every byte escaped, `#`, the member's name, quotes and comma.
pub const STAMP_LEN_MAX: usize =
    (super::PRODUCER_PART_LEN_MAX * 2 + 1) * 2 + ",\"ingested_by\":\"\"".len();

/// Reports what the types of [`Record`] do not rule out, but for the limits inside `detail`.
pub(super) fn check(record: &Record, limits: &Limits, sink: &mut FaultSink) {
    let record = record.as_sent();
    check_texts(&record, sink);
    check_len(&record, limits, sink);
}

/// Reports the strings that their members do not allow.
pub(super) fn check_texts(record: &SentRecord<'_>, sink: &mut FaultSink) {
    check_text(Member::ActorId, &record.actor_id, sink);
    check_text(Member::Action, &record.action, sink);
    if let Some(source) = &record.source_ip {
        check_text(Member::SourceIp, source, sink);
    }
}

/// Reports a string that its member does not allow.
pub(super) fn check_text(member: Member, value: &str, sink: &mut FaultSink) {
    match member {
        Member::ActorId | Member::Action if value.is_empty() => {
            sink.push(pointer(member), member.expected(), "an empty string");
        }
        Member::SourceIp if value.len() > Record::SOURCE_IP_LEN_MAX => {
            sink.push(pointer(member), member.expected(), &format!("{} bytes", value.len()));
        }
        _ => {}
    }
}

/// Reports a record whose body would be too long.
pub(super) fn check_len(record: &SentRecord<'_>, limits: &Limits, sink: &mut FaultSink) {
    if body_len_bound(record) <= limits.record_len_max {
        return;
    }
    let len = sent_len(record, None);
    if len > limits.record_len_max {
        oversize(limits, &format!("{len} bytes"), sink);
    }
}

pub(super) fn oversize(limits: &Limits, got: &str, sink: &mut FaultSink) {
    sink.push("", &format!("a record of at most {} bytes", limits.record_len_max), got);
}

/// The JSON pointer of a top-level member.
pub(super) fn pointer(member: Member) -> String {
    format!("/{}", member.name())
}

/// Length of the body that this record becomes, `received_at` taken at its longest.
pub(super) fn body_len(record: &Record, producer: Option<&Producer>) -> usize {
    sent_len(&record.as_sent(), producer)
}

/// No body is longer than this: most records fit by far, and need not be measured.
fn body_len_bound(record: &SentRecord<'_>) -> usize {
    let optional = [
        &record.actor_role,
        &record.target_type,
        &record.target_id,
        &record.request_id,
        &record.trace_id,
        &record.facility_id,
        &record.source_ip,
    ];
    let optional: usize = optional.iter().map(|text| text.as_ref().map_or(0, |t| t.len())).sum();
    let texts = optional + record.actor_id.len() + record.action.len();
    let detail = record.detail.as_ref().map_or(0, |detail| detail.as_bytes().len());
    // Six characters for each byte of a string; the names and the fixed values take less than this.
    texts.saturating_mul(6).saturating_add(detail).saturating_add(512)
}

/// As [`body_len`], of a record that was sent; without a note in its detail.
fn sent_len(record: &SentRecord<'_>, producer: Option<&Producer>) -> usize {
    let quoted = |len: usize| Some(len + 2);
    let optional = |value: &Option<_>| value.as_deref().map(json_string_len);
    let value_len = |member: Member| match member {
        Member::AuditId => quoted(AuditId::TEXT_LEN),
        Member::Timestamp => quoted(record.timestamp.text_len()),
        Member::ActorType => quoted(record.actor_type.as_str().len()),
        Member::ActorId => Some(json_string_len(&record.actor_id)),
        Member::ActorRole => optional(&record.actor_role),
        Member::Action => Some(json_string_len(&record.action)),
        Member::TargetType => optional(&record.target_type),
        Member::TargetId => optional(&record.target_id),
        Member::RequestId => optional(&record.request_id),
        Member::TraceId => optional(&record.trace_id),
        Member::FacilityId => optional(&record.facility_id),
        Member::SourceIp => optional(&record.source_ip),
        Member::Result => quoted(record.result.as_str().len()),
        Member::Detail => {
            let stored = record.detail.as_ref().filter(|detail| detail.is_stored(false));
            stored.map(|detail| detail.as_bytes().len())
        }
        Member::PiiFlag => Some(if record.pii_flag { 4 } else { 5 }),
        Member::Sensitivity => quoted(record.sensitivity.as_str().len()),
        Member::ReceivedAt => quoted(RECEIVED_AT_LEN_MAX),
        Member::IngestedBy => producer.map(|producer| json_string_len(producer.as_str())),
        Member::Salt => quoted(Salt::TEXT_LEN),
    };
    let members = Member::ALL.into_iter();
    let with_names =
        members.filter_map(|member| value_len(member).map(|len| len + member.name().len() + 4));
    // Each member has two quotes, a colon and a comma; the braces replace one comma.
    with_names.sum::<usize>() + 1
}

/// Microseconds: three digits less than the longest time.
const RECEIVED_AT_LEN_MAX: usize = Timestamp::TEXT_LEN_MAX - 3;

/// What a body has at most beside the client's part, as the limits count it: the id before it,
/// `received_at` and the salt behind it.
pub(super) const STAMPED_LEN_MAX: usize = "{\"audit_id\":\"\",\"received_at\":\"\",\"salt\":\"\"}"
    .len()
    + AuditId::TEXT_LEN
    + RECEIVED_AT_LEN_MAX
    + Salt::TEXT_LEN;
