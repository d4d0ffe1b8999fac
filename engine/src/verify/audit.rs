//! Walks the files of a log in order, has their records judged by the pool, and adds the results
//! up.
//!
//! Invariant: results are added in the order of records whatever thread made them; what is waiting
//! is bounded. Links between files are compared as stored; what is stored is recomputed by the
//! units.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::active::Active;
use super::active_header::{first_chain, read_header};
use super::block::BlockJob;
use super::block_head::read_head;
use super::group::Before;
use super::ledger::Ledger;
use super::options::Progress;
use super::pool::{Pool, Slot};
use super::report::{Collector, Finding, FindingKind, NoticeKind};
use super::sealed::{Sealed, block_end};
use super::signed::Keys;
use super::source::Bytes;
use super::unit::{Outcome, Shared};
use crate::format::{SEGMENT_HEADER_LEN, SegmentHeader};
use crate::segment::ByteSource;
use crate::types::{ChainHash, Seq};

/// Most events that wait: findings and small segments too.
const EVENTS_MAX: usize = 4_096;

/// Something to be added up, in order.
enum Event {
    Begin(Arc<Sealed>),
    Unit(Arc<Slot<Outcome>>, u64, u64, Arc<str>),
    /// The digest of its bytes, and whether its records were left alone.
    End(Arc<Sealed>, Option<Arc<Slot<Option<[u8; 32]>>>>, bool),
    Gap(u64),
    Said(Collector),
    /// The file that follows does not continue the one before.
    Unlinked,
}

/// A file as one side of a link.
#[derive(Clone)]
struct Side {
    first: u64,
    end: u64,
    path: String,
    signed: bool,
}

/// Two files that don't continue each other.
struct Break {
    left: Side,
    right: Side,
}

/// An audit under way.
pub(super) struct Audit<'a> {
    pub(super) found: Collector,
    pub(super) ledger: Ledger,
    /// Segment files looked at.
    pub(super) segments: u64,
    /// Largest durable seq that any frame states.
    pub(super) durable: u64,
    /// Whether every file continues the one before.
    pub(super) linked: bool,
    /// Whether the last active file was closed in order or a segment is sealed.
    pub(super) settled: bool,
    /// Records of sealed files that are not asked for.
    pub(super) left_out: u64,
    /// Which records are asked for.
    seqs: Range<u64>,
    pool: &'a Pool,
    shared: Arc<Shared>,
    progress: &'a dyn Progress,
    quick: bool,
    identity: Option<[u8; 32]>,
    keys: &'a Keys,
    events: VecDeque<Event>,
    /// What was found since the last event: it takes its place among them.
    said: Collector,
    waiting: usize,
    next: u64,
    chain: Before,
    left: Option<Side>,
    breaks: Vec<Break>,
}

/// What an audit is made with.
pub(super) struct AuditParts<'a> {
    pub(super) found: Collector,
    pub(super) pool: &'a Pool,
    pub(super) shared: Arc<Shared>,
    pub(super) progress: &'a dyn Progress,
    pub(super) quick: bool,
    /// Records that are asked for: of sealed files without any, only what they say of themselves
    /// is looked at.
    pub(super) seqs: Range<u64>,
    /// SHA-256 of `log.json`, where it is known.
    pub(super) identity: Option<[u8; 32]>,
    pub(super) keys: &'a Keys,
    /// Chain hash before the first record.
    pub(super) genesis: Before,
    /// Seq of the first record.
    pub(super) first: u64,
}

impl<'a> Audit<'a> {
    pub(super) fn new(parts: AuditParts<'a>) -> Self {
        let mut ledger = Ledger::new(parts.shared.wants.clone(), parts.genesis);
        if parts.first > 0 {
            ledger.gap(parts.first);
        }
        Self {
            found: parts.found,
            ledger,
            segments: 0,
            durable: 0,
            linked: true,
            settled: false,
            left_out: 0,
            seqs: parts.seqs,
            pool: parts.pool,
            shared: parts.shared,
            progress: parts.progress,
            quick: parts.quick,
            identity: parts.identity,
            keys: parts.keys,
            events: VecDeque::new(),
            said: Collector::default(),
            waiting: 0,
            next: parts.first,
            chain: parts.genesis,
            left: None,
            breaks: Vec::new(),
        }
    }

    /// Seq behind the last file so far.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Whether a file is of another log; says so.
    fn is_foreign(&mut self, path: &str, first: u64, end: u64, identity: [u8; 32]) -> bool {
        let foreign = *self.identity.get_or_insert(identity) != identity;
        if foreign {
            let what = "the file belongs to another log";
            let finding = Finding::range(FindingKind::Forked, first, end, what);
            self.said.find(finding.in_file(path));
        }
        foreign
    }

    /// Goes on at `first`, whatever was expected; false where those records were there already.
    fn arrive(&mut self, side: &Side) -> bool {
        let (first, end) = (side.first, side.end);
        if first < self.next {
            let what = "the file holds records that another file holds";
            let finding = Finding::range(FindingKind::Inserted, first, end, what);
            self.said.find(finding.in_file(&side.path));
            return false;
        }
        if first > self.next {
            let what = "no file holds these records";
            self.said.find(Finding::range(FindingKind::Missing, self.next, first, what));
            self.skip_to(first);
        }
        true
    }

    fn skip_to(&mut self, next: u64) {
        self.push(Event::Gap(next));
        self.next = next;
        self.chain = Before::Unknown;
        self.left = None;
    }

    /// Compares the chain hash in front of a file with the one behind the file before. Returns what
    /// its records must continue.
    /// `said` is whether a finding about the header is there already.
    fn link(
        &mut self,
        side: Side,
        stored: ChainHash,
        elsewhere: Option<ChainHash>,
        said: bool,
    ) -> Before {
        let before = match self.chain {
            Before::Known(chain) if chain != stored => {
                if elsewhere == Some(chain) {
                    if !said {
                        let (kind, first, end) = (FindingKind::Changed, side.first, side.end);
                        let what = "the header's chain hash is not that of the file before";
                        self.said.find(Finding::range(kind, first, end, what).in_file(&side.path));
                    }
                    Before::Known(chain)
                } else {
                    self.broken_link(side.clone());
                    Before::Claimed(stored)
                }
            }
            Before::Known(_) => Before::Known(stored),
            Before::Claimed(_) | Before::Unknown => Before::Claimed(stored),
        };
        self.left = Some(side);
        before
    }

    fn broken_link(&mut self, right: Side) {
        self.linked = false;
        self.push(Event::Unlinked);
        match self.left.clone() {
            Some(left) => self.breaks.push(Break { left, right }),
            None => {
                let what = "the first records don't continue the log's beginning";
                let finding = Finding::range(FindingKind::Changed, right.first, right.end, what);
                self.said.find(finding.in_file(&right.path));
            }
        }
    }

    /// Audits a sealed file. `name` is what its name says: first seq and count.
    pub(super) fn sealed(&mut self, path: &str, source: Bytes, name: Option<(u64, u64)>) {
        self.segments += 1;
        self.settled = true;
        let header = source.bytes(0, SEGMENT_HEADER_LEN).ok();
        // Where neither name nor header can be read, it may be one that is asked for.
        let mut bounds = name.map(|(first, count)| (first, first.saturating_add(count)));
        if let Some(header) = header.and_then(|bytes| SegmentHeader::decode(&bytes).ok()) {
            let (first, end) = (header.first_seq.0, header.end_seq().0);
            bounds = bounds.filter(|named| *named == (first, end));
            if self.is_foreign(path, first, end, header.identity_sha256) {
                if first >= self.next {
                    self.skip_to(end);
                }
                return;
            }
        }
        let asked =
            bounds.is_none_or(|(first, end)| first < self.seqs.end && self.seqs.start < end);
        let segment = Sealed::open(path, source, name, asked, self.keys, &mut self.said);
        let Some(segment) = segment else { return };
        let (first, end) = (segment.first, segment.end);
        let side = Side { first, end, path: path.to_owned(), signed: segment.is_signed() };
        if !self.arrive(&side) {
            return;
        }
        let footer = segment.footer.as_ref().map(|footer| footer.chain_before);
        let stored = segment.header.as_ref().map(|header| header.chain_before).or(footer);
        let before = match stored {
            Some(stored) => self.link(side, stored, footer, !segment.sound),
            None => {
                self.left = Some(side);
                self.chain
            }
        };
        self.left_out += if asked { 0 } else { end - first };
        self.records_of(Arc::new(segment), before, self.quick || !asked);
    }

    fn records_of(&mut self, segment: Arc<Sealed>, before: Before, quick: bool) {
        let digest = (!quick && segment.sealed_len > 0).then(|| {
            let segment = Arc::clone(&segment);
            self.pool.submit(move || segment.digest())
        });
        self.push(Event::Begin(Arc::clone(&segment)));
        let behind = if quick { Before::Unknown } else { self.blocks(&segment, before) };
        let footer = segment.footer.as_ref().map(|footer| footer.chain_after);
        self.chain = match (behind, footer) {
            (Before::Known(chain), _) | (_, Some(chain)) => Before::Known(chain),
            (other, None) => other,
        };
        self.next = segment.end;
        self.push(Event::End(segment, digest, quick));
    }

    /// Hands out the blocks; returns the chain hash behind the last one, as stored.
    fn blocks(&mut self, segment: &Arc<Sealed>, before: Before) -> Before {
        let mut before = before;
        let mut first = segment.first;
        let mut offset = segment.blocks_at;
        let mut index = 0;
        while first < segment.end {
            let end = block_end(first, segment.end);
            let entry = segment.directory.get(index).cloned();
            let at = entry.as_ref().map(|entry| entry.offset).or(offset);
            let len = entry.as_ref().map(|entry| u64::from(entry.len));
            let (head, fault) = match at {
                Some(at) => read_head(&segment.source, at, first, end, len),
                None => (None, Some((FindingKind::Corrupt, "its place is not known".to_owned()))),
            };
            if let Some((kind, what)) = &fault {
                let what = format!("the head of a block is damaged: {what}");
                let finding = Finding::range(*kind, first, end, what);
                self.said.find(finding.in_file(&segment.path));
            }
            if head.is_none() && entry.is_none() {
                // Without a directory nothing says where the next block is.
                self.push(Event::Gap(segment.end));
                return Before::Unknown;
            }
            let own_len = head.as_ref().map_or(0, |h| h.encoded_len() as u64 + h.data_len());
            let job = BlockJob {
                segment: Arc::clone(segment),
                shared: Arc::clone(&self.shared),
                offset: at.unwrap_or(0),
                len: len.unwrap_or(own_len),
                first,
                end,
                head_damaged: fault.is_some(),
                entry,
                before,
                head,
            };
            let last = job.head.as_ref().and_then(|head| head.groups.last());
            before = match last.map(|group| group.chain_after) {
                Some(chain) if fault.is_none() => Before::Known(chain),
                Some(chain) => Before::Claimed(chain),
                None => Before::Unknown,
            };
            offset = at.map(|at| at.saturating_add(own_len));
            let path = Arc::clone(&segment.path);
            let slot = self.pool.submit(move || job.run());
            self.submit(slot, first, end, path);
            first = end;
            index += 1;
        }
        before
    }

    /// Findings of this thread and of the pool come in one order, whatever the number of threads.
    fn push(&mut self, event: Event) {
        if !self.said.is_empty() {
            self.events.push_back(Event::Said(std::mem::take(&mut self.said)));
        }
        self.events.push_back(event);
        while self.events.len() > EVENTS_MAX {
            self.add_up_one();
        }
    }

    fn submit(&mut self, slot: Arc<Slot<Outcome>>, first: u64, end: u64, path: Arc<str>) {
        self.push(Event::Unit(slot, first, end, path));
        self.waiting += 1;
        while self.waiting >= self.pool.window() {
            self.add_up_one();
        }
    }

    /// Audits an active file, of which `covered` says below which seq everything was durable.
    pub(super) fn active(&mut self, path: &str, source: &Bytes, named: u64, covered: u64) {
        self.segments += 1;
        let source: &dyn ByteSource = &**source;
        let header = read_header(path, source, named, self.chain, &mut self.said);
        let first = header.first_seq.0;
        if first < self.next {
            let message = format!("{path}: the sealed segments hold its records too");
            self.said.notice_at(NoticeKind::Superseded, Some(Seq(first)), message);
            return;
        }
        let damaged = header.identity_sha256 == [0; 32];
        if !damaged && self.is_foreign(path, first, first + 1, header.identity_sha256) {
            return;
        }
        let side = Side { first, end: first + 1, path: path.to_owned(), signed: true };
        self.arrive(&side);
        let elsewhere = self.chain.hash().filter(|chain| first_chain(source, first, *chain));
        let before = self.link(side, header.chain_before, elsewhere, false);
        let shared = Arc::clone(&self.shared);
        let mut active = Active::new(path, source, &header, before, shared, covered);
        while let Some(job) = active.next_unit(&mut self.said) {
            let (from, to, path) = job.bounds();
            let slot = self.pool.submit(move || job.run());
            self.submit(slot, from, to, path);
        }
        self.durable = self.durable.max(active.durable);
        self.settled |= active.is_closed();
        self.next = active.end();
        self.chain = active.chain();
        // Only now it is known where the file ends; one without records ends where it begins.
        let broken = self.breaks.last_mut().map(|found| &mut found.right);
        for side in [self.left.as_mut(), broken].into_iter().flatten() {
            if side.path == path {
                side.end = self.next;
            }
        }
    }

    fn add_up_one(&mut self) {
        match self.events.pop_front() {
            Some(Event::Begin(segment)) => self.ledger.begin(&segment),
            Some(Event::Gap(next)) => self.ledger.gap(next),
            Some(Event::Unlinked) => self.ledger.intact = false,
            Some(Event::Said(said)) => self.found.absorb(said),
            Some(Event::Unit(slot, first, end, path)) => {
                self.waiting -= 1;
                match slot.wait() {
                    Some(outcome) => {
                        self.progress.advance(outcome.bytes);
                        self.ledger.unit(outcome, &mut self.found);
                    }
                    None => {
                        let what = "these records made the verifier fail";
                        let finding = Finding::range(FindingKind::Corrupt, first, end, what);
                        self.found.find(finding.in_file(&path));
                        self.ledger.gap(end);
                    }
                }
            }
            Some(Event::End(segment, digest, quick)) => {
                let digest = digest.map(|slot| slot.wait().flatten());
                self.ledger.end(&segment, digest, quick, &mut self.found);
            }
            None => self.waiting = 0,
        }
    }

    /// Adds up what is left.
    pub(super) fn finish(&mut self) {
        while !self.events.is_empty() {
            self.add_up_one();
        }
        self.found.absorb(std::mem::take(&mut self.said));
        self.name_breaks();
    }

    /// Between two breaks stands the file that doesn't belong; one break alone leaves two files.
    fn name_breaks(&mut self) {
        let mut breaks = std::mem::take(&mut self.breaks).into_iter().peekable();
        while let Some(Break { left, right }) = breaks.next() {
            let both = breaks.next_if(|next| next.left.path == right.path).is_some();
            let from = if both { &right } else { &left };
            let kind = if left.signed && right.signed {
                FindingKind::Forked
            } else {
                FindingKind::Changed
            };
            let what = if both {
                "the file continues neither the file before nor leads to the file behind".to_owned()
            } else {
                format!("{} does not continue this file: two histories, both signed", right.path)
            };
            let finding = Finding::range(kind, from.first, right.end, what);
            self.found.find(finding.in_file(&from.path));
        }
    }
}
