//! Words in the texts of a record.
//!
//! Invariant: case does not matter (Unicode lower case on both sides); a word matches inside a
//! longer one, because Japanese text has no spaces to split at. Names of members and numbers are no
//! text.

use crate::record::{Body, Member, string_value};

/// Members that are searched beside the strings of `detail`.
const TEXT: [Member; 9] = [
    Member::ActorId,
    Member::ActorRole,
    Member::Action,
    Member::TargetType,
    Member::TargetId,
    Member::RequestId,
    Member::TraceId,
    Member::FacilityId,
    Member::SourceIp,
];

/// A word to look for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Word(String);

impl Word {
    /// The word in any case; an empty one matches everything.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_lowercase())
    }

    /// In lower case, as it is compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_in(&self, text: &str) -> bool {
        if text.len() >= self.0.len() && text.contains(&self.0) {
            return true;
        }
        // Only what has another lower-case form is worth a copy.
        text.chars().any(|c| c.is_ascii_uppercase() || !c.is_ascii())
            && text.to_lowercase().contains(&self.0)
    }
}

/// Whether each word occurs in some text of the record.
pub(super) fn all_occur(words: &[Word], body: &Body<'_>) -> bool {
    let mut missing: Vec<&Word> = words.iter().collect();
    let mut look = |text: &str| {
        missing.retain(|word| !word.is_in(text));
        missing.is_empty()
    };
    if look("") {
        return true;
    }
    for member in TEXT {
        if body.text(member).is_some_and(|text| look(&text)) {
            return true;
        }
    }
    body.detail().is_some_and(|detail| strings(detail).any(|text| look(&text)))
}

/// The string values in a compact JSON text, at any depth, without the names of members.
fn strings(json: &[u8]) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
    let mut rest = json;
    std::iter::from_fn(move || {
        loop {
            let quote = memchr::memchr(b'"', rest)?;
            let text = rest.get(quote..)?;
            let len = token_len(text)?;
            let (token, behind) = text.split_at_checked(len)?;
            rest = behind;
            if behind.first() != Some(&b':') {
                return string_value(token);
            }
        }
    })
}

/// Length of the string token that begins here, with its quotes.
fn token_len(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        let stop = memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        at += stop;
        if text.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
    }
}
