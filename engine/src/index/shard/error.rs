//! What is wrong with the bytes of an index.
//!
//! Invariant: every such error means "build it again from the records", never "refuse to answer".

/// An index that can't be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShardError {
    /// A page does not have its checksum.
    #[error("page {page} of the index is damaged")]
    Page {
        /// Position of the page.
        page: u64,
    },
    /// A structure contradicts itself or runs over its end.
    #[error("the {0} of the index can't be decoded")]
    Structure(&'static str),
    /// It was made for other records.
    #[error("the index belongs to other records")]
    Stale,
    /// It was written by a version that this one does not read.
    #[error("the index has version {0}, which this version does not read")]
    Version(u16),
}
