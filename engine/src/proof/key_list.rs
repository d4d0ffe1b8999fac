//! The key list of a log (`log.vkeys`): every verifier key, each signed by the one before it.
//!
//! Invariant: a [`KeyList`] has at least one key, all of one origin and with different ids; entry
//! 0 is valid from size 0 and signed by itself, entry *i* is signed by key *i* − 1, and
//! `valid_from` never falls. Whether the first key is the right one only an outsider can say.
//! Knows nothing about files and how a key is kept.

use super::anchor::Anchor;
use super::checkpoint::Checkpoint;
use super::key::{SIGNATURE_LEN, SigningKey, VerifierKey, signature_decode};
use super::note::{Note, NoteError, SignedError, check_origin, signature_line};
use super::seal::FileSeal;
use super::text::{Lines, TextError, decimal_parse};
use crate::types::{Origin, TreeSize};

/// One key of the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyEntry {
    valid_from: TreeSize,
    key: VerifierKey,
    signer: [u8; 4],
    signature: [u8; SIGNATURE_LEN],
}

impl KeyEntry {
    /// The tree size from which the key signs.
    #[must_use]
    pub fn valid_from(&self) -> TreeSize {
        self.valid_from
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &VerifierKey {
        &self.key
    }
}

/// All keys of a log, oldest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyList {
    origin: Origin,
    first: KeyEntry,
    later: Vec<KeyEntry>,
}

/// A key list that can't be read, or a rotation that can't be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyListError {
    /// Not UTF-8.
    #[error("the key list is not UTF-8")]
    Encoding,
    /// A line is not what the format calls for.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The signature of a key by its predecessor (of the first: by itself) is wrong.
    #[error("key {index} is not signed by the key before it")]
    Signature {
        /// Position in the list, from 0.
        index: usize,
    },
    /// The same key twice, or two whose ids can't be told apart.
    #[error("key {index} repeats an earlier one")]
    Repeated {
        /// Position in the list, from 0.
        index: usize,
    },
    /// A key is valid from a smaller size than the one before it.
    #[error("key {index} is valid from a smaller size than the key before it")]
    Order {
        /// Position in the list, from 0.
        index: usize,
    },
    /// A key of another log.
    #[error("the key belongs to another log")]
    OtherOrigin,
    /// The signing key given is not the list's newest.
    #[error("the signing key is not the newest key of the list")]
    NotCurrent,
}

impl KeyList {
    /// The list of a new log: its first key, signed by itself.
    #[must_use]
    pub fn create(key: &SigningKey) -> Self {
        let (origin, verifier) = (key.origin().clone(), key.verifier());
        let first = entry(&origin, 0, TreeSize(0), verifier, key);
        Self { origin, first, later: Vec::new() }
    }

    /// The list with one more key, which takes over at `valid_from` and is signed by `current`.
    ///
    /// # Errors
    /// [`KeyListError::NotCurrent`], [`KeyListError::OtherOrigin`], [`KeyListError::Repeated`]
    /// and [`KeyListError::Order`]; this list is unchanged.
    pub fn rotate(
        &self,
        current: &SigningKey,
        next: &VerifierKey,
        valid_from: TreeSize,
    ) -> Result<Self, KeyListError> {
        if current.verifier() != *self.current() {
            return Err(KeyListError::NotCurrent);
        }
        if next.name() != self.origin.as_str() {
            return Err(KeyListError::OtherOrigin);
        }
        let mut list = self.clone();
        list.push(entry(&self.origin, self.len(), valid_from, next.clone(), current))?;
        Ok(list)
    }

    /// Parses and verifies a whole list: what comes back encodes to the same bytes.
    ///
    /// # Errors
    /// [`KeyListError`] with the line or the key at fault.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyListError> {
        let text = core::str::from_utf8(bytes).map_err(|_| KeyListError::Encoding)?;
        let mut lines = Lines::new(text);
        let (origin, first) = entry_parse(&mut lines, 0)?;
        check(&origin, 0, &first, &first.key)?;
        let mut list = Self { origin, first, later: Vec::new() };
        while !lines.is_empty() {
            let index = list.len();
            let (origin, next) = entry_parse(&mut lines, index)?;
            if origin != list.origin {
                return Err(KeyListError::OtherOrigin);
            }
            check(&origin, index, &next, list.current())?;
            list.push(next)?;
        }
        if list.first.valid_from == TreeSize(0) {
            Ok(list)
        } else {
            Err(KeyListError::Order { index: 0 })
        }
    }

    /// The text of `log.vkeys`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let signed = |(index, entry): (usize, &KeyEntry)| {
            let text = entry_text(&self.origin, index, entry.valid_from, &entry.key);
            let line = signature_line(self.origin.as_str(), entry.signer, &entry.signature);
            format!("{text}\n{line}")
        };
        self.entries().enumerate().map(signed).collect()
    }

    /// Name of the log.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// All keys, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &KeyEntry> {
        core::iter::once(&self.first).chain(&self.later)
    }

    /// Number of keys, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a key list is never empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        1 + self.later.len()
    }

    /// The newest key.
    #[must_use]
    pub fn current(&self) -> &VerifierKey {
        &self.last().key
    }

    /// The key that signs trees of this size: the newest one valid from it or from below.
    #[must_use]
    pub fn key_for(&self, size: TreeSize) -> &VerifierKey {
        let begun = |entry: &&KeyEntry| entry.valid_from <= size;
        &self.later.iter().rev().find(begun).unwrap_or(&self.first).key
    }

    /// Every key whose signature counts for a tree of this size: key *i* from its own
    /// `valid_from` up to and with that of key *i* + 1.
    pub fn accepts(&self, size: TreeSize) -> impl Iterator<Item = &VerifierKey> {
        let ends = self.later.iter().map(|next| Some(next.valid_from)).chain([None]);
        let accepted = move |(entry, end): &(&KeyEntry, Option<TreeSize>)| {
            entry.valid_from <= size && end.is_none_or(|end| size <= end)
        };
        self.entries().zip(ends).filter(accepted).map(|(entry, _)| &entry.key)
    }

    /// Parses a signed checkpoint and verifies it by the keys accepted for its size.
    ///
    /// # Errors
    /// [`SignedError`], as [`Checkpoint::open`].
    pub fn open_checkpoint(&self, note: &[u8]) -> Result<Checkpoint, SignedError> {
        let note = Note::parse(note)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        self.verify(&note, &checkpoint.origin, self.accepts(checkpoint.size))?;
        Ok(checkpoint)
    }

    /// Parses a signed anchor and verifies it by the keys accepted for its log size.
    ///
    /// # Errors
    /// [`SignedError`], as [`Anchor::open`].
    pub fn open_anchor(&self, note: &[u8]) -> Result<Anchor, SignedError> {
        let note = Note::parse(note)?;
        let anchor = Anchor::parse(note.text())?;
        self.verify(&note, &anchor.origin, self.accepts(anchor.log_size))?;
        Ok(anchor)
    }

    /// Parses a signed file seal and verifies it by any key of the list: files are sealed and
    /// rewritten long after the log had the size that their records end at.
    ///
    /// # Errors
    /// [`SignedError`], as [`FileSeal::open`].
    pub fn open_seal(&self, note: &[u8]) -> Result<FileSeal, SignedError> {
        let note = Note::parse(note)?;
        let seal = FileSeal::parse(note.text())?;
        self.verify(&note, &seal.origin, self.entries().map(KeyEntry::key))?;
        Ok(seal)
    }

    fn verify<'k>(
        &self,
        note: &Note<'_>,
        origin: &Origin,
        keys: impl Iterator<Item = &'k VerifierKey>,
    ) -> Result<(), NoteError> {
        check_origin(origin, &self.first.key)?;
        note.verify_by_any(keys).map(|_| ())
    }

    fn last(&self) -> &KeyEntry {
        self.later.last().unwrap_or(&self.first)
    }

    fn push(&mut self, next: KeyEntry) -> Result<(), KeyListError> {
        let index = self.len();
        if self.entries().any(|earlier| earlier.key.id() == next.key.id()) {
            return Err(KeyListError::Repeated { index });
        }
        if next.valid_from < self.last().valid_from {
            return Err(KeyListError::Order { index });
        }
        self.later.push(next);
        Ok(())
    }
}

/// The four lines of an entry that are signed.
fn entry_text(origin: &Origin, index: usize, valid_from: TreeSize, key: &VerifierKey) -> String {
    format!("shoseki-key/v1 {origin}\nindex {index}\nvalid_from {valid_from}\nkey {key}\n")
}

fn entry(
    origin: &Origin,
    index: usize,
    valid_from: TreeSize,
    key: VerifierKey,
    signer: &SigningKey,
) -> KeyEntry {
    let signature = signer.sign(entry_text(origin, index, valid_from, &key).as_bytes());
    KeyEntry { valid_from, key, signer: signer.verifier().id(), signature }
}

/// Reads the six lines of entry `index`; its signature is not checked here.
fn entry_parse(lines: &mut Lines<'_>, index: usize) -> Result<(Origin, KeyEntry), TextError> {
    let origin = lines.value("shoseki-key/v1 ", |value| Origin::new(value).ok())?;
    let here = |value| (decimal_parse(value)? == u64::try_from(index).ok()?).then_some(());
    lines.value("index ", here)?;
    let valid_from = TreeSize(lines.value("valid_from ", decimal_parse)?);
    let named = |key: &VerifierKey| key.name() == origin.as_str();
    let key = lines.value("key ", |value| VerifierKey::parse(value).ok().filter(named))?;
    lines.parse("an empty line", |line| line.is_empty().then_some(()))?;
    let by_origin =
        |value: &str| signature_decode(value.strip_prefix(origin.as_str())?.strip_prefix(' ')?);
    let (signer, signature) = lines.value("— ", by_origin)?;
    Ok((origin, KeyEntry { valid_from, key, signer, signature }))
}

fn check(
    origin: &Origin,
    index: usize,
    entry: &KeyEntry,
    signer: &VerifierKey,
) -> Result<(), KeyListError> {
    let text = entry_text(origin, index, entry.valid_from, &entry.key);
    if entry.signer == signer.id() && signer.verify(text.as_bytes(), &entry.signature) {
        Ok(())
    } else {
        Err(KeyListError::Signature { index })
    }
}
