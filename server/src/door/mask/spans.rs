//! What was found in a text, and the text without it.
//!
//! Invariant: the places are in order and don't overlap; masking a masked text changes nothing.

use std::ops::Range;

use super::folded::Folded;
use super::{address, numbers};

/// A kind of personal data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A telephone number, Japanese or international.
    Phone,
    /// A My Number.
    MyNumber,
    /// A card number.
    Card,
    /// A number of a health insurance.
    Insurance,
}

impl Kind {
    /// Its name in `detail._masked`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::MyNumber => "my_number",
            Self::Card => "card",
            Self::Insurance => "insurance",
        }
    }

    /// What stands in its place.
    fn mark(self) -> &'static str {
        match self {
            Self::Email => "[email]",
            Self::Phone => "[phone]",
            Self::MyNumber => "[my_number]",
            Self::Card => "[card]",
            Self::Insurance => "[insurance]",
        }
    }
}

/// One place in a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// What is there.
    pub kind: Kind,
    /// Where, in bytes.
    pub bytes: Range<usize>,
}

/// All personal data that the detectors find.
#[must_use]
pub fn find(text: &str) -> Vec<Found> {
    search(text, false)
}

/// The text with a mark in place of each find, and what was found; `None` where nothing was.
#[must_use]
pub fn mask_text(text: &str) -> Option<(String, Vec<Kind>)> {
    let found = find(text);
    (!found.is_empty()).then(|| {
        let kinds = found.iter().map(|found| found.kind).collect();
        (replace(text, &found), kinds)
    })
}

/// A short excerpt of a value for an error message: nothing around it says what a number is, so
/// that whatever could be personal data is masked.
#[must_use]
pub fn mask_excerpt(text: &str) -> String {
    replace(text, &search(text, true))
}

fn search(text: &str, strict: bool) -> Vec<Found> {
    // Most texts hold neither, and are looked at once.
    if !text.chars().any(|c| matches!(c, '@' | '\u{ff20}') || c.is_numeric()) {
        return Vec::new();
    }
    let folded = Folded::new(text);
    let mut found = Vec::new();
    for (at, c) in folded.chars.iter().enumerate() {
        if *c != '@' {
            continue;
        }
        let cut = || folded.cut_address(at).filter(|_| strict);
        if let Some(chars) = address::around(&folded, at).or_else(cut) {
            found.push((Kind::Email, chars));
        }
    }
    found.extend(numbers::find(&folded, strict));
    found.sort_by_key(|(_, chars)| chars.start);
    let mut end = 0;
    found.retain(|(_, chars)| {
        let free = chars.start >= end;
        if free {
            end = chars.end;
        }
        free
    });
    let place = |(kind, chars)| Found { kind, bytes: folded.bytes(&chars) };
    found.into_iter().map(place).collect()
}

fn replace(text: &str, found: &[Found]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for Found { kind, bytes } in found {
        out.push_str(text.get(at..bytes.start).unwrap_or_default());
        out.push_str(kind.mark());
        at = bytes.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
