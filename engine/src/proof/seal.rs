//! File seals: a signature over the bytes of a segment file.
//!
//! A seal is made anew when a file is rewritten (compaction, erasure) and names the record that
//! ordered it, whereas the segment's anchor stays.
//! Invariant: five lines in this order, each value with one spelling.
//! Knows nothing about the file: which bytes the digest covers is the segment's format.

use super::key::{SigningKey, VerifierKey};
use super::note::{Note, NoteError, SignedError, check_origin};
use super::text::{Lines, TextError, decimal_parse};
use crate::types::{Origin, Seq, from_hex, to_hex};

/// What is signed about a segment file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileSeal {
    /// Name of the log.
    pub origin: Origin,
    /// First record of the file.
    pub first_seq: Seq,
    /// Number of records in the file.
    pub count: u64,
    /// SHA-256 of all bytes of the file before the seal.
    pub sha256: [u8; 32],
    /// The record that ordered the rewriting; `None` for the first sealing.
    pub ordered_by: Option<Seq>,
}

impl FileSeal {
    /// The text that is signed.
    #[must_use]
    pub fn to_text(&self) -> String {
        let ordered_by = self.ordered_by.map_or_else(|| "-".to_owned(), |seq| seq.to_string());
        format!(
            "shoseki-seal/v1 {}\nfirst_seq {}\ncount {}\nsha256 {}\nordered_by {ordered_by}\n",
            self.origin,
            self.first_seq,
            self.count,
            to_hex(&self.sha256),
        )
    }

    /// Parses the text of a seal (not the whole note).
    ///
    /// # Errors
    /// [`TextError`] with the first line that is not [`Self::to_text`]'s.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let mut lines = Lines::new(text);
        let ordered_by = |value: &str| match value {
            "-" => Some(None),
            seq => decimal_parse(seq).map(|seq| Some(Seq(seq))),
        };
        let seal = Self {
            origin: lines.value("shoseki-seal/v1 ", |value| Origin::new(value).ok())?,
            first_seq: Seq(lines.value("first_seq ", decimal_parse)?),
            count: lines.value("count ", decimal_parse)?,
            sha256: lines.value("sha256 ", |value| from_hex(value.as_bytes()))?,
            ordered_by: lines.value("ordered_by ", ordered_by)?,
        };
        lines.end()?;
        Ok(seal)
    }

    /// The signed note.
    ///
    /// # Errors
    /// [`NoteError::OtherOrigin`] where the key is another log's.
    pub fn sign(&self, key: &SigningKey) -> Result<String, NoteError> {
        key.sign_for(&self.origin, &self.to_text())
    }

    /// Parses and verifies a whole signed seal.
    ///
    /// # Errors
    /// [`SignedError`]: malformed, not signed by `key`, or about another log than the key's.
    pub fn open(note: &[u8], key: &VerifierKey) -> Result<Self, SignedError> {
        let note = Note::parse(note)?;
        let seal = Self::parse(note.text())?;
        check_origin(&seal.origin, key)?;
        note.verify_by(key)?;
        Ok(seal)
    }
}
