//! Errors of opening a log for reading, of reads, and of copies made of it.
//!
//! Invariant: damage is no error of a read: it stands as `Entry::Damaged` in its place, and only a
//! question that can't be answered without the damaged bytes fails.

use std::io;

use crate::proof::{KeyListError, SignedError};
use crate::query::CursorError;
use crate::types::{Seq, TreeSize, counted};

/// Why a log can't be opened for reading.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenReadError {
    /// The operating system said no.
    #[error("can't read {path}")]
    Io {
        /// Path in the data directory.
        path: String,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// There is no log here.
    #[error("no log here: log.json is missing")]
    NoLog,
    /// `log.json` is not what a log writes there.
    #[error("log.json is damaged: without it no byte of the log can be checked")]
    Identity,
    /// A format that this program does not know.
    #[error("the log has format {found}; this program reads formats up to {known}")]
    Format {
        /// Format of the log.
        found: u32,
        /// Newest format known.
        known: u32,
    },
    /// Files came and went faster than they could be listed.
    #[error("the files of the log changed while they were listed; try again")]
    Moving,
}

/// Why a read can't be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The operating system said no.
    #[error("can't read {path}")]
    Io {
        /// Path in the data directory.
        path: String,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// There is no such record.
    #[error("there is no record {seq}: the log holds {size}")]
    NoSuchRecord {
        /// Record asked for.
        seq: Seq,
        /// Records of the log, or of the tree asked for.
        size: TreeSize,
    },
    /// The tree never had this size.
    #[error("there is no tree of {}: the log holds {log}", counted(size.0, "record"))]
    NoSuchSize {
        /// Size asked for.
        size: TreeSize,
        /// Records of the log.
        log: TreeSize,
    },
    /// A larger tree can't be a prefix of a smaller one.
    #[error("a tree of {old} can't be a prefix of a tree of {new}")]
    SizesReversed {
        /// Size called older.
        old: TreeSize,
        /// Size called newer.
        new: TreeSize,
    },
    /// A tree without records is a prefix of every tree: there is nothing to prove.
    #[error("a tree of 0 records is a prefix of every tree: there is nothing to prove")]
    EmptyTree,
    /// The answer needs the bytes of a damaged record.
    #[error("record {seq} is damaged: what depends on it can't be proven")]
    Damaged {
        /// The record.
        seq: Seq,
    },
    /// The stored checkpoint is not a valid one.
    #[error("the stored checkpoint does not hold")]
    Checkpoint(#[source] SignedError),
    /// The list of keys is not a valid one.
    #[error("log.vkeys does not hold")]
    Keys(#[source] KeyListError),
    /// The cursor does not go with the query.
    #[error("the cursor can't be used here")]
    Cursor(#[source] CursorError),
    /// Whoever asked does not want the answer any more.
    #[error("the query was cancelled")]
    Cancelled,
    /// The period is too long for buckets of this size.
    #[error("there are more than {most} buckets with records in the period")]
    TooManyBuckets {
        /// Buckets of one answer, at most.
        most: usize,
    },
    /// There is no list of keys, so nothing signed can be checked.
    #[error("log.vkeys is missing")]
    NoKeys,
}

impl ReadError {
    pub(crate) fn io(path: &str) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

/// Why a copy (published tiles or a backup) was not finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The log could not be read.
    #[error("the log could not be read")]
    Read(#[from] ReadError),
    /// The log could not be looked at anew.
    #[error("the log could not be looked at anew")]
    Refresh(#[source] OpenReadError),
    /// The copy could not be opened again.
    #[error("the copy could not be opened")]
    Open(#[source] OpenReadError),
    /// Writing failed.
    #[error("can't write {path}")]
    Write {
        /// Path below the destination.
        path: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// There is something at the destination already.
    #[error("the destination is not empty")]
    NotEmpty,
    /// Nothing was signed yet.
    #[error("the log has no checkpoint yet")]
    NoCheckpoint,
    /// The records do not have the root that was signed.
    #[error("the records do not have the root that the checkpoint of {size} signed")]
    Root {
        /// Size of the checkpoint.
        size: TreeSize,
    },
    /// The copy holds less than its checkpoint covers.
    #[error("the copy holds {}, its checkpoint covers {checkpoint}", counted(copied.0, "record"))]
    Short {
        /// Records in the copy.
        copied: TreeSize,
        /// Records that the checkpoint covers.
        checkpoint: TreeSize,
    },
}

impl CopyError {
    pub(crate) fn write(path: &str) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Write { path: path.to_owned(), source }
    }
}

/// For `map_err`: what the medium said about a file.
pub(super) fn open_io(path: &str) -> impl FnOnce(io::Error) -> OpenReadError + '_ {
    move |source| OpenReadError::Io { path: path.to_owned(), source }
}
