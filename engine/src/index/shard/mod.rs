//! The search index: which records of 65,536 in a row may match a question.
//!
//! A *shard* covers the records of one window of seqs `[n * 65,536, (n + 1) * 65,536)`, or the part
//! of it that one file holds. Few-valued fields are indexed per record; identifiers and words per
//! *octet*, eight records in a row; times per record in coarse steps.
//! Invariant: a shard never leaves out a record that matches. It is made from the records alone,
//! depends on no grouping into blocks, and equal records give equal bytes.

mod bits;
mod builder;
mod bytes;
mod encode;
mod encoded;
mod error;
mod growing;
mod header;
mod input;
mod keys;
mod lookup;
mod plain;
mod postings;
mod record_set;
mod strings;
#[cfg(test)]
pub(super) mod tests;
mod times;

pub use builder::{Room, ShardBuilder};
pub(crate) use bytes::{Part, Source};
pub(crate) use encoded::EncodedShard;
pub use error::ShardError;
pub use growing::GrowingShard;
pub(crate) use header::{
    INDEX_VERSION, LAYOUT as SHARD_LAYOUT, SHARD_HEADER_LEN, Section, ShardHeader, array,
};
pub use input::{Keyword, RecordKeys, Slot, TermKey};
pub use lookup::{EachCount, ShardLookup, TimeSpan};
pub use record_set::{OCTET_RECORDS, RecordSet, SHARD_RECORDS};
pub(crate) use strings::{Strings, StringsWriter, Walk};
