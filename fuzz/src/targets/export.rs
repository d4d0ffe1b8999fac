//! Export lines, and the audit of a whole export.
//!
//! A line that is read is written again as it was. With a signed checkpoint from elsewhere, an
//! export is only ever called valid where it is the one that was made, line by line.

use std::sync::LazyLock;

use shoseki_engine::proof::{chain_next, record_hash};
use shoseki_engine::record::{
    ExportLine, IntegrityStatus, export_line, export_line_damaged, export_line_erased,
    parse_export_line,
};
use shoseki_engine::types::ChainHash;
use shoseki_engine::types::{RecordHash, Seq};
use shoseki_engine::verify::{VerifyOptions, verify_export};

use crate::fixture;
use crate::memory::within;

pub(super) fn run(data: &[u8]) {
    let (mode, text) = data.split_first().map_or((0, data), |(mode, text)| (*mode, text));
    let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
    lines.iter().for_each(|line| one(line));
    let whole = if mode & 1 == 1 { relinked(&lines) } else { text.to_vec() };
    let log = &*fixture::SMALL;
    let honest = &*HONEST;
    // The chunk that lines are cut from, the findings, of which each line makes a few, the tree.
    let limit = (4 << 20) + whole.len() * 16;
    for options in [
        VerifyOptions::default(),
        VerifyOptions {
            checkpoint: Some(CHECKPOINT.clone()),
            vkey: Some(log.vkey()),
            ..VerifyOptions::default()
        },
    ] {
        let audit = || verify_export(&whole, &options, &()).unwrap();
        let report = within(limit, "auditing an export", audit);
        assert!(report.status() != IntegrityStatus::Valid || report.findings.is_empty());
        let is_made = trimmed(&whole) == trimmed(honest);
        let with_all = options.checkpoint.is_some();
        if with_all && report.status() == IntegrityStatus::Valid {
            assert!(is_made, "another export is called valid");
        }
        if is_made {
            assert_ne!(report.status(), IntegrityStatus::Tampered, "{:?}", report.findings);
        }
    }
}

/// Only a line feed at the end is nobody's.
fn trimmed(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\n").unwrap_or(text)
}

fn one(line: &[u8]) {
    let mut again = Vec::new();
    match within(4096 + line.len() * 2, "a line", || parse_export_line(line)) {
        Ok(ExportLine::Record { body, seq, hash, chain_hash, status }) => {
            export_line(&body, seq, &hash, &chain_hash, &mut again);
            if status != IntegrityStatus::Valid {
                again.truncate(again.len() - br#"valid"}"#.len());
                again.extend_from_slice(status.as_str().as_bytes());
                again.extend_from_slice(br#""}"#);
            }
        }
        Ok(ExportLine::Erased { audit_id, seq, hash, chain_hash }) => {
            export_line_erased(&audit_id, seq, &hash, &chain_hash, &mut again);
        }
        Ok(ExportLine::Damaged { audit_id, seq }) => {
            export_line_damaged(audit_id.as_ref(), seq, &mut again);
        }
        Err(_) => return,
    }
    assert!(again == line, "written again: {}", String::from_utf8_lossy(&again));
}

/// Lines whose hashes and chain are right for the bodies that they have: what somebody makes who
/// changes a record and everything that follows from it.
fn relinked(lines: &[&[u8]]) -> Vec<u8> {
    let log = &*fixture::SMALL;
    let mut chain = log.chain[0];
    let mut out = Vec::new();
    for line in lines {
        if let Ok(ExportLine::Record { body, seq, .. }) = parse_export_line(line) {
            let hash = record_hash(&body);
            chain = chain_next(&chain, &hash);
            export_line(&body, seq, &hash, &chain, &mut out);
        } else {
            out.extend_from_slice(line);
        }
        out.push(b'\n');
    }
    out
}

static CHECKPOINT: LazyLock<Vec<u8>> =
    LazyLock::new(|| fixture::SMALL.checkpoint(fixture::SMALL.size()));

/// The export as it was made.
static HONEST: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let log = &*fixture::SMALL;
    let mut out = Vec::new();
    for (seq, (body, chain)) in (0..).zip(log.bodies.iter().zip(&log.chain[1..])) {
        export_line(body, Seq(seq), &record_hash(body), chain, &mut out);
        out.push(b'\n');
    }
    out
});

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let honest = &*HONEST;
    let mut damaged = Vec::new();
    export_line_damaged(None, Seq(3), &mut damaged);
    damaged.push(b'\n');
    let id = shoseki_engine::record::AuditId::from_bytes([3; 16]);
    export_line_damaged(Some(&id), Seq(4), &mut damaged);
    damaged.push(b'\n');
    export_line_erased(&id, Seq(5), &RecordHash([1; 64]), &ChainHash([2; 64]), &mut damaged);
    let some: Vec<u8> =
        honest.split_inclusive(|b| *b == b'\n').skip(2).take(2).flatten().copied().collect();
    let both = |text: &[u8]| [0, 1].map(|mode| [&[mode], text].concat());
    [both(honest), both(&damaged), both(&some)].concat()
}
