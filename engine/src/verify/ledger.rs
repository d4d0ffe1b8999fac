//! Adds up what the units found, in order of their records.
//!
//! Invariant: roots and chain hashes are given out only where everything before them was recomputed
//! and fits; behind a fault the log's own claims carry the tree on, and nothing is concluded from
//! it.
//! Knows nothing about files.

use std::collections::BTreeMap;

use super::duplicates::Duplicates;
use super::group::Before;
use super::report::{Collector, Finding, FindingKind};
use super::sealed::Sealed;
use super::totals::{Totals, compare_claims, compare_seal};
use super::unit::{BACKWARDS, Outcome};
use super::wants::{Piece, Wants};
use crate::format::BLOCK_RECORDS_MAX;
use crate::proof::{CompactRange, empty_root};
use crate::types::{ChainHash, NodeHash, RecordHash};

/// State behind the records added up so far.
pub(super) struct Ledger {
    wants: Wants,
    /// Seq of the record that comes next.
    pub(super) next: u64,
    /// Compact range `[0, next)`.
    pub(super) tree: Option<CompactRange>,
    /// Everything below `next` fits.
    pub(super) intact: bool,
    pub(super) chain: Before,
    /// Records looked at.
    pub(super) records: u64,
    /// Roots at sizes that are asked for.
    pub(super) roots: BTreeMap<u64, NodeHash>,
    /// Chain hashes at sizes that are asked for.
    pub(super) chains: BTreeMap<u64, ChainHash>,
    /// Ranges of stretches that are asked for.
    pub(super) spans: BTreeMap<(u64, u64), CompactRange>,
    /// Roots of full tiles, as far as their records were looked at and everything is intact: nodes
    /// of level 8.
    pub(super) nodes: Vec<NodeHash>,
    /// The part of the tile that is not full; `None` behind records that were not looked at.
    tile: Option<CompactRange>,
    /// Record hashes of tiles that are asked for.
    pub(super) hashes: BTreeMap<u64, RecordHash>,
    pub(super) duplicates: Duplicates,
    received: Option<i64>,
    /// Size and root of the tree before it broke.
    best: (u64, NodeHash),
    segment: Option<(Totals, Option<CompactRange>)>,
}

impl Ledger {
    pub(super) fn new(wants: Wants, genesis: Before) -> Self {
        let mut ledger = Self {
            wants,
            next: 0,
            tree: Some(CompactRange::new(0)),
            intact: true,
            chain: genesis,
            records: 0,
            roots: BTreeMap::new(),
            chains: BTreeMap::new(),
            spans: BTreeMap::new(),
            nodes: Vec::new(),
            tile: Some(CompactRange::new(0)),
            hashes: BTreeMap::new(),
            duplicates: Duplicates::default(),
            received: None,
            best: (0, empty_root()),
            segment: None,
        };
        ledger.note_end();
        ledger
    }

    /// Keeps root and chain hash where somebody asks for those of this size.
    fn note_end(&mut self) {
        if !self.intact {
            return;
        }
        if self.wants.sizes.contains(&self.next)
            && let Some(root) = self.root()
        {
            self.roots.insert(self.next, root);
        }
        if self.wants.chains.contains(&self.next)
            && let Before::Known(chain) = self.chain
        {
            self.chains.insert(self.next, chain);
        }
    }

    /// Whether every record so far was looked at and fits.
    pub(super) fn is_proven(&self) -> bool {
        self.intact && self.tile.is_some()
    }

    /// Root over everything so far.
    pub(super) fn root(&self) -> Option<NodeHash> {
        self.tree.as_ref()?.root().ok()
    }

    /// Size and root of the largest tree that could be built.
    pub(super) fn tree_and_root(&self) -> (u64, NodeHash) {
        match self.root() {
            Some(root) => (self.next, root),
            None => self.best,
        }
    }

    /// Records up to `next` are not there or can't be read.
    pub(super) fn gap(&mut self, next: u64) {
        self.intact = false;
        self.drop_tree();
        self.chain = Before::Unknown;
        self.next = next;
    }

    pub(super) fn begin(&mut self, segment: &Sealed) {
        self.segment = Some((Totals::new(segment), self.tree.clone()));
    }

    pub(super) fn unit(&mut self, mut unit: Outcome, found: &mut Collector) {
        for finding in std::mem::take(&mut unit.findings) {
            found.find(finding);
        }
        if unit.first != self.next {
            self.gap(unit.first);
        }
        if let Some((totals, _)) = &mut self.segment {
            totals.add(&unit);
        }
        if let (Some(last), Some((first, _))) = (self.received, unit.received)
            && first < last
            && unit.intact
        {
            let at = unit.first;
            found.find(Finding::range(FindingKind::Reordered, at, at + 1, BACKWARDS));
        }
        self.received = unit.received.map(|(_, last)| last).max(self.received);
        self.records += unit.end - unit.first;
        self.duplicates.add(unit.first, &unit.prints);
        self.intact &= unit.intact;
        if self.intact {
            self.hashes.extend(unit.hashes.iter().copied());
        }
        self.grow(&unit);
        self.chain = unit.chain_after;
        self.next = unit.end;
        self.note_end();
    }

    fn grow(&mut self, unit: &Outcome) {
        if self.intact {
            self.chains.extend(unit.chains.iter().copied());
            for piece in &unit.pieces {
                self.piece(piece);
            }
        }
        let known: u64 = unit.chunks.iter().map(|chunk| chunk.end() - chunk.begin()).sum();
        let Some(tree) = &mut self.tree else { return };
        let mut grown = known == unit.end - unit.first;
        for chunk in &unit.chunks {
            grown &= tree.append(chunk).is_ok();
            let Some(tile) = &mut self.tile else { continue };
            grown &= tile.append(chunk).is_ok();
            if grown && tile.end().is_multiple_of(BLOCK_RECORDS_MAX) {
                self.nodes.extend(tile.nodes().first().filter(|_| self.intact));
                *tile = CompactRange::new(tile.end());
            }
        }
        if !grown {
            self.drop_tree();
            self.intact = false;
        }
    }

    fn drop_tree(&mut self) {
        if let Some(tree) = self.tree.take()
            && let Ok(root) = tree.root()
        {
            self.best = (tree.end(), root);
        }
    }

    fn piece(&mut self, piece: &Piece) {
        match piece {
            Piece::Cut(range) => {
                let root = self.tree.clone().and_then(|mut tree| {
                    tree.append(range).ok()?;
                    tree.root().ok()
                });
                self.roots.extend(root.map(|root| (range.end(), root)));
            }
            Piece::Span(span, range) => {
                let known = self.spans.entry(*span).or_insert(CompactRange::new(0));
                if known.append(range).is_err() {
                    *known = CompactRange::new(0);
                }
            }
        }
    }

    /// Ends a sealed segment. `digest` is that of its bytes, where it was computed.
    pub(super) fn end(
        &mut self,
        segment: &Sealed,
        digest: Option<Option<[u8; 32]>>,
        quick: bool,
        found: &mut Collector,
    ) {
        let Some((totals, before)) = self.segment.take() else { return };
        if quick {
            self.claim(segment, before, found);
        } else if totals.intact && self.next == segment.end {
            let root = if self.intact { self.root() } else { None };
            totals.compare(segment, root, found);
        } else {
            self.carry(segment, before);
            self.intact = false;
            return;
        }
        if let Some(digest) = digest
            && segment.sound
            && !found.names(&segment.path)
        {
            compare_seal(segment, digest, found);
        }
    }

    /// Without a look at the records: footers are compared with anchors and with each other.
    fn claim(&mut self, segment: &Sealed, before: Option<CompactRange>, found: &mut Collector) {
        let intact = self.intact && segment.sound;
        self.carry(segment, before);
        self.records += segment.end - segment.first;
        self.intact = intact && self.tree.is_some();
        self.note_end();
        if self.intact {
            compare_claims(segment, self.root(), found);
        }
    }

    /// What the footer says of the segment's leaves stands for them.
    fn carry(&mut self, segment: &Sealed, before: Option<CompactRange>) {
        let range = segment.footer.as_ref().and_then(|footer| {
            let nodes = footer.range_nodes.clone();
            CompactRange::from_nodes(segment.first, segment.end, nodes).ok()
        });
        self.tree = match (before, range) {
            (Some(mut tree), Some(range)) => tree.append(&range).is_ok().then_some(tree),
            _ => None,
        };
        self.tile = None;
        self.next = segment.end;
        self.chain = match &segment.footer {
            Some(footer) => Before::Known(footer.chain_after),
            None => Before::Unknown,
        };
    }
}
