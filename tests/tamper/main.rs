//! Tampering with a small log in every way that the threat model names, and what the auditor says.
//!
//! Invariant: the clean log has no finding; every deed has one, of the right kind, at the right
//! place.
//! Knows nothing about the writer: the logs are made by `shoseki_lab::evidence`.
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that gets no value fails, and its files are small"
)]

mod active;
mod bytes;
mod deeds;
mod exports;
mod forge;
mod garbage;
mod harness;
mod ranges;
mod sealed;
mod whole;
