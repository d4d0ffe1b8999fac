//! Keys of a log, and the judgement of what they signed.
//!
//! Invariant: a note is good only by a key that is accepted for its tree size; a key from outside
//! that the log's keys don't include makes a finding of its own, not one per note.
//! Knows nothing about where notes are kept.

use crate::proof::{
    Anchor, Checkpoint, FileSeal, KeyEntry, KeyList, Note, NoteError, SignedError, TextError,
    VerifierKey,
};
use crate::types::{Origin, TreeSize};

/// One key and the tree sizes that it signs for.
#[derive(Clone, Debug)]
struct KeySpan {
    key: VerifierKey,
    from: TreeSize,
    to: Option<TreeSize>,
}

/// The keys that signatures are judged by.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    spans: Vec<KeySpan>,
    /// Position of the key that came from outside.
    trusted: usize,
}

/// What a note turned out to be.
#[derive(Clone, Debug)]
pub(super) enum Signed<T> {
    /// Signed by the key at this position.
    Good(T, usize),
    /// There are no keys to judge it by.
    Unjudged(T),
    /// Not signed as it must be; its text can be read or not.
    Bad(Option<T>, SignedError),
}

impl<T> Signed<T> {
    /// The text, where it is worth comparing with.
    pub(super) fn value(&self) -> Option<&T> {
        match self {
            Self::Good(value, _) | Self::Unjudged(value) => Some(value),
            Self::Bad(..) => None,
        }
    }

    pub(super) fn is_good(&self) -> bool {
        matches!(self, Self::Good(..))
    }
}

impl Keys {
    /// The keys of a list.
    pub(super) fn of_list(list: &KeyList) -> Self {
        let from: Vec<TreeSize> = list.entries().map(KeyEntry::valid_from).collect();
        let ends = from.iter().skip(1).map(|size| Some(*size)).chain([None]);
        let span = |(entry, to): (&KeyEntry, Option<TreeSize>)| KeySpan {
            key: entry.key().clone(),
            from: entry.valid_from(),
            to,
        };
        Self { spans: list.entries().zip(ends).map(span).collect(), trusted: 0 }
    }

    /// One key for every size.
    pub(super) fn of_key(key: VerifierKey) -> Self {
        Self { spans: vec![KeySpan { key, from: TreeSize(0), to: None }], trusted: 0 }
    }

    /// Takes `key` as the one that came from outside; false where it is none of these.
    pub(super) fn trust(&mut self, key: &VerifierKey) -> bool {
        let place = self.spans.iter().position(|span| span.key == *key);
        self.trusted = place.unwrap_or(0);
        place.is_some()
    }

    /// Position of the key from outside, or of the first.
    pub(super) fn trusted(&self) -> usize {
        self.trusted
    }

    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    fn accepted(&self, size: Option<TreeSize>) -> impl Iterator<Item = &KeySpan> {
        self.spans.iter().filter(move |span| {
            size.is_none_or(|size| span.from <= size && span.to.is_none_or(|to| size <= to))
        })
    }

    fn judge<T>(
        &self,
        bytes: &[u8],
        parse: impl FnOnce(&str) -> Result<T, TextError>,
        about: impl FnOnce(&T) -> (&Origin, Option<TreeSize>),
    ) -> Signed<T> {
        let note = match Note::parse(bytes) {
            Ok(note) => note,
            Err(e) => return Signed::Bad(None, e.into()),
        };
        let value = match parse(note.text()) {
            Ok(value) => value,
            Err(e) => return Signed::Bad(None, e.into()),
        };
        if self.is_empty() {
            return Signed::Unjudged(value);
        }
        let (origin, size) = about(&value);
        if self.spans.iter().any(|span| span.key.name() != origin.as_str()) {
            return Signed::Bad(Some(value), NoteError::OtherOrigin.into());
        }
        match note.verify_by_any(self.accepted(size).map(|span| &span.key)) {
            Ok(key) => {
                let place = self.spans.iter().position(|span| span.key == *key);
                Signed::Good(value, place.unwrap_or(0))
            }
            Err(e) => Signed::Bad(Some(value), e.into()),
        }
    }

    pub(super) fn checkpoint(&self, note: &[u8]) -> Signed<Checkpoint> {
        self.judge(note, Checkpoint::parse, |c| (&c.origin, Some(c.size)))
    }

    pub(super) fn anchor(&self, note: &[u8]) -> Signed<Anchor> {
        self.judge(note, Anchor::parse, |a| (&a.origin, Some(a.log_size)))
    }

    /// Files are sealed and rewritten long after the log had their size: any key of the log will
    /// do.
    pub(super) fn seal(&self, note: &[u8]) -> Signed<FileSeal> {
        self.judge(note, FileSeal::parse, |s| (&s.origin, None))
    }
}
