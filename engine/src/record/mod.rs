//! The record model: what a client may send, and the bytes that it becomes.
//!
//! - Input: [`parse_batch`] and [`Record::from_json`] validate JSON and say every fault at once.
//! - Body: [`encode_body`] writes the bytes that are stored and hashed, [`Body::parse`] reads them
//!   back and accepts nothing that the encoder could not have written.
//! - Output: [`export_line`] and [`csv_row`] wrap a body for readers outside.
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
mod scan;
mod text;
mod time;

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
pub use input::parse_batch;
pub use member::Member;
pub use model::{ActorType, Outcome, Record, Sensitivity, Stamp};
pub use text::{string_value, write_json_string};
pub use time::{TimeError, Timestamp};
