//! The totals of one sealed segment, recomputed, against what its footer, anchor and seal say.
//!
//! Invariant: compared only where every record of the segment is there and matches its chain, so
//! that one deed does not make a dozen findings.

use super::report::{Collector, Finding, FindingKind};
use super::sealed::Sealed;
use super::unit::{Outcome, Zone};
use crate::format::{BLOCK_RECORDS_MAX, Footer};
use crate::proof::{Anchor, CompactRange};
use crate::types::{ChainHash, NodeHash, Seq};

/// What the units of one segment add up to.
pub(super) struct Totals {
    first: u64,
    /// Tree over the segment's own leaves.
    own: CompactRange,
    /// The same leaves in the coordinates of the log.
    range: CompactRange,
    zone: Zone,
    first_tile: Vec<NodeHash>,
    last_tile: Vec<NodeHash>,
    chain_after: Option<ChainHash>,
    /// Nothing is missing in any of it.
    pub(super) intact: bool,
}

impl Totals {
    pub(super) fn new(segment: &Sealed) -> Self {
        Self {
            first: segment.first,
            own: CompactRange::new(0),
            range: CompactRange::new(segment.first),
            zone: Zone::default(),
            first_tile: Vec::new(),
            last_tile: Vec::new(),
            chain_after: None,
            intact: true,
        }
    }

    pub(super) fn add(&mut self, unit: &Outcome) {
        self.zone.merge(&unit.zone);
        self.intact &= unit.intact;
        self.chain_after = unit.chain_after.hash();
        for chunk in &unit.chunks {
            self.intact &= self.range.append(chunk).is_ok();
        }
        let own = unit.own.as_ref();
        self.intact &= own.is_some_and(|own| self.own.append(own).is_ok());
        if !self.first.is_multiple_of(BLOCK_RECORDS_MAX)
            && unit.first / BLOCK_RECORDS_MAX == self.first / BLOCK_RECORDS_MAX
        {
            self.first_tile.clone_from(&unit.leaves);
        } else {
            self.last_tile.clone_from(&unit.leaves);
        }
    }

    /// Compares everything that footer, anchor and seal say. `log_root` is the recomputed root of
    /// the log at the segment's end, where it is known.
    pub(super) fn compare(
        &self,
        segment: &Sealed,
        log_root: Option<NodeHash>,
        found: &mut Collector,
    ) {
        let Some(footer) = &segment.footer else { return };
        let wrong = self.footer_faults(footer, log_root);
        if !wrong.is_empty() {
            let what = format!("the footer's {} are not those of the records", wrong.join(", "));
            let finding = Finding::range(FindingKind::Changed, segment.first, segment.end, what);
            found.find(finding.in_file(&segment.path));
        }
        if let Some(anchor) = segment.anchor.as_ref().and_then(|anchor| anchor.value()) {
            self.compare_anchor(segment, anchor, log_root, found);
        }
    }

    fn footer_faults(&self, footer: &Footer, log_root: Option<NodeHash>) -> Vec<&'static str> {
        let mut wrong = Vec::new();
        let mut differs = |different: bool, what: &'static str| {
            if different {
                wrong.push(what);
            }
        };
        differs(footer.timestamp != self.zone.timestamp, "timestamps");
        differs(footer.received != self.zone.received, "times of receipt");
        differs(footer.counts != self.zone.counts, "counts");
        differs(footer.raw_len != self.zone.raw_len, "length");
        differs(Some(footer.chain_after) != self.chain_after, "chain hash");
        differs(Ok(footer.segment_root) != self.own.root(), "segment root");
        differs(log_root.is_some_and(|root| root != footer.log_root), "log root");
        differs(footer.range_nodes != self.range.nodes(), "tree nodes");
        let tiles = (&footer.first_tile, &footer.last_tile);
        differs(tiles != (&self.first_tile, &self.last_tile), "tile leaves");
        wrong
    }

    fn compare_anchor(
        &self,
        segment: &Sealed,
        anchor: &Anchor,
        log_root: Option<NodeHash>,
        found: &mut Collector,
    ) {
        let here = Finding::range(FindingKind::Changed, segment.first, segment.end, "");
        let same = anchor.first_seq == Seq(segment.first)
            && anchor.count == segment.end - segment.first
            && anchor.log_size.0 == segment.end
            && Some(anchor.chain_after) == self.chain_after
            && segment.header.as_ref().is_none_or(|header| {
                // Where header and footer contradict each other, that was said.
                header.chain_before == anchor.chain_before || !segment.sound
            })
            && Ok(anchor.segment_root) == self.own.root();
        if !same {
            let message = "the records are not those that the signed anchor speaks of".to_owned();
            found.find(Finding { message, ..here }.in_file(&segment.path));
        } else if log_root.is_some_and(|root| root != anchor.log_root) {
            let message = "the signed anchor speaks of another history before this segment";
            let finding = Finding::range(FindingKind::Forked, 0, segment.end, message);
            found.find(finding.in_file(&segment.path));
        }
    }
}

/// Compares the digest of the file's bytes with the sealed one. Called where nothing else was found
/// in the file: whatever explains a difference was said already.
pub(super) fn compare_seal(segment: &Sealed, digest: Option<[u8; 32]>, found: &mut Collector) {
    let Some(seal) = segment.seal.as_ref().and_then(|seal| seal.value()) else { return };
    let here = |kind, what: &str| {
        Finding::range(kind, segment.first, segment.end, what).in_file(&segment.path)
    };
    let Some(digest) = digest else {
        found.find(here(FindingKind::Corrupt, "the file can't be read to its end"));
        return;
    };
    if seal.sha256 != digest {
        let what = "the file's bytes are not those that were sealed";
        found.find(here(FindingKind::Corrupt, what));
    } else if (seal.first_seq.0, seal.first_seq.0.checked_add(seal.count))
        != (segment.first, Some(segment.end))
    {
        found.find(here(FindingKind::Changed, "the file seal is that of another segment"));
    } else if let Some(order) = seal.ordered_by {
        let what = format!("the file was rewritten by order of record {order}, which is no order");
        found.find(here(FindingKind::Changed, &what));
    }
}

/// Compares footer and anchor with each other and with the root that the footers so far add up to.
pub(super) fn compare_claims(segment: &Sealed, root: Option<NodeHash>, found: &mut Collector) {
    let Some(footer) = &segment.footer else { return };
    let Some(anchor) = segment.anchor.as_ref().and_then(|anchor| anchor.value()) else { return };
    let same = anchor.first_seq == footer.first_seq
        && anchor.count == footer.count
        && (anchor.chain_before, anchor.chain_after) == (footer.chain_before, footer.chain_after)
        && anchor.segment_root == footer.segment_root
        && (anchor.log_size, anchor.log_root) == (footer.log_size, footer.log_root)
        && root.is_none_or(|root| root == footer.log_root);
    if !same {
        let what = "the footer is not the one that the signed anchor speaks of";
        let finding = Finding::range(FindingKind::Changed, segment.first, segment.end, what);
        found.find(finding.in_file(&segment.path));
    }
}
