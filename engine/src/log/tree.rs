//! The Merkle tree of the log, kept behind the commits.
//!
//! Leaves come from a backlog of hashes that commits fill; what was written before this process
//! started is hashed again from the files, and must lead to the chain hashes that stand there
//! before anything is signed.
//! Invariant: the tree never covers what is not durable, and a checkpoint never contradicts an
//! earlier one. Full tiles of level 1 and above are stored as they fill; levels below are computed
//! when asked for.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

use super::core::Core;
use super::entry::Entry;
use super::error::LogError;
use super::nodes::Nodes;
use super::parts::LiveTree;
use super::view::View;
use crate::io::{Storage, make_dir, write_atomic};
use crate::proof::{
    Checkpoint, CompactRange, NodeId, RangeError, TILE_WIDTH_MAX, Tile, TileId, leaf_hash,
};
use crate::query::Order;
use crate::types::{NodeHash, RecordHash, TreeSize};

/// Hashes of durable records that are not in the tree yet.
pub(crate) struct Backlog {
    /// Seq of the first of them.
    first: u64,
    hashes: VecDeque<RecordHash>,
}

/// Hashes that wait at most; beyond it whoever commits helps.
pub(crate) const BACKLOG_MAX: usize = 1 << 18;

impl Backlog {
    pub(crate) fn new(first: u64) -> Self {
        Self { first, hashes: VecDeque::new() }
    }

    /// Adds the hashes of the records before `end`.
    pub(crate) fn push(&mut self, end: u64, hashes: &[RecordHash]) {
        debug_assert_eq!(self.first + self.hashes.len() as u64 + hashes.len() as u64, end);
        self.hashes.extend(hashes);
    }

    pub(crate) fn len(&self) -> usize {
        self.hashes.len()
    }

    fn take(&mut self, most: usize) -> Vec<RecordHash> {
        let n = most.min(self.hashes.len());
        self.first += n as u64;
        self.hashes.drain(..n).collect()
    }
}

/// The tree of everything before `frontier.end()`.
pub(crate) struct Tree {
    frontier: CompactRange,
    /// By level / 8: the nodes of the tile that is not full, at most 255 each. Empty until first
    /// needed.
    partial: Vec<Vec<NodeHash>>,
    /// Whether `partial` was filled from what is stored.
    ready: bool,
    /// Size of the newest checkpoint, if it is known to be stored.
    signed: Option<u64>,
    /// The checkpoint that was found when the log was opened: the tree must pass through its root.
    found: Option<Checkpoint>,
    /// Records before it were there when the log was opened.
    opened_at: u64,
    /// What readers see of `partial`.
    live: Arc<LiveNodes>,
}

/// The nodes of tiles that are not full, for readers.
#[derive(Default)]
pub(crate) struct LiveNodes(Mutex<(u64, Vec<Vec<NodeHash>>)>);

impl LiveTree for LiveNodes {
    fn node(&self, id: NodeId) -> Option<NodeHash> {
        if !id.level.is_multiple_of(8) {
            return None;
        }
        let live = self.0.lock();
        let (size, rows) = &*live;
        let row = rows.get(usize::from(id.level / 8))?;
        let first = (size >> id.level) - row.len() as u64;
        row.get(usize::try_from(id.index.checked_sub(first)?).ok()?).copied()
    }
}

impl Tree {
    /// The tree of what is sealed, to be completed up to `opened_at` from the active files.
    pub(crate) fn new(
        frontier: CompactRange,
        opened_at: u64,
        found: Option<Checkpoint>,
        live: Arc<LiveNodes>,
    ) -> Self {
        let signed = found.as_ref().map(|c| c.size.0);
        Self { frontier, partial: Vec::new(), ready: false, signed, found, opened_at, live }
    }

    pub(crate) fn size(&self) -> u64 {
        self.frontier.end()
    }

    /// Whether a checkpoint of this size has to be signed.
    pub(crate) fn wants_checkpoint(&self, size: u64) -> bool {
        self.signed != Some(size)
    }

    /// Takes everything durable in.
    pub(crate) fn advance(&mut self, core: &Core) -> Result<(), LogError> {
        self.prepare(core)?;
        loop {
            let hashes = core.backlog.lock().take(8192);
            if hashes.is_empty() {
                *self.live.0.lock() = (self.size(), self.partial.clone());
                return Ok(());
            }
            for hash in hashes {
                self.push(core, &hash)?;
            }
        }
    }

    fn push(&mut self, core: &Core, hash: &RecordHash) -> Result<(), LogError> {
        let invalid = |e: RangeError| LogError::damaged("tile", e);
        let leaf = leaf_hash(hash);
        self.frontier.push(leaf).map_err(invalid)?;
        let (mut level, mut node) = (0u8, leaf);
        loop {
            if self.partial.len() <= usize::from(level) {
                self.partial.push(Vec::new());
            }
            let Some(tile) = self.partial.get_mut(usize::from(level)) else { return Ok(()) };
            tile.push(node);
            if tile.len() < usize::from(TILE_WIDTH_MAX) {
                break;
            }
            let hashes = std::mem::take(tile);
            let mut range = CompactRange::new(0);
            for hash in &hashes {
                range.push(*hash).map_err(invalid)?;
            }
            node = range.root().map_err(invalid)?;
            if level > 0 {
                let index = (self.frontier.end() >> (8 * (u32::from(level) + 1))) - 1;
                store_tile(&*core.storage, level, index, hashes)?;
            }
            level += 1;
        }
        self.check_found()
    }

    /// Where the tree passes the size of the checkpoint that was found, the root must be that one.
    fn check_found(&mut self) -> Result<(), LogError> {
        let passed = self.found.as_ref().is_some_and(|c| c.size.0 == self.size());
        let Some(found) = self.found.take_if(|_| passed) else { return Ok(()) };
        let root = self.frontier.root().map_err(|e| LogError::damaged(CHECKPOINT, e))?;
        if root == found.root { Ok(()) } else { Err(contradiction(&found)) }
    }

    /// A checkpoint within what is sealed is compared at once.
    fn check_found_before(&mut self, core: &Core) -> Result<(), LogError> {
        self.check_found()?;
        let size = self.size();
        let Some(found) = self.found.take_if(|c| c.size.0 < size) else { return Ok(()) };
        let root = core.reader.root_at(found.size).map_err(|e| LogError::damaged(CHECKPOINT, e))?;
        if root == found.root { Ok(()) } else { Err(contradiction(&found)) }
    }

    /// Fills `partial` from what is stored and hashes what the active files held when the log was
    /// opened.
    fn prepare(&mut self, core: &Core) -> Result<(), LogError> {
        if self.ready {
            return Ok(());
        }
        self.take_sealed(&core.view.get())?;
        self.check_found_before(core)?;
        self.load_partial(core)?;
        // Reading verifies: what does not lead to the chain hashes on disk comes back as damaged.
        for entry in core.reader.scan(self.size()..self.opened_at, Order::Ascending) {
            match entry.map_err(|e| LogError::damaged("active", e))? {
                Entry::Record(record) => self.push(core, &record.hash)?,
                Entry::Erased { hash, .. } => self.push(core, &hash)?,
                Entry::Damaged { seq, .. } => {
                    let why = format!("record {seq} does not verify: nothing behind it is signed");
                    return Err(LogError::damaged("active", why));
                }
            }
        }
        self.ready = true;
        Ok(())
    }

    /// What was sealed since the log was opened is taken over as its segment states it: sealing
    /// hashed every record of it.
    fn take_sealed(&mut self, view: &View) -> Result<(), LogError> {
        for entry in view.sealed.first(view.sealed_len) {
            if entry.first_seq < self.size() || entry.end_seq() > self.opened_at {
                continue;
            }
            let range = entry.range().filter(|range| self.frontier.append(range).is_ok());
            range.ok_or_else(|| LogError::damaged(&entry.path(), "its tree nodes don't fit"))?;
        }
        Ok(())
    }

    /// The nodes of tiles that are not full, and full tiles that are not stored.
    fn load_partial(&mut self, core: &Core) -> Result<(), LogError> {
        let size = self.size();
        let view = core.view.get();
        let mut nodes = Nodes::new(&core.reader.parts, &view);
        let mut node = |level: u8, index: u64| {
            let id = NodeId { level: level * 8, index };
            nodes.get(id).map_err(|e| LogError::damaged("tile", e))
        };
        self.partial.clear();
        let mut level = 0u8;
        while level < 8 && (level == 0 || size >> (8 * u32::from(level)) > 0) {
            let count = size >> (8 * u32::from(level));
            let full = count / u64::from(TILE_WIDTH_MAX);
            let first = full * u64::from(TILE_WIDTH_MAX);
            let row = (first..count).map(|i| node(level, i)).collect::<Result<Vec<_>, _>>()?;
            self.partial.push(row);
            if level > 0 {
                for index in missing_tiles(&*core.storage, level, full)? {
                    let first = index * u64::from(TILE_WIDTH_MAX);
                    let indexes = first..first + u64::from(TILE_WIDTH_MAX);
                    let hashes = indexes.map(|i| node(level, i)).collect::<Result<Vec<_>, _>>()?;
                    store_tile(&*core.storage, level, index, hashes)?;
                }
            }
            level += 1;
        }
        Ok(())
    }

    /// Signs and stores a checkpoint of the tree as it is; returns the note.
    pub(crate) fn sign(&mut self, core: &Core) -> Result<String, LogError> {
        let failed = |e: &dyn std::fmt::Display| LogError::damaged(CHECKPOINT, e);
        let checkpoint = Checkpoint {
            origin: core.identity.origin.clone(),
            size: TreeSize(self.size()),
            root: self.frontier.root().map_err(|e| failed(&e))?,
        };
        let keys = core.keys.read();
        let note = checkpoint.sign(&keys.signing).map_err(|e| failed(&e))?;
        write_atomic(&*core.storage, CHECKPOINT, note.as_bytes())
            .map_err(LogError::io(CHECKPOINT))?;
        self.signed = Some(self.size());
        Ok(note)
    }
}

/// Name of the newest checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";

fn contradiction(found: &Checkpoint) -> LogError {
    let why = format!("the records do not lead to the root that was signed for {}", found.size);
    LogError::damaged(CHECKPOINT, why)
}

/// Full tiles of a level that are not stored.
fn missing_tiles(storage: &dyn Storage, level: u8, full: u64) -> Result<Vec<u64>, LogError> {
    let mut missing = Vec::new();
    let mut listed: HashMap<String, Vec<String>> = HashMap::new();
    for index in 0..full {
        let Some(id) = TileId::new(level, index, TILE_WIDTH_MAX) else { continue };
        let path = id.path();
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", &path));
        if !listed.contains_key(dir) {
            let names = storage.list(dir).map_err(LogError::io(dir))?;
            listed.insert(dir.to_owned(), names);
        }
        let names = listed.get(dir).map(Vec::as_slice).unwrap_or_default();
        if !names.iter().any(|n| n == name) {
            missing.push(index);
        }
    }
    Ok(missing)
}

fn store_tile(
    storage: &dyn Storage,
    level: u8,
    index: u64,
    hashes: Vec<NodeHash>,
) -> Result<(), LogError> {
    let id = TileId::new(level, index, TILE_WIDTH_MAX)
        .ok_or_else(|| LogError::damaged("tile", "no such tile"))?;
    let tile = Tile::from_hashes(id, hashes).map_err(|e| LogError::damaged("tile", e))?;
    let path = id.path();
    let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
    make_dir(storage, dir).map_err(LogError::io(dir))?;
    write_atomic(storage, &path, &tile.to_bytes()).map_err(LogError::io(&path))
}
