//! Reading records of an active file.
//!
//! Invariant: records are returned only after their frame was checked (place, file, CRC), their
//! bodies were hashed and the chain was stepped from the frame before to the chain hash at the
//! frame's end. What can't be checked is damage, never an error. Nothing behind the visible end is
//! looked at.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::group::{FrameRecords, Group, audit_id_of};
use super::view::{ActiveFile, Place, Run, Step};
use crate::format::{
    ActiveHeader, FRAME_HEADER_LEN, FrameHeader, RECORD_PREFIX_LEN, RecordsPayload, locator,
};
use crate::io::StorageFile;
use crate::proof::{chain_next, record_hashes};
use crate::segment::Island;
use crate::types::{ChainHash, RecordHash};

/// Bytes read ahead while frames are walked.
const AHEAD: usize = 16 << 10;
/// Distance of the remembered places of a run, bytes.
const STEP_DISTANCE: u64 = 64 << 10;

/// A frame that was found, not yet read.
pub(crate) struct FoundFrame {
    pub(crate) header: FrameHeader,
    /// Chain hash before it, where it is known.
    chain: Option<ChainHash>,
}

impl FoundFrame {
    fn seqs(&self) -> Range<u64> {
        self.header.first_seq.0..self.header.end_seq().0
    }

    /// The beginning of the frame behind it, as far as it is known without reading it.
    fn step(&self, chain: Option<ChainHash>) -> Step {
        Step {
            offset: self.header.offset + self.header.frame_len(),
            next_seq: self.header.end_seq().0,
            chain,
        }
    }
}

/// The frame of an active file that holds a seq, or the seqs that are lost with it.
///
/// `hint` is where the caller was last, if it reads in order.
pub(crate) fn find(
    active: &ActiveFile,
    seq: u64,
    hint: Option<Step>,
) -> io::Result<Result<FoundFrame, Range<u64>>> {
    let (from, next_seq, end_offset) = match active.place(seq) {
        Place::Lost { first_seq, end_seq } => return Ok(Err(first_seq..end_seq)),
        Place::Frames { from, next_seq, end_offset } => (from, next_seq, end_offset),
    };
    let near =
        |hint: &Step| (from.next_seq..=seq).contains(&hint.next_seq) && hint.offset >= from.offset;
    let from = hint.filter(near).unwrap_or(from);
    let mut window = Window::new(&*active.file, end_offset);
    let mut at = from;
    let mut chain_at = None;
    while let Some(header) = window.frame(&active.header, &at)? {
        if seq < header.end_seq().0 {
            let chain = match chain_at {
                None => at.chain,
                Some(offset) => window.chain(offset)?,
            };
            return Ok(Ok(FoundFrame { header, chain }));
        }
        at.offset += header.frame_len();
        at.next_seq = header.end_seq().0;
        chain_at = Some(at.offset - ChainHash::LEN as u64);
    }
    Ok(Err(at.next_seq..next_seq.max(seq + 1)))
}

/// Reads a frame that was found; also says where the next one begins.
pub(crate) fn read(active: &ActiveFile, found: &FoundFrame) -> io::Result<(Group, Step)> {
    let header = &found.header;
    let mut payload = vec![0; header.payload_len()];
    let len = active.file.read_at(header.offset + FRAME_HEADER_LEN as u64, &mut payload)?;
    payload.truncate(len);
    let Ok(records) = RecordsPayload::decode(header, &payload) else {
        return Ok((Group::damaged(found.seqs(), Vec::new()), found.step(None)));
    };
    let next = found.step(Some(records.chain_after));
    let group = match verified(found, &payload, &records) {
        Some((hashes, chain)) => {
            let bodies = ranges(&records);
            let records = FrameRecords { payload, bodies, hashes, chain };
            Group::frame(header.first_seq.0, records)
        }
        None => {
            let ids = records.records.iter().map(|record| audit_id_of(record.body)).collect();
            Group::damaged(found.seqs(), ids)
        }
    };
    Ok((group, next))
}

/// The bytes of the record at `seq` whatever they are worth, or of its whole frame.
pub(crate) fn raw(active: &ActiveFile, found: &FoundFrame, seq: u64) -> io::Result<Vec<u8>> {
    let header = &found.header;
    let mut payload = vec![0; header.payload_len()];
    let len = active.file.read_at(header.offset + FRAME_HEADER_LEN as u64, &mut payload)?;
    payload.truncate(len);
    let body = RecordsPayload::decode(header, &payload).ok().and_then(|records| {
        let index = usize::try_from(seq.checked_sub(header.first_seq.0)?).ok()?;
        records.records.get(index).map(|record| record.body.to_vec())
    });
    Ok(body.unwrap_or(payload))
}

type Hashes = (Vec<RecordHash>, Vec<ChainHash>);

fn verified(found: &FoundFrame, payload: &[u8], records: &RecordsPayload<'_>) -> Option<Hashes> {
    if !RecordsPayload::crc_holds(&found.header, payload) {
        return None;
    }
    let mut chain_hash = found.chain?;
    let bodies: Vec<&[u8]> = records.records.iter().map(|record| record.body).collect();
    let hashes = record_hashes(&bodies);
    let mut chain = Vec::with_capacity(hashes.len());
    for (record, hash) in records.records.iter().zip(&hashes) {
        if record.locator != locator(hash) {
            return None;
        }
        chain_hash = chain_next(&chain_hash, hash);
        chain.push(chain_hash);
    }
    (chain_hash == records.chain_after).then_some((hashes, chain))
}

/// Where the bodies lie in the payload.
fn ranges(records: &RecordsPayload<'_>) -> Vec<Range<usize>> {
    let mut at = 0;
    let bodies = records.records.iter().map(|record| {
        let start = at + RECORD_PREFIX_LEN;
        at = start + record.body.len();
        start..at
    });
    bodies.collect()
}

/// The frames of an island as a run that can be read from many places, and the chain hash behind
/// it.
///
/// `chain` is the chain hash before it: known where the bad bytes held no record.
pub(crate) fn run_of(
    file: &Arc<dyn StorageFile>,
    header: &ActiveHeader,
    island: &Island,
    chain: Option<ChainHash>,
) -> io::Result<(Run, Option<ChainHash>)> {
    let mut window = Window::new(&**file, island.end);
    let first = Step { offset: island.offset, next_seq: island.first_seq.0, chain };
    let mut steps = vec![first];
    let mut at = first;
    let mut last = island.offset;
    while let Some(frame) = window.frame(header, &at)? {
        at.offset += frame.frame_len();
        at.next_seq = frame.end_seq().0;
        if at.offset >= last + STEP_DISTANCE && at.offset < island.end {
            at.chain = window.chain(at.offset - ChainHash::LEN as u64)?;
            steps.push(at);
            last = at.offset;
        }
    }
    let behind = window.chain(at.offset.saturating_sub(ChainHash::LEN as u64))?;
    Ok((Run { steps, end_seq: at.next_seq, end_offset: at.offset }, behind))
}

/// A moving part of a file in memory.
struct Window<'a> {
    file: &'a dyn StorageFile,
    end: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    fn new(file: &'a dyn StorageFile, end: u64) -> Self {
        Self { file, end, start: 0, bytes: Vec::new() }
    }

    /// `len` bytes at `offset`; `None` where they don't lie before the end.
    fn get(&mut self, offset: u64, len: usize) -> io::Result<Option<&[u8]>> {
        let Some(room) = self.end.checked_sub(offset).filter(|room| *room >= len as u64) else {
            return Ok(None);
        };
        let held = self.start + self.bytes.len() as u64;
        if offset < self.start || offset + len as u64 > held {
            let want = usize::try_from(room).unwrap_or(AHEAD).min(AHEAD.max(len));
            self.bytes.resize(want, 0);
            let read = self.file.read_at(offset, &mut self.bytes)?;
            self.bytes.truncate(read);
            self.start = offset;
        }
        let at = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        Ok(self.bytes.get(at..).and_then(|rest| rest.get(..len)))
    }

    /// The header of the frame at a place, if it belongs there.
    fn frame(&mut self, file: &ActiveHeader, at: &Step) -> io::Result<Option<FrameHeader>> {
        let end = self.end;
        let Some(bytes) = self.get(at.offset, FRAME_HEADER_LEN)? else { return Ok(None) };
        Ok(FrameHeader::decode(bytes).ok().filter(|frame| {
            frame.file_tag == file.file_tag
                && frame.offset == at.offset
                && frame.first_seq.0 == at.next_seq
                && at.offset + frame.frame_len() <= end
        }))
    }

    fn chain(&mut self, offset: u64) -> io::Result<Option<ChainHash>> {
        let bytes = self.get(offset, ChainHash::LEN)?;
        Ok(bytes.and_then(|bytes| bytes.try_into().ok()).map(ChainHash))
    }
}

/// Bytes shown of a place that can't be walked.
const RAW_LEN_MAX: u64 = 1 << 20;

/// What stands where a seq was lost: from the last good place before it to the next one behind.
pub(crate) fn raw_lost(active: &ActiveFile, seq: u64) -> io::Result<Vec<u8>> {
    let (start, end) = active.lost_bytes(seq);
    let len = end.saturating_sub(start).min(RAW_LEN_MAX);
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    let read = active.file.read_at(start, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}
