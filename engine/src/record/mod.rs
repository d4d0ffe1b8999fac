//! The record model: what a client may send, and the bytes that it becomes.
//!
//! - Input: [`parse_batch`] and [`Record::from_json`] validate JSON and say every fault at once.
//!   [`read_sent`] does the same without copying, for a [`Prepared`] batch.
//! - Body: [`encode_body`] writes the bytes that are stored and hashed, [`Body::parse`] reads them
//!   back and accepts nothing that the encoder could not have written.
//! - Output: [`export_line`] and [`csv_row`] wrap a body for readers outside.
//!
//! ```
//! use shoseki_engine::record::{
//!     AuditId, Body, Limits, Record, Salt, Stamp, Timestamp, encode_body,
//! };
//!
//! let input = br#"{"timestamp": "2026-11-21T18:30:00.5+09:00", "actor_type": "user",
//!     "actor_id": "doctor-7", "action": "READ_CHART", "result": "success",
//!     "detail": {"dose": 1.10}}"#;
//! let record = Record::from_json(input, &Limits::default())?;
//! let stamp = Stamp {
//!     audit_id: AuditId::v7(1_795_253_400_000, [7; 10]),
//!     received_at: Timestamp::parse("2026-11-21T09:30:01Z")?,
//!     ingested_by: None,
//!     salt: Salt::from_bytes([7; 12]),
//! };
//! let mut bytes = Vec::new();
//! encode_body(&record, &stamp, &mut bytes);
//!
//! let body = Body::parse(&bytes)?;
//! assert_eq!(body.timestamp().to_string(), "2026-11-21T09:30:00.500Z");
//! assert_eq!(body.detail_member(&["dose"]), Some(&b"1.10"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariant: bytes in, values out. Every function is pure and total: no input makes it panic,
//! recurse without bound, or allocate more than a small multiple of its own length.
//! Knows nothing of files, clocks, hashes, positions in a log, or who the caller is.
#![deny(clippy::indexing_slicing)]

mod body;
mod check;
mod csv;
mod detail;
mod encode;
mod error;
mod export;
mod ident;
mod input;
mod member;
mod model;
mod plain;
mod prepared;
mod same;
mod scan;
mod sent;
mod split;
mod text;
mod time;
mod tokens;

#[cfg(test)]
mod tests;

pub use body::{Body, content_of};
pub use check::STAMP_LEN_MAX;
pub use csv::{csv_header, csv_row, csv_row_damaged, csv_row_erased};
pub use detail::Detail;
pub use encode::encode_body;
pub use error::{BodyError, ExportError, Fault, InputError, Limits, SyntaxKind};
pub use export::{
    ExportLine, IntegrityStatus, export_line, export_line_damaged, export_line_erased,
    parse_export_line,
};
pub use ident::{AuditId, InvalidProducer, PRODUCER_PART_LEN_MAX, Producer, Salt};
pub use input::{parse_batch, read_sent};
pub use member::Member;
pub use model::{ActorType, Outcome, Record, Sensitivity, Stamp};
pub use prepared::{BodyWriter, Prepared};
pub use same::{CLOCK_SKEW, same_content};
pub use sent::{SentDetail, SentRecord};
pub use split::{SentMember, SentValue, sent_members, split_batch};
pub use text::{string_value, write_json_string};
pub use time::{TimeError, Timestamp};
pub use tokens::{DetailToken, DetailTokens};
