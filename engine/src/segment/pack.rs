//! A group of records as two parts: what is random, and text that compresses.
//!
//! A body begins with its `audit_id` and ends with its `salt`: 28 random bytes written as 52
//! characters. They are taken out and stored as they are, and so are a `request_id` and a
//! `trace_id` in their usual spelling; times, those inside UUIDv7 too, become small differences;
//! the rest is text.
//! Invariant: unpacking gives every body back byte for byte. A body that does not have the usual
//! shape, or would not come back the same, is stored verbatim. Format: "Group" in format.md.
//! Knows nothing about compression and hashing.

use super::id_time::{self, REST_LEN};
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

/// With any of [`LIFTED`] added where an id was lifted out, and of [`TIMED`] where its time was.
const KIND_SHAPED: u8 = 0;
const KIND_VERBATIM: u8 = 1;
const KIND_ERASED: u8 = 2;
/// `request_id`, `trace_id`.
const LIFTED: [u8; 2] = [0x10, 0x20];
/// `audit_id`, `request_id`: without their time, which is a distance in the text part.
const TIMED: [u8; 2] = [0x40, 0x80];
const KIND_BITS: u8 = 0x0f;

/// How the ids of a record of the usual shape are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Ids {
    /// `request_id` and `trace_id` are in the fixed part.
    lifted: [bool; 2],
    /// `audit_id` and `request_id` are there without their time.
    timed: [bool; 2],
}

impl Ids {
    /// A time can be taken only from a `request_id` that was lifted.
    fn of(byte: u8) -> Option<Self> {
        let has = |bit| byte & bit != 0;
        let ids = Self { lifted: LIFTED.map(has), timed: TIMED.map(has) };
        let [lifted, _] = ids.lifted;
        let [_, timed] = ids.timed;
        (lifted || !timed).then_some(ids)
    }

    fn fixed_len(self) -> usize {
        let count = |of: [bool; 2]| of.into_iter().filter(|is| *is).count();
        28 + count(self.lifted) * 16 - count(self.timed) * (16 - REST_LEN)
    }
}

/// What a kind byte says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Shaped(Ids),
    Verbatim,
    Erased,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        match byte & KIND_BITS {
            KIND_SHAPED => Ids::of(byte).map(Self::Shaped),
            KIND_VERBATIM if byte == KIND_VERBATIM => Some(Self::Verbatim),
            KIND_ERASED if byte == KIND_ERASED => Some(Self::Erased),
            _ => None,
        }
    }

    /// Bytes behind the kind byte in the fixed part.
    fn fixed_len(self) -> usize {
        match self {
            Self::Shaped(ids) => ids.fixed_len(),
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

    fn is_timed(self, id: usize) -> bool {
        match self {
            Self::Shaped(ids) => ids.timed.get(id) == Some(&true),
            Self::Verbatim | Self::Erased => false,
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

    /// The shape whose kind byte was read, from the rest of its fixed part and its columns.
    fn read(
        fixed: &mut Reader<'_>,
        ids: Ids,
        columns: &mut Columns,
        middle: &'a [u8],
        after: &'a [u8],
    ) -> Result<Self, FormatError> {
        let value = fixed.error(FormatErrorKind::Value);
        let near = columns.times.next().ok_or(value)?;
        let [audit, request] = &mut columns.distances;
        let id = |is_timed, distances: &mut Column<u64>, fixed: &mut Reader<'_>| {
            if is_timed {
                let distance = distances.next().ok_or(value)?;
                id_time::join(distance, fixed.array()?, near).ok_or(value)
            } else {
                fixed.array()
            }
        };
        let [audit_timed, request_timed] = ids.timed;
        let [has_request, has_trace] = ids.lifted;
        let audit_id = AuditId::from_bytes(id(audit_timed, audit, fixed)?);
        let salt = Salt::from_bytes(fixed.array()?);
        let request = has_request.then(|| id(request_timed, request, fixed)).transpose()?;
        let trace = has_trace.then(|| fixed.array()).transpose()?;
        let middle = put_back(middle, [request, trace]).ok_or(value)?;
        let (timestamp, received_at) = near;
        Ok(Self { audit_id, timestamp, middle, received_at, after, salt })
    }

    /// Writes the fixed part and, into its column, the distance of each id whose time is left out.
    fn write_fixed(&self, out: &mut Vec<u8>, distances: &mut [Vec<u8>; 2]) {
        let [request, trace] = self.middle.ids();
        let split = |id: &[u8; 16]| id_time::split(id, (self.timestamp, self.received_at));
        let ids = [Some(*self.audit_id.as_bytes()), request];
        let timed = ids.map(|id| id.as_ref().and_then(split));
        let mut kind = KIND_SHAPED;
        for (bits, has) in [
            (LIFTED, [request.is_some(), trace.is_some()]),
            (TIMED, timed.map(|timed| timed.is_some())),
        ] {
            kind |= bits.iter().zip(has).filter(|(_, has)| *has).fold(0, |all, (bit, _)| all | bit);
        }
        out.u8(kind);
        let mut salt = Some(self.salt);
        for ((id, timed), distances) in ids.iter().zip(&timed).zip(distances) {
            match (timed, id) {
                (Some((distance, rest)), _) => {
                    distances.varint(*distance);
                    out.bytes(rest);
                }
                (None, Some(id)) => {
                    out.bytes(id);
                }
                (None, None) => {}
            }
            if let Some(salt) = salt.take() {
                out.bytes(salt.as_bytes());
            }
        }
        if let Some(trace) = trace {
            out.bytes(&trace);
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
    let mut distances = [Vec::new(), Vec::new()];
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
                        shape.write_fixed(&mut fixed, &mut distances);
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
    let [audit, request] = distances;
    let text = [lens, times, received, audit, request, texts].concat();
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

type Column<T> = std::vec::IntoIter<T>;

/// The columns of numbers in the text part, each to be used up from its front.
struct Columns {
    /// `timestamp` and `received_at` of each record of the usual shape.
    times: Column<(Timestamp, Timestamp)>,
    /// Of each id that is stored without its time: those of `audit_id`, those of `request_id`.
    distances: [Column<u64>; 2],
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
