//! Signed notes (C2SP signed-note): a text and the signatures under it.
//!
//! Invariant: a parsed note follows the format to the byte; its text means nothing until
//! [`Note::verify_by`] succeeds. Signatures by other keys are carried, never judged.
//! Knows nothing about what the text says.

use super::key::{VerifierKey, is_key_name};
use super::text::{TextError, base64_decode, base64_encode};
use crate::types::Origin;

/// Most signatures that a note may carry; the format asks for at least 16.
pub const SIGNATURES_MAX: usize = 100;

/// A note that is malformed, or not signed as it should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoteError {
    /// Not UTF-8.
    #[error("the note is not UTF-8")]
    Encoding,
    /// A control character other than newline.
    #[error("the note has a control character at byte {offset}")]
    Control {
        /// Where it stands.
        offset: usize,
    },
    /// The text or the note doesn't end with a newline.
    #[error("the note doesn't end with a newline")]
    Unterminated,
    /// No blank line between text and signatures.
    #[error("the note has no blank line between text and signatures")]
    NoSeparator,
    /// Nothing below the blank line.
    #[error("the note has no signature")]
    NoSignature,
    /// A line below the blank line is no signature.
    #[error("signature {number} is malformed")]
    Signature {
        /// Which, from 1.
        number: usize,
    },
    /// More than [`SIGNATURES_MAX`].
    #[error("the note has more than {SIGNATURES_MAX} signatures")]
    TooMany,
    /// None of the known keys signed.
    #[error("the note is not signed by a known key")]
    Unsigned,
    /// A signature by a known key is wrong.
    #[error("signature {number} is by a known key and wrong")]
    Forged {
        /// Which, from 1.
        number: usize,
    },
    /// The key is that of another log than the text is about.
    #[error("the key belongs to another log than the text")]
    OtherOrigin,
}

/// A note that is not a valid note of the kind asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignedError {
    /// Malformed as a note, or not signed as it should be.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Its text is not of this kind.
    #[error(transparent)]
    Text(#[from] TextError),
}

/// A parsed note, not yet verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note<'a> {
    text: &'a str,
    signatures: Vec<NoteSignature<'a>>,
}

/// One signature line, by a key that need not be known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoteSignature<'a> {
    /// Name of the key.
    pub name: &'a str,
    /// Id of the key, a hash of name and key for Ed25519.
    pub key_id: [u8; 4],
    /// Signature bytes, at least one; 64 for Ed25519.
    pub signature: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Parses a whole note.
    ///
    /// # Errors
    /// [`NoteError`] with the first departure from the format.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NoteError> {
        let note = core::str::from_utf8(bytes).map_err(|_| NoteError::Encoding)?;
        check_text(note)?;
        let blank = note.rfind("\n\n").ok_or(NoteError::NoSeparator)?;
        let (text, rest) = note.split_at_checked(blank + 1).ok_or(NoteError::NoSeparator)?;
        let block = rest.strip_prefix('\n').ok_or(NoteError::NoSeparator)?;
        let lines = block.strip_suffix('\n').ok_or(NoteError::NoSignature)?;
        if lines.split('\n').count() > SIGNATURES_MAX {
            return Err(NoteError::TooMany);
        }
        let signature =
            |(line, number)| NoteSignature::parse(line).ok_or(NoteError::Signature { number });
        let signatures = lines.split('\n').zip(1..).map(signature).collect::<Result<_, _>>()?;
        Ok(Self { text, signatures })
    }

    /// The text, ending with a newline. Unverified.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// All signatures, in order. Unverified.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature<'a>] {
        &self.signatures
    }

    /// Checks that `key` signed the text.
    ///
    /// # Errors
    /// [`NoteError::Unsigned`] where no signature names the key, [`NoteError::Forged`] where one
    /// that does is wrong, even beside a right one.
    pub fn verify_by(&self, key: &VerifierKey) -> Result<(), NoteError> {
        self.verify_by_any([key]).map(|_| ())
    }

    /// Checks that one of `keys` signed the text, and returns the first in note order that did.
    ///
    /// # Errors
    /// As [`Self::verify_by`]; a wrong signature of any of the keys refuses the note.
    pub fn verify_by_any<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k VerifierKey>,
    ) -> Result<&'k VerifierKey, NoteError> {
        let keys: Vec<&VerifierKey> = keys.into_iter().collect();
        let mut signer = None;
        for (signature, number) in self.signatures.iter().zip(1..) {
            let known = |key: &&&VerifierKey| signature.is_by(key);
            let Some(key) = keys.iter().find(known) else { continue };
            if !key.verify(self.text.as_bytes(), &signature.signature) {
                return Err(NoteError::Forged { number });
            }
            signer = signer.or(Some(*key));
        }
        signer.ok_or(NoteError::Unsigned)
    }
}

impl<'a> NoteSignature<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (name, base64) = line.strip_prefix("— ")?.split_once(' ')?;
        let bytes = base64_decode(base64)?;
        let (key_id, signature) = bytes.split_first_chunk::<4>()?;
        if signature.is_empty() || !is_key_name(name) {
            return None;
        }
        Some(Self { name, key_id: *key_id, signature: signature.to_vec() })
    }

    /// Whether name and id are those of `key`. Says nothing about the signature.
    #[must_use]
    pub fn is_by(&self, key: &VerifierKey) -> bool {
        self.name == key.name() && self.key_id == key.id()
    }
}

/// Characters and end of a note's text, which are also those of a whole note.
pub(super) fn check_text(text: &str) -> Result<(), NoteError> {
    if let Some(offset) = text.bytes().position(|b| b < b' ' && b != b'\n') {
        return Err(NoteError::Control { offset });
    }
    if text.ends_with('\n') { Ok(()) } else { Err(NoteError::Unterminated) }
}

/// The text must be about the log that the key belongs to.
pub(super) fn check_origin(origin: &Origin, key: &VerifierKey) -> Result<(), NoteError> {
    if origin.as_str() == key.name() { Ok(()) } else { Err(NoteError::OtherOrigin) }
}

/// `— name base64(id ‖ signature)` with its newline.
pub(super) fn signature_line(name: &str, id: [u8; 4], signature: &[u8]) -> String {
    let bytes: Vec<u8> = id.iter().chain(signature).copied().collect();
    format!("— {name} {}\n", base64_encode(&bytes))
}
