//! The report of a verification (CONTRACT 2).
//!
//! Invariant: findings and notices in the order in which the auditor gives them, none left out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use shoseki_engine::types::Seq;
use shoseki_engine::verify::Report;
use utoipa::ToSchema;

/// What a verification said.
#[derive(Clone, Serialize, ToSchema)]
pub struct Verdict {
    /// `valid`, `tampered` or `unknown`.
    pub status: String,
    /// Records that were looked at.
    pub records: u64,
    /// Files that were looked at.
    pub segments: u64,
    /// Records of the tree.
    pub tree_size: u64,
    /// Root of the tree, base64.
    pub root: String,
    /// Chain hash at the end, hex.
    pub chain_hash: String,
    /// What is wrong.
    pub findings: Vec<FoundItem>,
    /// What is worth knowing and changes nothing.
    pub notices: Vec<NoticedItem>,
}

/// One thing that is wrong.
#[derive(Clone, Serialize, ToSchema)]
pub struct FoundItem {
    /// `changed`, `removed`, `inserted`, `reordered`, `truncated`, `rolled_back`, `forked`,
    /// `signature`, `corrupt` or `missing`.
    pub kind: String,
    /// The record, or the first of a range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The last, where only a range is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq_last: Option<u64>,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// What was found.
    pub message: String,
}

/// One thing that is worth knowing.
#[derive(Clone, Serialize, ToSchema)]
pub struct NoticedItem {
    /// `torn`, `index`, `duplicate_id`, `uncheckpointed` and others.
    pub kind: String,
    /// The record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// What was noticed.
    pub message: String,
}

impl From<&Report> for Verdict {
    fn from(report: &Report) -> Self {
        let number = |seq: Option<Seq>| seq.map(|seq| seq.0);
        let findings = report.findings.iter().map(|finding| FoundItem {
            kind: finding.kind.as_str().to_owned(),
            seq: number(finding.seq),
            seq_last: number(finding.seq_last),
            segment: finding.segment.clone(),
            message: finding.message.clone(),
        });
        let notices = report.notices.iter().map(|notice| NoticedItem {
            kind: notice.kind.as_str().to_owned(),
            seq: number(notice.seq),
            message: notice.message.clone(),
        });
        Self {
            status: report.status().as_str().to_owned(),
            records: report.records,
            segments: report.segments,
            tree_size: report.tree_size.0,
            root: STANDARD.encode(report.root.0),
            chain_hash: report.chain_hash.to_hex(),
            findings: findings.collect(),
            notices: notices.collect(),
        }
    }
}
