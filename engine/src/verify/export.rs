//! An export in JSON Lines (CONTRACT 1.6).
//!
//! Invariant: each line is hashed again, consecutive ones are chained again, and from seq 0 on the
//! tree is built again. A filtered export has gaps; only with a checkpoint are they held against
//! it.
//! Knows nothing about the log that the export came from.

use std::collections::VecDeque;

use memchr::memchr;

use super::data_dir::outside;
use super::options::{Progress, VerifyError, VerifyOptions};
use super::report::{Collector, Finding, FindingKind, NoticeKind, Report};
use super::signed::Keys;
use crate::format::BODY_LEN_MAX;
use crate::proof::{Checkpoint, CompactRange, chain_next, leaf_hash, record_hash};
use crate::record::{Body, ExportLine, IntegrityStatus, parse_export_line};
use crate::segment::ByteSource;
use crate::types::{ChainHash, NodeHash, RecordHash, TreeSize, counted};

/// Longest line: the longest body and what follows it.
const LINE_LEN_MAX: usize = BODY_LEN_MAX + 1024;
const CHUNK: usize = 1 << 20;
/// Gaps that are remembered, to tell reordered lines from repeated ones.
const GAPS_MAX: usize = 10_000;

/// Audits an export.
///
/// # Errors
/// [`VerifyError::Checkpoint`] where the checkpoint given is none.
pub fn verify_export(
    source: &(impl ByteSource + ?Sized),
    options: &VerifyOptions,
    progress: &dyn Progress,
) -> Result<Report, VerifyError> {
    let mut found = Collector::default();
    let keys = options.vkey.clone().map(Keys::of_key).unwrap_or_default();
    let checkpoint = outside(options, &keys, &mut found)?;
    progress.total(source.len());
    let mut audit = ExportAudit::new(checkpoint, found);
    let mut lines = Lines { source, at: 0, buffer: Vec::new(), used: 0 };
    loop {
        match lines.next(progress) {
            Line::Some(line) => audit.line(line),
            Line::TooLong => {
                let what = "a line is longer than any record";
                audit.found.find(Finding::whole(FindingKind::Corrupt, what));
                break;
            }
            Line::Unreadable => {
                let what = "the export can't be read to its end";
                audit.found.find(Finding::whole(FindingKind::Corrupt, what));
                break;
            }
            Line::End => break,
        }
    }
    Ok(audit.finish())
}

enum Line<'a> {
    Some(&'a [u8]),
    TooLong,
    Unreadable,
    End,
}

struct Lines<'s, S: ?Sized> {
    source: &'s S,
    at: u64,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were given out.
    used: usize,
}

impl<S: ByteSource + ?Sized> Lines<'_, S> {
    fn next(&mut self, progress: &dyn Progress) -> Line<'_> {
        let mut searched = 0;
        loop {
            let rest = self.buffer.get(self.used + searched..).unwrap_or_default();
            if let Some(found) = memchr(b'\n', rest) {
                let start = self.used;
                self.used += searched + found + 1;
                return Line::Some(self.buffer.get(start..self.used - 1).unwrap_or_default());
            }
            searched += rest.len();
            if searched > LINE_LEN_MAX {
                return Line::TooLong;
            }
            let left = self.source.len().saturating_sub(self.at);
            if left == 0 {
                let start = std::mem::replace(&mut self.used, self.buffer.len());
                return match self.buffer.get(start..).unwrap_or_default() {
                    [] => Line::End,
                    line => Line::Some(line),
                };
            }
            self.buffer.drain(..self.used);
            self.used = 0;
            let len = CHUNK.min(usize::try_from(left).unwrap_or(CHUNK));
            match self.source.bytes(self.at, len) {
                Ok(bytes) => self.buffer.extend_from_slice(&bytes),
                Err(_) => return Line::Unreadable,
            }
            self.at += len as u64;
            progress.advance(len as u64);
        }
    }
}

/// A line whose place in the chain is known.
#[derive(Clone, Copy)]
struct Link {
    seq: u64,
    chain: ChainHash,
}

struct ExportAudit {
    found: Collector,
    checkpoint: Option<Checkpoint>,
    tree: Option<CompactRange>,
    /// Root at the checkpoint's size.
    root_there: Option<NodeHash>,
    /// The last lines in order.
    last: VecDeque<Link>,
    next: u64,
    started: bool,
    gaps: Vec<(u64, u64)>,
    records: u64,
    number: u64,
    intact: bool,
}

impl ExportAudit {
    fn new(checkpoint: Option<Checkpoint>, found: Collector) -> Self {
        let mut audit = Self {
            found,
            checkpoint,
            tree: Some(CompactRange::new(0)),
            root_there: None,
            last: VecDeque::new(),
            next: 0,
            started: false,
            gaps: Vec::new(),
            records: 0,
            number: 0,
            intact: true,
        };
        audit.note_root();
        audit
    }

    fn find(&mut self, kind: FindingKind, first: u64, end: u64, what: &str) {
        self.intact = false;
        self.found.find(Finding::range(kind, first, end, what));
    }

    fn line(&mut self, line: &[u8]) {
        self.number += 1;
        match parse_export_line(line) {
            Ok(ExportLine::Record { body, seq, hash, chain_hash, status }) => {
                self.records += 1;
                self.record(&body, seq.0, hash, status);
                self.place(seq.0, hash, chain_hash);
            }
            Ok(ExportLine::Erased { audit_id, seq, hash, chain_hash }) => {
                self.records += 1;
                let what = format!("the body of {audit_id} is gone and nothing certifies that");
                self.find(FindingKind::Removed, seq.0, seq.0 + 1, &what);
                self.place(seq.0, hash, chain_hash);
            }
            Ok(ExportLine::Damaged { seq, .. }) => {
                self.records += 1;
                let what = "the record was damaged when the export was made";
                self.find(FindingKind::Corrupt, seq.0, seq.0.saturating_add(1), what);
                if seq.0 >= self.next {
                    self.arrive(seq.0);
                    self.behind(seq.0, None);
                }
            }
            Err(e) => {
                self.intact = false;
                let what = format!("line {} is no record: {e}", self.number);
                self.found.find(Finding::whole(FindingKind::Corrupt, what));
            }
        }
    }

    fn record(&mut self, body: &[u8], seq: u64, hash: RecordHash, status: IntegrityStatus) {
        let end = seq.saturating_add(1);
        if record_hash(body) != hash {
            self.find(FindingKind::Changed, seq, end, "the record is not the one that was hashed");
        } else if let Err(e) = Body::parse(body) {
            let what = format!("the hash fits, but this is no body: {e}");
            self.find(FindingKind::Corrupt, seq, end, &what);
        }
        if status != IntegrityStatus::Valid {
            let what = format!("the export itself calls the record {status}");
            self.find(FindingKind::Changed, seq, end, &what);
        }
    }

    /// Where the line stands, and whether it continues the one before.
    fn place(&mut self, seq: u64, hash: RecordHash, chain: ChainHash) {
        if self.started && seq < self.next {
            self.earlier(seq);
            return;
        }
        if seq > self.next || !self.started {
            self.arrive(seq);
        }
        self.started = true;
        let before = self.last.back().filter(|link| link.seq + 1 == seq).copied();
        if let Some(before) = before
            && chain_next(&before.chain, &hash) != chain
        {
            self.broken(seq, hash, chain);
        }
        if let Some(tree) = &mut self.tree
            && tree.push(leaf_hash(&hash)).is_err()
        {
            self.tree = None;
        }
        self.behind(seq, Some(chain));
    }

    fn behind(&mut self, seq: u64, chain: Option<ChainHash>) {
        self.started = true;
        self.next = seq.saturating_add(1);
        match chain {
            Some(chain) => self.last.push_back(Link { seq, chain }),
            None => {
                self.last.clear();
                self.tree = None;
            }
        }
        if self.last.len() > 2 {
            self.last.pop_front();
        }
        self.note_root();
    }

    fn note_root(&mut self) {
        let size = self.checkpoint.as_ref().map(|checkpoint| checkpoint.size.0);
        if let Some(tree) = self.tree.as_ref().filter(|tree| Some(tree.end()) == size) {
            self.root_there = tree.root().ok();
        }
    }

    /// Seqs up to `seq` are left out.
    fn arrive(&mut self, seq: u64) {
        if seq > self.next {
            self.tree = None;
            if self.gaps.len() < GAPS_MAX {
                self.gaps.push((self.next, seq));
            }
            let covered = self.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size.0);
            if covered > self.next {
                let what = "the checkpoint covers these records, the export leaves them out";
                self.find(FindingKind::Removed, self.next, seq.min(covered), what);
            }
        }
    }

    fn earlier(&mut self, seq: u64) {
        let left_out = self.gaps.iter().any(|(from, to)| (*from..*to).contains(&seq));
        let (kind, what) = if left_out {
            (FindingKind::Reordered, "the line stands behind records that come after it")
        } else {
            (FindingKind::Inserted, "the line repeats a record that stands before it")
        };
        self.find(kind, seq, seq.saturating_add(1), what);
    }

    /// The line before is of the seq before, but the chain does not lead here.
    fn broken(&mut self, seq: u64, hash: RecordHash, chain: ChainHash) {
        let earlier = self.last.front().filter(|link| link.seq + 2 == seq);
        if earlier.is_some_and(|link| chain_next(&link.chain, &hash) == chain) {
            let what = "the record was put in: without it the chain holds";
            self.find(FindingKind::Inserted, seq - 1, seq, what);
        } else {
            let what = "the chain does not lead here: this record was changed, or one before it \
                        was changed or removed";
            self.find(FindingKind::Changed, seq, seq + 1, what);
        }
    }

    fn finish(mut self) -> Report {
        if let Some(checkpoint) = self.checkpoint.take() {
            self.against(&checkpoint);
        } else if !self.gaps.is_empty() {
            let left: u64 = self.gaps.iter().map(|(from, to)| to - from).sum();
            let message = format!(
                "left out are {} in {}; without a checkpoint that is no fault",
                counted(left, "record"),
                counted(self.gaps.len(), "place")
            );
            self.found.notice(NoticeKind::Gap, message);
        }
        let message =
            "the first chain hash of an export rests on the log's identity, which is not here";
        self.found.notice(NoticeKind::NotChecked, message);
        let inner = self.gaps.iter().any(|(from, _)| *from > 0);
        let (findings, notices) = self.found.finish();
        let tree = self.tree.unwrap_or(CompactRange::new(0));
        Report {
            records: self.records,
            segments: 0,
            tree_size: TreeSize(tree.end()),
            root: tree.root().unwrap_or(crate::proof::empty_root()),
            chain_hash: self.last.back().map_or(ChainHash([0; 64]), |link| link.chain),
            findings,
            notices,
            checkable: self.records > 0 && !inner,
        }
    }

    fn against(&mut self, checkpoint: &Checkpoint) {
        let size = checkpoint.size.0;
        if self.next < size {
            let what = "the checkpoint covers these records, the export ends before";
            self.find(FindingKind::Truncated, self.next, size, what);
        } else if self.intact && self.root_there.is_some_and(|root| root != checkpoint.root) {
            let what = "the checkpoint given has another root: another history was signed";
            self.find(FindingKind::Forked, 0, size, what);
        } else if self.next > size {
            let message = format!("beyond the checkpoint: {}", counted(self.next - size, "record"));
            self.found.notice(NoticeKind::Uncheckpointed, message);
        }
    }
}
