//! The part that all mappings share: the original event into `detail`, and a stable `audit_id`.
//!
//! Invariant: `detail` is `{"event":<original>}`, token by token; the id is the event's own UUID or
//! comes from the event's tokens alone. Knows nothing about where the fields come from.

use serde_json::value::RawValue;
use sha2::{Digest, Sha512};
use shoseki_engine::record::{AuditId, Detail, InputError, Limits, Record};

use crate::error::MapError;

/// Sets the derived ids apart from every other use of the same bytes.
const ID_DOMAIN: &[u8] = b"shoseki-import/v1\n";

/// Adds the original and the id to a record whose other members are mapped.
pub(crate) fn finish(
    mut record: Record,
    event: &RawValue,
    event_id: Option<&str>,
    limits: &Limits,
) -> Result<Record, MapError> {
    let mut detail = Vec::with_capacity(event.get().len() + 10);
    detail.extend_from_slice(b"{\"event\":");
    detail.extend_from_slice(event.get().as_bytes());
    detail.push(b'}');
    let detail = Detail::parse(&detail, limits)?;
    record.audit_id = Some(audit_id(event_id, &detail));
    record.detail = Some(detail);
    // What is longer is no address; it stays readable in the original.
    record.source_ip = record.source_ip.filter(|ip| ip.len() <= Record::SOURCE_IP_LEN_MAX);
    record.check(limits).map_err(InputError::Invalid)?;
    Ok(record)
}

/// The event's own id where it is a UUID; otherwise UUIDv8 (RFC 9562 section 5.8) of SHA-512 over
/// the stored tokens, so that white space doesn't matter.
fn audit_id(event_id: Option<&str>, detail: &Detail) -> AuditId {
    if let Some(id) = event_id.and_then(AuditId::parse) {
        return id;
    }
    let digest = Sha512::new().chain_update(ID_DOMAIN).chain_update(detail.as_bytes()).finalize();
    let mut bytes = [0; 16];
    for (byte, hashed) in bytes.iter_mut().zip(digest) {
        *byte = hashed;
    }
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    AuditId::from_bytes(bytes)
}
