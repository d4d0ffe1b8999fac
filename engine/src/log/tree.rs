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
use std::sync::atomic::Ordering;

use parking_lot::Mutex;

use super::core::{Core, Stop};
use super::error::LogError;
use super::nodes::Nodes;
use super::parts::LiveTree;
use super::read_error::ReadError;
use super::source::FileSource;
use crate::format::{FrameHeader, RecordsPayload};
use crate::io::{Storage, make_dir, write_atomic};
use crate::proof::{
    Checkpoint, CompactRange, NodeId, RangeError, TILE_WIDTH_MAX, Tile, TileId, chain_next,
    leaf_hash, record_hashes,
};
use crate::segment::{FrameVisitor, ScanPosition, scan_active};
use crate::types::{ChainHash, NodeHash, RecordHash, TreeSize, counted};

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
    pub(crate) fn push(&mut self, end: u64, hashes: impl Iterator<Item = RecordHash>) {
        self.hashes.extend(hashes);
        debug_assert_eq!(self.first + self.hashes.len() as u64, end);
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
    /// Full tiles that wait to be stored: level, index, nodes. A full disk must not cost a leaf.
    unstored: Vec<(u8, u64, Vec<NodeHash>)>,
    /// What is there contradicts what was signed for so many records: nothing is signed any more,
    /// and nothing appended.
    contradicts: Option<u64>,
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
        Self {
            frontier,
            partial: Vec::new(),
            ready: false,
            unstored: Vec::new(),
            contradicts: None,
            signed,
            found,
            opened_at,
            live,
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.frontier.end()
    }

    /// Whether a checkpoint of this size has to be signed.
    pub(crate) fn wants_checkpoint(&self, size: u64) -> bool {
        self.signed != Some(size)
    }

    /// Whether a checkpoint is stored, as far as is known.
    pub(crate) fn has_signed(&self) -> bool {
        self.signed.is_some()
    }

    /// Takes everything durable in.
    pub(crate) fn advance(&mut self, core: &Core) -> Result<(), LogError> {
        self.prepare(core)?;
        loop {
            // Hashes that left the backlog are in the tree before anything can fail.
            let hashes = core.backlog.lock().take(8192);
            let more = !hashes.is_empty();
            for hash in &hashes {
                self.push(hash)?;
            }
            self.store_tiles(core)?;
            if !more {
                self.check_contradiction(core)?;
                *self.live.0.lock() = (self.size(), self.partial.clone());
                return Ok(());
            }
        }
    }

    /// Adds a leaf. Fails only where the tree is full.
    fn push(&mut self, hash: &RecordHash) -> Result<(), LogError> {
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
                self.unstored.push((level, index, hashes));
            }
            level += 1;
        }
        self.check_found()
    }

    /// Stores the tiles that have become full; those that could not be stored are tried again.
    fn store_tiles(&mut self, core: &Core) -> Result<(), LogError> {
        while let Some((level, index, hashes)) = self.unstored.last() {
            store_tile(&*core.storage, *level, *index, hashes.clone())?;
            self.unstored.pop();
        }
        Ok(())
    }

    /// Where the tree passes the size of the checkpoint that was found, the root must be that one.
    fn check_found(&mut self) -> Result<(), LogError> {
        if self.found.as_ref().is_some_and(|c| c.size.0 == self.size()) {
            let root = self.frontier.root().map_err(|e| LogError::damaged(CHECKPOINT, e))?;
            self.compare_found(root);
        }
        Ok(())
    }

    /// A checkpoint within what is sealed is compared at once.
    fn check_found_before(&mut self, core: &Core) -> Result<(), LogError> {
        self.check_found()?;
        let size = self.size();
        if let Some(found) = self.found.as_ref().filter(|c| c.size.0 < size) {
            let root = core.reader.root_at(found.size);
            self.compare_found(root.map_err(|e| LogError::damaged(CHECKPOINT, e))?);
        }
        Ok(())
    }

    fn compare_found(&mut self, root: NodeHash) {
        let Some(found) = self.found.take() else { return };
        if root != found.root {
            self.contradicts = Some(found.size.0);
        }
    }

    /// A log that contradicts itself is stopped: it can only be read.
    fn check_contradiction(&self, core: &Core) -> Result<(), LogError> {
        let Some(signed) = self.contradicts else { return Ok(()) };
        core.set_stop(Stop::Contradiction { signed, size: self.opened_at });
        core.check()
    }

    /// Fills `partial` from what is stored and hashes what the active files held when the log was
    /// opened.
    fn prepare(&mut self, core: &Core) -> Result<(), LogError> {
        if self.ready {
            return self.check_contradiction(core);
        }
        let start = self.frontier.clone();
        let prepared = self.prepare_from_files(core);
        if prepared.is_err() {
            // The next attempt begins where this one did.
            self.frontier = start;
            self.unstored.clear();
        }
        prepared
    }

    fn prepare_from_files(&mut self, core: &Core) -> Result<(), LogError> {
        let view = core.view.get();
        // What was sealed since the log was opened is no longer in an active file.
        for index in 0..view.sealed_len {
            let entry = view.sealed.get(index).filter(|e| e.first_seq == self.size());
            if let Some(range) = entry.and_then(|entry| entry.range()) {
                self.frontier.append(&range).map_err(|e| LogError::damaged("tile", e))?;
            }
        }
        self.check_found_before(core)?;
        self.load_partial(core)?;
        let opened_at = self.opened_at;
        for active in view.actives.iter().filter(|a| a.header.first_seq.0 < opened_at) {
            let path = super::active_write::active_path(&active.header);
            let source = FileSource::with_len(Arc::clone(&active.file), active.end().offset);
            let mut hasher = Hasher { tree: self, failed: None };
            scan_active(&source, &mut hasher).map_err(|e| LogError::damaged(&path, e))?;
            hasher.failed.map_or(Ok(()), Err)?;
        }
        self.check_contradiction(core)?;
        if self.size() < self.opened_at {
            let why =
                format!("{} of {} could be read", self.size(), counted(self.opened_at, "record"));
            return Err(LogError::damaged("active", why));
        }
        // Segments sealed since may hold records that wait in the backlog too.
        let ahead = usize::try_from(self.size() - self.opened_at).unwrap_or(usize::MAX);
        core.backlog.lock().take(ahead);
        self.opened_at = self.size();
        self.ready = true;
        Ok(())
    }

    /// The nodes of tiles that are not full, and full tiles that are not stored.
    fn load_partial(&mut self, core: &Core) -> Result<(), LogError> {
        let size = self.size();
        let view = core.view.get();
        let mut nodes = Nodes::new(&core.reader.parts, &view);
        let mut node = |level: u8, index: u64| {
            let id = NodeId { level: level * 8, index };
            nodes.get(id).map_err(|e| match e {
                // A medium that fails is no damage.
                ReadError::Io { path, source } => LogError::io(&path)(source),
                other => LogError::damaged("tile", other),
            })
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
        core.signed.store(self.size(), Ordering::Relaxed);
        Ok(note)
    }
}

/// Name of the newest checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";

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

/// Hashes the records of an active file that the tree does not cover yet, and checks their chain.
struct Hasher<'a> {
    tree: &'a mut Tree,
    failed: Option<LogError>,
}

impl FrameVisitor for Hasher<'_> {
    fn frame(&mut self, at: &ScanPosition, header: &FrameHeader, payload: &RecordsPayload<'_>) {
        let tree = &mut *self.tree;
        let wanted = header.end_seq().0 > tree.size() && at.next_seq.0 < tree.opened_at;
        if !wanted || self.failed.is_some() {
            return;
        }
        let bodies: Vec<&[u8]> = payload.records.iter().map(|r| r.body).collect();
        let hashes = record_hashes(&bodies);
        let chain: ChainHash = hashes.iter().fold(at.chain, |chain, hash| chain_next(&chain, hash));
        if chain != payload.chain_after {
            let why = format!("record {} and those behind it don't match the chain", at.next_seq);
            self.failed = Some(LogError::damaged("active", why));
            return;
        }
        let skip = usize::try_from(tree.size().saturating_sub(at.next_seq.0)).unwrap_or(usize::MAX);
        for hash in hashes.iter().skip(skip) {
            if let Err(error) = tree.push(hash) {
                self.failed = Some(error);
                return;
            }
        }
    }
}
