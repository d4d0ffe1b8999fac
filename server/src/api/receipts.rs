//! Answers to records that were appended.
//!
//! Invariant: written straight to bytes in the form of CONTRACT 3; nothing here can fail.

use std::io::Write as _;

use http::StatusCode;
use shoseki_engine::log::{AppendError, Appended, Receipt};

use crate::problem::{ErrorCode, FaultItem, Problem};

/// Bytes of a receipt, about.
const RECEIPT_LEN: usize = 380;

/// Appends one receipt.
pub fn write_receipt(receipt: &Receipt, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"audit_id\":\"");
    receipt.audit_id.encode_into(out);
    out.extend_from_slice(b"\",\"seq\":");
    write_number(receipt.seq.0, out);
    out.extend_from_slice(b",\"hash\":\"");
    write_hex(&receipt.hash.0, out);
    out.extend_from_slice(b"\",\"chain_hash\":\"");
    write_hex(&receipt.chain_hash.0, out);
    out.extend_from_slice(if receipt.duplicate { b"\",\"duplicate\":true}" } else { b"\"}" });
}

/// Appends a hash in lower-case hex; a receipt has two, and they are most of it.
fn write_hex(hash: &[u8; 64], out: &mut Vec<u8>) {
    let mut text = [[0; 2]; 64];
    let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
    for (pair, byte) in text.iter_mut().zip(hash) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
    out.extend_from_slice(text.as_flattened());
}

/// Appends a number in decimal.
fn write_number(number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let (mut rest, mut used) = (number, 0);
    for place in digits.iter_mut().rev() {
        *place = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        (rest, used) = (rest / 10, used + 1);
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
}

/// Appends `"accepted":N` and, where there are new records, the seqs they span.
pub fn write_counts(appended: &Appended, out: &mut Vec<u8>) {
    let _ = write!(out, "\"accepted\":{}", appended.accepted);
    if let (Some(first), Some(last)) = (appended.first_seq, appended.last_seq) {
        let _ = write!(out, ",\"first_seq\":{},\"last_seq\":{}", first.0, last.0);
    }
}

/// The whole answer; without the receipts where the client wants the least.
#[must_use]
pub fn write_answer(appended: &Appended, minimal: bool) -> Vec<u8> {
    let receipts = if minimal { 0 } else { appended.receipts.len() };
    let mut out = Vec::with_capacity(64 + receipts * RECEIPT_LEN);
    out.push(b'{');
    write_counts(appended, &mut out);
    if !minimal {
        out.extend_from_slice(b",\"records\":[");
        for (index, receipt) in appended.receipts.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_receipt(receipt, &mut out);
        }
        out.push(b']');
    }
    out.push(b'}');
    out
}

/// 201 where something is new, 200 where everything was there before.
#[must_use]
pub fn status(appended: &Appended) -> StatusCode {
    if appended.accepted > 0 { StatusCode::CREATED } else { StatusCode::OK }
}

/// What an append that failed is to the client.
#[must_use]
pub fn problem(error: AppendError) -> Problem {
    match error {
        AppendError::Invalid(faults) => {
            let detail = "records are not valid: nothing was stored";
            let errors = faults.into_iter().map(FaultItem::from).collect();
            Problem::new(ErrorCode::InvalidRecords, detail).with_errors(errors)
        }
        AppendError::Conflict(conflicts) => {
            let detail = "the same audit_id was used for other content: nothing was stored";
            let item = |conflict: shoseki_engine::log::Conflict| FaultItem {
                index: Some(conflict.index),
                audit_id: Some(conflict.audit_id.to_string()),
                ..FaultItem::default()
            };
            let errors = conflicts.into_iter().map(item).collect();
            Problem::new(ErrorCode::Conflict, detail).with_errors(errors)
        }
        AppendError::TooLarge { max, .. } => {
            let detail = format!("the records have more than {max} bytes together");
            Problem::new(ErrorCode::BodyTooLarge, detail)
        }
        AppendError::Busy | AppendError::Index(_) => {
            Problem::new(ErrorCode::Busy, "too many records wait: try again").retry_after(1)
        }
        AppendError::DiskFull { .. } => {
            Problem::new(ErrorCode::DiskFull, "the disk is full: nothing was stored")
        }
        AppendError::Closed => {
            Problem::new(ErrorCode::Closing, "the server is shutting down: try again")
                .retry_after(5)
        }
        stopped => {
            Problem::new(ErrorCode::LogStopped, "the log takes no records until it is seen to")
                .caused_by(stopped)
                .retry_after(60)
        }
    }
}

#[cfg(test)]
mod tests {
    use shoseki_engine::record::AuditId;
    use shoseki_engine::types::{ChainHash, RecordHash, Seq};

    use super::*;

    #[test]
    fn a_receipt_says_what_it_is_of() {
        let mut receipt = Receipt {
            audit_id: AuditId::from_bytes([0xab; 16]),
            seq: Seq(0),
            hash: RecordHash(std::array::from_fn(|n| u8::try_from(n * 4).unwrap_or_default())),
            chain_hash: ChainHash([0x9f; 64]),
            duplicate: false,
        };
        for (seq, duplicate) in [(0, false), (7, true), (10, false), (u64::MAX, true)] {
            (receipt.seq, receipt.duplicate) = (Seq(seq), duplicate);
            let mut out = Vec::new();
            write_receipt(&receipt, &mut out);
            let mut expected = serde_json::json!({
                "audit_id": receipt.audit_id.to_string(), "seq": seq,
                "hash": receipt.hash.to_string(), "chain_hash": "9f".repeat(64),
            });
            if duplicate {
                expected["duplicate"] = true.into();
            }
            let said: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(said, expected);
        }
    }
}
