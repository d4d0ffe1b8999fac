//! Writes a body: the bytes that are stored, hashed, returned and exported (CONTRACT 1.1).
//!
//! Invariant: equal records and stamps give equal bytes, and `Body::parse` takes each of them.
//! Allocates nothing but the growth of the output.

use super::member::Member;
use super::model::{Record, Stamp};
use super::text::write_json_string;

/// Appends the body of `record` to `out`.
///
/// `stamp.audit_id` is written; the caller has taken it from the record where the record has one.
/// `received_at` is written in microseconds; what is finer is dropped.
pub fn encode_body(record: &Record, stamp: &Stamp<'_>, out: &mut Vec<u8>) {
    out.reserve(super::check::body_len(record, stamp.ingested_by));
    out.extend_from_slice(b"{\"audit_id\":\"");
    stamp.audit_id.encode_into(out);
    out.extend_from_slice(b"\",\"timestamp\":\"");
    record.timestamp.encode_into(out);
    out.push(b'"');
    plain(Member::ActorType, record.actor_type.as_str(), out);
    text(Member::ActorId, &record.actor_id, out);
    optional(Member::ActorRole, record.actor_role.as_deref(), out);
    text(Member::Action, &record.action, out);
    optional(Member::TargetType, record.target_type.as_deref(), out);
    optional(Member::TargetId, record.target_id.as_deref(), out);
    optional(Member::RequestId, record.request_id.as_deref(), out);
    optional(Member::TraceId, record.trace_id.as_deref(), out);
    optional(Member::FacilityId, record.facility_id.as_deref(), out);
    optional(Member::SourceIp, record.source_ip.as_deref(), out);
    plain(Member::Result, record.result.as_str(), out);
    if let Some(detail) = &record.detail {
        name(Member::Detail, out);
        out.extend_from_slice(detail.as_bytes());
    }
    name(Member::PiiFlag, out);
    out.extend_from_slice(if record.pii_flag { b"true" } else { b"false" });
    plain(Member::Sensitivity, record.sensitivity.as_str(), out);
    name(Member::ReceivedAt, out);
    out.push(b'"');
    stamp.received_at.to_micros().encode_into(out);
    out.push(b'"');
    optional(Member::IngestedBy, stamp.ingested_by.map(super::Producer::as_str), out);
    name(Member::Salt, out);
    out.push(b'"');
    stamp.salt.encode_into(out);
    out.extend_from_slice(b"\"}");
}

/// A member that is not the first.
fn name(member: Member, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(member.name().as_bytes());
    out.extend_from_slice(b"\":");
}

fn text(member: Member, value: &str, out: &mut Vec<u8>) {
    name(member, out);
    write_json_string(value, out);
}

fn optional(member: Member, value: Option<&str>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        text(member, value, out);
    }
}

/// A value that never needs an escape.
fn plain(member: Member, value: &str, out: &mut Vec<u8>) {
    name(member, out);
    out.push(b'"');
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
}
