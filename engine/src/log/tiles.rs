//! Single files of the static C2SP layout, made when they are asked for.
//!
//! Invariant: a tile or bundle is given only where all its hashes are of durable records, and is
//! then the same bytes for ever, whatever the log grows to. Nothing of a path reaches the file
//! system before it was parsed.

use super::nodes::Nodes;
use super::parts::{Keep, Nearby};
use super::read_error::ReadError;
use super::reader::Reader;
use super::view::View;
use crate::proof::{BundleId, NodeId, TILE_WIDTH_MAX, Tile, TileId, encode_bundle};
use crate::types::{RecordHash, Seq};

impl Reader {
    /// One file of the static layout by its path: `tile/<L>/<N>`, `tile/entries/<N>`, either with
    /// `.p/<W>` where it is not full. `None` where the path is no such name in its one spelling,
    /// or the log has not as many records as the file would cover.
    ///
    /// Files are of what is durable; whether a checkpoint covers it already, [`Reader::checkpoint`]
    /// says.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] where a record that it depends on can't be read; [`ReadError::Io`].
    pub fn tile(&self, path: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let view = self.view();
        if let Some(id) = TileId::parse_path(path) {
            return self.hash_tile(&view, id);
        }
        match BundleId::parse_path(path) {
            Some(id) => self.bundle(&view, id),
            None => Ok(None),
        }
    }

    fn hash_tile(&self, view: &View, id: TileId) -> Result<Option<Vec<u8>>, ReadError> {
        let last = id.nodes().last().and_then(NodeId::leaves);
        if last.is_none_or(|leaves| leaves.end > view.size()) {
            return Ok(None);
        }
        let mut nodes = Nodes::new(&self.parts, view);
        let hashes = id.nodes().map(|node| nodes.get(node)).collect::<Result<Vec<_>, _>>()?;
        // There are as many hashes as the tile is wide.
        Ok(Tile::from_hashes(id, hashes).ok().map(|tile| tile.to_bytes()))
    }

    fn bundle(&self, view: &View, id: BundleId) -> Result<Option<Vec<u8>>, ReadError> {
        let first = id.index().checked_mul(TILE_WIDTH_MAX.into());
        let range = first.and_then(|first| Some(first..first.checked_add(id.width().into())?));
        let Some(range) = range.filter(|range| range.end <= view.size()) else { return Ok(None) };
        let mut hashes: Vec<RecordHash> = Vec::with_capacity(id.width().into());
        let mut seq = range.start;
        let near = &mut Nearby::default();
        while seq < range.end {
            let group = self.parts.group_at(view, seq, Keep::Cached, near)?;
            let end = group.end_seq().min(range.end).max(seq + 1);
            for seq in seq..end {
                let hash = group.entry(seq).hash();
                hashes.push(hash.ok_or(ReadError::Damaged { seq: Seq(seq) })?);
            }
            seq = end;
        }
        Ok(Some(encode_bundle(&hashes)))
    }
}
