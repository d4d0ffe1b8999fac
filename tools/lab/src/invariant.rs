//! What must hold whatever happened, each by name.
//!
//! Invariant: a schedule that breaks one says which, and with what seed. Knows nothing about how it
//! is checked.

use std::fmt;

/// A promise of the log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Invariant {
    /// Every acknowledged record is there, byte for byte, in its place, once.
    Acknowledged,
    /// A batch that was not acknowledged is there as a whole or not at all.
    Whole,
    /// A batch that was refused is not there.
    Refused,
    /// A repeated id gives the receipt of the first, and no second record.
    Once,
    /// Hashes, chain and times are those of the records.
    Chain,
    /// Every checkpoint that was ever to be seen is one of this history.
    OneHistory,
    /// Nothing that was acknowledged was cut off.
    Quarantine,
    /// The log opens again after whatever a crash left.
    Opens,
    /// Without a fault nothing fails; after one the log goes on.
    GoesOn,
    /// A read never returns bytes that don't hash.
    Reads,
    /// A query finds what is there and nothing else.
    Answers,
    /// Verification finds nothing where nothing was changed.
    NoFalseAlarm,
    /// A corruption below the last durable mark is reported.
    Reported,
    /// A reported corruption is not repaired away.
    NotRepaired,
    /// Nothing panics.
    NoPanic,
}

impl Invariant {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Whole => "whole",
            Self::Refused => "refused",
            Self::Once => "once",
            Self::Chain => "chain",
            Self::OneHistory => "one history",
            Self::Quarantine => "quarantine",
            Self::Opens => "opens",
            Self::GoesOn => "goes on",
            Self::Reads => "reads",
            Self::Answers => "answers",
            Self::NoFalseAlarm => "no false alarm",
            Self::Reported => "reported",
            Self::NotRepaired => "not repaired",
            Self::NoPanic => "no panic",
        }
    }
}

/// A promise that was not kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// Which.
    pub invariant: Invariant,
    /// What was seen.
    pub detail: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant.as_str(), self.detail)
    }
}

/// Whether a promise was kept.
pub type Checked<T = ()> = Result<T, Broken>;

/// A promise that was not kept.
pub(crate) fn broken<T>(invariant: Invariant, detail: impl Into<String>) -> Checked<T> {
    Err(Broken { invariant, detail: detail.into() })
}

/// Fails with the detail where the promise was not kept.
pub(crate) fn keeps(kept: bool, invariant: Invariant, detail: impl FnOnce() -> String) -> Checked {
    if kept { Ok(()) } else { broken(invariant, detail()) }
}
