//! A unit of work: consecutive records of one file, hashed and judged by one thread.
//!
//! Invariant: what an [`Outcome`] says follows from the bodies alone; stored values are only
//! compared with. Knows nothing about the records before it but their chain hash.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::group::{Before, Run, Trials, Verdict};
use super::report::{Finding, FindingKind};
use super::wants::{self, Piece, Wants};
use crate::format::{BLOCK_RECORDS_MAX, Counts, LOCATOR_LEN, TimeRange};
use crate::proof::{CompactRange, chain_next, leaf_hash};
use crate::record::{AuditId, Body};
use crate::segment::PackedItem;
use crate::types::{ChainHash, NodeHash, RecordHash};

/// What is known of a set of records without reading them again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Zone {
    pub(super) timestamp: TimeRange,
    pub(super) received: TimeRange,
    pub(super) counts: Counts,
    pub(super) raw_len: u64,
}

impl Default for Zone {
    fn default() -> Self {
        let counts = Counts::default();
        Self { timestamp: TimeRange::EMPTY, received: TimeRange::EMPTY, counts, raw_len: 0 }
    }
}

impl Zone {
    fn add(&mut self, body: &Body<'_>) {
        self.timestamp.add(body.timestamp().unix_nanos());
        self.received.add(body.received_at().unix_nanos());
        self.raw_len = self.raw_len.saturating_add(body.as_bytes().len() as u64);
        let bump = |counts: &mut [u64; 3], index: usize| {
            if let Some(n) = counts.get_mut(index) {
                *n += 1;
            }
        };
        bump(&mut self.counts.result, body.result() as usize);
        bump(&mut self.counts.sensitivity, body.sensitivity() as usize);
        bump(&mut self.counts.actor_type, body.actor_type() as usize);
        self.counts.pii += u64::from(body.pii_flag());
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.timestamp.merge(other.timestamp);
        self.received.merge(other.received);
        self.counts.merge(&other.counts);
        self.raw_len = self.raw_len.saturating_add(other.raw_len);
    }
}

/// What a unit's thread found.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) first: u64,
    pub(super) end: u64,
    pub(super) zone: Zone,
    /// All leaves in log coordinates, cut at the edges of tiles; empty where one is not known.
    pub(super) chunks: Vec<CompactRange>,
    /// All leaves in the coordinates of their own segment.
    pub(super) own: Option<CompactRange>,
    /// What else is asked for.
    pub(super) pieces: Vec<Piece>,
    /// Leaves of a unit that lies in one tile without filling it.
    pub(super) leaves: Vec<NodeHash>,
    /// Record hashes of tiles that are asked for, with their seqs.
    pub(super) hashes: Vec<(u64, RecordHash)>,
    /// Chain hashes at sizes that are asked for.
    pub(super) chains: Vec<(u64, ChainHash)>,
    pub(super) chain_after: Before,
    /// `received_at` of the first and the last record, nanoseconds.
    pub(super) received: Option<(i64, i64)>,
    /// One per record: producer and `audit_id`.
    pub(super) prints: Vec<u64>,
    pub(super) findings: Vec<Finding>,
    /// Every record is there, matches the chain and stands at its seq.
    pub(super) intact: bool,
    /// Bytes of the file that were read for it.
    pub(super) bytes: u64,
}

/// What all units share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) wants: Wants,
    pub(super) trials: Trials,
}

/// Collects one unit, group by group.
pub(super) struct UnitBuilder {
    shared: Arc<Shared>,
    path: Arc<str>,
    first: u64,
    seq: u64,
    before: Before,
    hashes: Vec<RecordHash>,
    leaves: Vec<NodeHash>,
    aligned: Option<CompactRange>,
    zone: Zone,
    chains: Vec<(u64, ChainHash)>,
    received: Option<(i64, i64)>,
    /// Least and largest `received_at` of the last run.
    run_received: Option<(i64, i64)>,
    prints: Vec<u64>,
    findings: Vec<Finding>,
    intact: bool,
}

impl UnitBuilder {
    pub(super) fn new(shared: Arc<Shared>, path: Arc<str>, first: u64, before: Before) -> Self {
        Self {
            shared,
            path,
            first,
            seq: first,
            before,
            hashes: Vec::new(),
            leaves: Vec::new(),
            aligned: None,
            zone: Zone::default(),
            chains: Vec::new(),
            received: None,
            run_received: None,
            prints: Vec::new(),
            findings: Vec::new(),
            intact: true,
        }
    }

    /// Seq of the record that comes next.
    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    pub(super) fn is_intact(&self) -> bool {
        self.intact
    }

    pub(super) fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Least and largest `received_at` of the last run, nanoseconds, where its records are sound.
    pub(super) fn run_received(&self) -> Option<(i64, i64)> {
        self.run_received
    }

    /// Root of the records so far, as a tree of their own.
    pub(super) fn root(&mut self) -> Option<NodeHash> {
        self.aligned()?.root().ok()
    }

    /// The leaves as a range from 0: its nodes are those of any place that is aligned to a tile.
    fn aligned(&mut self) -> Option<&CompactRange> {
        if self.aligned.as_ref().is_none_or(|range| range.end() != self.leaves.len() as u64) {
            let mut range = CompactRange::new(0);
            for leaf in &self.leaves {
                range.push(*leaf).ok()?;
            }
            self.aligned = Some(range);
        }
        self.aligned.as_ref()
    }

    pub(super) fn find(&mut self, finding: Finding) {
        self.findings.push(finding.in_file(&self.path));
    }

    /// Says something better about what the last finding was about.
    pub(super) fn replace_last(&mut self, finding: Finding) {
        self.findings.pop();
        self.find(finding);
    }

    /// Something is wrong with the records `[first, end)` themselves.
    pub(super) fn broken(&mut self, kind: FindingKind, first: u64, end: u64, message: &str) {
        self.intact = false;
        self.find(Finding::range(kind, first, end, message));
    }

    /// A run of `due` records can't be read: the next one begins behind them.
    pub(super) fn lost(&mut self, due: u64, after: Before) {
        self.intact = false;
        self.seq += due;
        self.before = after;
    }

    /// Looks at a run of records with these hashes. `quiet` says that a finding about these bytes
    /// is there already.
    pub(super) fn run(
        &mut self,
        (items, hashes): (&[PackedItem<'_>], &[RecordHash]),
        locators: &[[u8; LOCATOR_LEN]],
        after: ChainHash,
        due: usize,
        quiet: bool,
    ) -> Verdict {
        let run = Run { before: self.before, hashes, locators, after, due };
        let verdict = run.judge(&self.shared.trials);
        let first = self.seq;
        match &verdict {
            Verdict::Sound => {}
            Verdict::Locator(at) => {
                if !quiet {
                    let seq = first + *at as u64;
                    let message = "the record is sound, its stored locator is not";
                    self.find(Finding::range(FindingKind::Corrupt, seq, seq + 1, message));
                }
            }
            Verdict::Wrong(kind, range, message) => {
                self.intact = false;
                if !quiet {
                    let (from, to) = (first + range.start as u64, first + range.end as u64);
                    self.find(Finding::range(*kind, from, to, *message));
                }
            }
        }
        if matches!(self.before, Before::Unknown | Before::Claimed(_)) {
            // Whatever came before is not proven to lead here.
            self.intact = false;
        }
        let sound = matches!(verdict, Verdict::Sound | Verdict::Locator(_));
        self.take_in(items, hashes, sound);
        self.before = Before::Known(after);
        self.seq = first + due as u64;
        verdict
    }

    fn take_in(&mut self, items: &[PackedItem<'_>], hashes: &[RecordHash], sound: bool) {
        let shared = Arc::clone(&self.shared);
        let sizes = self.seq + 1..=self.seq + hashes.len() as u64;
        let asked = !hashes.is_empty() && shared.wants.chains.range(sizes).next().is_some();
        let mut chain = self.before.hash().filter(|_| asked);
        self.run_received = None;
        for ((item, hash), seq) in items.iter().zip(hashes).zip(self.seq..) {
            match item {
                PackedItem::Body(body) => self.body(body, seq, sound),
                PackedItem::Erased(id, _) => self.erased(id, seq),
            }
            chain = chain.map(|chain| chain_next(&chain, hash));
            if let Some(chain) = chain.filter(|_| shared.wants.chains.contains(&(seq + 1))) {
                self.chains.push((seq + 1, chain));
            }
        }
        self.leaves.extend(hashes.iter().map(leaf_hash));
        self.hashes.extend_from_slice(hashes);
    }

    fn erased(&mut self, id: &AuditId, seq: u64) {
        self.zone.counts.erased += 1;
        let message = format!("the body of {id} is gone and no record of the log certifies that");
        self.find(Finding::range(FindingKind::Removed, seq, seq + 1, message));
    }

    fn body(&mut self, bytes: &[u8], seq: u64, sound: bool) {
        let body = match Body::parse(bytes) {
            Ok(body) => body,
            Err(_) if !sound => return,
            Err(e) => {
                let message = format!("the record was chained so, but is no body: {e}");
                self.find(Finding::range(FindingKind::Corrupt, seq, seq + 1, message));
                self.intact = false;
                return;
            }
        };
        self.zone.add(&body);
        if sound {
            let at = body.received_at().unix_nanos();
            let (least, most) = self.run_received.unwrap_or((at, at));
            self.run_received = Some((least.min(at), most.max(at)));
            let (first, last) = self.received.unwrap_or((at, at));
            if at < last {
                self.find(Finding::range(FindingKind::Reordered, seq, seq + 1, BACKWARDS));
            }
            self.received = Some((first, last.max(at)));
        }
        let mut print = DefaultHasher::new();
        body.producer().hash(&mut print);
        body.audit_id().as_bytes().hash(&mut print);
        self.prints.push(print.finish());
    }

    /// Ends the unit at `end`, the seq behind its last record. `own` is where its segment's tree
    /// begins.
    pub(super) fn finish(mut self, end: u64, own: Option<u64>, bytes: u64) -> Outcome {
        if self.seq != end || self.hashes.len() as u64 != end - self.first {
            self.intact = false;
        }
        if self.hashes.len() as u64 != end.saturating_sub(self.first) {
            self.leaves.clear();
        }
        let in_tile = self.leaves.len() as u64 <= BLOCK_RECORDS_MAX;
        let aligned = if in_tile && own.is_some() { self.aligned().cloned() } else { None };
        let aligned = aligned.as_ref();
        let (first, leaves) = (self.first, &self.leaves);
        let chunks = wants::chunks(first, leaves, aligned);
        let own = own.and_then(|base| wants::own(first, leaves, base, aligned));
        let pieces = self.shared.wants.pieces(first, leaves);
        let partial = self.leaves.len() as u64 != BLOCK_RECORDS_MAX;
        let wanted = |seq: &u64| self.shared.wants.tiles.contains(&(seq / BLOCK_RECORDS_MAX));
        let hashes = (self.first..).zip(self.hashes.iter().copied());
        let hashes = hashes.filter(|(seq, _)| wanted(seq)).collect();
        Outcome {
            first: self.first,
            end,
            zone: self.zone,
            chunks,
            pieces,
            leaves: if partial && own.is_some() { self.leaves } else { Vec::new() },
            own,
            hashes,
            chains: self.chains,
            chain_after: self.before,
            received: self.received,
            prints: self.prints,
            findings: self.findings,
            intact: self.intact,
            bytes,
        }
    }
}

/// What is said of a record that was received before the one in front of it.
pub(super) const BACKWARDS: &str = "received_at is earlier than that of the record before";
