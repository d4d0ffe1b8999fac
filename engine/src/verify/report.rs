//! What an audit found: findings, notices and the verdict that follows from them.
//!
//! Invariant: findings stand in order of their records, those about the log as a whole first; runs
//! of the same finding are one. The verdict is computed, never stored.
//! Knows nothing about how they are printed.

use core::fmt;

use crate::record::IntegrityStatus;
use crate::types::{ChainHash, NodeHash, Seq, TreeSize, counted};

macro_rules! kinds {
    (
        $(#[$doc:meta])* $type:ident {
            $($(#[$kind_doc:meta])* $kind:ident = $name:literal),+ $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[non_exhaustive]
        pub enum $type { $($(#[$kind_doc])* $kind),+ }

        impl $type {
            /// The word of CONTRACT 2.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $name),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

kinds! {
    /// What was done to the evidence (CONTRACT 2).
    FindingKind {
        /// A key list, checkpoint, anchor or seal is not signed as it must be.
        Signature = "signature",
        /// Two histories of one log, or a file of another log.
        Forked = "forked",
        /// Bytes are damaged in a way that a checksum shows.
        Corrupt = "corrupt",
        /// A file, or the records in it, are not there.
        Missing = "missing",
        /// Bytes are not those that were hashed, signed or derived.
        Changed = "changed",
        /// Records were taken out.
        Removed = "removed",
        /// Records were put in.
        Inserted = "inserted",
        /// Records stand in another order.
        Reordered = "reordered",
        /// The end is gone although a stored checkpoint covers it.
        Truncated = "truncated",
        /// The log is whole but older than a checkpoint from outside.
        RolledBack = "rolled_back",
    }
}

kinds! {
    /// What is mentioned without changing the verdict.
    NoticeKind {
        /// Bytes behind the end of an active file: a write that was never acknowledged.
        Torn = "torn",
        /// A rebuildable file.
        Index = "index",
        /// The same producer and `audit_id` twice, outside the idempotency window.
        DuplicateId = "duplicate_id",
        /// Records that no checkpoint here covers.
        Uncheckpointed = "uncheckpointed",
        /// Seqs that an export leaves out.
        Gap = "gap",
        /// The key lies beside the log.
        KeyNotIndependent = "key_not_independent",
        /// Signatures that could not be checked.
        Unsigned = "unsigned",
        /// An active file whose records are sealed already.
        Superseded = "superseded",
        /// A file that is no evidence.
        UnknownFile = "unknown_file",
        /// Something that these files alone can't show.
        NotChecked = "not_checked",
        /// A change of the signing key that was not finished.
        Rotation = "rotation",
        /// Something that the medium would not give: what is found about it may be due to that.
        Unread = "unread",
        /// More findings than are listed.
        More = "more",
    }
}

/// One thing held against the evidence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What was done.
    pub kind: FindingKind,
    /// First record concerned; `None` where it is the log as a whole.
    pub seq: Option<Seq>,
    /// Last record concerned, where only a range is known.
    pub seq_last: Option<Seq>,
    /// File concerned, relative to the data directory.
    pub segment: Option<String>,
    /// One sentence.
    pub message: String,
}

impl Finding {
    /// A finding about the log as a whole.
    pub(super) fn whole(kind: FindingKind, message: impl Into<String>) -> Self {
        Self { kind, seq: None, seq_last: None, segment: None, message: message.into() }
    }

    /// A finding about the records `[first, end)`.
    pub(super) fn range(
        kind: FindingKind,
        first: u64,
        end: u64,
        message: impl Into<String>,
    ) -> Self {
        let last = (end > first.saturating_add(1)).then(|| Seq(end - 1));
        Self { kind, seq: Some(Seq(first)), seq_last: last, segment: None, message: message.into() }
    }

    /// Names the file.
    pub(super) fn in_file(mut self, path: &str) -> Self {
        self.segment = Some(path.to_owned());
        self
    }

    fn last(&self) -> Option<Seq> {
        self.seq_last.or(self.seq)
    }
}

/// One thing mentioned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// What it is about.
    pub kind: NoticeKind,
    /// First record concerned.
    pub seq: Option<Seq>,
    /// One sentence.
    pub message: String,
}

/// The result of an audit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// Records looked at.
    pub records: u64,
    /// Segment files looked at, active ones included.
    pub segments: u64,
    /// Size of the tree that `root` is the root of.
    pub tree_size: TreeSize,
    /// Recomputed root.
    pub root: NodeHash,
    /// Chain hash behind the last record.
    pub chain_hash: ChainHash,
    /// What is held against the evidence, by seq.
    pub findings: Vec<Finding>,
    /// What is mentioned.
    pub notices: Vec<Notice>,
    /// Whether anything could be checked at all.
    pub(super) checkable: bool,
}

impl Report {
    /// The verdict: tampered with any finding, unknown where nothing could be checked.
    #[must_use]
    pub fn status(&self) -> IntegrityStatus {
        match (self.findings.is_empty(), self.checkable) {
            (false, _) => IntegrityStatus::Tampered,
            (true, true) => IntegrityStatus::Valid,
            (true, false) => IntegrityStatus::Unknown,
        }
    }
}

/// Most findings and notices that a report lists.
const LISTED_MAX: usize = 1_000;

/// Collects findings and notices.
#[derive(Debug, Default)]
pub(super) struct Collector {
    findings: Vec<Finding>,
    notices: Vec<Notice>,
    more: u64,
}

impl Collector {
    pub(super) fn find(&mut self, finding: Finding) {
        if let Some(last) = self.findings.last_mut()
            && continues(last, &finding)
        {
            last.seq_last = finding.last();
        } else if self.findings.len() < LISTED_MAX {
            self.findings.push(finding);
        } else {
            self.more += 1;
        }
    }

    pub(super) fn notice(&mut self, kind: NoticeKind, message: impl Into<String>) {
        self.notice_at(kind, None, message);
    }

    pub(super) fn notice_at(
        &mut self,
        kind: NoticeKind,
        seq: Option<Seq>,
        message: impl Into<String>,
    ) {
        if self.notices.len() < LISTED_MAX {
            self.notices.push(Notice { kind, seq, message: message.into() });
        }
    }

    /// Whether there is no finding.
    pub(super) fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// Whether nothing was said at all.
    pub(super) fn is_empty(&self) -> bool {
        self.findings.is_empty() && self.notices.is_empty()
    }

    /// Takes over what another collected.
    pub(super) fn absorb(&mut self, other: Self) {
        other.findings.into_iter().for_each(|finding| self.find(finding));
        other.notices.into_iter().for_each(|n| self.notice_at(n.kind, n.seq, n.message));
        self.more += other.more;
    }

    /// Whether a finding is about this file. Findings come file by file: the newest are looked at.
    pub(super) fn names(&self, path: &str) -> bool {
        let newest = self.findings.iter().rev().take(64);
        newest.into_iter().any(|finding| finding.segment.as_deref() == Some(path))
    }

    /// Whether a finding names this record or one behind it.
    pub(super) fn reaches(&self, seq: u64) -> bool {
        self.findings.iter().any(|finding| finding.last().is_some_and(|last| last.0 >= seq))
    }

    /// Findings in order, and notices.
    pub(super) fn finish(mut self) -> (Vec<Finding>, Vec<Notice>) {
        self.findings.sort_by_key(|finding| finding.seq);
        if self.more > 0 {
            let message = format!("not listed: {}", counted(self.more, "further finding"));
            self.notices.push(Notice { kind: NoticeKind::More, seq: None, message });
        }
        (self.findings, self.notices)
    }
}

/// Whether `next` says the same of the record behind `last`'s.
fn continues(last: &Finding, next: &Finding) -> bool {
    let behind = last.last().map(|seq| Seq(seq.0.saturating_add(1)));
    last.kind == next.kind
        && last.segment == next.segment
        && last.message == next.message
        && behind.is_some()
        && behind == next.seq
}
