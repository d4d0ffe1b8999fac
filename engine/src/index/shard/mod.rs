//! The search index: which records of 65,536 in a row may match a question.
//!
//! A *shard* covers the records of one window of seqs `[n * 65,536, (n + 1) * 65,536)`, or the part
//! of it that one file holds. Few-valued fields are indexed per record; identifiers and words per
//! *octet*, eight records in a row; times per record in coarse steps.
//! Invariant: a shard never leaves out a record that matches. It is made from the records alone,
//! depends on no grouping into blocks, and equal records give equal bytes.

mod error;
mod input;
mod lookup;
mod record_set;
mod standin;

pub use error::ShardError;
pub use input::{Keyword, RecordKeys, Slot, TermKey};
pub use lookup::{ShardLookup, TimeSpan};
pub use record_set::RecordSet;
pub use standin::{EncodedShard, GrowingShard};

/// Seqs of one window; a shard never crosses a multiple of it.
pub const SHARD_RECORDS: u64 = 1 << 16;
/// Records that share one place of the identifier and word index.
pub const OCTET_RECORDS: u16 = 8;
