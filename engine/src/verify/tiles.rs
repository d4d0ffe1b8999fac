//! Stored tiles, recomputed byte for byte.
//!
//! Invariant: a tile is compared only with hashes that were computed from intact records; what is
//! no tile of this layout is mentioned, not judged.

use super::ledger::Ledger;
use super::report::{Collector, Finding, FindingKind, NoticeKind};
use super::source::{EvidenceSource, read_small};
use super::wants::Wants;
use crate::format::BLOCK_RECORDS_MAX;
use crate::proof::{BundleId, CompactRange, TileId, encode_bundle, leaf_hash};
use crate::types::{NodeHash, RecordHash};

const TILES: &str = "tile";
const TILE_LEN_MAX: u64 = 32 << 10;
/// `tile/entries/x000/x000/…/000.p/255`
const DEPTH_MAX: usize = 12;

/// What a path below `tile/` names.
enum Stored {
    Tile(TileId),
    Bundle(BundleId),
}

/// The stored tiles.
#[derive(Default)]
pub(super) struct Tiles(Vec<(String, Stored)>);

/// Lists what is there. Done before the records are opened: a tile is written after its records.
pub(super) fn list(source: &dyn EvidenceSource, found: &mut Collector) -> Tiles {
    let mut tiles = Tiles::default();
    let mut dirs = vec![(TILES.to_owned(), 0)];
    while let Some((dir, depth)) = dirs.pop() {
        for name in source.list(&dir).unwrap_or_default() {
            let path = format!("{dir}/{name}");
            match path.strip_suffix('/') {
                Some(path) if depth < DEPTH_MAX => dirs.push((path.to_owned(), depth + 1)),
                Some(_) => {}
                None => tiles.add(path, found),
            }
        }
    }
    tiles.0.sort_by(|a, b| a.0.cmp(&b.0));
    tiles
}

impl Tiles {
    fn add(&mut self, path: String, found: &mut Collector) {
        let tile = TileId::parse_path(&path).map(Stored::Tile);
        match tile.or_else(|| BundleId::parse_path(&path).map(Stored::Bundle)) {
            Some(stored) => self.0.push((path, stored)),
            None => found.notice(NoticeKind::UnknownFile, format!("{path} is no tile")),
        }
    }

    /// The lowest tiles need the hashes of single records.
    pub(super) fn ask(&self, wants: &mut Wants) {
        for (_, stored) in &self.0 {
            match stored {
                Stored::Tile(tile) if tile.level() == 0 => wants.tiles.insert(tile.index()),
                Stored::Bundle(bundle) => wants.tiles.insert(bundle.index()),
                Stored::Tile(_) => false,
            };
        }
    }

    /// Compares every tile with the one that the records give.
    pub(super) fn check(
        &self,
        source: &dyn EvidenceSource,
        ledger: &Ledger,
        found: &mut Collector,
    ) {
        let levels = levels(&ledger.nodes);
        let mut short = false;
        for (path, stored) in &self.0 {
            let Some(want) = stored.bytes(ledger, &levels) else {
                short = true;
                continue;
            };
            let fault = match read_small(source, path, TILE_LEN_MAX) {
                Ok(Some(bytes)) if bytes == want => continue,
                Ok(Some(_)) => "the tile is not the one that the records give".to_owned(),
                Ok(None) => continue,
                Err(e) => format!("the tile can't be read: {e}"),
            };
            let finding = match stored.range() {
                Some((first, end)) => Finding::range(FindingKind::Changed, first, end, fault),
                None => Finding::whole(FindingKind::Changed, fault),
            };
            found.find(finding.in_file(path));
        }
        if short && ledger.intact && found.is_clean() {
            let next = ledger.next;
            let what = "stored tiles cover more records than there are";
            found.find(Finding::range(FindingKind::Truncated, next, next + 1, what));
        }
    }
}

impl Stored {
    /// Records that it is about.
    fn range(&self) -> Option<(u64, u64)> {
        let (first, count, level) = match self {
            Self::Tile(tile) => (tile.index() << 8, u64::from(tile.width()), tile.level()),
            Self::Bundle(bundle) => (bundle.index() << 8, u64::from(bundle.width()), 0),
        };
        let width = 1_u64.checked_shl(u32::from(level) * 8)?;
        Some((first.checked_mul(width)?, first.checked_add(count)?.checked_mul(width)?))
    }

    /// The bytes that it must have; `None` where the records don't say.
    fn bytes(&self, ledger: &Ledger, levels: &[Vec<NodeHash>]) -> Option<Vec<u8>> {
        match self {
            Self::Tile(tile) if tile.level() == 0 => {
                let hashes = record_hashes(ledger, tile.index(), tile.width())?;
                Some(hashes.iter().flat_map(|hash| leaf_hash(hash).0).collect())
            }
            Self::Tile(tile) => {
                let level = levels.get(usize::from(tile.level()) - 1)?;
                let first = usize::try_from(tile.index().checked_mul(BLOCK_RECORDS_MAX)?).ok()?;
                let hashes = level.get(first..first.checked_add(tile.width().into())?)?;
                Some(hashes.iter().flat_map(|hash| hash.0).collect())
            }
            Self::Bundle(bundle) => {
                let hashes = record_hashes(ledger, bundle.index(), bundle.width())?;
                Some(encode_bundle(&hashes))
            }
        }
    }
}

fn record_hashes(ledger: &Ledger, tile: u64, width: u16) -> Option<Vec<RecordHash>> {
    let first = tile.checked_mul(BLOCK_RECORDS_MAX)?;
    let hash = |seq: u64| ledger.hashes.get(&seq).copied();
    (first..first.checked_add(width.into())?).map(hash).collect()
}

/// Nodes of the levels 8, 16, 24, … from those of level 8.
fn levels(nodes: &[NodeHash]) -> Vec<Vec<NodeHash>> {
    let mut levels = vec![nodes.to_vec()];
    while let Some(last) = levels.last().filter(|last| last.len() >= 256) {
        let (full, _) = last.as_chunks::<256>();
        let next = full.iter().filter_map(|hashes| {
            let mut range = CompactRange::new(0);
            hashes.iter().try_for_each(|hash| range.push(*hash)).ok()?;
            range.root().ok()
        });
        let next = next.collect();
        levels.push(next);
    }
    levels
}
