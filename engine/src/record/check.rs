//! The rules that hold for a whole record, whether it came as JSON or was built in code.
//!
//! Invariant: [`body_len`] is the length of what `encode_body` writes, without writing it.

use super::error::{FaultSink, Limits};
use super::ident::{AuditId, Producer, Salt};
use super::member::Member;
use super::model::Record;
use super::text::json_string_len;
use super::time::Timestamp;

/// The most that `ingested_by` adds to a body beyond [`Limits::record_len_max`]: both parts of a
/// producer with every byte escaped, `#`, the member's name, quotes and comma.
pub const STAMP_LEN_MAX: usize =
    (super::PRODUCER_PART_LEN_MAX * 2 + 1) * 2 + ",\"ingested_by\":\"\"".len();

/// Reports what the types of [`Record`] do not rule out, but for the limits inside `detail`.
pub(super) fn check(record: &Record, limits: &Limits, sink: &mut FaultSink) {
    check_text(Member::ActorId, &record.actor_id, sink);
    check_text(Member::Action, &record.action, sink);
    if let Some(source) = &record.source_ip {
        check_text(Member::SourceIp, source, sink);
    }
    check_len(record, limits, sink);
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
pub(super) fn check_len(record: &Record, limits: &Limits, sink: &mut FaultSink) {
    if len_bound(record) <= limits.record_len_max {
        return;
    }
    let len = body_len(record, None);
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

/// Not less than [`body_len`]: every byte of every string counted as the longest escape.
fn len_bound(record: &Record) -> usize {
    const ESCAPE_LEN_MAX: usize = "\\u0000".len();
    const FIXED_LEN_MAX: usize = 1024;
    let optional = [
        &record.actor_role,
        &record.target_type,
        &record.target_id,
        &record.request_id,
        &record.trace_id,
        &record.facility_id,
        &record.source_ip,
    ];
    let texts: usize = optional.into_iter().flatten().map(String::len).sum();
    let texts = texts + record.actor_id.len() + record.action.len();
    let detail = record.detail.as_ref().map_or(0, |detail| detail.as_bytes().len());
    FIXED_LEN_MAX + texts * ESCAPE_LEN_MAX + detail
}

/// Length of the body that this record becomes, `received_at` taken at its longest.
pub(super) fn body_len(record: &Record, producer: Option<&Producer>) -> usize {
    let quoted = |len: usize| Some(len + 2);
    let text = |value: &String| json_string_len(value);
    let optional = |value: &Option<String>| value.as_ref().map(text);
    let value_len = |member: Member| match member {
        Member::AuditId => quoted(AuditId::TEXT_LEN),
        Member::Timestamp => quoted(record.timestamp.text_len()),
        Member::ActorType => quoted(record.actor_type.as_str().len()),
        Member::ActorId => Some(text(&record.actor_id)),
        Member::ActorRole => optional(&record.actor_role),
        Member::Action => Some(text(&record.action)),
        Member::TargetType => optional(&record.target_type),
        Member::TargetId => optional(&record.target_id),
        Member::RequestId => optional(&record.request_id),
        Member::TraceId => optional(&record.trace_id),
        Member::FacilityId => optional(&record.facility_id),
        Member::SourceIp => optional(&record.source_ip),
        Member::Result => quoted(record.result.as_str().len()),
        Member::Detail => record.detail.as_ref().map(|detail| detail.as_bytes().len()),
        Member::PiiFlag => Some(if record.pii_flag { 4 } else { 5 }),
        Member::Sensitivity => quoted(record.sensitivity.as_str().len()),
        // Microseconds: three digits less than the longest time.
        Member::ReceivedAt => quoted(Timestamp::TEXT_LEN_MAX - 3),
        Member::IngestedBy => producer.map(|producer| json_string_len(producer.as_str())),
        Member::Salt => quoted(Salt::TEXT_LEN),
    };
    let members = Member::ALL.into_iter();
    let with_names =
        members.filter_map(|member| value_len(member).map(|len| len + member.name().len() + 4));
    // Each member has two quotes, a colon and a comma; the braces replace one comma.
    with_names.sum::<usize>() + 1
}
