//! What a record is found by: identifiers and words as 64-bit terms.
//!
//! A term is SipHash-1-3 of some bytes under the key `shoseki terms 1` and a byte for the domain:
//!
//! | Domain | Byte | Bytes |
//! | --- | --- | --- |
//! | word | 1 | a word unit |
//! | character | 2 | a character unit |
//! | pair | 3 | two character units in a row |
//! | whole | 4 | the units of an identifier, with a line feed before, between and behind |
//! | number | 5 | a JSON number of 5 bytes and more |
//! | IPv6 address | 6 | its 16 bytes |
//! | /64, /48, /32 | 7, 8, 9 | the first 8, 6, 4 bytes of one |
//! | `target_id` | 16 | the value |
//! | `patientId`, `appointmentId`, `claimId`, `documentId`, `runId` | 17 to 21 | string or number |
//!
//! The last five also as `patient_id`, `patientIds`, `patient_ids` and so on.
//!
//! Invariant: what [`Extractor`] gives for a record holds every term that a lookup below asks for
//! when the record matches. Both sides decide by the same functions here.

use std::net::Ipv6Addr;

use siphasher::sip::SipHasher13;

pub use super::extract::Extractor;
use super::shard::TermKey;
use crate::record::AuditId;
use crate::text::{Unit, Units};

/// Fewest bytes of a number that has a term of its own.
const NUMBER_LEN_MIN: usize = 5;
/// Fewest bytes of a word with a digit that makes an identifier rare enough.
const RARE_LEN_MIN: usize = 5;
/// Most terms that one phrase is looked up by.
const PHRASE_TERMS_MAX: usize = 12;

/// What kind of thing a term stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Domain {
    Word = 1,
    Character = 2,
    Pair = 3,
    Whole = 4,
    Number = 5,
    Address = 6,
    Network64 = 7,
    Network48 = 8,
    Network32 = 9,
    TargetId = 16,
    Patient = 17,
    Appointment = 18,
    Claim = 19,
    Document = 20,
    Run = 21,
}

impl Domain {
    pub(super) fn term(self, bytes: &[u8]) -> TermKey {
        let mut key = *b"shoseki terms 1\0";
        let [.., last] = &mut key;
        *last = self as u8;
        TermKey(SipHasher13::new_with_key(&key).hash(bytes))
    }
}

/// Identifiers that are looked for whole.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IdKind {
    /// `target_id`.
    Target,
    /// `patientId`, `patient_id`, `patientIds` or `patient_ids`, on the first level of `detail`.
    Patient,
    /// `appointmentId`, likewise.
    Appointment,
    /// `claimId`, likewise.
    Claim,
    /// `documentId`, likewise.
    Document,
    /// `runId`, likewise.
    Run,
}

impl IdKind {
    /// The identifier that a member on the first level of `detail` is.
    #[must_use]
    pub fn of_detail_name(name: &str) -> Option<Self> {
        Some(match name {
            "patientId" | "patient_id" | "patientIds" | "patient_ids" => Self::Patient,
            "appointmentId" | "appointment_id" | "appointmentIds" | "appointment_ids" => {
                Self::Appointment
            }
            "claimId" | "claim_id" | "claimIds" | "claim_ids" => Self::Claim,
            "documentId" | "document_id" | "documentIds" | "document_ids" => Self::Document,
            "runId" | "run_id" | "runIds" | "run_ids" => Self::Run,
            _ => return None,
        })
    }

    pub(super) fn term(self, value: &str) -> TermKey {
        let domain = match self {
            Self::Target => Domain::TargetId,
            Self::Patient => Domain::Patient,
            Self::Appointment => Domain::Appointment,
            Self::Claim => Domain::Claim,
            Self::Document => Domain::Document,
            Self::Run => Domain::Run,
        };
        domain.term(value.as_bytes())
    }
}

/// Terms that a matching record has all of; none where there is nothing to look up.
pub type AllOf = Vec<TermKey>;

/// Terms of a text that contains these units in a row.
#[must_use]
pub fn phrase_terms(units: &Units) -> AllOf {
    let mut terms = Vec::new();
    let mut before = Before::Nothing;
    for unit in units.iter() {
        before = match (before, unit) {
            (before, Unit::Word(word)) => {
                terms.extend(before.alone());
                terms.push(Domain::Word.term(word.as_bytes()));
                Before::Nothing
            }
            (Before::Alone(a) | Before::Paired(a), Unit::Character(b)) => {
                terms.push(Domain::Pair.term([a, b].concat().as_bytes()));
                Before::Paired(b)
            }
            (Before::Nothing, Unit::Character(character)) => Before::Alone(character),
        };
    }
    terms.extend(before.alone());
    terms.sort_unstable();
    terms.dedup();
    terms.truncate(PHRASE_TERMS_MAX);
    terms
}

/// The character before, in a phrase.
enum Before<'a> {
    Nothing,
    /// It is in no pair so far.
    Alone(&'a str),
    Paired(&'a str),
}

impl Before<'_> {
    /// The term of a character that is in no pair.
    fn alone(&self) -> Option<TermKey> {
        match self {
            Self::Alone(character) => Some(Domain::Character.term(character.as_bytes())),
            Self::Nothing | Self::Paired(_) => None,
        }
    }
}

/// The term of an identifier that is known whole, in any case.
#[must_use]
pub fn whole_term(units: &Units) -> TermKey {
    let mut all = units.iter();
    match (all.next(), all.next()) {
        (Some(Unit::Word(word)), None) => Domain::Word.term(word.as_bytes()),
        _ => Domain::Whole.term(units.as_str().as_bytes()),
    }
}

/// The term of the record with this `audit_id`.
#[must_use]
pub fn audit_id_term(audit_id: AuditId) -> TermKey {
    whole_term(&Units::of(&audit_id.to_string()))
}

/// The terms of a record whose identifier is this text.
#[must_use]
pub fn id_terms(kind: IdKind, value: &str) -> AllOf {
    let units = Units::of(value);
    let mut rare: AllOf =
        rare_words(&units).map(|word| Domain::Word.term(word.as_bytes())).collect();
    if rare.is_empty() {
        rare.push(kind.term(value));
    }
    rare.truncate(PHRASE_TERMS_MAX);
    rare
}

/// The term of a record whose identifier is this number.
#[must_use]
pub fn id_number_term(kind: IdKind, number: &str) -> TermKey {
    kind.term(number)
}

/// The term of a number that stands elsewhere in `detail`. `None` where it is too short.
#[must_use]
pub fn number_term(number: &str) -> Option<TermKey> {
    (number.len() >= NUMBER_LEN_MIN).then(|| Domain::Number.term(number.as_bytes()))
}

/// The term of an IPv6 network that this one is in. `None` where it is too wide.
#[must_use]
pub fn network_term(network: Ipv6Addr, bits: u8) -> Option<TermKey> {
    let (domain, len) = match bits {
        128.. => (Domain::Address, 16),
        64.. => (Domain::Network64, 8),
        48.. => (Domain::Network48, 6),
        32.. => (Domain::Network32, 4),
        _ => return None,
    };
    network.octets().get(..len).map(|bytes| domain.term(bytes))
}

/// Words of an identifier each of which is rare enough to find it by.
pub(super) fn rare_words(units: &Units) -> impl Iterator<Item = &str> {
    units.iter().filter_map(|unit| match unit {
        Unit::Word(word)
            if word.len() >= RARE_LEN_MIN && word.bytes().any(|b| b.is_ascii_digit()) =>
        {
            Some(word)
        }
        _ => None,
    })
}
