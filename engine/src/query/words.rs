//! Words in the texts of a record.
//!
//! Invariant: a word is in a text where its units stand there in a row, and is an identifier only
//! where all of that is the word; case and width don't matter. Names of members and numbers are no
//! text. The index is asked by the same units.

use std::net::IpAddr;

use crate::record::{Body, DetailToken, Member};
use crate::text::{Phrase, Units};

/// Members whose texts are searched beside the strings of `detail`.
const TEXTS: [Member; 6] = [
    Member::ActorId,
    Member::ActorRole,
    Member::Action,
    Member::TargetType,
    Member::TargetId,
    Member::FacilityId,
];

/// Members that a word may be as a whole.
const WHOLES: [Member; 2] = [Member::RequestId, Member::TraceId];

/// A word, or several in a row, to look for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Word {
    phrase: Phrase,
    /// What `source_ip` it is.
    address: Option<IpAddr>,
}

impl Word {
    /// The word in any case; one without letters, digits or other units matches everything.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let address = text.trim().parse::<IpAddr>().ok().map(|address| address.to_canonical());
        Self { phrase: Phrase::new(text), address }
    }

    /// Whether it matches everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.phrase.is_empty()
    }

    pub(super) fn phrase(&self) -> &Phrase {
        &self.phrase
    }

    pub(super) fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Whether it is in one of the fixed texts, or is one of the identifiers.
    fn is_in_members(&self, body: &Body<'_>, buffer: &mut Units) -> bool {
        TEXTS
            .iter()
            .any(|member| body.text(*member).is_some_and(|text| self.phrase.is_in(&text, buffer)))
            || WHOLES.iter().any(|member| {
                body.text(*member).is_some_and(|text| self.phrase.is_all_of(&text, buffer))
            })
            || self.is_audit_id(body, buffer)
            || body.source_ip().is_some_and(|source| self.is_source(&source, buffer))
    }

    fn is_audit_id(&self, body: &Body<'_>, buffer: &mut Units) -> bool {
        // Written out only where the word has its 32 digits, and borders around them.
        self.phrase.units().as_str().len() == 34
            && self.phrase.is_all_of(&body.audit_id().to_string(), buffer)
    }

    fn is_source(&self, source: &str, buffer: &mut Units) -> bool {
        match (source.parse::<IpAddr>(), self.address) {
            (Ok(source), wanted) => wanted == Some(source.to_canonical()),
            (Err(_), _) => self.phrase.is_all_of(source, buffer),
        }
    }
}

/// Whether each word occurs in the record.
pub(super) fn all_occur(words: &[Word], body: &Body<'_>) -> bool {
    if words.is_empty() {
        return true;
    }
    let mut buffer = Units::new();
    let mut missing: Vec<&Word> = words.iter().filter(|word| !word.is_empty()).collect();
    missing.retain(|word| !word.is_in_members(body, &mut buffer));
    let mut tokens = body.detail_tokens();
    while !missing.is_empty() {
        match tokens.next() {
            Some(DetailToken::Text(text)) => {
                missing.retain(|word| !word.phrase.is_in(&text, &mut buffer));
            }
            Some(_) => {}
            None => return false,
        }
    }
    true
}
