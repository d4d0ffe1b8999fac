//! Writing a small file so that it is there whole or not at all.
//!
//! Order of calls: create the temporary file, write, fdatasync, rename, fsync of the directory. A
//! crash before the rename leaves a `.tmp` file, which every open removes.

use std::io;

use super::storage::{OpenMode, Storage};

/// Ending of files that are not finished.
pub const TEMPORARY_SUFFIX: &str = ".tmp";

/// Replaces `path` with `bytes`; durable when it returns.
///
/// # Errors
/// What the storage says; the old file is then still there, or the new one whole.
pub fn write_atomic(storage: &dyn Storage, path: &str, bytes: &[u8]) -> io::Result<()> {
    write_as(storage, path, bytes, OpenMode::Create)
}

/// As [`write_atomic`], readable by the owner alone.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_atomic_private(storage: &dyn Storage, path: &str, bytes: &[u8]) -> io::Result<()> {
    write_as(storage, path, bytes, OpenMode::CreatePrivate)
}

fn write_as(storage: &dyn Storage, path: &str, bytes: &[u8], mode: OpenMode) -> io::Result<()> {
    let temporary = format!("{path}{TEMPORARY_SUFFIX}");
    match storage.remove(&temporary) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let file = storage.open(&temporary, mode)?;
    let written = file.write_at(0, bytes).and_then(|()| file.sync());
    if let Err(e) = written {
        // The cause is what matters; the leftover is removed at the next open if not now.
        let _ = storage.remove(&temporary);
        return Err(e);
    }
    storage.rename(&temporary, path)?;
    storage.sync_dir(parent(path))
}

/// Makes a directory with its parents; durable when it returns.
///
/// # Errors
/// What the storage says.
pub fn make_dir(storage: &dyn Storage, dir: &str) -> io::Result<()> {
    storage.create_dir(dir)?;
    let mut above = parent(dir);
    while !above.is_empty() {
        storage.sync_dir(above)?;
        above = parent(above);
    }
    storage.sync_dir("")
}

/// Removes a file; durable when it returns. A file that is not there is fine.
///
/// # Errors
/// What the storage says.
pub fn remove_durably(storage: &dyn Storage, path: &str) -> io::Result<()> {
    match storage.remove(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
        Ok(()) => storage.sync_dir(parent(path)),
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}
