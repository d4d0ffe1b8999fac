//! What can go wrong with the id index.
//!
//! Invariant: whatever is returned, the snapshot in force before the call is still there and still
//! right.

use std::io;
use std::ops::Range;

/// Why a step of the id index was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// The storage refused; the step can be tried again.
    #[error("id index: can't use {path}")]
    Io {
        /// File or directory, relative to the data directory.
        path: String,
        /// What the storage said.
        source: io::Error,
    },
    /// A run's bytes don't match their checksum. [`super::IdIndex::discard`] its range, then add it
    /// again from the log; until then the question has no answer.
    #[error("id index: the run of seqs {}..{} is damaged", .0.start, .0.end)]
    Damaged(Range<u64>),
    /// The range is empty, longer than a run can be, or covered already.
    #[error("id index: seqs {}..{} can't be added", .0.start, .0.end)]
    Range(Range<u64>),
    /// A seq outside its range, or not above the one before it.
    #[error("id index: seq {seq} is out of place")]
    Order {
        /// The seq.
        seq: u64,
    },
}

impl IdError {
    pub(super) fn io(path: &str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}
