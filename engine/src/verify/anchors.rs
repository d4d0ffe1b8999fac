//! Daily anchors: signed notes about stretches of whole records.
//!
//! Invariant: each line of an anchor is recomputed from the records; which stretches that takes is
//! known before they are read.

use super::ledger::Ledger;
use super::report::{Collector, Finding, FindingKind, NoticeKind};
use super::signed::{Keys, Signed};
use super::source::{EvidenceSource, names, read_small};
use super::wants::Wants;
use crate::proof::{Anchor, CompactRange, empty_root};

const ANCHORS: &str = "anchors";
/// Name of the file in the directory of its day.
const ANCHOR: &str = "anchor";
const ANCHOR_LEN_MAX: u64 = 64 << 10;

/// An anchor and where it is kept.
pub(super) struct DayAnchor {
    path: String,
    anchor: Anchor,
}

/// Reads and judges `anchors/<date>/anchor`; what else is there is no evidence, and mentioned.
pub(super) fn load(
    source: &dyn EvidenceSource,
    keys: &Keys,
    found: &mut Collector,
) -> Vec<DayAnchor> {
    let mut anchors = Vec::new();
    let stray = |path: String, found: &mut Collector| {
        found.notice(NoticeKind::UnknownFile, format!("{path} is no file of a log"));
    };
    for day in names(source, ANCHORS, found) {
        let Some(day) = day.strip_suffix('/') else {
            stray(format!("{ANCHORS}/{day}"), found);
            continue;
        };
        for name in names(source, &format!("{ANCHORS}/{day}"), found) {
            if name.trim_end_matches('/') != ANCHOR {
                stray(format!("{ANCHORS}/{day}/{name}"), found);
            }
        }
        let path = format!("{ANCHORS}/{day}/{ANCHOR}");
        let note = match read_small(source, &path, ANCHOR_LEN_MAX) {
            Ok(Some(note)) => note,
            Ok(None) => continue,
            Err(e) => {
                let what = format!("{path} can't be read: {e}");
                found.find(Finding::whole(FindingKind::Corrupt, what).in_file(&path));
                continue;
            }
        };
        match keys.anchor(&note) {
            Signed::Good(anchor, _) | Signed::Unjudged(anchor) => {
                anchors.push(DayAnchor { path, anchor });
            }
            Signed::Bad(_, e) => {
                let what = format!("the day's anchor does not hold: {e}");
                found.find(Finding::whole(FindingKind::Signature, what).in_file(&path));
            }
        }
    }
    anchors
}

impl DayAnchor {
    fn first(&self) -> u64 {
        self.anchor.first_seq.0
    }

    fn end(&self) -> u64 {
        self.first().saturating_add(self.anchor.count)
    }

    /// Size of the log when it was made.
    pub(super) fn size(&self) -> u64 {
        self.anchor.log_size.0
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// What has to be known to check it.
    pub(super) fn ask(&self, wants: &mut Wants) {
        wants.sizes.insert(self.size());
        wants.chains.extend([self.first(), self.end()]);
        if self.anchor.count > 0 {
            wants.spans.insert((self.first(), self.end()));
        }
    }

    /// Compares it with the records.
    pub(super) fn check(&self, ledger: &Ledger, found: &mut Collector) {
        let (first, end) = (self.first(), self.end());
        let chain = |size: u64| ledger.chains.get(&size);
        let span = if self.anchor.count == 0 {
            Some(empty_root())
        } else {
            let whole = |range: &&CompactRange| range.end() == self.anchor.count;
            ledger.spans.get(&(first, end)).filter(whole).and_then(|range| range.root().ok())
        };
        let mut wrong = Vec::new();
        let mut differs = |different: bool, what: &'static str| {
            if different {
                wrong.push(what);
            }
        };
        differs(end > self.size(), "size");
        differs(chain(first).is_some_and(|c| *c != self.anchor.chain_before), "chain_before");
        differs(chain(end).is_some_and(|c| *c != self.anchor.chain_after), "chain_after");
        let known = chain(end).is_some();
        differs(known && span.is_some_and(|r| r != self.anchor.segment_root), "segment_root");
        let root = ledger.roots.get(&self.size());
        differs(root.is_some_and(|root| *root != self.anchor.log_root), "log_root");
        if !wrong.is_empty() {
            let what = format!("the day's anchor speaks of other records: {}", wrong.join(", "));
            let finding = Finding::range(FindingKind::Forked, first, end.max(first + 1), what);
            found.find(finding.in_file(&self.path));
        }
    }
}
