//! A copy of a log beside a running writer.
//!
//! Order: the checkpoint is read first, then anchors and tiles, then the view is taken and its
//! files are copied; so the copy holds at least what its checkpoint, its anchors and its tiles
//! cover. `log.json` is written last: a copy that was broken off is no log.
//! Invariant: the source is only read, and the destination must have been empty.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::catalogue::{self, SegmentEntry};
use super::indexes;
use super::open_read::read_file;
use super::read_error::{CopyError, ReadError};
use super::reader::{CHECKPOINT, KEYS, Reader};
use super::view::{ActiveFile, View};
use crate::format::active_name;
use crate::io::{OpenMode, OsStorage, Storage, StorageFile, TEMPORARY_SUFFIX};
use crate::recovery::Damage;
use crate::types::TreeSize;

const CHUNK: usize = 1 << 20;
const IDENTITY: &str = "log.json";
const KEY: &str = "log.vkey";

/// Whether a copy can go on as the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum BackupKey {
    /// Without the signing key: whoever has the copy can read and verify it.
    #[default]
    Without,
    /// With the signing key: whoever has the copy can sign as the log.
    With,
}

/// What was copied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BackupReport {
    /// Records in the copy.
    pub size: TreeSize,
    /// Records that its checkpoint covers; `None` where there is none.
    pub checkpoint: Option<TreeSize>,
    /// Files copied.
    pub files: u64,
    /// Bytes copied.
    pub bytes: u64,
    /// What was missing at the source already.
    pub damage: Vec<Damage>,
}

impl Reader {
    /// Copies the log as it is now to `dir`, which must be absent or empty. Durable when it
    /// returns.
    ///
    /// # Errors
    /// [`CopyError`]; what was copied by then is left for the caller to remove.
    pub fn backup(&self, dir: &Path, key: BackupKey) -> Result<BackupReport, CopyError> {
        let out: Arc<dyn Storage> = Arc::new(OsStorage::new(dir));
        if !out.list("").map_err(CopyError::write(""))?.is_empty() {
            return Err(CopyError::NotEmpty);
        }
        let from = &*self.parts.storage;
        let mut copy = Copy { from, to: &*out, dirs: Vec::new(), files: 0, bytes: 0 };
        copy.ready("")?;
        self.refresh().map_err(CopyError::Refresh)?;
        let unsigned = self.view();
        let signed = self.checkpoint().ok().flatten();
        let note = read_small(from, CHECKPOINT)?;
        // The note that was verified, if there is one: the file may have been replaced since.
        let note = signed.as_ref().map(|s| s.note.clone().into_bytes()).or(note);
        for path in [KEY, KEYS] {
            if let Some(bytes) = read_small(from, path)? {
                copy.write(path, &bytes, OpenMode::Create)?;
            }
        }
        copy.tree("anchors", OpenMode::Create)?;
        copy.tree("tile", OpenMode::Create)?;
        if key == BackupKey::With {
            copy.tree("keys", OpenMode::CreatePrivate)?;
        }
        // Nothing is sealed before the first checkpoint is stored. Where there was none, a younger
        // look might show sealed files, and a copy of them without a checkpoint is not sound.
        let view = if note.is_some() {
            self.refresh().map_err(CopyError::Refresh)?;
            self.view()
        } else {
            unsigned
        };
        copy.records(&view)?;
        if let Some(note) = note {
            copy.write(CHECKPOINT, &note, OpenMode::Create)?;
        }
        copy.sync_dirs()?;
        copy.write(IDENTITY, &self.identity().to_bytes(), OpenMode::Create)?;
        out.sync_dir("").map_err(CopyError::write(""))?;
        let (files, bytes) = (copy.files, copy.bytes);
        let size = TreeSize(Reader::open_storage(out).map_err(CopyError::Open)?.view().size());
        let checkpoint = signed.map(|signed| signed.checkpoint.size);
        let damage = view.damage.to_vec();
        match checkpoint {
            Some(checkpoint) if checkpoint > size && damage.is_empty() => {
                Err(CopyError::Short { copied: size, checkpoint })
            }
            _ => Ok(BackupReport { size, checkpoint, files, bytes, damage }),
        }
    }
}

fn read_small(storage: &dyn Storage, path: &str) -> Result<Option<Vec<u8>>, CopyError> {
    Ok(read_file(storage, path).map_err(ReadError::io(path))?)
}

/// One copy under way.
struct Copy<'a> {
    from: &'a dyn Storage,
    to: &'a dyn Storage,
    dirs: Vec<String>,
    files: u64,
    bytes: u64,
}

impl Copy<'_> {
    fn ready(&mut self, dir: &str) -> Result<(), CopyError> {
        if !self.dirs.iter().any(|made| made == dir) {
            self.to.create_dir(dir).map_err(CopyError::write(dir))?;
            self.dirs.push(dir.to_owned());
        }
        Ok(())
    }

    /// Everything below a directory, whatever it is called; unfinished files are left out.
    fn tree(&mut self, root: &str, mode: OpenMode) -> Result<(), CopyError> {
        let mut todo = vec![root.to_owned()];
        while let Some(path) = todo.pop() {
            match self.from.list(&path) {
                Ok(names) if !names.is_empty() => {
                    self.ready(&path)?;
                    let finished = |name: &&String| !name.ends_with(TEMPORARY_SUFFIX);
                    todo.extend(names.iter().filter(finished).map(|name| format!("{path}/{name}")));
                }
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::NotADirectory => {
                    let file = self.from.open(&path, OpenMode::Read);
                    let file = file.map_err(ReadError::io(&path))?;
                    let len = file.len().map_err(ReadError::io(&path))?;
                    self.file(&*file, len, &path, mode)?;
                }
                Err(e) => return Err(ReadError::io(&path)(e).into()),
            }
        }
        Ok(())
    }

    /// Sealed segments with their search indexes, their catalogue, and the active files up to their
    /// visible end.
    fn records(&mut self, view: &View) -> Result<(), CopyError> {
        let entries = view.sealed.first(view.sealed_len);
        for entry in &entries {
            let path = entry.path();
            let file = self.from.open(&path, OpenMode::Read).map_err(ReadError::io(&path))?;
            let len = file.len().map_err(ReadError::io(&path))?;
            self.file(&*file, len, &path, OpenMode::Create)?;
            self.to.set_read_only(&path).map_err(CopyError::write(&path))?;
            self.index(entry)?;
        }
        let entries: Vec<_> = entries.iter().map(|entry| (**entry).clone()).collect();
        if !entries.is_empty() {
            catalogue::rewrite(self.to, &entries).map_err(CopyError::write("segments.cat"))?;
        }
        for active in &view.actives {
            let path = format!("active/{}", active_name(active.header.first_seq));
            let len = evidence_len(active).map_err(ReadError::io(&path))?;
            self.file(&*active.file, len, &path, OpenMode::Create)?;
        }
        Ok(())
    }

    /// The index of a segment, if there is one that can be used: nobody makes one for a copy that
    /// is only read.
    fn index(&mut self, entry: &SegmentEntry) -> Result<(), CopyError> {
        let Some(path) = indexes::path_if_ready(self.from, entry) else { return Ok(()) };
        let Ok(file) = self.from.open(&path, OpenMode::Read) else { return Ok(()) };
        let Ok(len) = file.len() else { return Ok(()) };
        self.file(&*file, len, &path, OpenMode::Create)?;
        self.to.set_read_only(&path).map_err(CopyError::write(&path))
    }

    fn write(&mut self, path: &str, bytes: &[u8], mode: OpenMode) -> Result<(), CopyError> {
        let file = self.to.open(path, mode).map_err(CopyError::write(path))?;
        file.write_at(0, bytes).map_err(CopyError::write(path))?;
        file.sync().map_err(CopyError::write(path))?;
        self.files += 1;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn file(
        &mut self,
        from: &dyn StorageFile,
        len: u64,
        path: &str,
        mode: OpenMode,
    ) -> Result<(), CopyError> {
        self.ready(path.rsplit_once('/').map_or("", |(dir, _)| dir))?;
        let to = self.to.open(path, mode).map_err(CopyError::write(path))?;
        let mut buffer = vec![0; CHUNK];
        let mut at = 0;
        while at < len {
            let want = usize::try_from(len - at).unwrap_or(CHUNK).min(CHUNK);
            let part = buffer.get_mut(..want).unwrap_or_default();
            let read = from.read_at(at, part).map_err(ReadError::io(path))?;
            if read == 0 {
                let cut = io::Error::from(io::ErrorKind::UnexpectedEof);
                return Err(ReadError::io(path)(cut).into());
            }
            let part = part.get(..read).unwrap_or_default();
            to.write_at(at, part).map_err(CopyError::write(path))?;
            at += read as u64;
        }
        to.sync().map_err(CopyError::write(path))?;
        self.files += 1;
        self.bytes += len;
        Ok(())
    }

    fn sync_dirs(&self) -> Result<(), CopyError> {
        self.dirs.iter().try_for_each(|dir| self.to.sync_dir(dir).map_err(CopyError::write(dir)))
    }
}

/// Of a sound file what is visible, of a damaged one everything: its bad bytes are evidence too.
fn evidence_len(active: &ActiveFile) -> io::Result<u64> {
    if active.is_damaged() { active.file.len() } else { Ok(active.end_offset()) }
}
