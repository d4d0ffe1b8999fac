//! Frames of an active file, read one by one, and the search for the next one behind damage.
//!
//! Invariant: what is called a frame has its checksums and its file's tag; whether it is the one
//! that belongs there is said apart. The work is bounded by a small multiple of the file's length.

use memchr::memmem;

use super::group::Before;
use super::mend::{mend_header, mend_places};
use crate::format::{FRAME_HEADER_LEN, FRAME_MAGIC, FrameHeader, RecordsPayload};
use crate::proof::{chain_next, record_hashes};
use crate::segment::ByteSource;
use crate::types::Seq;

/// What must stand at the next frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// Where the next frame begins.
    pub(super) offset: u64,
    /// Seq of its first record.
    pub(super) next_seq: u64,
    /// Number of the commit before it.
    pub(super) commit: u64,
    /// Largest durable seq so far.
    pub(super) durable: u64,
    /// Largest `received_at` so far, microseconds.
    pub(super) received: i64,
}

impl Place {
    /// Whether anything but the seq forbids this frame here.
    pub(super) fn follows(&self, frame: &FrameHeader) -> bool {
        frame.commit >= self.commit
            && frame.commit - self.commit <= 1
            && frame.durable_seq.0 >= self.durable
            && frame.received_at >= self.received
    }

    pub(super) fn pass(&mut self, frame: &FrameHeader) {
        self.offset = self.offset.saturating_add(frame.frame_len());
        self.next_seq = frame.end_seq().0;
        self.commit = frame.commit;
        self.durable = self.durable.max(frame.durable_seq.0);
        self.received = self.received.max(frame.received_at);
    }
}

/// What stands at a place.
pub(super) enum AtPlace {
    /// A frame with its checksums.
    Frame(FrameHeader, Vec<u8>),
    /// A frame that has its checksums once the byte at this offset of the file is another; the byte
    /// that is there now.
    OneByte(FrameHeader, Vec<u8>, u64, u8),
    /// A sound header, a damaged payload.
    Damaged(FrameHeader, Vec<u8>),
    /// No frame.
    Nothing,
}

/// A frame file being walked.
pub(super) struct Walk<'a> {
    pub(super) source: &'a dyn ByteSource,
    pub(super) file_tag: u64,
    /// Bytes that may still be read in searches.
    budget: u64,
    /// Places that may still be tried byte by byte.
    mends: u32,
}

const MENDS_MAX: u32 = 64;

impl<'a> Walk<'a> {
    pub(super) fn new(source: &'a dyn ByteSource, file_tag: u64) -> Self {
        let budget = source.len().saturating_mul(16).saturating_add(16 << 20);
        Self { source, file_tag, budget, mends: MENDS_MAX }
    }

    fn header_at(&self, offset: u64) -> Option<Result<FrameHeader, Vec<u8>>> {
        let bytes = self.source.bytes(offset, FRAME_HEADER_LEN).ok()?;
        let header = FrameHeader::decode(&bytes).ok().filter(|h| h.file_tag == self.file_tag);
        Some(header.ok_or_else(|| bytes.into_owned()))
    }

    /// The header of the frame behind this one, if there is one.
    pub(super) fn header_behind(&self, offset: u64, frame: &FrameHeader) -> Option<FrameHeader> {
        self.header_at(offset.checked_add(frame.frame_len())?)?.ok()
    }

    fn payload(&self, offset: u64, header: &FrameHeader) -> Option<Vec<u8>> {
        let at = offset.checked_add(FRAME_HEADER_LEN as u64)?;
        Some(self.source.bytes(at, header.payload_len()).ok()?.into_owned())
    }

    /// Looks at one place. `before` is the chain hash there.
    pub(super) fn look(&mut self, place: &Place, before: Before) -> AtPlace {
        let offset = place.offset;
        let (header, mended) = match self.header_at(offset) {
            None => return AtPlace::Nothing,
            Some(Ok(header)) => (header, None),
            Some(Err(bytes)) if bytes.iter().all(|b| *b == 0) => return AtPlace::Nothing,
            Some(Err(bytes)) => {
                let here = |header: &FrameHeader| {
                    header.file_tag == self.file_tag
                        && header.offset == offset
                        && header.first_seq == Seq(place.next_seq)
                        && place.follows(header)
                };
                self.mends = self.mends.saturating_sub(1);
                let mended = if self.mends > 0 { mend_header(&bytes, here) } else { None };
                let Some((at, header)) = mended else { return AtPlace::Nothing };
                (header, bytes.get(at).map(|byte| (offset + at as u64, *byte)))
            }
        };
        let Some(payload) = self.payload(offset, &header) else { return AtPlace::Nothing };
        let whole = RecordsPayload::crc_holds(&header, &payload);
        match (whole, mended) {
            (true, None) => AtPlace::Frame(header, payload),
            (true, Some((at, byte))) => AtPlace::OneByte(header, payload, at, byte),
            (false, Some(_)) => AtPlace::Nothing,
            (false, None) if self.mends > 0 => {
                self.mends -= 1;
                mend_payload(offset, header, payload, before)
            }
            (false, None) => AtPlace::Damaged(header, payload),
        }
    }

    /// The next place behind `offset` where a frame with its checksums stands, and the frame.
    pub(super) fn search(&mut self, offset: u64) -> Option<(u64, FrameHeader)> {
        let mut from = offset;
        loop {
            let at = self.next_magic(from)?;
            let header = self.header_at(at).and_then(Result::ok).filter(|h| h.offset == at);
            if let Some(header) = header {
                self.budget = self.budget.checked_sub(header.frame_len())?;
                let payload = self.payload(at, &header);
                if payload.is_some_and(|bytes| RecordsPayload::crc_holds(&header, &bytes)) {
                    return Some((at, header));
                }
            }
            from = at + 1;
        }
    }

    fn next_magic(&mut self, offset: u64) -> Option<u64> {
        const CHUNK: u64 = 64 << 10;
        let mut at = offset;
        loop {
            // A magic has no zero byte: none begins in a hole, and none reaches into one.
            at = self.source.next_data(at)?;
            let len = CHUNK.min(self.source.len().checked_sub(at)?);
            if len < FRAME_HEADER_LEN as u64 {
                return None;
            }
            let bytes = self.source.bytes(at, usize::try_from(len).ok()?).ok()?;
            let found = memmem::find(&bytes, FRAME_MAGIC);
            // A file full of magics is no way to keep an auditor busy.
            let cost = found.map_or(len, |found| found as u64 + 4096);
            self.budget = self.budget.checked_sub(cost)?;
            if let Some(found) = found {
                return Some(at + found as u64);
            }
            // Chunks overlap, so that no magic is missed at their edge.
            at += len - 3;
        }
    }

    /// One behind the last byte from `offset` on that is not zero. What a sparse file leaves out
    /// is not read.
    pub(super) fn last_nonzero(&self, offset: u64) -> Option<u64> {
        const CHUNK: u64 = 1 << 20;
        let mut last = None;
        let mut at = offset;
        while let Some(data) = self.source.next_data(at) {
            at = data;
            let len = CHUNK.min(self.source.len().checked_sub(at)?);
            let bytes = self.source.bytes(at, usize::try_from(len).ok()?).ok()?;
            last = bytes.iter().rposition(|b| *b != 0).map(|p| at + p as u64 + 1).or(last);
            at += len;
        }
        last
    }
}

fn mend_payload(offset: u64, header: FrameHeader, payload: Vec<u8>, before: Before) -> AtPlace {
    for (at, byte) in mend_places(&payload, header.payload_crc).into_iter().take(16) {
        let mut copy = payload.clone();
        let Some(place) = copy.get_mut(at) else { continue };
        let found = std::mem::replace(place, byte);
        if chain_holds(&header, &copy, before) {
            let at = offset + FRAME_HEADER_LEN as u64 + at as u64;
            return AtPlace::OneByte(header, copy, at, found);
        }
    }
    AtPlace::Damaged(header, payload)
}

/// Whether a frame's records lead from one chain hash to the other.
pub(super) fn chain_holds(header: &FrameHeader, payload: &[u8], before: Before) -> bool {
    let Ok(records) = RecordsPayload::decode(header, payload) else { return false };
    let Some(before) = before.hash() else { return false };
    let bodies: Vec<&[u8]> = records.records.iter().map(|record| record.body).collect();
    let hashes = record_hashes(&bodies);
    hashes.iter().fold(before, |chain, hash| chain_next(&chain, hash)) == records.chain_after
}
