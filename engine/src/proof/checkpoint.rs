//! Checkpoints (C2SP tlog-checkpoint): origin, size and root of a log, as a signed note.
//!
//! Invariant: ours have exactly three lines. [`ForeignCheckpoint`] reads those of other logs too,
//! which may have extension lines and other hashes.
//! Knows nothing about whether the size is durable: whoever signs must.

use super::key::{SigningKey, VerifierKey};
use super::note::{Note, NoteError, SignedError, check_origin};
use super::text::{Lines, TextError, base64_array, base64_decode, base64_encode, decimal_parse};
use crate::types::{NodeHash, Origin, TreeSize};

const ORIGIN: &str = "the origin";
const SIZE: &str = "the tree size, a decimal number";
const ROOT: &str = "the root hash in base64";

/// What a log commits to with its signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: Origin,
    /// Records covered.
    pub size: TreeSize,
    /// RFC 6962 root over them.
    pub root: NodeHash,
}

impl Checkpoint {
    /// The text that is signed: three lines.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, base64_encode(&self.root.0))
    }

    /// Parses the text of a checkpoint of ours (not the whole note).
    ///
    /// # Errors
    /// [`TextError`] with the first line that is not [`Self::to_text`]'s, extensions included.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let mut lines = Lines::new(text);
        let origin = lines.parse(ORIGIN, |line| Origin::new(line).ok())?;
        let size = lines.parse(SIZE, decimal_parse)?;
        let root = lines.parse(ROOT, base64_array)?;
        lines.end()?;
        Ok(Self { origin, size: TreeSize(size), root: NodeHash(root) })
    }

    /// The signed note.
    ///
    /// # Errors
    /// [`NoteError::OtherOrigin`] where the key is another log's.
    pub fn sign(&self, key: &SigningKey) -> Result<String, NoteError> {
        key.sign_for(&self.origin, &self.to_text())
    }

    /// Parses and verifies a whole signed checkpoint.
    ///
    /// # Errors
    /// [`SignedError`]: malformed, not signed by `key`, or about another log than the key's.
    pub fn open(note: &[u8], key: &VerifierKey) -> Result<Self, SignedError> {
        let note = Note::parse(note)?;
        let checkpoint = Self::parse(note.text())?;
        check_origin(&checkpoint.origin, key)?;
        note.verify_by(key)?;
        Ok(checkpoint)
    }
}

/// A checkpoint of any log of the C2SP format.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ForeignCheckpoint<'a> {
    /// Name of the log: any non-empty line.
    pub origin: &'a str,
    /// Leaves covered.
    pub size: TreeSize,
    /// Root hash, of the log's own length.
    pub root: Vec<u8>,
    /// Further lines, each non-empty.
    pub extensions: Vec<&'a str>,
}

impl<'a> ForeignCheckpoint<'a> {
    /// Parses the text of a checkpoint (not the whole note).
    ///
    /// # Errors
    /// [`TextError`] with the first line that the format doesn't allow.
    pub fn parse(text: &'a str) -> Result<Self, TextError> {
        let filled = |line: &'a str| if line.is_empty() { None } else { Some(line) };
        let mut lines = Lines::new(text);
        let origin = lines.parse(ORIGIN, filled)?;
        let size = lines.parse(SIZE, decimal_parse)?;
        let root = lines.parse(ROOT, |line| base64_decode(filled(line)?))?;
        let mut extensions = Vec::new();
        while !lines.is_empty() {
            extensions.push(lines.parse("an extension that is not empty", filled)?);
        }
        Ok(Self { origin, size: TreeSize(size), root, extensions })
    }
}
