//! What an index is told about a record.
//!
//! Invariant: nothing here is kept of a record whose content is erased or can't be read.

use std::borrow::Cow;

/// Few-valued fields, indexed per record and counted for statistics.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "each variant is the member of the same name")]
pub enum Keyword {
    Action,
    ActorId,
    ActorRole,
    ActorType,
    FacilityId,
    /// The producer's name: `ingested_by` before `#`.
    IngestedBy,
    PiiFlag,
    Result,
    Sensitivity,
    TargetType,
}

impl Keyword {
    /// How many there are.
    pub const COUNT: usize = 10;

    /// All of them, in the order in which they are stored.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Action,
        Self::ActorId,
        Self::ActorRole,
        Self::ActorType,
        Self::FacilityId,
        Self::IngestedBy,
        Self::PiiFlag,
        Self::Result,
        Self::Sensitivity,
        Self::TargetType,
    ];

    /// Position in [`Self::ALL`].
    #[must_use]
    pub const fn place(self) -> usize {
        self as usize
    }
}

/// Stands for an identifier or a word: the top bits of a keyed hash, uniform over 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TermKey(pub u64);

/// What is indexed of one record.
#[derive(Clone, Debug)]
pub struct RecordKeys<'a> {
    /// `timestamp`, nanoseconds since 1970.
    pub timestamp: i64,
    /// The value of each [`Keyword`] that the record has, in the order of [`Keyword::ALL`].
    pub keywords: [Option<Cow<'a, str>>; Keyword::COUNT],
    /// `source_ip` where it is an IPv4 address or an IPv4-mapped one.
    pub address: Option<u32>,
    /// Identifiers and words; may repeat.
    pub terms: &'a [TermKey],
}

/// One place of the log as an index sees it.
#[derive(Clone, Copy, Debug)]
pub enum Slot<'a> {
    /// A record.
    Record(&'a RecordKeys<'a>),
    /// A record whose content is erased: it matches nothing but "any record".
    Erased,
    /// A record that can't be read: it may be anything, so it is a candidate of every question.
    Unreadable,
}
