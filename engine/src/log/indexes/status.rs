//! What there is of indexes, for whoever looks after a log.
//!
//! Invariant: only looks; nothing is opened for good, marked or queued.

use std::ops::Range;
use std::sync::Arc;

use super::known::Unusable;
use super::piece::Finished;
use super::store::{self, Opened, index_path};
use super::windows::{self, Window};
use crate::io::{OpenMode, TEMPORARY_SUFFIX};
use crate::log::reader::Reader;
use crate::log::view::ActiveFile;
use crate::types::Seq;

/// Whether the index of a file can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum IndexState {
    /// It can. Its pages are checked when they are read.
    Ready,
    /// There is none: a writer makes it in the background.
    Missing,
    /// It is being made.
    Building,
    /// It was made for other records or by another version.
    Stale,
    /// Its bytes can't be decoded.
    Damaged,
    /// The file is still written: its index is in the writer's memory, and in files by windows.
    Active,
}

/// The index of one file of records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IndexInfo {
    /// Seq of the file's first record.
    pub first_seq: Seq,
    /// Records of the file.
    pub count: u64,
    /// Path of the index in the data directory, where it has or will have one.
    pub path: Option<String>,
    /// Whether it can be used.
    pub state: IndexState,
    /// Bytes of the index file, or of those of the windows of an active file; 0 where there is
    /// none.
    pub file_len: u64,
    /// Records of the file that are indexed, in index files or in this process's memory. Queries
    /// read the others.
    pub indexed: u64,
}

impl Reader {
    /// The indexes of the files that hold the records, in seq order; one for each of
    /// [`Reader::segments`]. Opens every index file once.
    #[must_use]
    pub fn index_files(&self) -> Vec<IndexInfo> {
        let view = self.view();
        let sealed = view.sealed.first(view.sealed_len).into_iter().map(Finished::Sealed);
        let mut infos: Vec<IndexInfo> = sealed.map(|of| self.index_info(&of)).collect();
        for (i, active) in view.actives.iter().enumerate() {
            let first_seq = active.header.first_seq;
            infos.push(if i + 1 < view.actives.len() {
                self.index_info(&Finished::Rolled(Arc::clone(active)))
            } else {
                let seqs = first_seq.0..active.end_seq();
                let (indexed, file_len) = self.windows_info(active, seqs.clone());
                let (path, state) = (None, IndexState::Active);
                let count = seqs.end.saturating_sub(seqs.start);
                IndexInfo { first_seq, count, path, state, file_len, indexed }
            });
        }
        infos
    }

    /// How many records of an active file are indexed, and the bytes of the files of its windows.
    fn windows_info(&self, active: &Arc<ActiveFile>, seqs: Range<u64>) -> (u64, u64) {
        let in_memory = self.parts.indexes.in_memory(seqs.start);
        let mut indexed = len_of(&in_memory);
        let mut file_len = 0;
        for seqs in windows::finished(seqs).filter(|_| !active.is_damaged()) {
            let window = Window { active: Arc::clone(active), seqs };
            if let Opened::Ready(file) = window.open(&*self.parts.storage) {
                file_len += file.file_len();
                let begins = window.seqs.start;
                let held = in_memory.iter().any(|m| m.start == begins && !m.is_empty());
                indexed += if held { 0 } else { file.identity().count };
            }
        }
        (indexed, file_len)
    }

    fn index_info(&self, of: &Finished) -> IndexInfo {
        let storage = &*self.parts.storage;
        let identity = of.identity();
        let path = index_path(identity.first_seq, identity.count);
        let len = |path: &str| storage.open(path, OpenMode::Read).and_then(|file| file.len());
        let state = match store::open(storage, &identity) {
            Opened::Ready(_) => IndexState::Ready,
            Opened::Unusable(Unusable::Stale) => IndexState::Stale,
            Opened::Unusable(Unusable::Damaged) | Opened::Failed(_) => IndexState::Damaged,
            Opened::Unusable(Unusable::Missing) => {
                let temporary = format!("{path}{TEMPORARY_SUFFIX}");
                if len(&temporary).is_ok() { IndexState::Building } else { IndexState::Missing }
            }
        };
        IndexInfo {
            first_seq: Seq(identity.first_seq),
            count: identity.count,
            file_len: len(&path).unwrap_or(0),
            indexed: if state == IndexState::Ready {
                identity.count
            } else {
                len_of(&self.parts.indexes.in_memory(identity.first_seq))
            },
            path: Some(path),
            state,
        }
    }
}

fn len_of(seqs: &[Range<u64>]) -> u64 {
    seqs.iter().map(|seqs| seqs.end.saturating_sub(seqs.start)).sum()
}
