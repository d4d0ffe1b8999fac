//! The records of a group from its two parts.
//!
//! Invariant: damaged parts are an error or other records, never a panic, and memory is bounded by
//! the lengths of the parts and the number of records. Knows nothing about compression and hashing.

use super::pack::{Kind, PackedItem, Shape, Times};
use crate::format::{BODY_LEN_MAX, FormatError, FormatErrorKind, Put, Reader, Structure};
use crate::record::{AuditId, Timestamp};
use crate::types::RecordHash;

/// A group taken apart again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Unpacked {
    bodies: Vec<u8>,
    items: Vec<UnpackedItem>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum UnpackedItem {
    Body { start: usize, end: usize },
    Erased(AuditId, RecordHash),
}

impl Unpacked {
    /// Records in the group.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The record at a position in the group.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<PackedItem<'_>> {
        match self.items.get(index)? {
            UnpackedItem::Body { start, end } => {
                self.bodies.get(*start..*end).map(PackedItem::Body)
            }
            UnpackedItem::Erased(id, hash) => Some(PackedItem::Erased(*id, *hash)),
        }
    }

    /// All records in order.
    pub fn iter(&self) -> impl Iterator<Item = PackedItem<'_>> {
        (0..self.items.len()).filter_map(|i| self.get(i))
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.bodies.capacity() + self.items.capacity() * size_of::<UnpackedItem>()
    }
}

/// The kinds of `count` records, their fixed part, and what follows it: the compressed text.
pub(crate) struct Split<'a> {
    kinds: Vec<Kind>,
    fixed: &'a [u8],
    pub(crate) text: &'a [u8],
}

/// Splits the stored bytes of a group of `count` records.
///
/// # Errors
/// [`FormatError`] where they don't begin with the fixed part of so many records.
pub(crate) fn split(stored: &[u8], count: usize) -> Result<Split<'_>, FormatError> {
    let mut r = Reader::new(Structure::Group, stored);
    let mut kinds = Vec::with_capacity(count);
    for _ in 0..count {
        let at = r.error(FormatErrorKind::Value);
        let kind = Kind::of(r.u8()?).ok_or(at)?;
        r.take(kind.fixed_len())?;
        kinds.push(kind);
    }
    let fixed_len = stored.len() - r.remaining();
    let (fixed, text) = stored.split_at_checked(fixed_len).unwrap_or((stored, &[]));
    Ok(Split { kinds, fixed, text })
}

pub(super) type Column<T> = std::vec::IntoIter<T>;

/// The columns of numbers in the text part, each to be used up from its front.
pub(super) struct Columns {
    /// `timestamp` and `received_at` of each record of the usual shape.
    pub(super) times: Column<(Timestamp, Timestamp)>,
    /// Of each id that is stored without its time: those of `audit_id`, those of `request_id`.
    pub(super) distances: [Column<u64>; 2],
}

impl Columns {
    fn take(r: &mut Reader<'_>, kinds: &[Kind]) -> Result<Self, FormatError> {
        let shaped = kinds.iter().filter(|kind| matches!(kind, Kind::Shaped(_))).count();
        let mut column = || {
            let mut times = Times::default();
            (0..shaped).map(|_| times.take(r)).collect::<Result<Vec<_>, _>>()
        };
        let (times, received) = (column()?, column()?);
        let times: Vec<_> = times.into_iter().zip(received).collect();
        let mut distances = |id| {
            let timed = kinds.iter().filter(|kind| kind.is_timed(id));
            timed.map(|_| r.varint()).collect::<Result<Vec<_>, _>>().map(Vec::into_iter)
        };
        let distances = [distances(0)?, distances(1)?];
        Ok(Self { times: times.into_iter(), distances })
    }
}

/// Unpacks the records of a split group whose text is `text`.
///
/// # Errors
/// [`FormatError`] where the two parts don't fit each other.
pub(crate) fn unpack(split: &Split<'_>, text: &[u8]) -> Result<Unpacked, FormatError> {
    let (kinds, fixed, count) = (&split.kinds, split.fixed, split.kinds.len());
    let mut r = Reader::new(Structure::Group, text);
    let mut lens = Vec::with_capacity(count * 2);
    for kind in kinds {
        for _ in 0..kind.lens() {
            let at = r.error(FormatErrorKind::Value);
            lens.push(usize::try_from(r.varint()?).ok().filter(|n| *n <= BODY_LEN_MAX).ok_or(at)?);
        }
    }
    let mut columns = Columns::take(&mut r, kinds)?;
    let mut lens = lens.into_iter();
    let mut out = Unpacked {
        bodies: Vec::with_capacity(text.len() + count * 160),
        items: Vec::with_capacity(count),
    };
    let mut f = Reader::new(Structure::Group, fixed);
    for kind in kinds {
        let value = f.error(FormatErrorKind::Value);
        let start = out.bodies.len();
        f.u8()?;
        match kind {
            Kind::Shaped(ids) => {
                let middle = r.take(lens.next().ok_or(value)?)?;
                let after = r.take(lens.next().ok_or(value)?)?;
                Shape::read(&mut f, *ids, &mut columns, middle, after)?.write(&mut out.bodies);
            }
            Kind::Verbatim => {
                out.bodies.bytes(r.take(lens.next().ok_or(value)?)?);
            }
            Kind::Erased => {
                let (id, hash) = (AuditId::from_bytes(f.array()?), RecordHash(f.array()?));
                out.items.push(UnpackedItem::Erased(id, hash));
                continue;
            }
        }
        out.items.push(UnpackedItem::Body { start, end: out.bodies.len() });
    }
    f.end()?;
    r.end()?;
    Ok(out)
}
