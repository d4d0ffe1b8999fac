//! Stand-in for the extractor, until that is there.

use std::borrow::Cow;
use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::shard::{Keyword, RecordKeys, TermKey};
use crate::record::{Body, Member};

/// Makes keys.
pub struct Extractor {
    terms: Vec<TermKey>,
}

impl Default for Extractor {
    fn default() -> Self {
        Self::new()
    }
}

/// Of a word.
#[must_use]
pub fn key_of(word: &[u8]) -> TermKey {
    let mut hasher = SipHasher13::new_with_keys(1, 2);
    hasher.write(word);
    TermKey(hasher.finish())
}

impl Extractor {
    /// New.
    #[must_use]
    pub fn new() -> Self {
        Self { terms: Vec::new() }
    }

    /// Keys of a record.
    pub fn slot_keys<'a>(&'a mut self, body: &Body<'a>) -> RecordKeys<'a> {
        self.terms.clear();
        for member in [Member::AuditId, Member::TargetId, Member::RequestId] {
            if let Some(text) = body.text(member) {
                self.terms.push(key_of(text.to_lowercase().as_bytes()));
            }
        }
        let text = |member| body.text(member);
        let pii: Option<Cow<'_, str>> = None;
        RecordKeys {
            timestamp: body.timestamp().unix_nanos(),
            keywords: Keyword::ALL.map(|k| match k {
                Keyword::Action => text(Member::Action),
                Keyword::ActorId => text(Member::ActorId),
                Keyword::ActorRole => text(Member::ActorRole),
                Keyword::ActorType => text(Member::ActorType),
                Keyword::FacilityId => text(Member::FacilityId),
                Keyword::PiiFlag => pii.clone(),
                Keyword::Result => text(Member::Result),
                Keyword::Sensitivity => text(Member::Sensitivity),
                Keyword::TargetType => text(Member::TargetType),
            }),
            address: None,
            terms: &self.terms,
        }
    }
}
