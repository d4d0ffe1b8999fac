//! An active file: its header, its frames in order, and what stands behind the last of them.
//!
//! Invariant: damage below the durable end is a finding; what stands behind it is a notice, unless
//! it can be shown that it was once whole. Frames are judged by their content, not by what they
//! claim.
//! Knows nothing about other files but the seq and the chain hash in front of this one.

use std::sync::Arc;

use super::frames::{FrameJob, FramesJob};
use super::group::Before;
use super::report::{Collector, Finding, FindingKind, NoticeKind};
use super::unit::Shared;
use super::walk::{AtPlace, Place, Walk, chain_holds};
use crate::format::{
    ACTIVE_HEADER_LEN, ActiveHeader, FRAME_HEADER_LEN, FrameHeader, FrameKind, RECORD_PREFIX_LEN,
    RecordsPayload, locator,
};
use crate::proof::record_hash;
use crate::segment::ByteSource;
use crate::types::{Seq, counted};

/// Payload bytes that make a unit of work.
const UNIT_LEN: usize = 256 << 10;
const UNIT_FRAMES_MAX: usize = 512;

/// An active file that is opened.
pub(super) struct Active<'a> {
    path: Arc<str>,
    shared: Arc<Shared>,
    walk: Walk<'a>,
    place: Place,
    before: Before,
    /// Whether the next frame must follow the one before in everything.
    follows: bool,
    frames: Vec<FrameJob>,
    unit_first: u64,
    unit_before: Before,
    unit_len: usize,
    closed: bool,
    done: bool,
    moved: u64,
    /// Seqs that a later frame may still bring.
    skipped: Option<(u64, u64)>,
    /// Everything below it was durable: checkpoints cover it, or the next file begins there.
    covered: u64,
    /// Largest durable seq that any frame states.
    pub(super) durable: u64,
}

/// What the walk does next.
enum Step {
    Unit(FramesJob),
    More,
    End,
}

impl<'a> Active<'a> {
    /// Starts behind the header. `covered` is the size below which everything was durable.
    pub(super) fn new(
        path: &str,
        source: &'a dyn ByteSource,
        header: &ActiveHeader,
        before: Before,
        shared: Arc<Shared>,
        covered: u64,
    ) -> Self {
        let first = header.first_seq.0;
        let place = Place {
            offset: ACTIVE_HEADER_LEN as u64,
            next_seq: first,
            commit: header.first_commit,
            durable: first,
            received: i64::MIN,
        };
        Self {
            path: path.into(),
            shared,
            walk: Walk::new(source, header.file_tag),
            place,
            before,
            follows: true,
            frames: Vec::new(),
            unit_first: first,
            unit_before: before,
            unit_len: 0,
            closed: false,
            done: false,
            moved: 0,
            skipped: None,
            covered,
            durable: first,
        }
    }

    /// Seq behind the last record.
    pub(super) fn end(&self) -> u64 {
        self.place.next_seq
    }

    /// Chain hash behind the last record, as stored.
    pub(super) fn chain(&self) -> Before {
        self.before
    }

    /// Whether the last frame is a close frame.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// The next unit of work; `None` at the end.
    pub(super) fn next_unit(&mut self, found: &mut Collector) -> Option<FramesJob> {
        while !self.done {
            match self.step(found) {
                Step::Unit(job) => return Some(job),
                Step::More => {}
                Step::End => {
                    self.done = true;
                    if let Some((from, to)) = self.skipped.take() {
                        let what = "the records between two frames are not there";
                        self.find(FindingKind::Removed, from, to, what, found);
                    }
                    return self.flush();
                }
            }
        }
        None
    }

    fn find(&self, kind: FindingKind, first: u64, end: u64, what: &str, found: &mut Collector) {
        found.find(Finding::range(kind, first, end.max(first + 1), what).in_file(&self.path));
    }

    fn step(&mut self, found: &mut Collector) -> Step {
        match self.walk.look(&self.place, self.before) {
            AtPlace::Frame(header, payload) => self.frame(header, payload, false, found),
            AtPlace::OneByte(header, payload, at, byte) => {
                let end = self.place.offset + header.frame_len();
                let outer = at == self.place.offset || at + 1 == end;
                // A mark holds nothing that could be covered.
                let open = header.record_count == 0 || header.end_seq().0 > self.covered;
                if outer && byte == 0 && open {
                    // The first or the last byte, alone in its sector, may be what a torn write
                    // left out.
                    return self.tail(found);
                }
                let (first, end) = self.one_byte(&header, &payload, at);
                let what = format!("byte {at} of the file was changed after it was written");
                self.find(FindingKind::Corrupt, first, end, &what, found);
                self.frame(header, payload, true, found)
            }
            AtPlace::Damaged(header, payload) => self.damaged(header, payload, found),
            AtPlace::Nothing => self.tail(found),
        }
    }

    /// The record in which a byte of a frame lies; the whole frame where it lies in none.
    fn one_byte(&self, header: &FrameHeader, payload: &[u8], at: u64) -> (u64, u64) {
        let (first, end) = (header.first_seq.0, header.end_seq().0);
        let begin = self.place.offset + FRAME_HEADER_LEN as u64;
        let Ok(records) = RecordsPayload::decode(header, payload) else { return (first, end) };
        let mut behind = begin;
        for (record, seq) in records.records.iter().zip(first..) {
            behind += (RECORD_PREFIX_LEN + record.body.len()) as u64;
            if at >= begin && at < behind {
                return (seq, seq + 1);
            }
        }
        (first, end)
    }

    /// A frame with its checksums: is it the one that comes next?
    fn frame(
        &mut self,
        header: FrameHeader,
        payload: Vec<u8>,
        quiet: bool,
        found: &mut Collector,
    ) -> Step {
        let (first, end) = (header.first_seq.0, header.end_seq().0);
        let mut quiet = quiet;
        let moved = self.place.offset.wrapping_sub(header.offset);
        if moved != self.moved && first == self.place.next_seq && !quiet {
            let what = "a frame is not at the place that it was written to";
            self.find(FindingKind::Changed, first, end, what, found);
            quiet = true;
        }
        self.moved = moved;
        if first < self.place.next_seq {
            return self.earlier(&header, found);
        }
        if first > self.place.next_seq {
            let unit = self.flush();
            self.skipped.get_or_insert((self.place.next_seq, first));
            self.place.next_seq = first;
            self.before = match self.before {
                Before::Known(hash) | Before::Claimed(hash) => Before::Claimed(hash),
                Before::Unknown => Before::Unknown,
            };
            (self.unit_first, self.unit_before) = (first, self.before);
            self.place.received = i64::MIN;
            self.follows = false;
            if let Some(unit) = unit {
                return Step::Unit(unit);
            }
        } else if self.follows && !self.place.follows(&header) && !quiet {
            let what = "the frame's commit, durable seq or time does not follow the frame before";
            self.find(FindingKind::Changed, first, end, what, found);
        }
        self.follows = true;
        self.take(header, payload, quiet)
    }

    /// A frame whose records were there already, or were skipped before.
    fn earlier(&mut self, header: &FrameHeader, found: &mut Collector) -> Step {
        let (first, end) = (header.first_seq.0, header.end_seq().0);
        match self.skipped {
            Some((from, to)) if first >= from && end <= to => {
                self.skipped = None;
                let what = "frames stand in another order than they were written in";
                self.find(FindingKind::Reordered, first, self.place.next_seq, what, found);
            }
            _ => {
                let what = "a frame repeats records that stand before it";
                self.find(FindingKind::Inserted, first, end, what, found);
            }
        }
        self.place.offset = self.place.offset.saturating_add(header.frame_len());
        Step::More
    }

    fn take(&mut self, header: FrameHeader, payload: Vec<u8>, quiet: bool) -> Step {
        let count = u64::from(header.record_count);
        let next = self.walk.header_behind(self.place.offset, &header);
        let due = next
            .and_then(|next| next.first_seq.0.checked_sub(header.first_seq.0))
            .filter(|due| *due > count && *due - count <= 64 && count > 0)
            // A whole frame in front of a gap: the gap is between the two.
            .filter(|_| !chain_holds(&header, &payload, self.before))
            .unwrap_or(count);
        self.before = match RecordsPayload::decode(&header, &payload) {
            Ok(records) => Before::Known(records.chain_after),
            Err(_) => Before::Unknown,
        };
        if due > count
            && let Before::Known(hash) = self.before
        {
            self.before = Before::Claimed(hash);
            self.follows = false;
        }
        self.durable = self.durable.max(header.durable_seq.0);
        self.closed = header.kind == FrameKind::Close;
        if self.closed {
            self.durable = self.durable.max(header.end_seq().0);
        }
        self.place.pass(&header);
        self.place.next_seq = header.first_seq.0 + due;
        self.unit_len += payload.len();
        self.frames.push(FrameJob { header, payload, due, quiet });
        if self.unit_len >= UNIT_LEN || self.frames.len() >= UNIT_FRAMES_MAX {
            return self.flush().map_or(Step::More, Step::Unit);
        }
        Step::More
    }

    fn flush(&mut self) -> Option<FramesJob> {
        let frames = std::mem::take(&mut self.frames);
        let bytes = frames.iter().map(|frame| frame.header.frame_len()).sum();
        let job = FramesJob {
            shared: Arc::clone(&self.shared),
            path: Arc::clone(&self.path),
            first: self.unit_first,
            end: self.place.next_seq,
            before: self.unit_before,
            frames,
            bytes,
        };
        (self.unit_first, self.unit_before) = (self.place.next_seq, self.before);
        self.unit_len = 0;
        (!job.frames.is_empty()).then_some(job)
    }

    /// A sound header in front of a damaged payload.
    fn damaged(&mut self, header: FrameHeader, payload: Vec<u8>, found: &mut Collector) -> Step {
        let (first, end) = (header.first_seq.0, header.end_seq().0);
        if first != self.place.next_seq {
            return self.tail(found);
        }
        let behind = self.place.offset.saturating_add(header.frame_len());
        let later = self.later(behind, header.commit);
        if !later && self.covered.max(self.durable) <= first {
            return self.tail(found);
        }
        let records = RecordsPayload::decode(&header, &payload);
        let bad: Vec<u64> = records.as_ref().map_or_else(
            |_| Vec::new(),
            |payload| {
                let pairs = payload.records.iter().zip(first..);
                let bad = pairs.filter(|(r, _)| locator(&record_hash(r.body)) != r.locator);
                bad.map(|(_, seq)| seq).collect()
            },
        );
        let (from, to) = match (bad.first(), bad.last()) {
            (Some(from), Some(to)) => (*from, *to + 1),
            _ => (first, end),
        };
        self.find(FindingKind::Corrupt, from, to, "the frame's bytes are damaged", found);
        let chain = records.map(|records| records.chain_after);
        let step = self.take(header, payload, true);
        self.before = chain.map_or(Before::Unknown, Before::Claimed);
        match step {
            Step::More => match self.flush() {
                Some(job) => Step::Unit(job),
                None => Step::More,
            },
            step => {
                self.unit_before = self.before;
                step
            }
        }
    }

    /// Whether a frame of a later commit stands behind `offset`, or one that says more was durable.
    fn later(&mut self, offset: u64, commit: u64) -> bool {
        let mut at = offset;
        while let Some((place, frame)) = self.walk.search(at) {
            if frame.commit > commit || frame.durable_seq.0 > self.place.next_seq {
                return true;
            }
            at = place + frame.frame_len();
        }
        false
    }

    /// No frame stands here: is this the end, a torn write, or damage?
    fn tail(&mut self, found: &mut Collector) -> Step {
        let offset = self.place.offset;
        let Some(last) = self.walk.last_nonzero(offset) else { return Step::End };
        // A frame that a live writer finished meanwhile is no damage.
        if let AtPlace::Frame(header, payload) = self.walk.look(&self.place, self.before)
            && header.first_seq.0 == self.place.next_seq
        {
            return self.frame(header, payload, false, found);
        }
        let durable = self.covered.max(self.durable);
        let mut at = offset + 1;
        while let Some((place, frame)) = self.walk.search(at) {
            let later = frame.commit >= self.place.commit + 2
                || frame.durable_seq.0 > self.place.next_seq
                || durable > self.place.next_seq;
            if later && frame.first_seq.0 >= self.place.next_seq {
                return self.resync(place, &frame, found);
            }
            at = place + frame.frame_len();
        }
        if durable > self.place.next_seq {
            let first = self.place.next_seq;
            let what = "the file is damaged where durable records belong";
            self.find(FindingKind::Corrupt, first, durable.min(first + (1 << 40)), what, found);
        } else {
            self.torn(last - offset, found);
        }
        Step::End
    }

    fn torn(&self, bytes: u64, found: &mut Collector) {
        let message = format!(
            "{}: behind the last frame stand {} of no write that was acknowledged",
            self.path,
            counted(bytes, "byte")
        );
        found.notice_at(NoticeKind::Torn, Some(Seq(self.place.next_seq)), message);
    }

    /// Goes on at a frame behind damage.
    fn resync(&mut self, offset: u64, frame: &FrameHeader, found: &mut Collector) -> Step {
        let unit = self.flush();
        let (from, to) = (self.place.next_seq, frame.first_seq.0);
        let what = if from == to {
            "the file is damaged in front of this record"
        } else {
            "the file is damaged where these records belong"
        };
        self.find(FindingKind::Corrupt, from, to, what, found);
        self.place =
            Place { offset, next_seq: to, commit: frame.commit, durable: 0, received: i64::MIN };
        // A damaged mark holds no record: the chain hash in front of it still stands.
        self.before = match self.before {
            Before::Known(hash) | Before::Claimed(hash) if from == to => Before::Claimed(hash),
            _ => Before::Unknown,
        };
        (self.unit_first, self.unit_before) = (to, self.before);
        unit.map_or(Step::More, Step::Unit)
    }
}
