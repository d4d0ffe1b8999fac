//! A phrase to look for in texts.
//!
//! Invariant: [`Phrase::is_in`] says the same as comparing units; it only says no sooner where the
//! text is plain.

use super::class::is_plain;
use super::units::{Unit, Units};

/// Words or characters that must stand in a text in a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Phrase {
    units: Units,
    /// The longest unit: where a plain text lacks it there is nothing to compare.
    longest: Longest,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Longest {
    /// In lower case, as it also stands in plain texts.
    Ascii(String),
    /// It may stand in a plain text in another form, as a UUID with hyphens does.
    Otherwise,
    /// Not in plain texts.
    NotAscii,
}

impl Phrase {
    /// The phrase that a text is.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let units = Units::of(text);
        let longest = match units.iter().map(Unit::text).max_by_key(|unit| unit.len()) {
            _ if !units.as_str().is_ascii() => Longest::NotAscii,
            Some(unit) if !is_hex_32(unit) => Longest::Ascii(unit.to_owned()),
            _ => Longest::Otherwise,
        };
        Self { units, longest }
    }

    /// Its units.
    #[must_use]
    pub fn units(&self) -> &Units {
        &self.units
    }

    /// Whether there is nothing in it to look for, so that it is in every text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// Whether it is in a text; `buffer` is used to cut the text up.
    #[must_use]
    pub fn is_in(&self, text: &str, buffer: &mut Units) -> bool {
        if self.is_empty() {
            return true;
        }
        if !self.may_be_in(text) {
            return false;
        }
        buffer.fill(text);
        buffer.contain(&self.units)
    }

    /// Whether a text is this phrase and nothing else.
    #[must_use]
    pub fn is_all_of(&self, text: &str, buffer: &mut Units) -> bool {
        self.may_be_in(text) && {
            buffer.fill(text);
            *buffer == self.units
        }
    }

    /// False only where the text can't contain it.
    #[must_use]
    pub fn may_be_in(&self, text: &str) -> bool {
        match &self.longest {
            Longest::Otherwise => true,
            Longest::Ascii(unit) => occurs(unit.as_bytes(), text.as_bytes()) || !is_all_plain(text),
            Longest::NotAscii => !text.is_ascii(),
        }
    }

    /// The same for all texts in a piece of JSON at once: an escape may stand for a letter.
    #[must_use]
    pub fn may_be_in_json(&self, json: &[u8]) -> bool {
        match core::str::from_utf8(json) {
            Ok(text) => memchr::memchr(b'\\', json).is_some() || self.may_be_in(text),
            Err(_) => true,
        }
    }
}

fn is_hex_32(unit: &str) -> bool {
    unit.len() == 32 && unit.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether every word in lower case that a text is cut into and that is plain ASCII stands there as
/// it is, but for its case.
fn is_all_plain(text: &str) -> bool {
    text.is_ascii() || text.chars().all(is_plain)
}

/// Whether a word in lower case occurs, in any case, anywhere.
fn occurs(word: &[u8], text: &[u8]) -> bool {
    let Some(first) = word.first() else { return true };
    let Some(last) = text.len().checked_sub(word.len()) else { return false };
    let places = text.get(..=last).unwrap_or_default();
    memchr::memchr2_iter(*first, first.to_ascii_uppercase(), places)
        .any(|at| text.get(at..at + word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word)))
}
