//! Nodes of the tree, from wherever they are cheapest, and the proofs made of them.
//!
//! A node comes from the writer's memory, a stored tile, a segment's own compact range or block
//! root, the leaf hashes in a footer, or at last from the records themselves.
//! Invariant: only nodes whose leaves lie below the view's size are answered, and a node that would
//! need a damaged record is an error, never a guess. Proofs are verified by whoever gets them, not
//! here.

use std::collections::HashMap;
use std::sync::Arc;

use super::catalogue::SegmentEntry;
use super::open_read::read_file;
use super::parts::{Keep, Nearby, Parts, sealed_of};
use super::read_error::ReadError;
use super::reader::{Reader, check_seq};
use super::view::View;
use crate::proof::{
    CompactRange, NodeId, ProveError, TILE_WIDTH_MAX, Tile, TileId, leaf_hash, node_hash,
    prove_consistency, prove_inclusion, root_at,
};
use crate::types::{NodeHash, RecordHash, Seq, TreeSize};

const TILE: u64 = TILE_WIDTH_MAX as u64;
/// Level of the nodes that stand for one full tile of leaves.
const TILE_LEVEL: u8 = 8;

/// That a record is in the tree of some size (RFC 9162 section 2.1.3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InclusionProof {
    /// The record's place among the leaves: its seq.
    pub leaf_index: u64,
    /// Size of the tree.
    pub tree_size: TreeSize,
    /// Hash of the record: the data of the leaf.
    pub record_hash: RecordHash,
    /// Hash of the leaf.
    pub leaf_hash: NodeHash,
    /// The path from the leaf to the root.
    pub hashes: Vec<NodeHash>,
}

/// That a tree is a prefix of a larger one (RFC 9162 section 2.1.4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsistencyProof {
    /// Size of the older tree.
    pub old_size: TreeSize,
    /// Size of the newer tree.
    pub new_size: TreeSize,
    /// The hashes, in proof order.
    pub hashes: Vec<NodeHash>,
}

impl Reader {
    /// Proves that a record is in the tree of `size` records.
    ///
    /// # Errors
    /// [`ReadError::NoSuchSize`] and [`ReadError::NoSuchRecord`] where there is no such tree or
    /// leaf, [`ReadError::Damaged`] where a record that the path depends on can't be read.
    pub fn prove_inclusion(&self, seq: Seq, size: TreeSize) -> Result<InclusionProof, ReadError> {
        let view = self.view();
        check_size(&view, size)?;
        check_seq(&view, seq)?;
        let group = self.parts.group_at(&view, seq.0, Keep::Cached, &mut Nearby::default())?;
        let record_hash = group.entry(seq.0).hash().ok_or(ReadError::Damaged { seq })?;
        let mut nodes = Nodes::new(&self.parts, &view);
        let hashes = prove_inclusion(seq.0, size.0, |id| nodes.get(id)).map_err(prove_error)?;
        let leaf_hash = leaf_hash(&record_hash);
        Ok(InclusionProof { leaf_index: seq.0, tree_size: size, record_hash, leaf_hash, hashes })
    }

    /// Proves that the tree of `old` records is a prefix of the tree of `new` records.
    ///
    /// # Errors
    /// [`ReadError::NoSuchSize`], [`ReadError::SizesReversed`], otherwise as
    /// [`Reader::prove_inclusion`].
    pub fn prove_consistency(
        &self,
        old: TreeSize,
        new: TreeSize,
    ) -> Result<ConsistencyProof, ReadError> {
        let view = self.view();
        check_size(&view, new)?;
        let mut nodes = Nodes::new(&self.parts, &view);
        let hashes = prove_consistency(old.0, new.0, |id| nodes.get(id)).map_err(prove_error)?;
        Ok(ConsistencyProof { old_size: old, new_size: new, hashes })
    }

    /// Root of the tree of the first `size` records.
    ///
    /// # Errors
    /// As [`Reader::prove_consistency`].
    pub fn root_at(&self, size: TreeSize) -> Result<NodeHash, ReadError> {
        let view = self.view();
        check_size(&view, size)?;
        let mut nodes = Nodes::new(&self.parts, &view);
        root_at(size.0, |id| nodes.get(id))
    }

    /// One node of the tree.
    ///
    /// # Errors
    /// As [`Reader::prove_consistency`].
    pub fn node(&self, id: NodeId) -> Result<NodeHash, ReadError> {
        let view = self.view();
        let end = id.leaves().map_or(u64::MAX, |leaves| leaves.end);
        check_size(&view, TreeSize(end))?;
        Nodes::new(&self.parts, &view).get(id)
    }
}

fn check_size(view: &View, size: TreeSize) -> Result<(), ReadError> {
    let log = TreeSize(view.size());
    if size <= log { Ok(()) } else { Err(ReadError::NoSuchSize { size, log }) }
}

fn prove_error(error: ProveError<ReadError>) -> ReadError {
    match error {
        ProveError::NoSuchLeaf { index, size } => {
            ReadError::NoSuchRecord { seq: Seq(index), size: TreeSize(size) }
        }
        ProveError::SizesReversed { old, new } => {
            ReadError::SizesReversed { old: TreeSize(old), new: TreeSize(new) }
        }
        ProveError::EmptyTree => ReadError::EmptyTree,
        ProveError::Fetch(error) => error,
    }
}

/// The nodes of one moment of a log, with what one call has already looked up.
pub(crate) struct Nodes<'a> {
    parts: &'a Parts,
    view: &'a View,
    size: u64,
    near: Nearby,
    high: HashMap<NodeId, NodeHash>,
    tiles: HashMap<TileId, Option<Tile>>,
    leaves: Option<(u64, Vec<NodeHash>)>,
}

impl<'a> Nodes<'a> {
    pub(crate) fn new(parts: &'a Parts, view: &'a View) -> Self {
        Self {
            parts,
            view,
            size: view.size(),
            near: Nearby::default(),
            high: HashMap::new(),
            tiles: HashMap::new(),
            leaves: None,
        }
    }

    /// Hash of a node whose leaves lie below the view's size.
    pub(crate) fn get(&mut self, id: NodeId) -> Result<NodeHash, ReadError> {
        if let Some(hash) = self.high.get(&id) {
            return Ok(*hash);
        }
        if let Some(hash) = self.parts.live.as_ref().and_then(|live| live.node(id)) {
            return Ok(hash);
        }
        let known = match self.stored(id)? {
            Some(hash) => Some(hash),
            None => self.sealed(id)?,
        };
        let hash = match known {
            Some(hash) => hash,
            None if id.level <= TILE_LEVEL => self.of_leaves(id)?,
            None => {
                let child = |index| NodeId { level: id.level - 1, index };
                let left = self.get(child(id.index * 2))?;
                node_hash(&left, &self.get(child(id.index * 2 + 1))?)
            }
        };
        if id.level >= TILE_LEVEL {
            self.high.insert(id, hash);
        }
        Ok(hash)
    }

    /// From a stored tile; only full ones of levels above 0 are stored.
    fn stored(&mut self, id: NodeId) -> Result<Option<NodeHash>, ReadError> {
        if id.level < TILE_LEVEL {
            return Ok(None);
        }
        let Some(tile) = TileId::holding(id, self.size).filter(|t| t.width() == TILE_WIDTH_MAX)
        else {
            return Ok(None);
        };
        if !self.tiles.contains_key(&tile) {
            let path = tile.path();
            let bytes = read_file(&*self.parts.storage, &path).map_err(ReadError::io(&path))?;
            // A tile of the wrong length is no tile: the node is made from what is below it.
            let parsed = bytes.and_then(|bytes| Tile::parse(tile, &bytes).ok());
            self.tiles.insert(tile, parsed);
        }
        Ok(self.tiles.get(&tile).and_then(Option::as_ref).and_then(|tile| tile.node(id)))
    }

    /// From the compact range or a block root of the sealed segment that holds all its leaves.
    fn sealed(&self, id: NodeId) -> Result<Option<NodeHash>, ReadError> {
        let Some(leaves) = id.leaves() else { return Ok(None) };
        let Some(entry) = sealed_of(self.view, leaves.start).filter(|e| leaves.end <= e.end_seq())
        else {
            return Ok(None);
        };
        let range = entry.range();
        let own = range.and_then(|range| range.iter().find(|(at, _)| *at == id).map(|(_, h)| h));
        if own.is_some() || id.level != TILE_LEVEL {
            return Ok(own);
        }
        let Some(open) = self.parts.segment(&entry)? else { return Ok(None) };
        let block = open.segment.block_of(Seq(leaves.start));
        Ok(block.and_then(|block| open.segment.directory().get(block)).map(|block| block.root))
    }

    /// From the leaf hashes of its tile.
    fn of_leaves(&mut self, id: NodeId) -> Result<NodeHash, ReadError> {
        let leaves = id.leaves().unwrap_or(0..0);
        let tile = leaves.start / TILE;
        let missing =
            ReadError::NoSuchSize { size: TreeSize(leaves.end), log: TreeSize(self.size) };
        let held = self.leaves.take().filter(|(at, _)| *at == tile);
        let hashes = match held {
            Some((_, hashes)) => hashes,
            None => self.tile_leaves(tile)?,
        };
        let first = usize::try_from(leaves.start - tile * TILE).unwrap_or(usize::MAX);
        let count = usize::try_from(leaves.end - leaves.start).unwrap_or(usize::MAX);
        let own = hashes.get(first..).and_then(|rest| rest.get(..count));
        let root = own.and_then(root_of);
        self.leaves = Some((tile, hashes));
        root.ok_or(missing)
    }

    /// The leaf hashes of a tile, as far as the log goes.
    fn tile_leaves(&mut self, tile: u64) -> Result<Vec<NodeHash>, ReadError> {
        let end = ((tile + 1) * TILE).min(self.size);
        let mut seq = tile * TILE;
        let mut leaves = Vec::with_capacity(TILE_WIDTH_MAX.into());
        while seq < end {
            if let Some(entry) = sealed_of(self.view, seq)
                && let Some(edge) = self.edge(&entry, seq, end)?
            {
                seq += edge.len() as u64;
                leaves.extend(edge);
                continue;
            }
            let group = self.parts.group_at(self.view, seq, Keep::Cached, &mut self.near)?;
            let piece_end = group.end_seq().min(end);
            for seq in seq..piece_end {
                let hash = group.entry(seq).hash().ok_or(ReadError::Damaged { seq: Seq(seq) })?;
                leaves.push(leaf_hash(&hash));
            }
            seq = piece_end;
        }
        Ok(leaves)
    }

    /// The leaves from `seq` to the segment's end or the tile's, where its footer holds them.
    fn edge(
        &self,
        entry: &Arc<SegmentEntry>,
        seq: u64,
        tile_end: u64,
    ) -> Result<Option<Vec<NodeHash>>, ReadError> {
        let end = entry.end_seq().min(tile_end);
        let begins_here = seq == entry.first_seq && !seq.is_multiple_of(TILE);
        // The footer's last tile is the one in which the segment ends, from that tile's start on.
        let ends_here = seq.is_multiple_of(TILE) && entry.end_seq() < tile_end;
        if !begins_here && !ends_here {
            return Ok(None);
        }
        let Some(open) = self.parts.segment(entry)? else { return Ok(None) };
        let footer = open.segment.footer();
        let leaves = if begins_here { &footer.first_tile } else { &footer.last_tile };
        Ok((leaves.len() as u64 == end - seq).then(|| leaves.clone()))
    }
}

fn root_of(leaves: &[NodeHash]) -> Option<NodeHash> {
    let mut range = CompactRange::new(0);
    for leaf in leaves {
        range.push(*leaf).ok()?;
    }
    range.root().ok()
}
