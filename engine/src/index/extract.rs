//! From a body to what is indexed of it.
//!
//! Invariant: pure; equal bodies give equal keys. Buffers are used again, so that a record costs no
//! allocation but for strings with escapes.

use std::borrow::Cow;
use std::net::IpAddr;

use super::shard::{Keyword, RecordKeys, TermKey};
use super::terms::{
    Domain, IdKind, id_number_term, network_term, number_term, rare_words, whole_term,
};
use crate::record::{Body, DetailToken, Member};
use crate::text::{Unit, Units};

/// Takes the keys out of bodies, one after the other.
#[derive(Debug, Default)]
pub struct Extractor {
    terms: Vec<TermKey>,
    units: Units,
    pair: String,
    /// Whether each open container of the detail at hand is an object.
    open: Vec<bool>,
}

impl Extractor {
    /// One without anything in its buffers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is indexed of a record.
    pub fn slot_keys<'a>(&'a mut self, body: &Body<'a>) -> RecordKeys<'a> {
        self.terms.clear();
        self.identifiers(body);
        let address = body.source_ip().and_then(|source| self.source(&source));
        self.detail(body);
        let pii = if body.pii_flag() { "true" } else { "false" };
        let name = |name: &'static str| Some(Cow::Borrowed(name));
        let keywords = Keyword::ALL.map(|field| match field {
            Keyword::Action => Some(body.action()),
            Keyword::ActorId => Some(body.actor_id()),
            Keyword::ActorRole => body.actor_role(),
            Keyword::ActorType => name(body.actor_type().as_str()),
            Keyword::FacilityId => body.facility_id(),
            Keyword::IngestedBy => body.producer(),
            Keyword::PiiFlag => name(pii),
            Keyword::Result => name(body.result().as_str()),
            Keyword::Sensitivity => name(body.sensitivity().as_str()),
            Keyword::TargetType => body.target_type(),
        });
        let timestamp = body.timestamp().unix_nanos();
        RecordKeys { timestamp, keywords, address, terms: &self.terms }
    }

    fn identifiers(&mut self, body: &Body<'_>) {
        self.terms.push(Domain::Word.term(&hex(body.audit_id().as_bytes())));
        for member in [Member::RequestId, Member::TraceId] {
            if let Some(id) = body.text(member) {
                self.units.fill(&id);
                self.terms.push(whole_term(&self.units));
            }
        }
        if let Some(target) = body.target_id() {
            self.text(&target, Some(IdKind::Target));
        }
    }

    /// The address, or else the terms, of a `source_ip`.
    fn source(&mut self, source: &str) -> Option<u32> {
        match source.parse::<IpAddr>().map(|address| address.to_canonical()) {
            Ok(IpAddr::V4(address)) => return Some(address.to_bits()),
            Ok(IpAddr::V6(address)) => {
                let networks = [128, 64, 48, 32].map(|bits| network_term(address, bits));
                self.terms.extend(networks.into_iter().flatten());
            }
            Err(_) => {
                self.units.fill(source);
                self.terms.push(whole_term(&self.units));
            }
        }
        None
    }

    fn detail(&mut self, body: &Body<'_>) {
        self.open.clear();
        let mut objects = 0_usize;
        // What the member on the first level is whose value the walk is in.
        let mut id = None;
        for token in body.detail_tokens() {
            let here = id.filter(|_| objects == 1);
            match token {
                DetailToken::Object => {
                    self.open.push(true);
                    objects += 1;
                }
                DetailToken::Array => self.open.push(false),
                DetailToken::End => objects -= usize::from(self.open.pop().unwrap_or(false)),
                DetailToken::Name(name) if self.open.len() == 1 => {
                    id = IdKind::of_detail_name(&name);
                }
                DetailToken::Name(_) | DetailToken::Other => {}
                DetailToken::Text(text) => self.text(&text, here),
                DetailToken::Number(number) => match here {
                    Some(kind) => self.terms.push(id_number_term(kind, number)),
                    None => self.terms.extend(number_term(number)),
                },
            }
        }
    }

    /// The terms of a text, and of the identifier that it is.
    fn text(&mut self, text: &str, id: Option<IdKind>) {
        self.units.fill(text);
        let mut before = None;
        for unit in self.units.iter() {
            match unit {
                Unit::Word(word) => self.terms.push(Domain::Word.term(word.as_bytes())),
                Unit::Character(character) => {
                    self.terms.push(Domain::Character.term(character.as_bytes()));
                    if let Some(Unit::Character(before)) = before {
                        self.pair.clear();
                        self.pair.push_str(before);
                        self.pair.push_str(character);
                        self.terms.push(Domain::Pair.term(self.pair.as_bytes()));
                    }
                }
            }
            before = Some(unit);
        }
        if let Some(kind) = id
            && rare_words(&self.units).next().is_none()
        {
            self.terms.push(kind.term(text));
        }
    }
}

/// The 32 digits of an identifier: the word that its text is.
fn hex(id: &[u8; 16]) -> [u8; 32] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or(b'0');
    let mut out = [0; 32];
    for (pair, byte) in out.chunks_exact_mut(2).zip(id) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    out
}
