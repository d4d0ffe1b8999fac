//! The static C2SP layout: checkpoint, tiles of every level and entry bundles as plain files.
//!
//! Invariant: the checkpoint is written last and only if the records have the root that it signed,
//! so that whoever reads the published files finds everything that it covers. Files that are there
//! with the same bytes are left alone, so that publishing can be broken off and repeated.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::open_read::read_file;
use super::read_error::{CopyError, ReadError};
use super::reader::{CHECKPOINT, Reader};
use super::scan::Groups;
use crate::io::{OpenMode, OsStorage, Storage, TEMPORARY_SUFFIX, write_atomic};
use crate::proof::{
    BundleId, CompactRange, TILE_WIDTH_MAX, Tile, TileId, encode_bundle, leaf_hash,
};
use crate::query::Order;
use crate::types::{NodeHash, RecordHash, Seq, TreeSize};

/// What was published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PublishReport {
    /// Records covered.
    pub size: TreeSize,
    /// Files written.
    pub written: u64,
    /// Files that were there already.
    pub unchanged: u64,
}

/// A storage keeps its directories open; after so many it is let go for a fresh one.
const DIRECTORIES_MAX: usize = 64;

impl Reader {
    /// Writes the whole static layout for the newest checkpoint below `dir`.
    ///
    /// # Errors
    /// [`CopyError`]: no checkpoint, a record that can't be read, a root that is not the signed
    /// one, or a write that failed. The checkpoint at the destination is then still the old one.
    pub fn publish(&self, dir: &Path) -> Result<PublishReport, CopyError> {
        let signed = self.checkpoint()?.ok_or(CopyError::NoCheckpoint)?;
        self.refresh().map_err(CopyError::Refresh)?;
        let view = self.view();
        let (size, copied) = (signed.checkpoint.size, TreeSize(view.size()));
        if size > copied {
            return Err(CopyError::Short { copied, checkpoint: size });
        }
        let mut groups = Groups::new(Arc::clone(&self.parts), view, Order::Ascending);
        let mut out = Publisher::new(dir);
        let mut seq = 0;
        while seq < size.0 {
            let group = groups.at(seq)?;
            for seq in seq..group.end_seq().min(size.0) {
                let hash = group.entry(seq).hash().ok_or(ReadError::Damaged { seq: Seq(seq) })?;
                out.push(hash)?;
            }
            seq = group.end_seq();
        }
        let root = out.finish()?;
        if root != Some(signed.checkpoint.root) {
            return Err(CopyError::Root { size });
        }
        out.target.ready("")?;
        let note = signed.note.as_bytes();
        write_atomic(&out.target.storage, CHECKPOINT, note)
            .map_err(CopyError::write(CHECKPOINT))?;
        Ok(PublishReport { size, written: out.target.written, unchanged: out.target.unchanged })
    }
}

/// Builds tiles and bundles from hashes in order; holds at most one tile per level.
struct Publisher {
    target: Target,
    entries: Vec<RecordHash>,
    entry_tiles: u64,
    levels: Vec<Level>,
    tree: CompactRange,
}

#[derive(Default)]
struct Level {
    hashes: Vec<NodeHash>,
    tiles: u64,
}

impl Publisher {
    fn new(dir: &Path) -> Self {
        Self {
            target: Target::new(dir),
            entries: Vec::new(),
            entry_tiles: 0,
            levels: Vec::new(),
            tree: CompactRange::new(0),
        }
    }

    fn push(&mut self, hash: RecordHash) -> Result<(), CopyError> {
        self.entries.push(hash);
        if self.entries.len() == usize::from(TILE_WIDTH_MAX) {
            self.write_bundle()?;
        }
        let leaf = leaf_hash(&hash);
        // A log of 2^64 - 1 records is not reached.
        let _ = self.tree.push(leaf);
        let mut up = Some(leaf);
        let mut level = 0;
        while let Some(hash) = up {
            up = self.push_node(level, hash)?;
            level += 1;
        }
        Ok(())
    }

    /// Adds a hash to a level; the hash of the tile where that filled it.
    fn push_node(&mut self, level: usize, hash: NodeHash) -> Result<Option<NodeHash>, CopyError> {
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, Level::default);
        }
        let Some(at) = self.levels.get_mut(level) else { return Ok(None) };
        at.hashes.push(hash);
        if at.hashes.len() < usize::from(TILE_WIDTH_MAX) {
            return Ok(None);
        }
        self.write_tile(level)
    }

    /// Writes what a level holds as a tile and begins the next.
    fn write_tile(&mut self, level: usize) -> Result<Option<NodeHash>, CopyError> {
        let Some(at) = self.levels.get_mut(level) else { return Ok(None) };
        let hashes = std::mem::take(&mut at.hashes);
        let width = u16::try_from(hashes.len()).unwrap_or(TILE_WIDTH_MAX);
        let id = u8::try_from(level).ok().and_then(|level| TileId::new(level, at.tiles, width));
        at.tiles += 1;
        let Some(tile) = id.and_then(|id| Tile::from_hashes(id, hashes).ok()) else {
            return Ok(None);
        };
        self.target.write(&tile.id().path(), &tile.to_bytes())?;
        let mut range = CompactRange::new(0);
        for hash in tile.hashes() {
            let _ = range.push(*hash);
        }
        Ok(range.root().ok())
    }

    fn write_bundle(&mut self) -> Result<(), CopyError> {
        let entries = std::mem::take(&mut self.entries);
        let width = u16::try_from(entries.len()).unwrap_or(TILE_WIDTH_MAX);
        if let Some(id) = BundleId::new(self.entry_tiles, width) {
            self.target.write(&id.path(), &encode_bundle(&entries))?;
        }
        self.entry_tiles += 1;
        Ok(())
    }

    /// Writes the partial tiles; the root of it all.
    fn finish(&mut self) -> Result<Option<NodeHash>, CopyError> {
        if !self.entries.is_empty() {
            self.write_bundle()?;
        }
        for level in 0..self.levels.len() {
            if self.levels.get(level).is_some_and(|at| !at.hashes.is_empty()) {
                self.write_tile(level)?;
            }
        }
        Ok(self.tree.root().ok())
    }
}

/// Where the files go.
struct Target {
    dir: PathBuf,
    storage: OsStorage,
    /// Directory that was made last.
    last: Option<String>,
    made: usize,
    written: u64,
    unchanged: u64,
}

impl Target {
    fn new(dir: &Path) -> Self {
        let storage = OsStorage::new(dir);
        Self { dir: dir.to_owned(), storage, last: None, made: 0, written: 0, unchanged: 0 }
    }

    fn ready(&mut self, dir: &str) -> Result<(), CopyError> {
        if self.last.as_deref() != Some(dir) {
            if self.made >= DIRECTORIES_MAX {
                self.storage = OsStorage::new(&self.dir);
                self.made = 0;
            }
            self.storage.create_dir(dir).map_err(CopyError::write(dir))?;
            self.last = Some(dir.to_owned());
            self.made += 1;
        }
        Ok(())
    }

    /// Puts a file in its place unless it is there. Not synced: whatever a crash leaves is compared
    /// again.
    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), CopyError> {
        let fail = CopyError::write;
        if read_file(&self.storage, path).is_ok_and(|there| there.as_deref() == Some(bytes)) {
            self.unchanged += 1;
            return Ok(());
        }
        self.ready(path.rsplit_once('/').map_or("", |(dir, _)| dir))?;
        let temporary = format!("{path}{TEMPORARY_SUFFIX}");
        // A leftover of a run that was broken off.
        let _ = self.storage.remove(&temporary);
        let file = self.storage.open(&temporary, OpenMode::Create).map_err(fail(path))?;
        file.write_at(0, bytes).map_err(fail(path))?;
        self.storage.rename(&temporary, path).map_err(fail(path))?;
        self.written += 1;
        Ok(())
    }
}
