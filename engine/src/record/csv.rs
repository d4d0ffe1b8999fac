//! CSV rows (CONTRACT 1.7, RFC 4180): a cell per member, then the proof values.
//!
//! Invariant: every row has the columns of the header, in the order of the body. Nothing is cut.
//! The byte-order mark that some spreadsheets want is the caller's.

use std::borrow::Cow;

use super::body::Body;
use super::export::IntegrityStatus;
use super::ident::AuditId;
use super::member::Member;
use crate::types::{ChainHash, RecordHash, Seq};

/// Appends the header row with its CRLF.
pub fn csv_header(out: &mut Vec<u8>) {
    for member in Member::ALL {
        out.extend_from_slice(member.name().as_bytes());
        out.push(b',');
    }
    out.extend_from_slice(b"seq,hash,chain_hash,integrity_status\r\n");
}

/// Appends a record's row with its CRLF.
///
/// An absent member is an empty cell, an empty string a pair of quotes. Unless `raw`, a cell that
/// a spreadsheet would run as a formula gets `'` in front.
pub fn csv_row(
    body: &Body<'_>,
    seq: Seq,
    hash: &RecordHash,
    chain_hash: &ChainHash,
    raw: bool,
    out: &mut Vec<u8>,
) {
    for member in Member::ALL {
        if let Some(token) = body.member(member) {
            let value =
                super::string_value(token).unwrap_or_else(|| String::from_utf8_lossy(token));
            cell(&value, raw, out);
        }
        out.push(b',');
    }
    proof_cells(seq, Some((hash, chain_hash)), IntegrityStatus::Valid, out);
}

/// Appends an erased record's row with its CRLF.
pub fn csv_row_erased(
    audit_id: &AuditId,
    seq: Seq,
    hash: &RecordHash,
    chain_hash: &ChainHash,
    out: &mut Vec<u8>,
) {
    only_id(Some(audit_id), out);
    proof_cells(seq, Some((hash, chain_hash)), IntegrityStatus::Unknown, out);
}

/// Appends the row of a record whose bytes don't verify, with its CRLF.
pub fn csv_row_damaged(audit_id: Option<&AuditId>, seq: Seq, out: &mut Vec<u8>) {
    only_id(audit_id, out);
    proof_cells(seq, None, IntegrityStatus::Tampered, out);
}

fn only_id(audit_id: Option<&AuditId>, out: &mut Vec<u8>) {
    if let Some(audit_id) = audit_id {
        audit_id.encode_into(out);
    }
    out.extend_from_slice(&[b','; Member::COUNT]);
}

fn proof_cells(
    seq: Seq,
    hashes: Option<(&RecordHash, &ChainHash)>,
    status: IntegrityStatus,
    out: &mut Vec<u8>,
) {
    let (hash, chain_hash) = hashes.map_or((String::new(), String::new()), |(hash, chain_hash)| {
        (hash.to_hex(), chain_hash.to_hex())
    });
    out.extend_from_slice(format!("{seq},{hash},{chain_hash},{status}\r\n").as_bytes());
}

fn cell(value: &str, raw: bool, out: &mut Vec<u8>) {
    let value = if !raw && value.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{value}"))
    } else {
        Cow::Borrowed(value)
    };
    if value.is_empty() || value.contains([',', '"', '\r', '\n']) {
        out.push(b'"');
        out.extend_from_slice(value.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(value.as_bytes());
    }
}
