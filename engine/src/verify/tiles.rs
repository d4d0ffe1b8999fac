//! Stored tiles, recomputed byte for byte.
//!
//! Invariant: every byte of a tile is answered for: its length by its name, its hashes by those
//! that were computed from intact records, as far as these go. What is no tile of this layout is
//! mentioned, not judged.

use super::ledger::Ledger;
use super::report::{Collector, Finding, FindingKind, NoticeKind};
use super::source::{EvidenceSource, names, read_small};
use super::wants::Wants;
use crate::format::BLOCK_RECORDS_MAX;
use crate::proof::{BundleId, CompactRange, TileId, encode_bundle, leaf_hash};
use crate::types::{NodeHash, RecordHash};

use Judgement::{Ahead, Same, Wrong};

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
        for name in names(source, &dir, found) {
            let path = format!("{dir}/{name}");
            match path.strip_suffix('/') {
                Some(path) if depth < DEPTH_MAX => dirs.push((path.to_owned(), depth + 1)),
                Some(path) => {
                    found.notice(NoticeKind::UnknownFile, format!("{path} holds no tiles"));
                }
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
        let mut ahead = None;
        for (path, stored) in &self.0 {
            let judgement = match read_small(source, path, TILE_LEN_MAX) {
                Ok(Some(bytes)) => stored.judge(&bytes, ledger, &levels),
                Ok(None) => Same,
                Err(e) => Wrong(FindingKind::Corrupt, format!("the tile can't be read: {e}")),
            };
            match judgement {
                Same => {}
                Ahead => ahead = ahead.or(Some((path, stored))),
                Wrong(kind, what) => {
                    found.find(stored.finding(kind, what, ledger.next).in_file(path));
                }
            }
        }
        // Where something else was found the tile is what it was before that.
        let Some((path, stored)) = ahead.filter(|_| ledger.is_proven() && found.is_clean()) else {
            return;
        };
        let next = ledger.next;
        let finding = if stored.is_derived() && !stored.begins_below(next) {
            let what = "the tile is about records that are not there";
            Finding::whole(FindingKind::Changed, what)
        } else {
            let what = "stored tiles cover more records than there are";
            Finding::range(FindingKind::Truncated, next, next + 1, what)
        };
        found.find(finding.in_file(path));
    }
}

/// What the records say of a tile.
enum Judgement {
    Same,
    /// It fits as far as the records go, and goes on.
    Ahead,
    Wrong(FindingKind, String),
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

    fn begins_below(&self, next: u64) -> bool {
        self.range().is_some_and(|(first, _)| first < next)
    }

    /// A finding about those of its records that are there.
    fn finding(&self, kind: FindingKind, what: String, next: u64) -> Finding {
        match self.range().filter(|(first, _)| *first < next) {
            Some((first, end)) => Finding::range(kind, first, end.min(next), what),
            None => Finding::whole(kind, what),
        }
    }

    /// Whether no writer stores it: it is computed whenever somebody asks.
    fn is_derived(&self) -> bool {
        match self {
            Self::Tile(tile) => tile.level() == 0,
            Self::Bundle(_) => true,
        }
    }

    fn judge(&self, bytes: &[u8], ledger: &Ledger, levels: &[Vec<NodeHash>]) -> Judgement {
        if bytes.len() != self.len() {
            let what = "the tile does not have the length that its name says";
            return Wrong(FindingKind::Corrupt, what.to_owned());
        }
        let known = self.known(ledger, levels);
        if !bytes.starts_with(&known) {
            let what = "the tile is not the one that the records give";
            return Wrong(FindingKind::Changed, what.to_owned());
        }
        if known.len() == bytes.len() { Same } else { Ahead }
    }

    /// Bytes that it must have.
    fn len(&self) -> usize {
        match self {
            Self::Tile(tile) => usize::from(tile.width()) * NodeHash::LEN,
            Self::Bundle(bundle) => {
                usize::from(bundle.width()) * encode_bundle(&[RecordHash([0; 64])]).len()
            }
        }
    }

    /// The bytes that it must begin with: as far as the records say.
    fn known(&self, ledger: &Ledger, levels: &[Vec<NodeHash>]) -> Vec<u8> {
        match self {
            Self::Tile(tile) if tile.level() == 0 => {
                let hashes = record_hashes(ledger, tile.index(), tile.width());
                hashes.iter().flat_map(|hash| leaf_hash(hash).0).collect()
            }
            Self::Tile(tile) => {
                let level = levels.get(usize::from(tile.level()) - 1);
                let first = usize::try_from(tile.index().saturating_mul(BLOCK_RECORDS_MAX));
                let behind = level.zip(first.ok()).and_then(|(level, first)| level.get(first..));
                let hashes = behind.unwrap_or_default().iter().take(tile.width().into());
                hashes.flat_map(|hash| hash.0).collect()
            }
            Self::Bundle(bundle) => {
                encode_bundle(&record_hashes(ledger, bundle.index(), bundle.width()))
            }
        }
    }
}

/// The first hashes of a tile of level 0, up to the first that is not known.
fn record_hashes(ledger: &Ledger, tile: u64, width: u16) -> Vec<RecordHash> {
    let first = tile.saturating_mul(BLOCK_RECORDS_MAX);
    let seqs = first..first.saturating_add(width.into());
    seqs.map_while(|seq| ledger.hashes.get(&seq).copied()).collect()
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
