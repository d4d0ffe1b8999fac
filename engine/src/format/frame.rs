//! Frames of an active file: one per caller batch, one per idle mark, one at a clean close.
//!
//! Invariant: a frame is bound to its file (`file_tag`) and place (`offset`), and says up to which
//! seq everything was synced when it was written (`durable_seq`). Its payload ends with the chain
//! hash after its last record. Byte table: format.md. Knows nothing about what a torn tail means.

use super::codec::{FormatError, FormatErrorKind, Put, Reader, Structure, check_crc, layout};
use super::locator::locator;
use crate::types::{ChainHash, RecordHash, Seq};

layout!(pub(crate) LAYOUT, FRAME_HEADER_LEN = 72, {
    magic: 4, version: 1, kind: 1, reserved: 2, commit: 8, durable_seq: 8, first_seq: 8,
    record_count: 4, payload_len: 4, file_tag: 8, offset: 8, received_at: 8, payload_crc32: 4,
    header_crc32: 4,
});

/// First bytes of every frame: what a scan looks for behind damage.
pub(crate) const MAGIC: &[u8; 4] = b"SHFR";
const VERSION: u8 = 0;
/// Longest payload: a full batch of the largest records, and a bound for allocations.
pub const FRAME_PAYLOAD_LEN_MAX: usize = 256 << 20;
/// Bytes before each body in a payload: its length and its locator.
pub const RECORD_PREFIX_LEN: usize = 8;

/// What a frame carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameKind {
    /// One caller's batch.
    Records,
    /// No records: repeats the durable seq while the writer is idle.
    Mark,
    /// No records: the writer closed the log in order; frames follow if it was opened again.
    Close,
}

/// Fixed part of a frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FrameHeader {
    /// What follows.
    pub kind: FrameKind,
    /// Number of the commit (one write, one sync) that this frame belongs to.
    pub commit: u64,
    /// Every seq below it was durable before this frame was written.
    pub durable_seq: Seq,
    /// Seq of the first record; of a mark, the seq that comes next.
    pub first_seq: Seq,
    /// Records in the payload.
    pub record_count: u32,
    /// Bytes of the payload.
    pub payload_len: u32,
    /// [`super::ActiveHeader::file_tag`] of its file.
    pub file_tag: u64,
    /// Where in the file this frame begins.
    pub offset: u64,
    /// `received_at` of the batch, microseconds since 1970.
    pub received_at: i64,
    /// CRC-32 of the payload.
    pub payload_crc: u32,
}

impl FrameHeader {
    /// Its bytes on disk, appended to `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let kind = match self.kind {
            FrameKind::Records => 1,
            FrameKind::Mark => 2,
            FrameKind::Close => 3,
        };
        out.bytes(MAGIC).u8(VERSION).u8(kind).zeros(2).u64(self.commit).u64(self.durable_seq.0);
        out.u64(self.first_seq.0).u32(self.record_count).u32(self.payload_len).u64(self.file_tag);
        out.u64(self.offset).i64(self.received_at).u32(self.payload_crc).crc_since(start);
        debug_assert_eq!(out.len() - start, FRAME_HEADER_LEN);
    }

    /// Reads exactly [`FRAME_HEADER_LEN`] bytes.
    ///
    /// # Errors
    /// [`FormatError`] where they are no frame header or a damaged one.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        const S: Structure = Structure::FrameHeader;
        Reader::new(S, bytes).magic(MAGIC)?;
        let mut r = Reader::new(S, check_crc(S, bytes)?);
        r.take(4)?;
        let at = r.error(FormatErrorKind::Value);
        match r.u8()? {
            VERSION => {}
            found => {
                return Err(FormatError { kind: FormatErrorKind::Version(found.into()), ..at });
            }
        }
        let at = r.error(FormatErrorKind::Value);
        let kind = match r.u8()? {
            1 => FrameKind::Records,
            2 => FrameKind::Mark,
            3 => FrameKind::Close,
            _ => return Err(at),
        };
        r.zeros(2)?;
        let header = Self {
            kind,
            commit: r.u64()?,
            durable_seq: Seq(r.u64()?),
            first_seq: Seq(r.u64()?),
            record_count: r.u32()?,
            payload_len: r.u32()?,
            file_tag: r.u64()?,
            offset: r.u64()?,
            received_at: r.i64()?,
            payload_crc: r.u32()?,
        };
        r.end()?;
        header.check().ok_or(r.error(FormatErrorKind::Value)).map(|()| header)
    }

    /// What must hold between the fields of any header that we wrote.
    fn check(&self) -> Option<()> {
        let payload = self.payload_len();
        let records = usize::try_from(self.record_count).ok()?;
        let least = records.checked_mul(RECORD_PREFIX_LEN)?.checked_add(ChainHash::LEN)?;
        let fits = payload >= least && payload <= FRAME_PAYLOAD_LEN_MAX;
        let counts = match self.kind {
            FrameKind::Records => records > 0,
            FrameKind::Mark | FrameKind::Close => records == 0 && payload == least,
        };
        let end = self.first_seq.0.checked_add(self.record_count.into())?;
        self.offset.checked_add(self.frame_len())?;
        (fits && counts && self.durable_seq <= self.first_seq && end < u64::MAX).then_some(())
    }

    /// Bytes of the payload.
    #[must_use]
    pub fn payload_len(&self) -> usize {
        usize::try_from(self.payload_len).unwrap_or(usize::MAX)
    }

    /// Bytes of header and payload.
    #[must_use]
    pub fn frame_len(&self) -> u64 {
        u64::from(self.payload_len) + 72
    }

    /// The seq behind the last record.
    #[must_use]
    pub fn end_seq(&self) -> Seq {
        Seq(self.first_seq.0.saturating_add(self.record_count.into()))
    }
}

const _: () = assert!(FRAME_HEADER_LEN == 72, "frame_len() counts on it");

/// The eight bytes before a body: its length and the first four bytes of its hash.
#[must_use]
pub fn encode_record_prefix(body_len: u32, hash: &RecordHash) -> [u8; RECORD_PREFIX_LEN] {
    let [a, b, c, d] = body_len.to_le_bytes();
    let [e, f, g, h] = locator(hash);
    [a, b, c, d, e, f, g, h]
}

/// One record inside a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameRecord<'a> {
    /// First four bytes of the hash that the writer computed: helps to name a fault, proves
    /// nothing.
    pub locator: [u8; 4],
    /// The stored bytes.
    pub body: &'a [u8],
}

/// A decoded payload: records by position, then the chain hash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordsPayload<'a> {
    /// The records in order.
    pub records: Vec<FrameRecord<'a>>,
    /// Chain hash after the last of them.
    pub chain_after: ChainHash,
}

impl<'a> RecordsPayload<'a> {
    /// Takes a payload apart; its CRC is the caller's to check with [`RecordsPayload::crc_holds`],
    /// so that a verifier can still look into a payload whose CRC is wrong.
    ///
    /// # Errors
    /// [`FormatError`] where lengths don't add up.
    pub fn decode(header: &FrameHeader, payload: &'a [u8]) -> Result<Self, FormatError> {
        let mut r = Reader::new(Structure::FramePayload, payload);
        let mut records = Vec::new();
        for _ in 0..header.record_count {
            let at = r.error(FormatErrorKind::Value);
            let len = r.len32()?;
            if len > super::BODY_LEN_MAX {
                return Err(at);
            }
            let locator = r.array()?;
            records.push(FrameRecord { locator, body: r.take(len)? });
        }
        let chain_after = ChainHash(r.array()?);
        r.end()?;
        Ok(Self { records, chain_after })
    }

    /// Whether the payload is as it was written.
    #[must_use]
    pub fn crc_holds(header: &FrameHeader, payload: &[u8]) -> bool {
        payload.len() == header.payload_len() && crc32fast::hash(payload) == header.payload_crc
    }
}
