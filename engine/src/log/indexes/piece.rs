//! What is known about each part of a log.
//!
//! Invariant: a piece never claims more than it holds: where an index can't be used after all, its
//! records are still there to be read.

use std::ops::Range;
use std::sync::Arc;

use super::known::Indexes;
use super::store::identity_of;
use super::windows::Window;
use crate::format::TimeRange;
use crate::index::file::IndexIdentity;
use crate::index::shard::ShardLookup;
use crate::log::catalogue::SegmentEntry;
use crate::log::view::ActiveFile;

/// Any time at all.
pub(crate) const ANY_TIME: TimeRange = TimeRange { min: i64::MIN, max: i64::MAX };

/// A run of seqs and what is known about its records.
pub(crate) enum Piece {
    /// A finished file, or a finished window of an active one, with an index beside it that is
    /// opened when it is asked for.
    File {
        /// Its seqs: all that the index knows.
        range: Range<u64>,
        /// No record of it has another time; any time where that is not known.
        times: TimeRange,
        /// Its index.
        file: IndexHandle,
    },
    /// A window of an active file in memory. It may know records behind `range`, which the view
    /// does not show.
    Shard {
        /// Its seqs.
        range: Range<u64>,
        /// Their index.
        shard: Arc<dyn ShardLookup>,
    },
    /// Nothing: the records have to be read.
    Bare {
        /// Its seqs.
        range: Range<u64>,
        /// No record of it has another time, where that is known.
        times: Option<TimeRange>,
    },
}

#[cfg(test)]
impl Piece {
    /// Its seqs.
    pub(crate) fn range(&self) -> &Range<u64> {
        match self {
            Self::File { range, .. } | Self::Shard { range, .. } | Self::Bare { range, .. } => {
                range
            }
        }
    }
}

/// An index file that is opened when it is asked for.
#[derive(Clone)]
pub(crate) struct IndexHandle {
    pub(super) indexes: Arc<Indexes>,
    pub(super) of: Indexed,
}

/// What an index file is for.
#[derive(Clone)]
pub(super) enum Indexed {
    File(Finished),
    Window(Window),
}

/// A file to which nothing is appended any more.
#[derive(Clone)]
pub(super) enum Finished {
    /// A sealed segment.
    Sealed(Arc<SegmentEntry>),
    /// An active file that another one follows.
    Rolled(Arc<ActiveFile>),
}

impl Finished {
    pub(super) fn first_seq(&self) -> u64 {
        match self {
            Self::Sealed(entry) => entry.first_seq,
            Self::Rolled(active) => active.header.first_seq.0,
        }
    }

    pub(super) fn end_seq(&self) -> u64 {
        match self {
            Self::Sealed(entry) => entry.end_seq(),
            Self::Rolled(active) => active.end_seq(),
        }
    }

    /// What its index must say about itself.
    pub(super) fn identity(&self) -> IndexIdentity {
        match self {
            Self::Sealed(entry) => identity_of(entry),
            Self::Rolled(active) => {
                let end = active.end();
                IndexIdentity {
                    first_seq: active.header.first_seq.0,
                    count: active.end_seq().saturating_sub(active.header.first_seq.0),
                    chain_after: end.chain,
                    erased: 0,
                }
            }
        }
    }

    /// The times of its records, where they are known: an erased record is in no range of times.
    pub(super) fn times(&self) -> Option<TimeRange> {
        match self {
            Self::Sealed(entry) => {
                let known = entry.counts.erased == 0 && entry.timestamp.min <= entry.timestamp.max;
                known.then_some(entry.timestamp)
            }
            Self::Rolled(_) => None,
        }
    }
}

impl IndexHandle {
    /// The index, opened now or held from before; `None` where there is none that can be used: then
    /// the records have to be read. Costs a map and a few pages the first time.
    pub(crate) fn open(&self) -> Option<Arc<crate::index::file::IndexFile>> {
        match &self.of {
            Indexed::File(file) => self.indexes.open(file),
            Indexed::Window(window) => self.indexes.open_window(window),
        }
    }

    /// Tells that the index gave an error: it is not used again and, by a writer, built anew.
    pub(crate) fn report(&self) {
        match &self.of {
            Indexed::File(file) => self.indexes.report(file.first_seq()),
            Indexed::Window(window) => self.indexes.report_window(window),
        }
    }
}
