//! The file that is written: space ahead, positioned writes, one sync.
//!
//! Zeros are written ahead of small frames, so that a commit overwrites space that is there:
//! cheaper to sync than a growing file. For large ones space is taken. Either way the end is plain
//! to see, and a full disk shows before a frame is written, not in the middle of one.
//! Invariant: after [`NoRoom::Full`] every durable frame is as it was and nothing else is in the
//! file, on the disk either; it is said only where that is certain.

use std::io;
use std::sync::Arc;

use super::error::is_full;
use super::room::{Bound, Room};
use super::view::ActiveFile;
use crate::format::{ActiveHeader, active_name};
use crate::io::{
    OpenMode, Space, Storage, StorageFile, TEMPORARY_SUFFIX, make_dir, remove_durably, write_zeros,
};

/// Directory of active files.
pub(crate) const ACTIVE: &str = "active";
/// Space is made in steps of at least and at most so many bytes; in between, of a quarter of the
/// file.
pub(crate) const STEP_MIN: u64 = 64 << 10;
const STEP_MAX: u64 = 4 << 20;

/// From so many missing bytes on, space is only taken, not written: writing zeros first would cost
/// more than the sync of a growing file does.
const EXTEND_MIN: u64 = 64 << 10;

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
    /// The state of the file is unknown, or the medium failed.
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

impl ActiveWriter {
    /// Goes on with a file of this length.
    pub(crate) fn new(file: Arc<dyn StorageFile>, len: u64) -> Self {
        Self { file, allocated: len }
    }

    /// Makes sure that there is space up to `end`; ahead of it, as much as the bound leaves.
    pub(crate) fn make_room(
        &mut self,
        storage: &dyn Storage,
        end: u64,
        bound: Bound,
    ) -> Result<(), NoRoom> {
        if end <= self.allocated {
            return Ok(());
        }
        let space = storage.space().map_err(NoRoom::Failed)?;
        let reserve = bound.bytes(space);
        let no_room = |e| NoRoom::of(e, storage, reserve);
        let missing = end - self.allocated;
        let large = missing >= EXTEND_MIN;
        let step = if large { 0 } else { (end / 4).clamp(STEP_MIN, STEP_MAX) };
        let fits = space.free >= reserve.saturating_add(missing).saturating_add(step);
        let tight = !fits || bound.room == Room::Reserve;
        let step = if tight && !large { STEP_MIN } else { step };
        let len = missing.saturating_add(step);
        if space.free < reserve.saturating_add(len) {
            return Err(NoRoom::Full { free: space.free, reserve });
        }
        let taken = if large {
            self.file.extend(self.allocated, len)
        } else {
            write_zeros(&*self.file, self.allocated, len)
        };
        if let Err(error) = taken {
            // Only zeros behind the last frame were touched; cut back to what was there. Where a
            // full disk refuses that too, they stay: a later step writes over them.
            match self.file.set_len(self.allocated) {
                Err(cut) if !is_full(&cut) => return Err(NoRoom::Failed(cut)),
                _ => return Err(no_room(error)),
            }
        }
        self.allocated += len;
        Ok(())
    }

    /// Writes frames and makes them durable.
    pub(crate) fn commit(
        &self,
        storage: &dyn Storage,
        offset: u64,
        bytes: &[u8],
        bound: Bound,
    ) -> Result<(), NoRoom> {
        #[cfg(feature = "mutants")]
        if crate::mutants::is(crate::mutants::Mutant::AcknowledgedEarly) {
            let before = self.file.sync();
            return before.and_then(|()| self.file.write_at(offset, bytes)).map_err(NoRoom::Failed);
        }
        if let Err(error) = self.file.write_at(offset, bytes) {
            // A file system that copies on write can be full here. A frame that was written whole
            // would count at the next open: only once there are zeros on the disk it never was.
            let wiped = is_full(&error)
                && write_zeros(&*self.file, offset, bytes.len() as u64).is_ok()
                && self.file.sync().is_ok();
            let space = storage.space().unwrap_or(Space { free: 0, total: 0 });
            let full = NoRoom::Full { free: space.free, reserve: bound.bytes(space) };
            return Err(if wiped { full } else { NoRoom::Failed(error) });
        }
        #[cfg(feature = "mutants")]
        if crate::mutants::is(crate::mutants::Mutant::SyncErrorIgnored) {
            let _ = self.file.sync();
            return Ok(());
        }
        // THE COMMIT POINT: when this returns, the frames are durable; before it, nothing of them
        // counts.
        self.file.sync().map_err(NoRoom::Failed)
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
    bound: Bound,
) -> Result<(ActiveWriter, ActiveFile), NoRoom> {
    let path = active_path(header);
    let temporary = format!("{path}{TEMPORARY_SUFFIX}");
    let space = storage.space().map_err(NoRoom::Failed)?;
    let reserve = bound.bytes(space);
    let no_room = |e| NoRoom::of(e, storage, reserve);
    make_dir(storage, ACTIVE).map_err(no_room)?;
    if space.free < reserve.saturating_add(STEP_MIN) {
        return Err(NoRoom::Full { free: space.free, reserve });
    }
    match storage.remove(&temporary) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(no_room(e)),
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
    if let Err(e) = storage.rename(&temporary, &path) {
        // The log may go on in the file before: an empty file of this name must be gone for sure.
        let gone = is_full(&e)
            && remove_durably(storage, &path).is_ok()
            && remove_durably(storage, &temporary).is_ok();
        return Err(if gone { no_room(e) } else { NoRoom::Failed(e) });
    }
    #[cfg(feature = "mutants")]
    if crate::mutants::is(crate::mutants::Mutant::NoDirectorySync) {
        return Ok((
            ActiveWriter::new(Arc::clone(&file), STEP_MIN),
            ActiveFile::new(header.clone(), file),
        ));
    }
    storage.sync_dir(ACTIVE).map_err(NoRoom::Failed)?;
    let active = ActiveFile::new(header.clone(), Arc::clone(&file));
    Ok((ActiveWriter::new(file, STEP_MIN), active))
}
