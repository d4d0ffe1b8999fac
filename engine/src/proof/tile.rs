//! Hash tiles (C2SP tlog-tiles, height 8): names, contents, and the nodes inside them.
//!
//! Invariant: a [`TileId`] names a tile that some tree of at most 2^64 − 1 leaves has; its path
//! has one spelling. Knows nothing about where tiles are kept.

use super::cover::NodeId;
use super::range::CompactRange;
use crate::types::{NodeHash, counted};

/// Hashes of a full tile.
pub const TILE_WIDTH_MAX: u16 = 256;

/// Tree levels that a tile spans.
const HEIGHT: u8 = 8;

/// Tile levels of the largest tree that 64 bits count.
const LEVELS: u8 = 8;

/// Which tile: hashes `[index * 256, index * 256 + width)` of tree level `8 * level`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TileId {
    level: u8,
    index: u64,
    width: u16,
}

impl TileId {
    /// `None` where no tree has such a tile: `level` above 7, `width` not 1 to 256, `index` too
    /// large for the level.
    #[must_use]
    pub fn new(level: u8, index: u64, width: u16) -> Option<Self> {
        let fits = level < LEVELS && index < 1 << (56 - u32::from(level * HEIGHT));
        let filled = (1..=TILE_WIDTH_MAX).contains(&width);
        (fits && filled).then_some(Self { level, index, width })
    }

    /// The tile of a tree of `size` leaves from which `node` can be had; `None` where the tree
    /// has no such perfect subtree.
    #[must_use]
    pub fn holding(node: NodeId, size: u64) -> Option<Self> {
        if node.leaves()?.end > size {
            return None;
        }
        let (level, inner) = (node.level / HEIGHT, node.level % HEIGHT);
        let index = node.index >> (HEIGHT - inner);
        Self::new(level, index, width_at(size, level, index)?)
    }

    /// Tile level: a hash of it covers `256^level` leaves. At most 7.
    #[must_use]
    pub fn level(self) -> u8 {
        self.level
    }

    /// Position among the tiles of its level, from 0.
    #[must_use]
    pub fn index(self) -> u64 {
        self.index
    }

    /// Number of hashes, 1 to 256.
    #[must_use]
    pub fn width(self) -> u16 {
        self.width
    }

    /// The nodes whose hashes the tile holds, in order.
    pub fn nodes(self) -> impl Iterator<Item = NodeId> {
        let (level, first) = (self.level * HEIGHT, self.index << HEIGHT);
        (0..u64::from(self.width)).map(move |at| NodeId { level, index: first + at })
    }

    /// Path below the log's prefix, such as `tile/1/x001/234.p/5`.
    #[must_use]
    pub fn path(self) -> String {
        format!("tile/{}/{}", self.level, place(self.index, self.width))
    }

    /// Strict inverse of [`Self::path`].
    #[must_use]
    pub fn parse_path(path: &str) -> Option<Self> {
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let (index, width) = place_parse(rest)?;
        let level = u8::try_from(super::text::decimal_parse(level)?).ok()?;
        Self::new(level, index, width)
    }
}

/// All tiles of a tree of `size` leaves, level by level; the last of a level may be partial.
pub fn tiles_of(size: u64) -> impl Iterator<Item = TileId> {
    (0..LEVELS).flat_map(move |level| {
        let tiles = (size >> (level * HEIGHT)).div_ceil(TILE_WIDTH_MAX.into());
        (0..tiles).filter_map(move |index| TileId::new(level, index, width_at(size, level, index)?))
    })
}

/// A tile with its hashes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tile {
    id: TileId,
    hashes: Vec<NodeHash>,
}

/// Bytes that are not those of the tile asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TileError {
    /// Not 32 bytes for each hash of its width.
    #[error("a tile of width {width} can't have {}", counted(*len, "byte"))]
    Length {
        /// Hashes of the tile.
        width: u16,
        /// Bytes given.
        len: usize,
    },
}

impl Tile {
    /// Reads a tile's bytes. Whether its hashes are right only a root can say.
    ///
    /// # Errors
    /// [`TileError::Length`].
    pub fn parse(id: TileId, bytes: &[u8]) -> Result<Self, TileError> {
        let (hashes, rest) = bytes.as_chunks::<{ NodeHash::LEN }>();
        if !rest.is_empty() || hashes.len() != usize::from(id.width) {
            return Err(TileError::Length { width: id.width, len: bytes.len() });
        }
        Ok(Self { id, hashes: hashes.iter().copied().map(NodeHash).collect() })
    }

    /// A tile of hashes at hand, in the order of [`TileId::nodes`].
    ///
    /// # Errors
    /// [`TileError::Length`] where there are not as many as its width.
    pub fn from_hashes(id: TileId, hashes: Vec<NodeHash>) -> Result<Self, TileError> {
        if hashes.len() == usize::from(id.width) {
            Ok(Self { id, hashes })
        } else {
            let len = hashes.len().saturating_mul(NodeHash::LEN);
            Err(TileError::Length { width: id.width, len })
        }
    }

    /// Which tile this is.
    #[must_use]
    pub fn id(&self) -> TileId {
        self.id
    }

    /// The hashes, in order.
    #[must_use]
    pub fn hashes(&self) -> &[NodeHash] {
        &self.hashes
    }

    /// The bytes of the tile: 32 per hash.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(|hash| hash.0).collect()
    }

    /// The hash of a node that the tile holds or spans; `None` where it lies elsewhere.
    #[must_use]
    pub fn node(&self, node: NodeId) -> Option<NodeHash> {
        let inner = node.level.checked_sub(self.id.level * HEIGHT).filter(|&at| at <= HEIGHT)?;
        let first = node.index.checked_mul(1 << inner)?;
        let at = usize::try_from(first.checked_sub(self.id.index << HEIGHT)?).ok()?;
        let hashes = self.hashes.get(at..at.checked_add(1 << inner)?)?;
        let mut range = CompactRange::new(0);
        for hash in hashes {
            range.push(*hash).ok()?;
        }
        range.root().ok()
    }
}

/// Hashes that a tile has in a tree of `size` leaves; `None` for none.
fn width_at(size: u64, level: u8, index: u64) -> Option<u16> {
    let hashes = size.checked_shr(u32::from(level) * u32::from(HEIGHT))?;
    let left = hashes.checked_sub(index.checked_mul(TILE_WIDTH_MAX.into())?)?;
    let width = u16::try_from(left).unwrap_or(TILE_WIDTH_MAX).min(TILE_WIDTH_MAX);
    (width > 0).then_some(width)
}

/// Index and width as path elements: `x001/234/067`, and `.p/W` where the tile is not full.
pub(super) fn place(index: u64, width: u16) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    if width < TILE_WIDTH_MAX { format!("{path}.p/{width}") } else { path }
}

/// Strict inverse of [`place`].
pub(super) fn place_parse(path: &str) -> Option<(u64, u16)> {
    let (digits, width) = match path.split_once(".p/") {
        Some((digits, width)) => (digits, u16::try_from(super::text::decimal_parse(width)?).ok()?),
        None => (path, TILE_WIDTH_MAX),
    };
    let three = |part: &str| {
        let plain = part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| part.parse::<u64>().ok())?
    };
    let mut parts = digits.rsplit('/');
    let mut index = three(parts.next()?)?;
    let mut unit = 1u64;
    for part in parts {
        unit = unit.checked_mul(1000)?;
        let higher = three(part.strip_prefix('x')?)?.checked_mul(unit)?;
        index = index.checked_add(higher)?;
    }
    // Leading groups of zeros and the width of a full tile are further spellings.
    (place(index, width) == path).then_some((index, width))
}
