//! The search index: which records of 65,536 in a row may match a question.
//!
//! A *shard* covers the records of one window of seqs `[n * 65,536, (n + 1) * 65,536)`, or the part
//! of it that one file holds. Few-valued fields are indexed per record; identifiers and words per
//! *octet*, eight records in a row; times per record in coarse steps.
//! Invariant: a shard never leaves out a record that matches. It is made from the records alone,
//! depends on no grouping into blocks, and equal records give equal bytes.

#[allow(dead_code, reason = "used by the encoded shard")]
mod bits;
#[allow(dead_code, reason = "used by the encoded shard")]
mod bytes;
mod error;
mod input;
#[allow(dead_code, reason = "used by the encoded shard")]
mod keys;
mod lookup;
#[allow(dead_code, reason = "used by the encoded shard")]
mod postings;
mod record_set;
#[allow(dead_code, reason = "used by the encoded shard")]
mod strings;
#[cfg(test)]
mod tests;

pub use error::ShardError;
pub use input::{Keyword, RecordKeys, Slot, TermKey};
pub use lookup::{ShardLookup, TimeSpan};
pub use record_set::{OCTET_RECORDS, RecordSet, SHARD_RECORDS};
