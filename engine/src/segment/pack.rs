//! A group of records as two parts: what is random, and text that compresses.
//!
//! A body begins with its `audit_id` and ends with its `salt`: 28 random bytes written as 52
//! characters. They are taken out and stored as they are, and so are a `request_id` and a
//! `trace_id` in their usual spelling; times become small differences; the rest is text.
//! Invariant: unpacking gives every body back byte for byte. A body that does not have the usual
//! shape, or would not come back the same, is stored verbatim. Format: "Group" in format.md.
//! Knows nothing about compression and hashing.

use super::lift::{Lifted, lift, put_back};
use crate::format::{BODY_LEN_MAX, FormatError, FormatErrorKind, Put, Reader, Structure};
use crate::record::{AuditId, Salt, Timestamp, content_of};
use crate::types::RecordHash;

/// What stands at a record's place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PackedItem<'a> {
    /// The stored bytes.
    Body(&'a [u8]),
    /// Erased by order: the hash keeps chain and tree whole.
    Erased(AuditId, RecordHash),
}

/// The two parts of a group.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Packed {
    /// Stored as it is.
    pub(crate) fixed: Vec<u8>,
    /// Compressed.
    pub(crate) text: Vec<u8>,
}

/// With any of [`LIFTED`] added where an id was lifted out.
const KIND_SHAPED: u8 = 0;
const KIND_VERBATIM: u8 = 1;
const KIND_ERASED: u8 = 2;
/// `request_id`, `trace_id`.
const LIFTED: [u8; 2] = [0x10, 0x20];
const LIFTED_ANY: u8 = 0x30;

/// What a kind byte says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// With which ids lifted.
    Shaped([bool; 2]),
    Verbatim,
    Erased,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        match byte & !LIFTED_ANY {
            KIND_SHAPED => Some(Self::Shaped(LIFTED.map(|bit| byte & bit != 0))),
            KIND_VERBATIM if byte == KIND_VERBATIM => Some(Self::Verbatim),
            KIND_ERASED if byte == KIND_ERASED => Some(Self::Erased),
            _ => None,
        }
    }

    /// Bytes behind the kind byte in the fixed part.
    fn fixed_len(self) -> usize {
        match self {
            Self::Shaped(lifted) => 28 + lifted.into_iter().filter(|l| *l).count() * 16,
            Self::Verbatim => 0,
            Self::Erased => 80,
        }
    }

    /// Lengths that it has in the text part.
    fn lens(self) -> usize {
        match self {
            Self::Shaped(_) => 2,
            Self::Verbatim => 1,
            Self::Erased => 0,
        }
    }
}

const HEAD: &[u8] = b"{\"audit_id\":\"";
const AFTER_ID: &[u8] = b"\",\"timestamp\":\"";
const RECEIVED: &[u8] = b",\"received_at\":\"";
const SALT: &[u8] = b",\"salt\":\"";
const END: &[u8] = b"\"}";

/// The parts of a body of the usual shape.
struct Shape<'a> {
    audit_id: AuditId,
    timestamp: Timestamp,
    /// From behind the timestamp's quote to before `,"received_at"`.
    middle: Lifted<'a>,
    received_at: Timestamp,
    /// From behind the quote of `received_at` to before `,"salt"`.
    after: &'a [u8],
    salt: Salt,
}

impl<'a> Shape<'a> {
    fn of(body: &'a [u8]) -> Option<Self> {
        let rest = body.strip_prefix(HEAD)?;
        let (id, rest) = rest.split_at_checked(36)?;
        let rest = rest.strip_prefix(AFTER_ID)?;
        let quote = rest.iter().take(40).position(|b| *b == b'"')?;
        let (timestamp, rest) = rest.split_at_checked(quote)?;
        let content_len = content_of(body)?.len();
        let middle_start = body.len() - rest.len() + 1;
        let middle = body.get(middle_start..content_len)?;
        let rest = body.get(content_len..)?.strip_prefix(RECEIVED)?;
        let quote = rest.iter().position(|b| *b == b'"')?;
        let (received, rest) = rest.split_at_checked(quote)?;
        let (rest, salt) = rest.strip_suffix(END)?.split_last_chunk::<16>()?;
        let after = rest.strip_prefix(b"\"")?.strip_suffix(SALT)?;
        Some(Self {
            audit_id: AuditId::parse_canonical(text(id)?)?,
            timestamp: Timestamp::parse_canonical(text(timestamp)?)?,
            middle: lift(middle),
            received_at: Timestamp::parse_canonical(text(received)?)?,
            after,
            salt: Salt::parse(text(salt)?)?,
        })
    }

    /// The shape whose kind byte was read, from the rest of its fixed part and its texts.
    fn read(
        fixed: &mut Reader<'_>,
        lifted: [bool; 2],
        (timestamp, received_at): (Timestamp, Timestamp),
        middle: &'a [u8],
        after: &'a [u8],
    ) -> Result<Self, FormatError> {
        let value = fixed.error(FormatErrorKind::Value);
        let audit_id = AuditId::from_bytes(fixed.array()?);
        let salt = Salt::from_bytes(fixed.array()?);
        let mut ids = [None; 2];
        for (id, lifted) in ids.iter_mut().zip(lifted) {
            if lifted {
                *id = Some(fixed.array()?);
            }
        }
        let middle = put_back(middle, ids).ok_or(value)?;
        Ok(Self { audit_id, timestamp, middle, received_at, after, salt })
    }

    fn write_fixed(&self, out: &mut Vec<u8>) {
        let ids = self.middle.ids();
        let lifted = ids.iter().zip(LIFTED).filter(|(id, _)| id.is_some());
        out.u8(lifted.fold(KIND_SHAPED, |kind, (_, bit)| kind | bit));
        out.bytes(self.audit_id.as_bytes()).bytes(self.salt.as_bytes());
        for id in ids.iter().flatten() {
            out.bytes(id);
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.bytes(HEAD);
        self.audit_id.encode_into(out);
        out.bytes(AFTER_ID);
        self.timestamp.encode_into(out);
        out.u8(b'"');
        self.middle.write(out);
        out.bytes(RECEIVED);
        self.received_at.encode_into(out);
        out.u8(b'"').bytes(self.after).bytes(SALT);
        self.salt.encode_into(out);
        out.bytes(END);
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    core::str::from_utf8(bytes).ok()
}

/// Times as differences in the largest of s, ms, µs, ns that loses nothing.
#[derive(Default)]
struct Times {
    last: i64,
}

const UNITS: [i64; 4] = [1_000_000_000, 1_000_000, 1_000, 1];

/// Position of the largest unit that divides a time: the one spelling that is written and read.
fn class_of(nanos: i64) -> usize {
    UNITS.iter().position(|unit| nanos % unit == 0).unwrap_or(3)
}

impl Times {
    fn put(&mut self, out: &mut Vec<u8>, time: Timestamp) {
        let nanos = time.unix_nanos();
        let class = class_of(nanos);
        let unit = UNITS.get(class).copied().unwrap_or(1);
        let delta = nanos.div_euclid(unit) - self.last.div_euclid(unit);
        let zigzag = (delta << 1) ^ (delta >> 63);
        out.u8(u8::try_from(class).unwrap_or(3)).varint(zigzag.cast_unsigned());
        self.last = nanos;
    }

    fn take(&mut self, r: &mut Reader<'_>) -> Result<Timestamp, FormatError> {
        let at = r.error(FormatErrorKind::Value);
        let class = usize::from(r.u8()?);
        let unit = UNITS.get(class).copied().ok_or(at)?;
        let zigzag = r.varint()?;
        let delta = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
        let nanos = self
            .last
            .div_euclid(unit)
            .checked_add(delta)
            .and_then(|n| n.checked_mul(unit))
            .filter(|nanos| class_of(*nanos) == class)
            .ok_or(at)?;
        self.last = nanos;
        Timestamp::from_unix_nanos(nanos).ok_or(at)
    }
}

/// Packs the records of one group.
#[must_use]
pub(crate) fn pack(items: &[PackedItem<'_>]) -> Packed {
    let mut fixed = Vec::with_capacity(items.len() * 29);
    let mut texts = Vec::new();
    let (mut times, mut received, mut lens) = (Vec::new(), Vec::new(), Vec::new());
    let (mut timestamp, mut received_at) = (Times::default(), Times::default());
    let mut again = Vec::new();
    for item in items {
        match item {
            PackedItem::Erased(id, hash) => {
                fixed.u8(KIND_ERASED).bytes(id.as_bytes()).bytes(&hash.0);
            }
            PackedItem::Body(body) => {
                match Shape::of(body).filter(|shape| comes_back(shape, body, &mut again)) {
                    Some(shape) => {
                        shape.write_fixed(&mut fixed);
                        timestamp.put(&mut times, shape.timestamp);
                        received_at.put(&mut received, shape.received_at);
                        lens.varint(shape.middle.reduced_len() as u64);
                        lens.varint(shape.after.len() as u64);
                        shape.middle.write_reduced(&mut texts);
                        texts.bytes(shape.after);
                    }
                    None => {
                        fixed.u8(KIND_VERBATIM);
                        lens.varint(body.len() as u64);
                        texts.bytes(body);
                    }
                }
            }
        }
    }
    let mut text = Vec::with_capacity(texts.len() + times.len() + received.len() + lens.len());
    text.bytes(&lens).bytes(&times).bytes(&received).bytes(&texts);
    Packed { fixed, text }
}

fn comes_back(shape: &Shape<'_>, body: &[u8], again: &mut Vec<u8>) -> bool {
    again.clear();
    shape.write(again);
    again == body
}

/// What a dictionary should know of a body: its text without what is random.
#[must_use]
pub fn sample_text(body: &[u8]) -> Vec<u8> {
    let Some(shape) = Shape::of(body) else { return body.to_vec() };
    let mut sample = Vec::with_capacity(body.len());
    shape.middle.write_reduced(&mut sample);
    sample.bytes(shape.after);
    sample
}

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
    let shaped = kinds.iter().filter(|kind| matches!(kind, Kind::Shaped(_))).count();
    let mut column = || {
        let mut times = Times::default();
        (0..shaped).map(|_| times.take(&mut r)).collect::<Result<Vec<_>, _>>()
    };
    let (times, received) = (column()?, column()?);
    let mut columns = times.into_iter().zip(received);
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
            Kind::Shaped(lifted) => {
                let times = columns.next().ok_or(value)?;
                let middle = r.take(lens.next().ok_or(value)?)?;
                let after = r.take(lens.next().ok_or(value)?)?;
                Shape::read(&mut f, *lifted, times, middle, after)?.write(&mut out.bodies);
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
