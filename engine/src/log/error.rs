//! What can go wrong with a log, one small enum per verb.
//!
//! Invariant: every error says what and where; [`ErrorClass`] is exhaustive, so that a server or a
//! command line can match on it without a wildcard.

use std::io;
use std::sync::Arc;

use super::read_error::OpenReadError;
use crate::index::ids::IdError;
use crate::io::LockError;
use crate::proof::{KeyError, KeyListError};
use crate::record::{AuditId, Fault};
use crate::recovery::Damage;
use crate::segment::SegmentError;
use crate::types::{Seq, counted};

/// What the caller can do about an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorClass {
    /// The input is wrong; sending it again will not help.
    Invalid,
    /// The same key was used for other content.
    Conflict,
    /// Try again later.
    Busy,
    /// The disk is full; try again when there is space.
    Full,
    /// Somebody else writes to the log.
    Locked,
    /// The evidence is damaged; verification tells more.
    Damaged,
    /// The log must be opened anew, or the operating system failed.
    Failed,
}

/// A log that can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another writer has it, or the lock can't be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file can't be read or written.
    #[error("can't use {path}")]
    Io {
        /// Path in the data directory.
        path: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// There is no log and none was asked for.
    #[error("there is no log here (log.json is missing)")]
    NotALog,
    /// There are segments, but the file that names the log is gone.
    #[error("log.json is missing, but there are segments: restore it before anything else")]
    IdentityMissing,
    /// `log.json` is not as it was written.
    #[error("log.json is damaged")]
    Identity,
    /// The options allow records that no reader would take.
    #[error("records can have at most {max} bytes")]
    Limits {
        /// Largest `record_len_max` that can be set.
        max: usize,
    },
    /// Made by a newer version.
    #[error("the log has format {0}, which this program does not know")]
    Format(u32),
    /// Files came and went while they were listed.
    #[error("the files of the log changed while they were listed; try again")]
    Moving,
    /// The log has another name than the options ask for.
    #[error("the log is named {found}, not {wanted}")]
    OtherOrigin {
        /// Its name.
        found: String,
        /// The name in the options.
        wanted: String,
    },
    /// `log.vkeys` is damaged.
    #[error("log.vkeys does not hold")]
    Keys(#[from] KeyListError),
    /// A key can't be read.
    #[error("{path} is no signing key")]
    Key {
        /// Path in the data directory.
        path: String,
        /// What is wrong with it.
        source: KeyError,
    },
    /// None of the signing keys is the current one.
    #[error("keys/ holds no signing key for the current verifier key {0}")]
    NoSigningKey(String),
    /// A sealed segment can't be opened.
    #[error("{path} can't be opened")]
    Segment {
        /// Path in the data directory.
        path: String,
        /// What is wrong with it.
        source: SegmentError,
    },
    /// The log is read-only: continued only by the operator's word, as a fork.
    #[error("the log is damaged and can only be read: {}", list(.0))]
    Damaged(Vec<Damage>),
    /// The id index can't be used.
    #[error("the id index can't be used")]
    Ids(#[from] IdError),
    /// What is there contradicts what was signed.
    #[error("the records do not lead to the root that was signed for {}", counted(*size, "record"))]
    Contradiction {
        /// Size of the signed tree.
        size: u64,
    },
}

fn list(damage: &[Damage]) -> String {
    damage.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl From<OpenReadError> for OpenError {
    fn from(error: OpenReadError) -> Self {
        match error {
            OpenReadError::Io { path, source } => Self::Io { path, source },
            OpenReadError::NoLog => Self::NotALog,
            OpenReadError::Identity => Self::Identity,
            OpenReadError::Format { found, .. } => Self::Format(found),
            OpenReadError::Moving => Self::Moving,
        }
    }
}

impl OpenError {
    pub(crate) fn io(path: &str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    /// What the caller can do.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Lock(LockError::Held { .. }) => ErrorClass::Locked,
            Self::NotALog | Self::OtherOrigin { .. } | Self::Limits { .. } => ErrorClass::Invalid,
            Self::Io { source, .. } if is_full(source) => ErrorClass::Full,
            Self::Damaged(_)
            | Self::Identity
            | Self::IdentityMissing
            | Self::Keys(_)
            | Self::Contradiction { .. }
            | Self::Segment { .. } => ErrorClass::Damaged,
            Self::Lock(_)
            | Self::Io { .. }
            | Self::Format(_)
            | Self::Key { .. }
            | Self::NoSigningKey(_)
            | Self::Moving
            | Self::Ids(_) => ErrorClass::Failed,
        }
    }
}

/// One id that was used for other content before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conflict {
    /// Position of the record in the batch.
    pub index: usize,
    /// Its id.
    pub audit_id: AuditId,
    /// Where the earlier record is; `None` where it is in the same batch.
    pub seq: Option<Seq>,
}

/// A batch that was not appended; nothing of it is in the log.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// Records that break the rules.
    #[error("{} invalid: {}", counted(.0.len(), "place"), first(.0))]
    Invalid(Vec<Fault>),
    /// Ids that stand for other content.
    #[error("{}: the same audit_id was used for other content", counted(.0.len(), "conflict"))]
    Conflict(Vec<Conflict>),
    /// The batch is longer than a frame can be.
    #[error("the batch has {len} bytes, more than {max}")]
    TooLarge {
        /// Its bytes.
        len: usize,
        /// Most bytes.
        max: usize,
    },
    /// The queue is full.
    #[error("the queue is full: try again")]
    Busy,
    /// The disk is full, or its free space would fall below the reserve.
    #[error("the disk is full: {free} bytes free, {reserve} kept in reserve")]
    DiskFull {
        /// Bytes free.
        free: u64,
        /// Bytes that stay free.
        reserve: u64,
    },
    /// Writing failed; the log must be opened anew, which decides from what is on disk.
    #[error("the log was stopped: {0}; open it again")]
    Poisoned(Arc<str>),
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
    /// What is there contradicts what was signed: the log can only be read.
    #[error("{}", contradiction(*.signed, *.size))]
    Contradiction {
        /// Size of the signed tree.
        signed: u64,
        /// Records that the log held when it was opened.
        size: u64,
    },
    /// An earlier record with the same id can't be read, so that nobody can say whether they are
    /// equal.
    #[error("record {seq} with the same audit_id can't be read: {why}")]
    Unreadable {
        /// The earlier record.
        seq: Seq,
        /// Why.
        why: Arc<str>,
    },
    /// The id index is damaged and being rebuilt: try again.
    #[error("{0}; it is being rebuilt, try again")]
    Index(Arc<str>),
    /// The operating system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(Arc<str>),
}

fn contradiction(signed: u64, size: u64) -> String {
    format!(
        "the log can only be read: what it holds ({}) does not lead to the root that was signed \
         for {signed}",
        counted(size, "record")
    )
}

fn first(faults: &[Fault]) -> String {
    faults.first().map(ToString::to_string).unwrap_or_default()
}

impl AppendError {
    /// What the caller can do.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Invalid(_) | Self::TooLarge { .. } => ErrorClass::Invalid,
            Self::Conflict(_) => ErrorClass::Conflict,
            Self::Busy | Self::Index(_) => ErrorClass::Busy,
            Self::DiskFull { .. } => ErrorClass::Full,
            Self::Unreadable { .. } | Self::Contradiction { .. } => ErrorClass::Damaged,
            Self::Poisoned(_) | Self::Closed | Self::Random(_) => ErrorClass::Failed,
        }
    }
}

/// Background work, sealing or a checkpoint that failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// Writing failed; the log must be opened anew.
    #[error("the log was stopped: {0}; open it again")]
    Poisoned(Arc<str>),
    /// What is there contradicts what was signed: the log can only be read.
    #[error("{}", contradiction(*.signed, *.size))]
    Contradiction {
        /// Size of the signed tree.
        signed: u64,
        /// Records that the log held when it was opened.
        size: u64,
    },
    /// The disk is full.
    #[error("the disk is full: {0}")]
    DiskFull(Arc<str>),
    /// The id index can't be read or written; it can be rebuilt from the records, which are not
    /// concerned.
    #[error("{path}, a part of the id index, can't be used: {why}")]
    Index {
        /// Path in the data directory.
        path: String,
        /// What is wrong.
        why: Arc<str>,
    },
    /// What is on disk is not what was written.
    #[error("{path}: {why}")]
    Damaged {
        /// Path in the data directory.
        path: String,
        /// What is wrong.
        why: Arc<str>,
    },
    /// The operating system failed.
    #[error("{path}: {why}")]
    Io {
        /// Path in the data directory.
        path: String,
        /// What it says.
        why: Arc<str>,
    },
}

impl LogError {
    pub(crate) fn io(path: &str) -> impl FnOnce(io::Error) -> Self {
        move |e| {
            let why = e.to_string().into();
            if is_full(&e) { Self::DiskFull(why) } else { Self::Io { path: path.to_owned(), why } }
        }
    }

    pub(crate) fn index(error: IdError) -> Self {
        match error {
            IdError::Io { source, .. } if is_full(&source) => {
                Self::DiskFull(source.to_string().into())
            }
            IdError::Io { path, source } => Self::Index { path, why: source.to_string().into() },
            other => Self::Index { path: "ids".to_owned(), why: other.to_string().into() },
        }
    }

    pub(crate) fn damaged(path: &str, why: impl std::fmt::Display) -> Self {
        Self::Damaged { path: path.to_owned(), why: why.to_string().into() }
    }

    /// What the caller can do.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Poisoned(_) | Self::Io { .. } | Self::Index { .. } => ErrorClass::Failed,
            Self::DiskFull(_) => ErrorClass::Full,
            Self::Damaged { .. } | Self::Contradiction { .. } => ErrorClass::Damaged,
        }
    }
}

/// Whether an error means that there is no space.
pub(crate) fn is_full(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
