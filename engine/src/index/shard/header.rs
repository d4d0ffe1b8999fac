//! The first bytes of an encoded shard: which records, which times, how long each section is.
//!
//! Invariant: the sections follow each other without gaps in the order of [`Section`] and end with
//! the shard. Byte table: index-format.md.

use super::error::ShardError;
use super::input::Keyword;
use super::{OCTET_RECORDS, SHARD_RECORDS};
use crate::format::{Put, TimeRange, layout};

layout!(pub(crate) LAYOUT, SHARD_HEADER_LEN = 96, {
    version: 2, reserved: 2, count: 4, first_seq: 8, time_min: 8, time_max: 8,
    section_lens: 4 * SECTIONS,
});

/// Version of everything in an index file; another one means "build it again". It rises with every
/// change of how bytes are read, released or not: 1 had blocks of 32 keys, 2 knew no `ingested_by`.
pub(crate) const INDEX_VERSION: u16 = 3;
/// How many sections a shard has.
pub(crate) const SECTIONS: usize = Keyword::COUNT + 6;
const DAMAGED: ShardError = ShardError::Structure("shard header");

/// A part of a shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Section {
    /// Values of a field and who has them.
    Keyword(Keyword),
    /// Terms to octets.
    Terms,
    /// Octets that are candidates of every term.
    Wild,
    /// IPv4 addresses to octets.
    Addresses,
    /// Times by tile.
    Times,
    /// Records whose content is erased.
    Erased,
    /// Records that can't be read.
    Unreadable,
}

impl Section {
    /// All of them, in order.
    pub(crate) fn all() -> impl Iterator<Item = Self> + Clone {
        let others =
            [Self::Terms, Self::Wild, Self::Addresses, Self::Times, Self::Erased, Self::Unreadable];
        Keyword::ALL.into_iter().map(Self::Keyword).chain(others)
    }

    /// What it is called.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Keyword(Keyword::Action) => "action",
            Self::Keyword(Keyword::ActorId) => "actor_id",
            Self::Keyword(Keyword::ActorRole) => "actor_role",
            Self::Keyword(Keyword::ActorType) => "actor_type",
            Self::Keyword(Keyword::FacilityId) => "facility_id",
            Self::Keyword(Keyword::IngestedBy) => "ingested_by",
            Self::Keyword(Keyword::PiiFlag) => "pii_flag",
            Self::Keyword(Keyword::Result) => "result",
            Self::Keyword(Keyword::Sensitivity) => "sensitivity",
            Self::Keyword(Keyword::TargetType) => "target_type",
            Self::Terms => "terms",
            Self::Wild => "wild",
            Self::Addresses => "addresses",
            Self::Times => "times",
            Self::Erased => "erased",
            Self::Unreadable => "unreadable",
        }
    }

    /// Position among the sections.
    pub(crate) const fn place(self) -> usize {
        match self {
            Self::Keyword(field) => field.place(),
            Self::Terms => Keyword::COUNT,
            Self::Wild => Keyword::COUNT + 1,
            Self::Addresses => Keyword::COUNT + 2,
            Self::Times => Keyword::COUNT + 3,
            Self::Erased => Keyword::COUNT + 4,
            Self::Unreadable => Keyword::COUNT + 5,
        }
    }
}

/// What a shard says about itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ShardHeader {
    /// Seq of the first record.
    pub(crate) first_seq: u64,
    /// Records, at least one, none outside the window.
    pub(crate) count: u32,
    /// Their times.
    pub(crate) times: TimeRange,
    /// Bytes of each section.
    pub(crate) lens: [u32; SECTIONS],
}

impl ShardHeader {
    /// Bytes of the shard, header included.
    pub(crate) fn shard_len(&self) -> u64 {
        SHARD_HEADER_LEN as u64 + self.lens.iter().map(|len| u64::from(*len)).sum::<u64>()
    }

    /// Where a section begins in the shard, and its end.
    pub(crate) fn section(&self, section: Section) -> std::ops::Range<u64> {
        let before = self.lens.iter().take(section.place()).map(|len| u64::from(*len));
        let start = SHARD_HEADER_LEN as u64 + before.sum::<u64>();
        let len = self.lens.get(section.place()).copied().unwrap_or_default();
        start..start + u64::from(len)
    }

    /// Places of its records in the window: first and end.
    pub(crate) fn places(&self) -> (u32, u32) {
        places(self.first_seq, self.count)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.u16(INDEX_VERSION).zeros(2).u32(self.count).u64(self.first_seq);
        out.i64(self.times.min).i64(self.times.max);
        self.lens.iter().for_each(|len| {
            out.u32(*len);
        });
    }

    /// Reads the first [`SHARD_HEADER_LEN`] bytes of a shard.
    ///
    /// # Errors
    /// [`ShardError::Version`], or [`ShardError::Structure`] for a header that can't be.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, ShardError> {
        let rest = &mut &*bytes;
        let version = array(rest).map(u16::from_le_bytes).ok_or(DAMAGED)?;
        if version != INDEX_VERSION {
            return Err(ShardError::Version(version));
        }
        let header = Self::fields(rest).ok_or(DAMAGED)?;
        let (_, end) = header.places();
        let inside = header.count > 0 && u64::from(end) <= SHARD_RECORDS;
        let ends = header.first_seq.checked_add(u64::from(header.count)).is_some();
        if inside && ends && rest.is_empty() { Ok(header) } else { Err(DAMAGED) }
    }

    fn fields(rest: &mut &[u8]) -> Option<Self> {
        if array(rest)? != [0; 2] {
            return None;
        }
        let count = u32::from_le_bytes(array(rest)?);
        let first_seq = u64::from_le_bytes(array(rest)?);
        let min = i64::from_le_bytes(array(rest)?);
        let max = i64::from_le_bytes(array(rest)?);
        let mut lens = [0; SECTIONS];
        for len in &mut lens {
            *len = u32::from_le_bytes(array(rest)?);
        }
        Some(Self { first_seq, count, times: TimeRange { min, max }, lens })
    }
}

/// Takes so many bytes from the front.
pub(crate) fn array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*taken)
}

/// Places in their window of `count` records from `first_seq` on: first and end.
pub(super) fn places(first_seq: u64, count: u32) -> (u32, u32) {
    let first = u32::try_from(first_seq % SHARD_RECORDS).unwrap_or_default();
    (first, first.saturating_add(count))
}

/// The octet of a place.
pub(super) const fn octet_of(place: u16) -> u16 {
    place / OCTET_RECORDS
}
