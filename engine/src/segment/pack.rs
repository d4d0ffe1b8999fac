//! A group of records as two parts: what is random, and text that compresses.
//!
//! A body begins with its `audit_id` and ends with its `salt`: 28 random bytes written as 52
//! characters. They are taken out and stored as they are, and so are a `request_id` and a
//! `trace_id` in their usual spelling; times, those inside UUIDv7 too, become small differences;
//! the rest is text.
//! Invariant: [`mod@super::unpack`] gives every body back byte for byte. Bytes that are no body, or
//! would not come back the same, are stored verbatim. Format: "Group" in format.md. Knows nothing
//! about compression and hashing.

use super::id_time::{self, REST_LEN};
use super::lift::{Lifted, lift, put_back};
use super::unpack::{Column, Columns};
use crate::format::{FormatError, FormatErrorKind, Put, Reader};
use crate::record::{AuditId, Body, Member, Salt, Timestamp};
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
pub(super) struct Ids {
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
pub(super) enum Kind {
    Shaped(Ids),
    Verbatim,
    Erased,
}

impl Kind {
    pub(super) fn of(byte: u8) -> Option<Self> {
        match byte & KIND_BITS {
            KIND_SHAPED => Ids::of(byte).map(Self::Shaped),
            KIND_VERBATIM if byte == KIND_VERBATIM => Some(Self::Verbatim),
            KIND_ERASED if byte == KIND_ERASED => Some(Self::Erased),
            _ => None,
        }
    }

    /// Bytes behind the kind byte in the fixed part.
    pub(super) fn fixed_len(self) -> usize {
        match self {
            Self::Shaped(ids) => ids.fixed_len(),
            Self::Verbatim => 0,
            Self::Erased => 80,
        }
    }

    /// Lengths that it has in the text part.
    pub(super) fn lens(self) -> usize {
        match self {
            Self::Shaped(_) => 2,
            Self::Verbatim => 1,
            Self::Erased => 0,
        }
    }

    pub(super) fn is_timed(self, id: usize) -> bool {
        match self {
            Self::Shaped(ids) => ids.timed.get(id) == Some(&true),
            Self::Verbatim | Self::Erased => false,
        }
    }
}

const HEAD: &[u8] = b"{\"audit_id\":\"";
const AFTER_ID: &[u8] = b"\",\"timestamp\":\"";
const RECEIVED: &[u8] = b",\"received_at\":\"";
const INGESTED_BY: &[u8] = b",\"ingested_by\":";
const SALT: &[u8] = b",\"salt\":\"";
const END: &[u8] = b"\"}";

/// The parts of a body of the usual shape.
pub(super) struct Shape<'a> {
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
    /// The shape of a body that was read.
    fn of(body: &Body<'a>) -> Option<Self> {
        let bytes = body.as_bytes();
        let len = |member| body.member(member).map(<[u8]>::len);
        let ingested_by = len(Member::IngestedBy).map_or(0, |len| INGESTED_BY.len() + len);
        // Tokens are with their quotes, and so is what stands before them here.
        let start = HEAD.len() + AuditId::TEXT_LEN + AFTER_ID.len() - 1 + len(Member::Timestamp)?;
        let salt = SALT.len() + Salt::TEXT_LEN + END.len();
        let content_len = bytes
            .len()
            .checked_sub(RECEIVED.len() - 1 + len(Member::ReceivedAt)? + ingested_by + salt)?;
        let after = bytes.len() - salt - ingested_by;
        Some(Self {
            audit_id: body.audit_id(),
            timestamp: body.timestamp(),
            middle: lift(bytes.get(start..content_len)?),
            received_at: body.received_at(),
            after: bytes.get(after..after + ingested_by)?,
            salt: body.salt(),
        })
    }

    /// The shape whose kind byte was read, from the rest of its fixed part and its columns.
    pub(super) fn read(
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

    pub(super) fn write(&self, out: &mut Vec<u8>) {
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

/// Times as differences in the largest of s, ms, µs, ns that loses nothing.
#[derive(Default)]
pub(super) struct Times {
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

    pub(super) fn take(&mut self, r: &mut Reader<'_>) -> Result<Timestamp, FormatError> {
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

/// Whether a body is the same after unpacking. Its ids, times and salt have one spelling each, so
/// it should be; where it is not, sealing must not end for it.
fn comes_back(shape: &Shape<'_>, body: &[u8], again: &mut Vec<u8>) -> bool {
    again.clear();
    shape.write(again);
    again == body
}

/// Packs the records of one group after the other; its buffers are used again.
#[derive(Default)]
pub(super) struct Packer {
    fixed: Vec<u8>,
    lens: Vec<u8>,
    times: Vec<u8>,
    received: Vec<u8>,
    distances: [Vec<u8>; 2],
    texts: Vec<u8>,
    timestamp: Times,
    received_at: Times,
    /// A body as unpacking would give it.
    again: Vec<u8>,
    count: usize,
}

impl Packer {
    /// Adds a record.
    pub(super) fn body(&mut self, body: &Body<'_>) {
        let (bytes, again) = (body.as_bytes(), &mut self.again);
        let Some(shape) = Shape::of(body).filter(|shape| comes_back(shape, bytes, again)) else {
            return self.verbatim(bytes);
        };
        shape.write_fixed(&mut self.fixed, &mut self.distances);
        self.timestamp.put(&mut self.times, shape.timestamp);
        self.received_at.put(&mut self.received, shape.received_at);
        self.lens.varint(shape.middle.reduced_len() as u64);
        self.lens.varint(shape.after.len() as u64);
        shape.middle.write_reduced(&mut self.texts);
        self.texts.bytes(shape.after);
        self.count += 1;
    }

    /// Adds bytes that are kept as they are.
    pub(super) fn verbatim(&mut self, body: &[u8]) {
        self.fixed.u8(KIND_VERBATIM);
        self.lens.varint(body.len() as u64);
        self.texts.bytes(body);
        self.count += 1;
    }

    /// Adds an erased record.
    pub(super) fn erased(&mut self, id: AuditId, hash: RecordHash) {
        self.fixed.u8(KIND_ERASED).bytes(id.as_bytes()).bytes(&hash.0);
        self.count += 1;
    }

    /// Records since the last group.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Puts the group into `packed`, in place of what is there, and begins the next one.
    pub(super) fn take(&mut self, packed: &mut Packed) {
        packed.fixed.clear();
        packed.fixed.append(&mut self.fixed);
        packed.text.clear();
        let [audit, request] = &mut self.distances;
        for column in
            [&mut self.lens, &mut self.times, &mut self.received, audit, request, &mut self.texts]
        {
            packed.text.append(column);
        }
        (self.timestamp, self.received_at, self.count) = Default::default();
    }
}

/// What a dictionary should know of a body: its text without what is random.
#[must_use]
pub fn sample_text(body: &[u8]) -> Vec<u8> {
    let read = Body::parse(body).ok();
    let Some(shape) = read.as_ref().and_then(Shape::of) else { return body.to_vec() };
    let mut sample = Vec::with_capacity(body.len());
    shape.middle.write_reduced(&mut sample);
    sample.bytes(shape.after);
    sample
}
