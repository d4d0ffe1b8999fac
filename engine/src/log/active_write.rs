//! The file that is written: space ahead, positioned writes, one sync.
//!
//! Zeros are written ahead of the frames, so that a commit overwrites space that is there already:
//! cheaper to sync than a growing file (PERFORMANCE 1.1), an end that is plain to see, and a full
//! disk shows before a frame is written, not in the middle of one.
//! Invariant: an error in [`ActiveWriter::make_room`] leaves every frame as it was.

use std::io;
use std::sync::Arc;

use super::error::is_full;
use super::view::ActiveFile;
use crate::format::{ActiveHeader, active_name};
use crate::io::{OpenMode, Space, Storage, StorageFile, TEMPORARY_SUFFIX, make_dir};

/// Directory of active files.
pub(crate) const ACTIVE: &str = "active";
/// Space is made in steps of at least and at most so many bytes; in between, of a quarter of the
/// file.
const STEP_MIN: u64 = 64 << 10;
const STEP_MAX: u64 = 4 << 20;

/// The current file's space.
pub(crate) struct ActiveWriter {
    file: Arc<dyn StorageFile>,
    /// Bytes that are there, written or zero.
    allocated: u64,
}

/// Why there is no room.
pub(crate) enum NoRoom {
    /// Nothing was written; try again when there is space.
    Full { free: u64, reserve: u64 },
    /// The state of the file is unknown.
    Failed(io::Error),
}

impl NoRoom {
    fn of(error: io::Error, storage: &dyn Storage, reserve: u64) -> Self {
        if is_full(&error) {
            Self::Full { free: storage.space().map_or(0, |space| space.free), reserve }
        } else {
            Self::Failed(error)
        }
    }
}

/// Bytes that must stay free.
pub(crate) fn reserve(space: Space, wanted: Option<u64>) -> u64 {
    wanted.unwrap_or_else(|| (32 << 20).min(space.total / 20))
}

impl ActiveWriter {
    /// Goes on with a file of this length.
    pub(crate) fn new(file: Arc<dyn StorageFile>, len: u64) -> Self {
        Self { file, allocated: len }
    }

    /// Makes sure that there is space up to `end`.
    pub(crate) fn make_room(
        &mut self,
        storage: &dyn Storage,
        end: u64,
        wanted_reserve: Option<u64>,
    ) -> Result<(), NoRoom> {
        if end <= self.allocated {
            return Ok(());
        }
        let space = storage.space().map_err(NoRoom::Failed)?;
        let reserve = reserve(space, wanted_reserve);
        let step = (end / 4).clamp(STEP_MIN, STEP_MAX);
        let len = (end - self.allocated).saturating_add(step);
        if space.free < reserve.saturating_add(len) {
            return Err(NoRoom::Full { free: space.free, reserve });
        }
        let zeros = vec![0; usize::try_from(len.min(STEP_MAX)).unwrap_or(0)];
        let target = self.allocated + len;
        let mut at = self.allocated;
        while at < target {
            let part = (target - at).min(STEP_MAX);
            let bytes = zeros.get(..usize::try_from(part).unwrap_or(0)).unwrap_or_default();
            if let Err(error) = self.file.write_at(at, bytes) {
                // Only zeros behind the last frame were touched; cut back to what was there.
                self.file.set_len(self.allocated).map_err(NoRoom::Failed)?;
                return Err(NoRoom::of(error, storage, reserve));
            }
            at += part;
        }
        self.allocated = target;
        Ok(())
    }

    /// Writes frames and makes them durable.
    pub(crate) fn commit(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, bytes)?;
        // THE COMMIT POINT: when this returns, the frames are durable; before it, nothing of them
        // counts.
        self.file.sync()
    }

    /// Gives the zeros behind the last frame back.
    pub(crate) fn trim(&mut self, end: u64) -> io::Result<()> {
        self.file.set_len(end)?;
        self.file.sync()?;
        self.allocated = end;
        Ok(())
    }
}

/// Path of the active file that begins with a seq.
pub(crate) fn active_path(header: &ActiveHeader) -> String {
    format!("{ACTIVE}/{}", active_name(header.first_seq))
}

/// Makes a new active file; when it returns, the file with its header is durable under its name.
/// Order: create the temporary file, write header and zeros, fdatasync, rename, fsync of the
/// directory.
pub(crate) fn create(
    storage: &dyn Storage,
    header: &ActiveHeader,
    wanted_reserve: Option<u64>,
) -> Result<(ActiveWriter, ActiveFile), NoRoom> {
    let path = active_path(header);
    let temporary = format!("{path}{TEMPORARY_SUFFIX}");
    let space = storage.space().map_err(NoRoom::Failed)?;
    let reserve = reserve(space, wanted_reserve);
    let no_room = |e| NoRoom::of(e, storage, reserve);
    make_dir(storage, ACTIVE).map_err(no_room)?;
    if space.free < reserve.saturating_add(STEP_MIN) {
        return Err(NoRoom::Full { free: space.free, reserve });
    }
    match storage.remove(&temporary) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(NoRoom::Failed(e)),
        _ => {}
    }
    let file = storage.open(&temporary, OpenMode::Create).map_err(no_room)?;
    let mut bytes = header.encode();
    bytes.resize(usize::try_from(STEP_MIN).unwrap_or(0), 0);
    if let Err(e) = file.write_at(0, &bytes).and_then(|()| file.sync()) {
        // Not renamed: no part of the log. The leftover goes now or at the next open.
        let _ = storage.remove(&temporary);
        return Err(no_room(e));
    }
    storage.rename(&temporary, &path).map_err(NoRoom::Failed)?;
    storage.sync_dir(ACTIVE).map_err(NoRoom::Failed)?;
    let active = ActiveFile::new(header.clone(), Arc::clone(&file));
    Ok((ActiveWriter::new(file, STEP_MIN), active))
}
