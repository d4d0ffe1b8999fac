//! Finished windows of an active file, each with an index file of its own beside it:
//! `active/<first-seq>-<count>.idx`.
//!
//! They are for whoever opens the log after a crash, and for processes beside the writer: without
//! them both would read the whole active file. They go when the file has its own index.
//! Invariant: one is used only where the log's own records give the chain hash that it names; that
//! is asked when a question first needs it, never when a log is opened. They are not synced: what a
//! power cut leaves of one does not match its checksums.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::building::window_end;
use super::store::{self, Opened, room_for};
use crate::format::{index_name, parse_index_name};
use crate::index::file::{IndexFileWriter, IndexIdentity};
use crate::io::{OpenMode, Storage, TEMPORARY_SUFFIX};
use crate::log::active_read;
use crate::log::active_write::ACTIVE;
use crate::log::error::LogError;
use crate::log::group::Group;
use crate::log::view::ActiveFile;
use crate::types::Seq;

/// A window that an active file has to its end, or the part of one with which the file begins.
#[derive(Clone)]
pub(super) struct Window {
    pub(super) active: Arc<ActiveFile>,
    pub(super) seqs: Range<u64>,
}

impl Window {
    /// Its index file, if it was made for these records; touches a few of its pages.
    pub(super) fn open(&self, storage: &dyn Storage) -> Opened {
        open(storage, &self.seqs, || self.last_group())
    }

    fn last_group(&self) -> io::Result<Arc<Group>> {
        let last = self.seqs.end.saturating_sub(1);
        let group = match active_read::find(&self.active, last, None)? {
            Ok(found) => active_read::read(&self.active, &found)?.0,
            Err(lost) => Group::damaged(lost, Vec::new()),
        };
        Ok(Arc::new(group))
    }

    /// What its index must say about itself; `None` where the last record is damaged.
    pub(super) fn identity(&self) -> io::Result<Option<IndexIdentity>> {
        Ok(identity(&self.seqs, &self.last_group()?))
    }
}

/// The windows that a file of these seqs has to their ends, ascending.
pub(super) fn finished(seqs: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let mut first = seqs.start;
    std::iter::from_fn(move || {
        let window = first..window_end(first);
        first = window.end;
        (window.end <= seqs.end).then_some(window)
    })
}

/// Path of the index of a window.
pub(super) fn path(seqs: &Range<u64>) -> String {
    format!("{ACTIVE}/{}", index_name(Seq(seqs.start), seqs.end.saturating_sub(seqs.start)))
}

/// What the index of a window must say about itself, by the group with its last record.
pub(super) fn identity(seqs: &Range<u64>, last: &Arc<Group>) -> Option<IndexIdentity> {
    let chain_after = last.entry(seqs.end.checked_sub(1)?).chain_hash()?;
    let (first_seq, count) = (seqs.start, seqs.end.checked_sub(seqs.start)?);
    Some(IndexIdentity { first_seq, count, chain_after, erased: 0 })
}

/// Opens the index of a window; `last` reads the group with its last record.
pub(super) fn open(
    storage: &dyn Storage,
    seqs: &Range<u64>,
    last: impl FnOnce() -> io::Result<Arc<Group>>,
) -> Opened {
    store::open_at(storage, &path(seqs), || Ok(identity(seqs, &last()?)))
}

/// The shard of a window, if its index file can be used; it is read and checked as a whole.
pub(super) fn load(
    storage: &dyn Storage,
    seqs: &Range<u64>,
    last: impl FnOnce() -> io::Result<Arc<Group>>,
) -> Option<Vec<u8>> {
    let Opened::Ready(file) = open(storage, seqs, last) else { return None };
    file.shard_bytes(0).ok().map(<[u8]>::to_vec)
}

/// Writes the index of a window under its name, over one that is there.
///
/// # Errors
/// The storage's; or there is no room for it beside the reserve.
pub(super) fn write(
    storage: &dyn Storage,
    identity: IndexIdentity,
    shard: &[u8],
    wanted_reserve: Option<u64>,
) -> Result<(), LogError> {
    let path = path(&(identity.first_seq..identity.first_seq.saturating_add(identity.count)));
    let temporary = format!("{path}{TEMPORARY_SUFFIX}");
    let put = || {
        room_for(storage, identity.count, wanted_reserve)?;
        let mut writer = IndexFileWriter::new(Vec::new(), identity)?;
        writer.push(shard)?;
        let bytes = writer.finish()?;
        match storage.remove(&temporary) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let named = storage
            .open(&temporary, OpenMode::Create)
            .and_then(|file| file.write_at(0, &bytes))
            .and_then(|()| storage.set_read_only(&temporary))
            .and_then(|()| storage.rename(&temporary, &path));
        if named.is_err() {
            let _ = storage.remove(&temporary);
        }
        named
    };
    put().map_err(LogError::io(&path))
}

/// Removes the indexes of windows that nobody needs: all whose seqs `needed` refuses.
///
/// # Errors
/// The storage's. A removal that a power cut takes back is made again when the log is next opened.
pub(super) fn remove(
    storage: &dyn Storage,
    needed: impl Fn(&Range<u64>) -> bool,
) -> Result<(), LogError> {
    for name in storage.list(ACTIVE).map_err(LogError::io(ACTIVE))? {
        let Some((first, count)) = parse_index_name(&name) else { continue };
        if !needed(&(first.0..first.0.saturating_add(count))) {
            let path = format!("{ACTIVE}/{name}");
            storage.remove(&path).map_err(LogError::io(&path))?;
        }
    }
    Ok(())
}
