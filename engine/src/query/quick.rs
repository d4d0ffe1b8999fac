//! A check on the raw bytes of a body, before it is taken apart.
//!
//! A top-level member has one spelling in a body, so a value that is asked for exactly stands there
//! as fixed bytes; so does a plain word, but for its case. Invariant: whatever the filter matches
//! passes; what passes need not match.

use memchr::memmem::Finder;

use super::filter::{ActionPattern, Filter};
use crate::record::{Member, write_json_string};
use crate::text::Phrase;

/// Made once per query.
pub struct QuickCheck {
    /// Of each group at least one must be found.
    groups: Vec<Vec<Finder<'static>>>,
    /// Each must be possible.
    phrases: Vec<Phrase>,
}

impl QuickCheck {
    pub(super) fn new(filter: &Filter) -> Self {
        let texts = [
            (Member::ActorId, &filter.actor_id),
            (Member::ActorRole, &filter.actor_role),
            (Member::TargetType, &filter.target_type),
            (Member::TargetId, &filter.target_id),
            (Member::FacilityId, &filter.facility_id),
            (Member::RequestId, &filter.request_id),
        ];
        let mut groups: Vec<Vec<Finder<'static>>> = texts
            .into_iter()
            .map(|(member, values)| {
                values.iter().map(|value| finder(&needle(member, value))).collect()
            })
            .collect();
        groups.push(filter.action.iter().map(|pattern| finder(&action_needle(pattern))).collect());
        let result = |name: &&'static str| finder(&needle(Member::Result, name));
        groups.push(filter.result.iter().map(|r| result(&r.as_str())).collect());
        groups.push(filter.ingested_by.iter().map(|name| finder(&producer_needle(name))).collect());
        groups.retain(|group| !group.is_empty());
        // Of an address there are several spellings.
        let words = filter.words.iter().filter(|word| word.address().is_none());
        let phrases = words.map(|word| word.phrase().clone()).collect();
        let in_scope = filter.facility_scope.as_ref().map(|scope| {
            scope.iter().map(|value| finder(&needle(Member::FacilityId, value))).collect()
        });
        // An empty scope is a group of which nothing can be found.
        groups.extend(in_scope);
        Self { groups, phrases }
    }

    /// False where the body can't match.
    #[must_use]
    pub fn passes(&self, body: &[u8]) -> bool {
        self.groups.iter().all(|group| group.iter().any(|needle| needle.find(body).is_some()))
            && self.phrases.iter().all(|phrase| phrase.may_be_in_json(body))
    }
}

fn finder(needle: &[u8]) -> Finder<'static> {
    Finder::new(needle).into_owned()
}

/// `"name":"value"` as the encoder writes it.
fn needle(member: Member, value: &str) -> Vec<u8> {
    let mut bytes = format!("\"{}\":", member.name()).into_bytes();
    write_json_string(value, &mut bytes);
    bytes
}

/// Behind the name may follow a key id.
fn producer_needle(name: &str) -> Vec<u8> {
    let mut bytes = needle(Member::IngestedBy, name);
    bytes.pop();
    bytes
}

fn action_needle(pattern: &ActionPattern) -> Vec<u8> {
    match pattern {
        ActionPattern::Exact(action) => needle(Member::Action, action),
        ActionPattern::Prefix(prefix) => {
            let mut bytes = needle(Member::Action, prefix);
            bytes.pop();
            bytes
        }
    }
}
