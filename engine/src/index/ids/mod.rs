//! At which seqs may an `audit_id` be in the log?
//!
//! Invariant: a seq that was given to the index and is inside [`IdSnapshot::covered`] is always
//! found; a seq too many is found about once in 10^6 questions (two ids with one fingerprint), so
//! the caller reads the record. Heap holds only the newest ids; everything older is in mapped,
//! immutable files (*runs*).
//!
//! A run holds the ids of a contiguous range of seqs, sorted by fingerprint and cut into buckets of
//! about 37.
//! Each bucket has one 64-byte line (filter, place of its entries, CRC): an id that is not in the
//! run costs one line, an id that is in it a line and its neighbour and some 400 bytes of entries.
//! Four neighbouring runs of one size are merged into one, so a question asks a bounded number of
//! runs (`merge.rs` says how many).
//!
//! Knows nothing about producers, contents, windows of time (they come as arguments) or how a
//! record is read.
//!
//! Files `ids/<from, 20 digits>-<to, 20 digits>.ids`. They are not evidence and not in `format.md`:
//! the bytes are described in `layout.rs` with a version of their own, and what does not match is
//! removed and rebuilt.

mod error;
mod fingerprint;
mod index;
mod layout;
mod merge;
mod open;
mod recent;
mod run;
mod snapshot;
#[cfg(test)]
mod tests;
mod window;
mod writer;

pub use error::IdError;
pub use fingerprint::{Fingerprint, IdKey, fingerprint};
pub use index::{Checked, IdEntry, IdIndex, Step};
pub use recent::{FLUSH_LEN, FrozenTable, RecentIds};
pub use snapshot::{IdSnapshot, Probes};
pub use window::Window;
