//! What a path leads to: a data directory, one segment, or an export.
//!
//! Invariant: what is no evidence is an error of the question, what is damaged evidence a report.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use super::audit::{Audit, AuditParts};
use super::data_dir::{outside, verify_evidence, verify_evidence_seqs};
use super::export::verify_export;
use super::group::Before;
use super::options::{Progress, VerifyError, VerifyOptions};
use super::part;
use super::pool::{Closer, Pool};
use super::report::{Collector, NoticeKind, Report};
use super::signed::Keys;
use super::source::{Bytes, DirEvidence, FileBytes};
use super::unit::Shared;
use crate::format::{
    ACTIVE_HEADER_LEN, ActiveHeader, SEGMENT_HEADER_LEN, SegmentHeader, parse_active_name,
    parse_sealed_name,
};
use crate::types::{ChainHash, TreeSize};

/// What makes a directory a data directory, even one that has lost some of it.
const PARTS: &[&str] = &["log.json", "log.vkey", "log.vkeys", "active", "sealed"];

/// Audits a data directory, a segment file or a JSON Lines export.
///
/// # Errors
/// [`VerifyError`] where the path is none of them or can't be read at all.
pub fn verify_path(
    path: &Path,
    options: &VerifyOptions,
    progress: &dyn Progress,
) -> Result<Report, VerifyError> {
    let io = |source| VerifyError::Io { path: path.to_path_buf(), source };
    let not_evidence = || VerifyError::NotEvidence { path: path.to_path_buf() };
    let part_of_log = |what| VerifyError::PartOfLog { path: path.to_path_buf(), what };
    if fs::metadata(path).map_err(io)?.is_dir() {
        return match parts(path) {
            Ok(2..) => verify_evidence(&DirEvidence::new(path), options, progress),
            Ok(_) => Err(part::folder(path).map_or_else(not_evidence, part_of_log)),
            Err(e) => Err(io(e)),
        };
    }
    let bytes: Bytes = Box::new(FileBytes::open(path).map_err(io)?);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let start = bytes.bytes(0, usize::try_from(bytes.len().min(64)).unwrap_or(64)).map_err(io)?;
    let (sealed, active) = (start.starts_with(b"SHOSEKIS"), start.starts_with(b"SHOSEKIA"));
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
    let (csv, lines) = (text.starts_with(b"audit_id,"), text.starts_with(b"{"));
    drop(start);
    let extension = |suffix: &str| name.ends_with(suffix);
    if sealed || active || extension(".seg") || extension(".log") {
        verify_segment(name, bytes, options, progress)
    } else if let Some(what) = part::file(path, &bytes) {
        Err(part_of_log(what))
    } else if csv {
        Err(VerifyError::Csv { path: path.to_path_buf() })
    } else if lines || extension(".jsonl") || extension(".ndjson") {
        verify_export(&*bytes, options, progress)
    } else {
        Err(not_evidence())
    }
}

/// Audits the records of these seqs in a data directory, beside a writer or not: the sealed files
/// that hold some of them, whole, and all active files, as [`verify_path`] does; of the other
/// sealed files only what they say of themselves, as a quick look does, so that chain and tree lead
/// from the first record to the newest checkpoint.
///
/// # Errors
/// [`VerifyError`] where the path is no data directory or can't be read at all.
pub fn verify_seqs(
    path: &Path,
    seqs: Range<u64>,
    options: &VerifyOptions,
    progress: &dyn Progress,
) -> Result<Report, VerifyError> {
    let io = |source| VerifyError::Io { path: path.to_path_buf(), source };
    match parts(path).map_err(io)? {
        2.. => verify_evidence_seqs(&DirEvidence::new(path), seqs, options, progress),
        _ => Err(VerifyError::NotEvidence { path: path.to_path_buf() }),
    }
}

/// How many parts of a data directory there are. That one can't be looked for is a fault only where
/// too few were found to go on.
fn parts(path: &Path) -> io::Result<usize> {
    let mut there = 0;
    let mut fault = None;
    for part in PARTS {
        match fs::metadata(path.join(part)) {
            Ok(_) => there += 1,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => fault = Some(e),
        }
    }
    match fault {
        Some(e) if there < 2 => Err(e),
        _ => Ok(there),
    }
}

/// Audits one segment file, sealed or active, by itself. `name` is the file's name.
///
/// # Errors
/// [`VerifyError::Checkpoint`] where the checkpoint given is none.
pub fn verify_segment(
    name: &str,
    bytes: Bytes,
    options: &VerifyOptions,
    progress: &dyn Progress,
) -> Result<Report, VerifyError> {
    let mut found = Collector::default();
    let keys = options.vkey.clone().map(Keys::of_key).unwrap_or_default();
    outside(options, &keys, &mut found)?;
    if keys.is_empty() {
        let message =
            "no key was given: anchor and file seal were read, their signatures not checked";
        found.notice(NoticeKind::Unsigned, message);
    }
    let message = "one segment alone: what stands before and behind it, and the root of the log, \
                   can't be checked here";
    found.notice(NoticeKind::NotChecked, message);
    progress.total(bytes.len());
    let pool = Pool::new(options.thread_count());
    let is_active = bytes.bytes(0, 8).is_ok_and(|magic| *magic == *b"SHOSEKIA")
        || parse_active_name(name).is_some();
    let (first, genesis) = start(name, &bytes, is_active);
    let mut audit = Audit::new(AuditParts {
        found,
        pool: &pool,
        shared: Arc::new(Shared::default()),
        progress,
        quick: options.quick,
        seqs: 0..u64::MAX,
        identity: None,
        keys: &keys,
        genesis,
        first,
    });
    let sealed_name = parse_sealed_name(name).map(|(first, count)| (first.0, count));
    thread::scope(|scope| {
        pool.start(scope);
        let _closer = Closer(&pool);
        if is_active {
            audit.active(name, &bytes, first, 0);
        } else {
            audit.sealed(name, bytes, sealed_name);
        }
        audit.finish();
    });
    let Audit { found, ledger, segments, .. } = audit;
    let (tree_size, root) = ledger.tree_and_root();
    let chain_hash = ledger.chain.hash().unwrap_or(ChainHash([0; 64]));
    let records = ledger.records;
    let (findings, notices) = found.finish();
    let tree_size = TreeSize(tree_size);
    Ok(Report {
        records,
        segments,
        tree_size,
        root,
        chain_hash,
        findings,
        notices,
        checkable: true,
    })
}

/// First seq, and the chain hash before it as the header has it.
fn start(name: &str, bytes: &Bytes, active: bool) -> (u64, Before) {
    if active {
        let header = bytes.bytes(0, ACTIVE_HEADER_LEN).ok();
        let header = header.and_then(|header| ActiveHeader::decode(&header).ok());
        let named = parse_active_name(name).map_or(0, |first| first.0);
        header.map_or((named, Before::Unknown), |h| (h.first_seq.0, Before::Known(h.chain_before)))
    } else {
        let header = bytes.bytes(0, SEGMENT_HEADER_LEN).ok();
        let header = header.and_then(|header| SegmentHeader::decode(&header).ok());
        let named = parse_sealed_name(name).map_or(0, |(first, _)| first.0);
        header.map_or((named, Before::Unknown), |h| (h.first_seq.0, Before::Known(h.chain_before)))
    }
}
