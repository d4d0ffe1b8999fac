//! Writes a body: the bytes that are stored, hashed, returned and exported (CONTRACT 1.1).
//!
//! A body is written in four parts: its head with the id, the client's part (the *content*), what
//! the server says of a whole batch, and the salt.
//! Invariant: equal records and stamps give equal bytes, and `Body::parse` takes each of them.
//! Allocates nothing but the growth of the output.

use super::ident::{AuditId, Producer, Salt};
use super::member::Member;
use super::model::{Record, Stamp};
use super::sent::SentRecord;
use super::text::write_json_string;
use super::time::Timestamp;

/// Length of what [`put_head`] writes.
pub(super) const HEAD_LEN: usize = HEAD.len() + AuditId::TEXT_LEN + 1;
/// Length of what [`put_salt`] writes.
pub(super) const SALT_LEN: usize = Salt::TEXT_LEN + 2;

const HEAD: &[u8] = b"{\"audit_id\":\"";

/// Appends the body of `record` to `out`.
///
/// `stamp.audit_id` is written; the caller has taken it from the record where the record has one.
/// `received_at` is written in microseconds; what is finer is dropped.
pub fn encode_body(record: &Record, stamp: &Stamp<'_>, out: &mut Vec<u8>) {
    out.reserve(super::check::body_len(record, stamp.ingested_by));
    put_head(&stamp.audit_id, out);
    put_content(&record.as_sent(), true, out);
    put_tail(stamp.received_at, stamp.ingested_by, out);
    put_salt(&stamp.salt, out);
}

/// What stands before the client's part.
pub(super) fn put_head(audit_id: &AuditId, out: &mut Vec<u8>) {
    out.extend_from_slice(HEAD);
    audit_id.encode_into(out);
    out.push(b'"');
}

/// The client's part, without its id; `with_note` with the note in its detail.
pub(super) fn put_content(record: &SentRecord<'_>, with_note: bool, out: &mut Vec<u8>) {
    name(Member::Timestamp, out);
    out.push(b'"');
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
    if let Some(detail) = record.detail.as_ref().filter(|detail| detail.is_stored(with_note)) {
        name(Member::Detail, out);
        detail.write(with_note, out);
    }
    name(Member::PiiFlag, out);
    out.extend_from_slice(if record.pii_flag { b"true" } else { b"false" });
    plain(Member::Sensitivity, record.sensitivity.as_str(), out);
}

/// From behind the client's part to where the salt begins.
pub(super) fn put_tail(received_at: Timestamp, ingested_by: Option<&Producer>, out: &mut Vec<u8>) {
    name(Member::ReceivedAt, out);
    out.push(b'"');
    received_at.to_micros().encode_into(out);
    out.push(b'"');
    optional(Member::IngestedBy, ingested_by.map(Producer::as_str), out);
    name(Member::Salt, out);
    out.push(b'"');
}

/// The salt, and the end of the body.
pub(super) fn put_salt(salt: &Salt, out: &mut Vec<u8>) {
    salt.encode_into(out);
    out.extend_from_slice(b"\"}");
}

/// A member that is not the first.
#[inline]
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
