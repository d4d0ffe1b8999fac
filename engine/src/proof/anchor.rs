//! Anchors: what a log says of a stretch of records and of itself at that time (CONTRACT 1.4).
//!
//! One is made per sealed segment and one per UTC day; both have this form. An anchor never
//! changes, not by erasure or compaction either.
//! Invariant: ten lines in this order, each value with one spelling.
//! Knows nothing about segment files.

use super::key::{SigningKey, VerifierKey};
use super::note::{Note, NoteError, SignedError, check_origin};
use super::text::{Lines, TextError, base64_array, base64_encode, decimal_parse};
use super::time::UtcTime;
use crate::types::{ChainHash, NodeHash, Origin, Seq, TreeSize};

/// A stretch of records tied to chain and tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Anchor {
    /// Name of the log.
    pub origin: Origin,
    /// First record of the stretch.
    pub first_seq: Seq,
    /// Number of records; 0 on a day without any.
    pub count: u64,
    /// Chain hash before the first record.
    pub chain_before: ChainHash,
    /// Chain hash of the last record, or `chain_before` where there is none.
    pub chain_after: ChainHash,
    /// RFC 6962 root of the stretch's own leaves.
    pub segment_root: NodeHash,
    /// Size of the log's tree, at least `first_seq + count`.
    pub log_size: TreeSize,
    /// Root of the log's tree of that size.
    pub log_root: NodeHash,
    /// When the anchor was made.
    pub time: UtcTime,
}

impl Anchor {
    /// The text that is signed.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!(
            "shoseki-anchor/v1 {}\nfirst_seq {}\ncount {}\nchain_before {}\nchain_after {}\n\
             segment_root {}\nlog_size {}\nlog_root {}\ntime {}\n",
            self.origin,
            self.first_seq,
            self.count,
            self.chain_before,
            self.chain_after,
            base64_encode(&self.segment_root.0),
            self.log_size,
            base64_encode(&self.log_root.0),
            self.time,
        )
    }

    /// Parses the text of an anchor (not the whole note).
    ///
    /// # Errors
    /// [`TextError`] with the first line that is not [`Self::to_text`]'s.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let mut lines = Lines::new(text);
        let chain = |value: &str| ChainHash::from_hex(value.as_bytes());
        let root = |value| base64_array(value).map(NodeHash);
        let anchor = Self {
            origin: lines.value("shoseki-anchor/v1 ", |value| Origin::new(value).ok())?,
            first_seq: Seq(lines.value("first_seq ", decimal_parse)?),
            count: lines.value("count ", decimal_parse)?,
            chain_before: lines.value("chain_before ", chain)?,
            chain_after: lines.value("chain_after ", chain)?,
            segment_root: lines.value("segment_root ", root)?,
            log_size: TreeSize(lines.value("log_size ", decimal_parse)?),
            log_root: lines.value("log_root ", root)?,
            time: lines.value("time ", UtcTime::parse)?,
        };
        lines.end()?;
        Ok(anchor)
    }

    /// The signed note.
    ///
    /// # Errors
    /// [`NoteError::OtherOrigin`] where the key is another log's.
    pub fn sign(&self, key: &SigningKey) -> Result<String, NoteError> {
        key.sign_for(&self.origin, &self.to_text())
    }

    /// Parses and verifies a whole signed anchor.
    ///
    /// # Errors
    /// [`SignedError`]: malformed, not signed by `key`, or about another log than the key's.
    pub fn open(note: &[u8], key: &VerifierKey) -> Result<Self, SignedError> {
        let note = Note::parse(note)?;
        let anchor = Self::parse(note.text())?;
        check_origin(&anchor.origin, key)?;
        note.verify_by(key)?;
        Ok(anchor)
    }
}
