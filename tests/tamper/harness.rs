//! Audits of files in memory, and what they have to say.

use std::collections::BTreeMap;

use shoseki_engine::verify::{MemoryEvidence, Report, VerifyOptions, verify_evidence};
use shoseki_lab::evidence::Log;

/// Files as the auditor takes them.
pub(crate) fn evidence(files: &BTreeMap<String, Vec<u8>>) -> MemoryEvidence {
    let mut evidence = MemoryEvidence::default();
    for (path, bytes) in files {
        evidence.put(path, bytes.clone());
    }
    evidence
}

/// One thread, the log's own key.
pub(crate) fn options(log: &Log) -> VerifyOptions {
    VerifyOptions { vkey: Some(log.vkey()), threads: 1, ..VerifyOptions::default() }
}

/// Audits files with the key of `log`.
pub(crate) fn audit(log: &Log, files: &BTreeMap<String, Vec<u8>>) -> Report {
    verify_evidence(&evidence(files), &options(log), &()).unwrap()
}

/// The findings as `kind seq-seq_last`, in order.
pub(crate) fn said(report: &Report) -> Vec<String> {
    let place = |finding: &shoseki_engine::verify::Finding| match (finding.seq, finding.seq_last) {
        (None, _) => String::new(),
        (Some(seq), None) => format!(" {seq}"),
        (Some(seq), Some(last)) => format!(" {seq}-{last}"),
    };
    report.findings.iter().map(|f| format!("{}{}", f.kind, place(f))).collect()
}
