//! Scanning an active file: frames in order, then what stands behind the last valid one.
//!
//! Invariant: the scan reports what is there and decides nothing; it checks the CRC, place, file
//! and order of every frame but does not hash bodies. Behind the first bad byte it looks for
//! frames that are valid in their place, because those tell a torn tail from damage.

use std::io;

use memchr::memmem;

use super::source::ByteSource;
use crate::format::{
    ACTIVE_HEADER_LEN, ActiveHeader, FRAME_HEADER_LEN, FormatError, FrameHeader, FrameKind,
    RecordsPayload,
};
use crate::types::{ChainHash, Seq};

/// An active file that can't be scanned at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The medium failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The header is no header of an active file.
    #[error("{0}")]
    Header(#[from] FormatError),
}

/// A place from which the rest of an active file can be walked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScanPosition {
    /// Where the next frame begins.
    pub offset: u64,
    /// Seq of its first record.
    pub next_seq: Seq,
    /// Chain hash before it.
    pub chain: ChainHash,
    /// Number of the commit before it.
    pub commit: u64,
    /// Largest durable seq seen so far.
    pub durable_seq: Seq,
    /// Largest `received_at` seen so far, microseconds.
    pub received_at: i64,
}

impl ScanPosition {
    /// The position behind a file header.
    #[must_use]
    pub fn start(header: &ActiveHeader) -> Self {
        Self {
            offset: ACTIVE_HEADER_LEN as u64,
            next_seq: header.first_seq,
            chain: header.chain_before,
            commit: header.first_commit,
            durable_seq: header.first_seq,
            received_at: i64::MIN,
        }
    }

    /// Whether a frame may stand here.
    fn takes(&self, frame: &FrameHeader) -> bool {
        frame.first_seq == self.next_seq
            && frame.commit >= self.commit
            && frame.commit - self.commit <= 1
            && frame.durable_seq >= self.durable_seq
            && frame.received_at >= self.received_at
    }

    fn pass(&mut self, frame: &FrameHeader, chain_after: ChainHash) {
        self.offset += frame.frame_len();
        self.next_seq = frame.end_seq();
        self.chain = chain_after;
        self.commit = frame.commit;
        self.durable_seq = frame.durable_seq;
        self.received_at = frame.received_at;
    }
}

/// A run of valid frames behind bad bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Island {
    /// Where it begins.
    pub offset: u64,
    /// One behind its last byte.
    pub end: u64,
    /// Its records.
    pub first_seq: Seq,
    /// One behind its last record.
    pub end_seq: Seq,
    /// Commit of its first frame.
    pub first_commit: u64,
    /// Largest durable seq that its frames state.
    pub durable_seq: Seq,
}

/// What stands behind the last frame in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScanTail {
    /// End of file, or nothing but zeros.
    Clean,
    /// A close frame as the last one, then nothing but zeros.
    Closed,
    /// Something else, with the valid frames behind it.
    Bad {
        /// Valid runs behind the bad bytes.
        islands: Vec<Island>,
        /// One behind the last byte that is not zero.
        end: u64,
    },
}

/// Result of a scan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActiveScan {
    /// The file header.
    pub header: ActiveHeader,
    /// Behind the last frame in order.
    pub end: ScanPosition,
    /// Before the first frame of the last commit: everything before it was synced when that was
    /// written.
    pub before_last_commit: ScanPosition,
    /// What stands behind `end`.
    pub tail: ScanTail,
    /// Largest durable seq that any valid frame states, those behind bad bytes included.
    pub durable_seq: Seq,
}

/// Is shown every frame in order: its header, place and payload.
pub trait FrameVisitor {
    /// One valid frame, `at` being the position before it.
    fn frame(&mut self, at: &ScanPosition, header: &FrameHeader, payload: &RecordsPayload<'_>);
}

impl FrameVisitor for () {
    fn frame(&mut self, _: &ScanPosition, _: &FrameHeader, _: &RecordsPayload<'_>) {}
}

/// Scans a file from its start.
///
/// # Errors
/// [`ScanError`] where the medium fails or the file header is damaged.
pub fn scan_active<S: ByteSource + ?Sized>(
    source: &S,
    visitor: &mut dyn FrameVisitor,
) -> Result<ActiveScan, ScanError> {
    let header = match source.bytes(0, ACTIVE_HEADER_LEN) {
        Ok(bytes) => ActiveHeader::decode(&bytes)?,
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => ActiveHeader::decode(&[])?,
        Err(e) => return Err(e.into()),
    };
    let start = ScanPosition::start(&header);
    scan_from(source, header, start, visitor)
}

/// Scans on from a position that an earlier scan returned.
///
/// # Errors
/// As [`scan_active`].
pub fn scan_from<S: ByteSource + ?Sized>(
    source: &S,
    header: ActiveHeader,
    start: ScanPosition,
    visitor: &mut dyn FrameVisitor,
) -> Result<ActiveScan, ScanError> {
    let mut at = start;
    let mut before_last_commit = start;
    let mut closed = false;
    while let Some(frame) = frame_at(source, &header, at.offset)? {
        if !at.takes(&frame) {
            break;
        }
        let payload = source.bytes(at.offset + FRAME_HEADER_LEN as u64, frame.payload_len())?;
        let Ok(records) = RecordsPayload::decode(&frame, &payload) else { break };
        if !RecordsPayload::crc_holds(&frame, &payload) {
            break;
        }
        visitor.frame(&at, &frame, &records);
        if frame.commit > at.commit {
            before_last_commit = at;
        }
        closed = frame.kind == FrameKind::Close;
        at.pass(&frame, records.chain_after);
    }
    let (tail, beyond) = tail(source, &header, at.offset, closed)?;
    let durable_seq = beyond.max(at.durable_seq);
    let durable_seq = if closed { durable_seq.max(at.next_seq) } else { durable_seq };
    Ok(ActiveScan { header, end: at, before_last_commit, tail, durable_seq })
}

/// The frame header at an offset, if there is one that belongs there and whose payload is in the
/// file.
fn frame_at<S: ByteSource + ?Sized>(
    source: &S,
    header: &ActiveHeader,
    offset: u64,
) -> io::Result<Option<FrameHeader>> {
    if source.len().saturating_sub(offset) < FRAME_HEADER_LEN as u64 {
        return Ok(None);
    }
    let bytes = source.bytes(offset, FRAME_HEADER_LEN)?;
    Ok(FrameHeader::decode(&bytes).ok().filter(|frame| {
        frame.file_tag == header.file_tag
            && frame.offset == offset
            && offset + frame.frame_len() <= source.len()
    }))
}

const CHUNK: usize = 1 << 20;

fn tail<S: ByteSource + ?Sized>(
    source: &S,
    header: &ActiveHeader,
    offset: u64,
    closed: bool,
) -> io::Result<(ScanTail, Seq)> {
    let Some(end) = last_nonzero(source, offset)? else {
        let tail = if closed { ScanTail::Closed } else { ScanTail::Clean };
        return Ok((tail, Seq(0)));
    };
    let islands = islands(source, header, offset)?;
    let durable = islands.iter().map(|i| i.durable_seq).max().unwrap_or_default();
    Ok((ScanTail::Bad { islands, end }, durable))
}

/// One behind the last byte from `offset` on that is not zero.
fn last_nonzero<S: ByteSource + ?Sized>(source: &S, offset: u64) -> io::Result<Option<u64>> {
    let mut last = None;
    let mut at = offset;
    while at < source.len() {
        let len = CHUNK.min(usize::try_from(source.len() - at).unwrap_or(CHUNK));
        let bytes = source.bytes(at, len)?;
        last = bytes.iter().rposition(|b| *b != 0).map(|p| at + p as u64 + 1).or(last);
        at += len as u64;
    }
    Ok(last)
}

/// All runs of valid frames behind bad bytes at `offset`.
fn islands<S: ByteSource + ?Sized>(
    source: &S,
    header: &ActiveHeader,
    offset: u64,
) -> io::Result<Vec<Island>> {
    let mut islands: Vec<Island> = Vec::new();
    let mut at = offset;
    while let Some(found) = next_magic(source, at)? {
        let Some(frame) = valid_frame(source, header, found)? else {
            at = found + 1;
            continue;
        };
        at = found + frame.frame_len();
        match islands.last_mut().filter(|i| i.end == found && i.end_seq == frame.first_seq) {
            Some(island) => {
                island.end = at;
                island.end_seq = frame.end_seq();
                island.durable_seq = island.durable_seq.max(frame.durable_seq);
            }
            None => islands.push(Island {
                offset: found,
                end: at,
                first_seq: frame.first_seq,
                end_seq: frame.end_seq(),
                first_commit: frame.commit,
                durable_seq: frame.durable_seq,
            }),
        }
    }
    Ok(islands)
}

fn valid_frame<S: ByteSource + ?Sized>(
    source: &S,
    header: &ActiveHeader,
    offset: u64,
) -> io::Result<Option<FrameHeader>> {
    let Some(frame) = frame_at(source, header, offset)? else { return Ok(None) };
    let payload = source.bytes(offset + FRAME_HEADER_LEN as u64, frame.payload_len())?;
    let whole = RecordsPayload::crc_holds(&frame, &payload)
        && RecordsPayload::decode(&frame, &payload).is_ok();
    Ok(whole.then_some(frame))
}

/// Where the next frame magic stands, from `offset` on.
fn next_magic<S: ByteSource + ?Sized>(source: &S, offset: u64) -> io::Result<Option<u64>> {
    let mut at = offset;
    while source.len().saturating_sub(at) >= FRAME_HEADER_LEN as u64 {
        let len = CHUNK.min(usize::try_from(source.len() - at).unwrap_or(CHUNK));
        let bytes = source.bytes(at, len)?;
        if let Some(found) = memmem::find(&bytes, crate::format::FRAME_MAGIC) {
            return Ok(Some(at + found as u64));
        }
        // Chunks overlap, so that no magic is missed at their edge.
        at += (len - 3) as u64;
    }
    Ok(None)
}
