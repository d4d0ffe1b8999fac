//! Export lines (CONTRACT 1.6): a body, or what stands in its place, with its proof values.
//!
//! Invariant: whoever cuts the suffix of a record's line and puts `}` back has the exact bytes
//! that were hashed. A line has no line feed: bodies escape theirs.
//! Does not check that the body belongs to the hash; that is the verifier's work.

use super::error::ExportError;
use super::ident::AuditId;
use super::model::names;
use crate::types::{ChainHash, RecordHash, Seq, to_hex};

names! {
    /// What is known of a record's integrity (`integrity_status`).
    IntegrityStatus {
        /// Its bytes are those that were hashed and chained.
        Valid = "valid",
        /// They are not.
        Tampered = "tampered",
        /// It can't be told.
        Unknown = "unknown",
    }
}

/// One line of an export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExportLine {
    /// A record.
    Record {
        /// The exact bytes that were hashed.
        body: Vec<u8>,
        /// Its place in the log.
        seq: Seq,
        /// The hash that the line claims.
        hash: RecordHash,
        /// The chain hash that the line claims.
        chain_hash: ChainHash,
        /// The status that the line claims.
        status: IntegrityStatus,
    },
    /// A record that was erased by order; its hash stays.
    Erased {
        /// Its identifier.
        audit_id: AuditId,
        /// Its place in the log.
        seq: Seq,
        /// The hash that the line claims.
        hash: RecordHash,
        /// The chain hash that the line claims.
        chain_hash: ChainHash,
    },
    /// A record whose bytes did not verify where the export was made.
    Damaged {
        /// Its identifier, where it is known.
        audit_id: Option<AuditId>,
        /// Its place in the log.
        seq: Seq,
    },
}

const SEQ: &[u8] = b",\"seq\":";
const HASH: &[u8] = b",\"hash\":\"";
const CHAIN_HASH: &[u8] = b"\",\"chain_hash\":\"";
const STATUS: &[u8] = b"\",\"integrity_status\":\"";
const AUDIT_ID: &[u8] = b"{\"audit_id\":\"";
const REDACTED: &[u8] = b"\",\"redacted\":true";
const DAMAGED: &[u8] = b",\"integrity_status\":\"tampered\"}";

/// Appends the line of a record, without a line feed.
pub fn export_line(
    body: &[u8],
    seq: Seq,
    hash: &RecordHash,
    chain_hash: &ChainHash,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(body.strip_suffix(b"}").unwrap_or(body));
    suffix(seq, hash, chain_hash, IntegrityStatus::Valid, out);
}

/// Appends the line of an erased record, without a line feed.
pub fn export_line_erased(
    audit_id: &AuditId,
    seq: Seq,
    hash: &RecordHash,
    chain_hash: &ChainHash,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(AUDIT_ID);
    audit_id.encode_into(out);
    out.extend_from_slice(REDACTED);
    suffix(seq, hash, chain_hash, IntegrityStatus::Unknown, out);
}

/// Appends the line of a record whose bytes don't verify, without a line feed.
pub fn export_line_damaged(audit_id: Option<&AuditId>, seq: Seq, out: &mut Vec<u8>) {
    match audit_id {
        Some(audit_id) => {
            out.extend_from_slice(AUDIT_ID);
            audit_id.encode_into(out);
            out.extend_from_slice(b"\",\"seq\":");
        }
        None => out.extend_from_slice(b"{\"seq\":"),
    }
    out.extend_from_slice(seq.to_string().as_bytes());
    out.extend_from_slice(DAMAGED);
}

fn suffix(
    seq: Seq,
    hash: &RecordHash,
    chain_hash: &ChainHash,
    status: IntegrityStatus,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(SEQ);
    out.extend_from_slice(seq.to_string().as_bytes());
    out.extend_from_slice(HASH);
    out.extend_from_slice(to_hex(&hash.0).as_bytes());
    out.extend_from_slice(CHAIN_HASH);
    out.extend_from_slice(to_hex(&chain_hash.0).as_bytes());
    out.extend_from_slice(STATUS);
    out.extend_from_slice(status.as_str().as_bytes());
    out.extend_from_slice(b"\"}");
}

/// Parses a line without its line feed.
///
/// The body of a record is cut out, not checked: its hash tells whether it is right.
///
/// # Errors
/// [`ExportError`] where the line does not end as CONTRACT 1.6 says.
pub fn parse_export_line(line: &[u8]) -> Result<ExportLine, ExportError> {
    if let Some(head) = line.strip_suffix(DAMAGED)
        && let Some((audit_id, seq)) = damaged(head)
    {
        return Ok(ExportLine::Damaged { audit_id, seq: parse_seq(seq)? });
    }
    let tail = Tail::parse(line).ok_or(ExportError::Suffix)?;
    let seq = parse_seq(tail.seq)?;
    let (hash, chain_hash) = (tail.hash, tail.chain_hash);
    if let Some(audit_id) = erased(tail.head)
        && tail.status == IntegrityStatus::Unknown
    {
        return Ok(ExportLine::Erased { audit_id, seq, hash, chain_hash });
    }
    if !tail.head.starts_with(b"{") {
        return Err(ExportError::Head);
    }
    let mut body = Vec::with_capacity(tail.head.len() + 1);
    body.extend_from_slice(tail.head);
    body.push(b'}');
    Ok(ExportLine::Record { body, seq, hash, chain_hash, status: tail.status })
}

/// A line taken apart from its end, which alone has a fixed form.
struct Tail<'a> {
    head: &'a [u8],
    seq: &'a [u8],
    hash: RecordHash,
    chain_hash: ChainHash,
    status: IntegrityStatus,
}

impl<'a> Tail<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_suffix(b"\"}")?;
        let (rest, status) = IntegrityStatus::ALL.iter().find_map(|status| {
            rest.strip_suffix(status.as_str().as_bytes()).map(|rest| (rest, *status))
        })?;
        let (rest, chain_hash) = split_end(rest.strip_suffix(STATUS)?, ChainHash::LEN * 2)?;
        let (rest, hash) = split_end(rest.strip_suffix(CHAIN_HASH)?, RecordHash::LEN * 2)?;
        let rest = rest.strip_suffix(HASH)?;
        let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let (rest, seq) = split_end(rest, digits)?;
        Some(Self {
            head: rest.strip_suffix(SEQ)?,
            seq,
            hash: RecordHash::from_hex(hash)?,
            chain_hash: ChainHash::from_hex(chain_hash)?,
            status,
        })
    }
}

fn split_end(bytes: &[u8], len: usize) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(bytes.len().checked_sub(len)?)
}

fn parse_seq(digits: &[u8]) -> Result<Seq, ExportError> {
    let text = core::str::from_utf8(digits).map_err(|_| ExportError::Seq)?;
    let seq: u64 = text.parse().map_err(|_| ExportError::Seq)?;
    // One form only: no sign, no leading zeros.
    if seq.to_string() == text { Ok(Seq(seq)) } else { Err(ExportError::Seq) }
}

/// The identifier and the digits of a damaged record's line.
fn damaged(head: &[u8]) -> Option<(Option<AuditId>, &[u8])> {
    if let Some(seq) = head.strip_prefix(b"{\"seq\":") {
        return Some((None, seq));
    }
    let (audit_id, seq) = head.strip_prefix(AUDIT_ID)?.split_at_checked(AuditId::TEXT_LEN)?;
    let audit_id = AuditId::parse_canonical(core::str::from_utf8(audit_id).ok()?)?;
    Some((Some(audit_id), seq.strip_prefix(b"\",\"seq\":")?))
}

fn erased(head: &[u8]) -> Option<AuditId> {
    let audit_id = head.strip_prefix(AUDIT_ID)?.strip_suffix(REDACTED)?;
    AuditId::parse_canonical(core::str::from_utf8(audit_id).ok()?)
}
