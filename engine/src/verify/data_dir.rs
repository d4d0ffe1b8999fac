//! A whole data directory.
//!
//! The stored checkpoint is read first and the files afterwards, active ones before sealed ones: so
//! a writer that goes on meanwhile only ever adds to what has to be there.
//! Invariant: the order of looking makes a live log look no worse than it is.

use std::ops::Range;
use std::sync::Arc;
use std::thread;

use super::anchors::{self, DayAnchor};
use super::audit::{Audit, AuditParts};
use super::group::Before;
use super::identity::{Identity, evidence, judge_rotation};
use super::options::{Progress, VerifyError, VerifyOptions};
use super::pool::{Closer, Pool};
use super::report::{Collector, Finding, FindingKind, NoticeKind, Report};
use super::signed::{Keys, Signed};
use super::source::{Bytes, EvidenceSource, names, read_small};
use super::tiles;
use super::unit::Shared;
use super::wants::Wants;
use crate::format::{
    ACTIVE_HEADER_LEN, ActiveHeader, SEGMENT_HEADER_LEN, SegmentHeader, parse_active_name,
    parse_sealed_name,
};
use crate::proof::{Checkpoint, Note, SignedError, chain_genesis};
use crate::types::{ChainHash, Seq, TreeSize, counted};

const CHECKPOINT: &str = "checkpoint";
const CHECKPOINT_LEN_MAX: u64 = 64 << 10;
/// How often the files are listed again when one has vanished meanwhile.
const LISTINGS_MAX: usize = 5;

/// The files that hold records.
struct Files {
    actives: Vec<(u64, String, Bytes)>,
    sealed: Vec<(u64, u64, String)>,
}

/// Audits a data directory.
///
/// # Errors [`VerifyError::Checkpoint`] where the checkpoint given is none. Whatever is wrong with
/// the evidence is in the report.
pub fn verify_evidence(
    source: &dyn EvidenceSource,
    options: &VerifyOptions,
    progress: &dyn Progress,
) -> Result<Report, VerifyError> {
    verify_evidence_seqs(source, 0..u64::MAX, options, progress)
}

/// Audits the records of these seqs; what that takes, [`super::verify_seqs`] says.
///
/// # Errors
/// As [`verify_evidence`].
pub fn verify_evidence_seqs(
    source: &dyn EvidenceSource,
    seqs: Range<u64>,
    options: &VerifyOptions,
    progress: &dyn Progress,
) -> Result<Report, VerifyError> {
    let mut found = Collector::default();
    let identity = Identity::load(source, options.vkey.as_ref(), &mut found);
    let outside = outside(options, &identity.keys, &mut found)?;
    let stored = stored_checkpoint(source, &identity.keys, &mut found);
    if identity.rotating {
        judge_rotation(stored.by_newest, &mut found);
    }
    let days = anchors::load(source, &identity.keys, &mut found);
    let tiles = tiles::list(source, &mut found);
    let files = list(source, &mut found);
    progress.total(total(source, &files, &seqs));

    let mut wants = Wants::default();
    let checkpoints = [stored.good.as_ref(), outside.as_ref()];
    wants.sizes.extend(checkpoints.iter().flatten().map(|checkpoint| checkpoint.size.0));
    days.iter().for_each(|day| day.ask(&mut wants));
    tiles.ask(&mut wants);
    wants.chains.extend(files.actives.iter().map(|(first, ..)| *first));

    let pool = Pool::new(options.thread_count());
    let (sha256, genesis) = identity_of_files(source, &files, &identity, &mut found);
    let mut audit = Audit::new(AuditParts {
        found,
        pool: &pool,
        shared: Arc::new(Shared { wants, ..Shared::default() }),
        progress,
        quick: options.quick,
        seqs,
        identity: sha256,
        keys: &identity.keys,
        genesis,
        first: 0,
    });
    let covered = checkpoints.iter().flatten().map(|c| c.size.0).max().unwrap_or(0);
    thread::scope(|scope| {
        pool.start(scope);
        let _closer = Closer(&pool);
        walk(source, &files, covered, &mut audit);
        audit.finish();
    });
    let signed = Claims { stored: &stored, outside: outside.as_ref(), days: &days };
    signed.check(&mut audit);
    tiles.check(source, &audit.ledger, &mut audit.found);
    if let Some(why) = source.unread() {
        audit.found.notice(NoticeKind::Unread, why);
    }
    Ok(report(audit))
}

/// All files in order of their records.
fn walk(source: &dyn EvidenceSource, files: &Files, covered: u64, audit: &mut Audit<'_>) {
    for (first, count, path) in &files.sealed {
        match source.open(path) {
            Ok(Some(bytes)) => audit.sealed(path, bytes, Some((*first, *count))),
            // It was listed a moment ago; what isn't there now is missed by its seqs.
            Ok(None) => {}
            Err(e) => {
                let end = first.saturating_add(*count);
                let what = format!("the file can't be opened: {e}");
                let finding = Finding::range(FindingKind::Corrupt, *first, end, what);
                audit.found.find(finding.in_file(path));
            }
        }
    }
    let mut behind = files.actives.iter().skip(1).map(|(first, ..)| *first);
    for (first, path, bytes) in &files.actives {
        let covered = behind.next().unwrap_or(0).max(covered);
        audit.active(path, bytes, *first, covered);
    }
}

fn report(audit: Audit<'_>) -> Report {
    let Audit { mut found, ledger, segments, left_out, .. } = audit;
    let (tree_size, root) = ledger.tree_and_root();
    let chain_hash = ledger.chain.hash().unwrap_or(ChainHash([0; 64]));
    let records = ledger.records.saturating_sub(left_out);
    ledger.duplicates.report(&mut found);
    let (findings, notices) = found.finish();
    let tree_size = TreeSize(tree_size);
    Report { records, segments, tree_size, root, chain_hash, findings, notices, checkable: true }
}

/// The stored checkpoint.
struct Stored {
    good: Option<Checkpoint>,
    /// There is a file, whatever is in it.
    there: bool,
    /// It is signed by the newest key.
    by_newest: bool,
}

fn stored_checkpoint(source: &dyn EvidenceSource, keys: &Keys, found: &mut Collector) -> Stored {
    let none = Stored { good: None, there: false, by_newest: false };
    let mut by_newest = false;
    if let Ok(None) = read_small(source, CHECKPOINT, CHECKPOINT_LEN_MAX) {
        return none;
    }
    let Some(note) = evidence(source, CHECKPOINT, found) else {
        return Stored { there: true, ..none };
    };
    let mut bad = |what: String| {
        found.find(Finding::whole(FindingKind::Signature, what).in_file(CHECKPOINT));
    };
    let good = match keys.checkpoint(&note) {
        Signed::Good(checkpoint, signer) => {
            by_newest = signer + 1 == keys.len();
            if signer < keys.trusted() {
                bad("the checkpoint is signed by a key older than the one given".to_owned());
            }
            Some(checkpoint)
        }
        Signed::Unjudged(checkpoint) => Some(checkpoint),
        Signed::Bad(_, e) => {
            bad(format!("the checkpoint does not hold: {e}"));
            None
        }
    };
    Stored { good, there: true, by_newest }
}

/// The checkpoint from outside, if one is given and good.
pub(super) fn outside(
    options: &VerifyOptions,
    keys: &Keys,
    found: &mut Collector,
) -> Result<Option<Checkpoint>, VerifyError> {
    let Some(note) = &options.checkpoint else { return Ok(None) };
    let text = Note::parse(note).map_err(SignedError::from)?;
    Checkpoint::parse(text.text()).map_err(SignedError::from)?;
    let own = options.vkey.clone().map(Keys::of_key);
    let judged = [Some(keys), own.as_ref()].into_iter().flatten().map(|keys| keys.checkpoint(note));
    let mut last = None;
    for signed in judged {
        match signed {
            Signed::Good(checkpoint, _) => return Ok(Some(checkpoint)),
            Signed::Unjudged(checkpoint) => {
                let what = "the checkpoint given could not be checked: there is no key";
                found.notice(NoticeKind::Unsigned, what);
                return Ok(Some(checkpoint));
            }
            Signed::Bad(_, e) => last = Some(e),
        }
    }
    if let Some(e) = last {
        let what = format!("the checkpoint given is not one of this log: {e}");
        found.find(Finding::whole(FindingKind::Signature, what));
    }
    Ok(None)
}

/// Lists and opens. A file may be sealed between listing and opening: then it is listed again.
fn list(source: &dyn EvidenceSource, found: &mut Collector) -> Files {
    let mut files = Files { actives: Vec::new(), sealed: Vec::new() };
    for attempt in 1..=LISTINGS_MAX {
        let (mut vanished, mut unknown) = (false, Vec::new());
        files.actives.clear();
        for name in names(source, "active", found) {
            let path = format!("active/{name}");
            let Some(first) = parse_active_name(&name) else {
                if !is_index(&name) {
                    unknown.push(path);
                }
                continue;
            };
            match source.open(&path) {
                Ok(Some(bytes)) => files.actives.push((first.0, path, bytes)),
                Ok(None) => vanished = true,
                Err(e) => {
                    let what = format!("the file can't be opened: {e}");
                    let finding = Finding::range(FindingKind::Corrupt, first.0, first.0 + 1, what);
                    found.find(finding.in_file(&path));
                }
            }
        }
        files.sealed.clear();
        for name in names(source, "sealed", found) {
            let path = format!("sealed/{name}");
            match parse_sealed_name(&name) {
                Some((first, count)) => files.sealed.push((first.0, count, path)),
                None if is_index(&name) => {}
                None => unknown.push(path),
            }
        }
        if !vanished || attempt == LISTINGS_MAX {
            for path in unknown {
                found.notice(NoticeKind::UnknownFile, format!("{path} is no file of a log"));
            }
            break;
        }
    }
    files.actives.sort_by_key(|(first, ..)| *first);
    files.sealed.sort();
    files
}

/// Whether a file is a search index, or was to become one: no evidence.
fn is_index(name: &str) -> bool {
    [".idx", ".idx.tmp"].iter().any(|end| name.ends_with(end))
}

fn total(source: &dyn EvidenceSource, files: &Files, seqs: &Range<u64>) -> u64 {
    let active: u64 = files.actives.iter().map(|(_, _, bytes)| bytes.len()).sum();
    let len = |path: &str| source.open(path).ok().flatten().map_or(0, |bytes| bytes.len());
    // Opening tens of thousands of files only for a progress bar would be slower than the bar is
    // worth.
    let asked = |(first, count, _): &&(u64, u64, String)| {
        *first < seqs.end && seqs.start < first.saturating_add(*count)
    };
    let sealed: u64 =
        files.sealed.iter().filter(asked).take(1_000).map(|(_, _, path)| len(path)).sum();
    active + sealed
}

/// SHA-256 of the identity that the files are to name, and the chain hash before the first record.
/// Where all files agree on another identity than `log.json` has, it is `log.json` that was
/// changed.
fn identity_of_files(
    source: &dyn EvidenceSource,
    files: &Files,
    identity: &Identity,
    found: &mut Collector,
) -> (Option<[u8; 32]>, Before) {
    let Some(log) = &identity.log else { return (None, Before::Unknown) };
    let ours = log.sha256();
    let genesis = Before::Known(chain_genesis(&log.origin, &log.log_id));
    let ends = files.sealed.first().into_iter().chain(files.sealed.last());
    let sealed = ends.filter_map(|(_, _, path)| {
        let bytes = source.open(path).ok()??;
        let header = bytes.bytes(0, SEGMENT_HEADER_LEN).ok()?;
        Some(SegmentHeader::decode(&header).ok()?.identity_sha256)
    });
    let active = files.actives.iter().filter_map(|(_, _, bytes)| {
        let header = bytes.bytes(0, ACTIVE_HEADER_LEN).ok()?;
        Some(ActiveHeader::decode(&header).ok()?.identity_sha256)
    });
    let named: Vec<[u8; 32]> = sealed.chain(active).collect();
    match named.first() {
        Some(other) if *other != ours && named.iter().all(|name| name == other) => {
            if !found.names("log.json") {
                let what = "log.json is not the one that the log's files were made with";
                found.find(Finding::whole(FindingKind::Changed, what).in_file("log.json"));
            }
            (Some(*other), Before::Unknown)
        }
        _ => (Some(ours), genesis),
    }
}

/// Everything signed about the log as a whole.
struct Claims<'a> {
    stored: &'a Stored,
    outside: Option<&'a Checkpoint>,
    days: &'a [DayAnchor],
}

impl Claims<'_> {
    fn check(&self, audit: &mut Audit<'_>) {
        let end = audit.next();
        if let Some(stored) = &self.stored.good {
            check_root(stored, "the stored checkpoint", audit);
            if stored.size.0 > end {
                let what = "the stored checkpoint covers these records, but the log ends before";
                truncated(FindingKind::Truncated, end, stored.size.0, what, audit);
            }
        } else if !self.stored.there && audit.settled {
            let what = "there is no checkpoint, although the log has been sealed or closed";
            let finding = Finding::whole(FindingKind::Missing, what).in_file(CHECKPOINT);
            audit.found.find(finding);
        }
        for day in self.days {
            if audit.linked {
                day.check(&audit.ledger, &mut audit.found);
            }
            if day.size() > end {
                let what = format!("{} covers these records, but the log ends before", day.path());
                truncated(FindingKind::Truncated, end, day.size(), &what, audit);
            }
        }
        if let Some(outside) = self.outside {
            check_root(outside, "the checkpoint given", audit);
            if outside.size.0 > end {
                let what = "the checkpoint given covers these records: this log is older";
                truncated(FindingKind::RolledBack, end, outside.size.0, what, audit);
            }
        }
        self.uncheckpointed(end, audit);
    }

    fn uncheckpointed(&self, end: u64, audit: &mut Audit<'_>) {
        let sizes = [self.stored.good.as_ref(), self.outside];
        let size = sizes.into_iter().flatten().map(|c| c.size.0).max().unwrap_or(0);
        if size < end {
            let records = counted(end - size, "record");
            let message = format!("durable, but covered by no checkpoint: {records}");
            audit.found.notice_at(NoticeKind::Uncheckpointed, Some(Seq(size)), message);
        }
    }
}

/// The end is gone. Where a finding names those records already, that one stands.
fn truncated(kind: FindingKind, end: u64, size: u64, what: &str, audit: &mut Audit<'_>) {
    if !audit.found.reaches(end) {
        audit.found.find(Finding::range(kind, end, size, what));
    }
}

/// Compares a signed root with the recomputed one, where everything up to its size is intact and
/// the files continue each other.
fn check_root(checkpoint: &Checkpoint, name: &str, audit: &mut Audit<'_>) {
    let size = checkpoint.size.0;
    let Some(root) = audit.ledger.roots.get(&size).filter(|_| audit.linked) else { return };
    if *root != checkpoint.root {
        let what = format!("{name} has another root for size {size}: another history was signed");
        audit.found.find(Finding::range(FindingKind::Forked, 0, size, what));
    }
}
