//! A record as the JSON that `append` takes.

use shoseki_engine::record::{AuditId, Record, Salt, Stamp, content_of, encode_body};

/// Appends the record as one JSON object without a newline: the body of CONTRACT 1.1 up to what the
/// log itself adds. A record without `audit_id` gets none.
pub fn input_line(record: &Record, out: &mut Vec<u8>) {
    let stamp = Stamp {
        audit_id: record.audit_id.unwrap_or(AuditId::from_bytes([0; 16])),
        received_at: record.timestamp,
        ingested_by: None,
        salt: Salt::from_bytes([0; 12]),
    };
    let mut body = Vec::new();
    encode_body(record, &stamp, &mut body);
    let content = content_of(&body).unwrap_or_default();
    let id_len = b"\"audit_id\":\"\",".len() + AuditId::TEXT_LEN;
    match record.audit_id {
        Some(_) => out.extend_from_slice(content),
        None => {
            out.push(b'{');
            out.extend_from_slice(content.get(1 + id_len..).unwrap_or_default());
        }
    }
    out.push(b'}');
}
