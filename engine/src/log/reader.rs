//! A read-only view of a log: beside a running writer in another process, or handed out by one in
//! this.
//!
//! Invariant: a reader writes nothing and takes no lock; it shows only what is durable. A reader
//! that was opened on a directory shows the moment of its opening until [`Reader::refresh`]; one
//! that a writer handed out shows each call the writer's current state.

use std::ops::Range;
use std::sync::Arc;

use parking_lot::RwLock;

use super::cache::{GroupCache, SEGMENTS_MAX, SegmentCache};
use super::entry::Entry;
use super::indexes::Indexes;
use super::open_read::read_file;
use super::parts::{Keep, LiveTree, Nearby, Parts};
use super::read_error::ReadError;
use super::scan::Scan;
use super::view::{SharedView, View};
use crate::format::{TimeRange, active_name};
use crate::io::Storage;
use crate::proof::{Checkpoint, KeyList, LogIdentity};
use crate::query::Order;
use crate::recovery::Damage;
use crate::types::{LogId, Origin, Seq, TreeSize};

/// Name of the stored checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// Name of the list of keys.
pub(crate) const KEYS: &str = "log.vkeys";

/// A read-only view of a log; clones share caches and view.
#[derive(Clone)]
pub struct Reader {
    pub(crate) parts: Arc<Parts>,
}

/// The newest signed checkpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedCheckpoint {
    /// The signed note as stored.
    pub note: String,
    /// What it says; verified by the log's own keys.
    pub checkpoint: Checkpoint,
}

/// One file of records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegmentInfo {
    /// Seq of the first record.
    pub first_seq: Seq,
    /// Records; in an active file those that are visible.
    pub count: u64,
    /// Path in the data directory.
    pub path: String,
    /// Bytes of the file.
    pub file_len: u64,
    /// Bytes that verification answers for (CONTRACT 2): all of a sealed file, an active one up to
    /// its end.
    pub evidence_bytes: u64,
    /// `timestamp` of its records, nanoseconds since 1970; of sealed files.
    pub timestamp: Option<TimeRange>,
    /// `received_at` of its records, nanoseconds since 1970; of sealed files.
    pub received: Option<TimeRange>,
    /// Whether it is sealed.
    pub sealed: bool,
}

impl Reader {
    /// A reader on a writer's view.
    pub(crate) fn from_writer(
        storage: Arc<dyn Storage>,
        identity: LogIdentity,
        keys: KeyList,
        view: Arc<SharedView>,
        live: Option<Arc<dyn LiveTree>>,
        cache_len_max: usize,
    ) -> Self {
        let identity_sha256 = identity.sha256();
        Self::from_parts(Arc::new(Parts {
            indexes: Indexes::new(Arc::clone(&storage)),
            storage,
            identity,
            identity_sha256,
            keys: RwLock::new(Some(Arc::new(keys))),
            view,
            groups: GroupCache::new(cache_len_max),
            segments: SegmentCache::new(SEGMENTS_MAX),
            live,
            follow: None,
        }))
    }

    pub(crate) fn from_parts(parts: Arc<Parts>) -> Self {
        Self { parts }
    }

    pub(crate) fn view(&self) -> Arc<View> {
        self.parts.view.get()
    }

    /// Name of the log.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.parts.identity.origin
    }

    /// Id of the log.
    #[must_use]
    pub fn log_id(&self) -> LogId {
        self.parts.identity.log_id
    }

    /// Identity of the log, as `log.json` says.
    #[must_use]
    pub fn identity(&self) -> &LogIdentity {
        &self.parts.identity
    }

    /// Number of records: their seqs are those below it.
    #[must_use]
    pub fn size(&self) -> TreeSize {
        TreeSize(self.view().size())
    }

    /// What is missing, cut or does not link; empty in a sound log. Damage inside a file shows up
    /// only when it is read.
    #[must_use]
    pub fn damage(&self) -> Vec<Damage> {
        self.view().damage.to_vec()
    }

    /// The log's keys.
    ///
    /// # Errors
    /// [`ReadError::NoKeys`] or [`ReadError::Keys`] where `log.vkeys` is missing or does not hold.
    pub fn keys(&self) -> Result<Arc<KeyList>, ReadError> {
        if let Some(keys) = &*self.parts.keys.read() {
            return Ok(Arc::clone(keys));
        }
        self.load_keys()
    }

    fn load_keys(&self) -> Result<Arc<KeyList>, ReadError> {
        let bytes = read_file(&*self.parts.storage, KEYS).map_err(ReadError::io(KEYS))?;
        let list = KeyList::parse(&bytes.ok_or(ReadError::NoKeys)?).map_err(ReadError::Keys)?;
        Ok(Arc::new(list))
    }

    /// The newest signed checkpoint, read anew; `None` where there is none yet.
    ///
    /// # Errors
    /// [`ReadError::Checkpoint`] where its signature or form does not hold, otherwise what reading
    /// says.
    pub fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, ReadError> {
        let bytes = read_file(&*self.parts.storage, CHECKPOINT);
        let Some(bytes) = bytes.map_err(ReadError::io(CHECKPOINT))? else { return Ok(None) };
        let keys = self.keys()?;
        let checkpoint = match keys.open_checkpoint(&bytes) {
            Ok(checkpoint) => checkpoint,
            Err(first) => {
                // A key may have followed since; it counts only where the list goes on from ours.
                let newer = self.load_keys()?;
                let goes_on = newer.entries().zip(keys.entries()).all(|(a, b)| a == b)
                    && newer.len() > keys.len();
                if !goes_on {
                    return Err(ReadError::Checkpoint(first));
                }
                let checkpoint = newer.open_checkpoint(&bytes).map_err(ReadError::Checkpoint)?;
                *self.parts.keys.write() = Some(newer);
                checkpoint
            }
        };
        let note = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Some(SignedCheckpoint { note, checkpoint }))
    }

    /// What stands at a seq.
    ///
    /// # Errors
    /// [`ReadError::NoSuchRecord`] behind the end; [`ReadError::Io`] where the medium fails. Damage
    /// is no error but [`Entry::Damaged`].
    pub fn read(&self, seq: Seq) -> Result<Entry, ReadError> {
        let view = self.view();
        check_seq(&view, seq)?;
        let group = self.parts.group_at(&view, seq.0, Keep::Cached, &mut Nearby::default())?;
        Ok(group.entry(seq.0))
    }

    /// Everything that stands at these seqs, as far as the log goes, in seq order or against it.
    #[must_use]
    pub fn scan(&self, seqs: Range<u64>, order: Order) -> Scan {
        Scan::new(Arc::clone(&self.parts), self.view(), seqs, order)
    }

    /// The bytes at a seq as they are, verified or not: the record's where it can be told apart,
    /// otherwise those of its group or frame; empty where nothing is there.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn raw_damaged(&self, seq: Seq) -> Result<Vec<u8>, ReadError> {
        let view = self.view();
        check_seq(&view, seq)?;
        self.parts.raw(&view, seq.0)
    }

    /// The files that hold the records, in seq order.
    #[must_use]
    pub fn segments(&self) -> Vec<SegmentInfo> {
        let view = self.view();
        let sealed = view.sealed.first(view.sealed_len).into_iter().map(|entry| SegmentInfo {
            first_seq: Seq(entry.first_seq),
            count: entry.count,
            path: entry.path(),
            file_len: entry.file_len,
            evidence_bytes: entry.file_len,
            timestamp: Some(entry.timestamp),
            received: Some(entry.received),
            sealed: true,
        });
        let actives = view.actives.iter().map(|active| {
            let first = active.header.first_seq;
            let end = active.end_offset();
            SegmentInfo {
                first_seq: first,
                count: active.end_seq().saturating_sub(first.0),
                path: format!("active/{}", active_name(first)),
                file_len: active.file.len().unwrap_or(end),
                evidence_bytes: end,
                timestamp: None,
                received: None,
                sealed: false,
            }
        });
        sealed.chain(actives).collect()
    }
}

pub(crate) fn check_seq(view: &View, seq: Seq) -> Result<(), ReadError> {
    let size = view.size();
    if seq.0 < size { Ok(()) } else { Err(ReadError::NoSuchRecord { seq, size: TreeSize(size) }) }
}

#[cfg(test)]
mod tests;
