//! `.idx` files: opened as maps, written beside and renamed.
//!
//! Order of calls: create the temporary file, writes, fdatasync, read-only, rename, fsync of the
//! directory. A crash before the rename leaves a `.tmp` file, which every open for writing removes.
//! Invariant: under its name a file is whole; writing one leaves the log's reserve of disk space
//! alone. Knows nothing about what the shards say.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use super::known::{Indexes, Unusable};
use crate::format::index_name;
use crate::index::file::{IndexFile, IndexFileWriter, IndexIdentity};
use crate::index::shard::ShardError;
use crate::io::{Map, OpenMode, Storage, TEMPORARY_SUFFIX, make_dir};
use crate::log::catalogue::SegmentEntry;
use crate::log::error::LogError;
use crate::log::room::reserve;
use crate::log::seal::{FileWriter, SEALED};
use crate::types::Seq;

/// Bytes that an index may need per record, for the question whether there is room.
const RECORD_LEN_MAX: u64 = 32;

/// What the index of a segment must say about itself.
pub(super) fn identity_of(entry: &SegmentEntry) -> IndexIdentity {
    IndexIdentity {
        first_seq: entry.first_seq,
        count: entry.count,
        chain_after: entry.chain_after,
        erased: entry.counts.erased,
    }
}

/// Path of the index of these records.
pub(super) fn index_path(first_seq: u64, count: u64) -> String {
    format!("{SEALED}/{}", index_name(Seq(first_seq), count))
}

/// What opening an index gave.
#[expect(clippy::large_enum_variant, reason = "taken apart where it was made")]
pub(super) enum Opened {
    Ready(IndexFile),
    Unusable(Unusable),
    Failed(io::Error),
}

/// Opens the index of these records; touches a few of its pages.
pub(super) fn open(storage: &dyn Storage, identity: &IndexIdentity) -> Opened {
    open_at(storage, &index_path(identity.first_seq, identity.count), || Ok(Some(*identity)))
}

/// Opens an index at a path. What it must say about itself is asked only where there is one; none
/// can be right where that is not known.
pub(super) fn open_at(
    storage: &dyn Storage,
    path: &str,
    identity: impl FnOnce() -> io::Result<Option<IndexIdentity>>,
) -> Opened {
    let map = match map(storage, path) {
        Ok(Some(map)) => map,
        Ok(None) => return Opened::Unusable(Unusable::Damaged),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Opened::Unusable(Unusable::Missing);
        }
        // Something that is no file stands in its place.
        Err(e) if e.kind() == io::ErrorKind::InvalidInput => {
            return Opened::Unusable(Unusable::Damaged);
        }
        Err(e) => return Opened::Failed(e),
    };
    let identity = match identity() {
        Ok(Some(identity)) => identity,
        Ok(None) => return Opened::Unusable(Unusable::Stale),
        Err(e) => return Opened::Failed(e),
    };
    match IndexFile::open(map, &identity) {
        Ok(file) => Opened::Ready(file),
        Err(ShardError::Stale | ShardError::Version(_)) => Opened::Unusable(Unusable::Stale),
        Err(_) => Opened::Unusable(Unusable::Damaged),
    }
}

/// Path of a segment's index, if there is one that can be used.
pub(crate) fn path_if_ready(storage: &dyn Storage, entry: &SegmentEntry) -> Option<String> {
    let ready = matches!(open(storage, &identity_of(entry)), Opened::Ready(_));
    ready.then(|| index_path(entry.first_seq, entry.count))
}

/// The bytes of a file; `None` of an empty one, which can't be mapped.
fn map(storage: &dyn Storage, path: &str) -> io::Result<Option<Map>> {
    let file = storage.open(path, OpenMode::Read)?;
    if file.len()? == 0 { Ok(None) } else { file.map().map(Some) }
}

/// Whether there is room for the index of so many records that leaves the log's reserve alone.
///
/// # Errors
/// [`io::ErrorKind::StorageFull`] where there is none; the storage's.
pub(super) fn room_for(
    storage: &dyn Storage,
    count: u64,
    wanted_reserve: Option<u64>,
) -> io::Result<()> {
    let space = storage.space()?;
    let kept = reserve(space, wanted_reserve).saturating_mul(2);
    if space.free < kept.saturating_add(count.saturating_mul(RECORD_LEN_MAX)) {
        return Err(io::ErrorKind::StorageFull.into());
    }
    Ok(())
}

/// An index file under way; its temporary file goes when it is dropped unfinished.
pub(super) struct Draft {
    indexes: Arc<Indexes>,
    identity: IndexIdentity,
    path: String,
    temporary: String,
    out: Option<IndexFileWriter<BufWriter<FileWriter>>>,
}

impl Draft {
    /// Begins the index of these records, if there is room for it beside the reserve.
    pub(super) fn create(
        indexes: &Arc<Indexes>,
        identity: IndexIdentity,
        wanted_reserve: Option<u64>,
    ) -> Result<Self, LogError> {
        let storage = &*indexes.storage;
        let path = index_path(identity.first_seq, identity.count);
        let failed = || LogError::io(&path);
        room_for(storage, identity.count, wanted_reserve).map_err(failed())?;
        make_dir(storage, SEALED).map_err(failed())?;
        let temporary = format!("{path}{TEMPORARY_SUFFIX}");
        match storage.remove(&temporary) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed()(e)),
            _ => {}
        }
        let file = storage.open(&temporary, OpenMode::Create).map_err(failed())?;
        let indexes = Arc::clone(indexes);
        let mut draft = Self { indexes, identity, path, temporary, out: None };
        let out = BufWriter::with_capacity(1 << 18, FileWriter::new(file));
        let writer = IndexFileWriter::new(out, draft.identity);
        draft.out = Some(writer.map_err(LogError::io(&draft.path))?);
        Ok(draft)
    }

    pub(super) fn identity(&self) -> &IndexIdentity {
        &self.identity
    }

    /// Adds the next shard.
    pub(super) fn push(&mut self, shard: &[u8]) -> Result<(), LogError> {
        let Some(out) = &mut self.out else { return Ok(()) };
        out.push(shard).map_err(LogError::io(&self.path))
    }

    /// Makes the file durable under its name.
    pub(super) fn finish(mut self) -> Result<(), LogError> {
        let Some(writer) = self.out.take() else { return Ok(()) };
        let written = writer.finish().and_then(|mut out| {
            out.flush()?;
            out.get_ref().sync()
        });
        let storage = &*self.indexes.storage;
        let named = written.and_then(|()| storage.set_read_only(&self.temporary)).and_then(|()| {
            let _alone = self.indexes.directory.lock();
            storage.rename(&self.temporary, &self.path)?;
            storage.sync_dir(SEALED)
        });
        if named.is_err() {
            let _ = storage.remove(&self.temporary);
        }
        named.map_err(LogError::io(&self.path))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(out) = self.out.take() {
            drop(out);
            let _ = self.indexes.storage.remove(&self.temporary);
        }
    }
}
