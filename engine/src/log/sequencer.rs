//! The one serial step: seqs, the hash chain, and frames in the buffer of the open commit.
//!
//! Invariant: what is sequenced here is contiguous and in the order of the places; nothing of it is
//! visible or acknowledged before its commit was synced. Everything above `durable` can be taken
//! back as a whole when a commit finds no space. Runs under the sequencer's lock; does no I/O
//! except reading a record that a repeated id names.

use std::collections::VecDeque;
use std::sync::Arc;

use super::batch::EncodedBatch;
use super::dedup::{self, Found};
use super::error::AppendError;
use super::framed::{Answer, Commit, InFlight, Sequenced};
use super::handle::Appended;
use super::intake::Slot;
use crate::format::{ActiveHeader, FRAME_HEADER_LEN, FrameHeader, FrameKind};
use crate::index::ids::RecentIds;
use crate::proof::chain_next;
use crate::record::Timestamp;
use crate::segment::ScanPosition;
use crate::types::ChainHash;

/// Where the next frame goes.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    /// Header of the active file.
    pub(crate) file: ActiveHeader,
    /// Place, seq, chain and commit number there.
    pub(crate) at: ScanPosition,
    /// UTC day of the file's records, days since 1970; `None` while it has none.
    pub(crate) day: Option<i64>,
}

/// Batches without new records that wait for the record that they repeat.
struct Repeat {
    slot: Arc<Slot>,
    until: u64,
    answer: Appended,
}

/// State of the serial step.
pub(crate) struct Sequencer {
    pub(crate) cursor: Cursor,
    /// State of the last durable commit.
    pub(crate) durable: Cursor,
    pub(crate) recent: RecentIds,
    /// Whether somebody writes commits.
    pub(crate) leading: bool,
    /// Commits that wait to be written, the last one open.
    waiting: VecDeque<Commit>,
    /// Sequenced, not yet durable.
    in_flight: VecDeque<(Arc<Slot>, Arc<Sequenced>)>,
    repeats: Vec<Repeat>,
    segment_len_max: u64,
}

/// What a commit gave.
pub(crate) type Answers = Vec<(Arc<Slot>, Result<Answer, AppendError>)>;

impl Sequencer {
    pub(crate) fn new(cursor: Cursor, recent: RecentIds, segment_len_max: u64) -> Self {
        Self {
            durable: cursor.clone(),
            cursor,
            recent,
            leading: false,
            waiting: VecDeque::new(),
            in_flight: VecDeque::new(),
            repeats: Vec::new(),
            segment_len_max,
        }
    }

    /// Gives a batch its seqs, or answers it at once.
    pub(crate) fn sequence(
        &mut self,
        slot: Arc<Slot>,
        batch: Box<EncodedBatch>,
        seen: &mut dedup::Lookup<'_>,
        file_tag: impl FnOnce() -> u64,
    ) -> Option<(Arc<Slot>, Result<Answer, AppendError>)> {
        let found = match seen.resolve(self, &batch) {
            Ok(found) => found,
            Err(error) => return Some((slot, Err(error))),
        };
        let new = found.new_of(batch.records.len());
        if new.is_empty() {
            return self.answer_repeat(slot, &batch, &found);
        }
        let payload_len = self.payload_len(&batch, &new);
        self.place(payload_len, &batch, file_tag);
        let first_seq = self.cursor.at.next_seq.0;
        for (seq, i) in (first_seq..).zip(&new) {
            if let Some(record) = batch.records.get(*i) {
                self.recent.insert(record.fingerprint, seq);
            }
        }
        let (chain, crc) = self.chain(&batch, &new);
        let chain_after = chain.last().copied().unwrap_or(self.cursor.at.chain);
        let header =
            self.header(FrameKind::Records, new.len(), payload_len, crc).at(batch.received_at);
        let sequenced = Arc::new(Sequenced { batch, first_seq, new, chain, found });
        self.push_frame(header, chain_after, Some(Arc::clone(&sequenced)));
        if let Some(commit) = self.waiting.back_mut() {
            commit.slots.push(Arc::clone(&slot));
        }
        self.in_flight.push_back((slot, sequenced));
        None
    }

    fn answer_repeat(
        &mut self,
        slot: Arc<Slot>,
        batch: &EncodedBatch,
        found: &Found,
    ) -> Option<(Arc<Slot>, Result<Answer, AppendError>)> {
        let answer = dedup::answer_repeats(batch, found);
        let until = answer.receipts.iter().map(|r| r.seq.0 + 1).max().unwrap_or(0);
        if until <= self.durable.at.next_seq.0 {
            return Some((slot, Ok(Answer::Repeats(answer))));
        }
        self.repeats.push(Repeat { slot, until, answer });
        None
    }

    fn payload_len(&self, batch: &EncodedBatch, new: &[usize]) -> usize {
        let records: usize =
            new.iter().filter_map(|i| batch.records.get(*i)).map(|r| batch.framed(r).len()).sum();
        records + ChainHash::LEN
    }

    /// Makes sure that the last waiting commit is one that this frame may join.
    fn place(&mut self, payload_len: usize, batch: &EncodedBatch, file_tag: impl FnOnce() -> u64) {
        let day = day_of(batch.received_at);
        let len = (FRAME_HEADER_LEN + payload_len) as u64;
        let full = self.cursor.at.offset + len > self.segment_len_max;
        if self.cursor.day.is_some_and(|current| full || day > current) {
            self.roll(file_tag());
        } else if self.waiting.is_empty() {
            self.begin_commit(None);
        }
        self.cursor.day.get_or_insert(day);
    }

    /// Begins a new active file with the next commit.
    pub(crate) fn roll(&mut self, file_tag: u64) {
        let header = ActiveHeader {
            first_seq: self.cursor.at.next_seq,
            file_tag,
            identity_sha256: self.cursor.file.identity_sha256,
            chain_before: self.cursor.at.chain,
            first_commit: self.cursor.at.commit + 1,
        };
        let received_at = self.cursor.at.received_at;
        self.cursor.at = ScanPosition { received_at, ..ScanPosition::start(&header) };
        self.cursor.file = header.clone();
        self.cursor.day = None;
        self.begin_commit(Some(header));
    }

    fn begin_commit(&mut self, begins: Option<ActiveHeader>) {
        // A commit that begins a file has the number that the file's header states.
        if begins.is_none() {
            self.cursor.at.commit += 1;
        }
        // Whatever was sequenced before this commit is durable when it is written.
        self.cursor.at.durable_seq = self.cursor.at.next_seq;
        self.waiting.push_back(Commit::new(begins, &self.cursor));
    }

    /// Chain hashes after the new records of a batch, and the CRC of their frame's payload.
    fn chain(&self, batch: &EncodedBatch, new: &[usize]) -> (Vec<ChainHash>, u32) {
        let mut last = self.cursor.at.chain;
        let mut chain = Vec::with_capacity(new.len());
        let records = || new.iter().filter_map(|i| batch.records.get(*i));
        for record in records() {
            last = chain_next(&last, &record.hash);
            chain.push(last);
        }
        let mut crc = if new.len() == batch.records.len() {
            batch.crc.clone()
        } else {
            let mut crc = crc32fast::Hasher::new();
            records().for_each(|record| crc.update(batch.framed(record)));
            crc
        };
        crc.update(&last.0);
        (chain, crc.finalize())
    }

    /// A frame without records in a commit of its own; `None` while commits wait.
    pub(crate) fn add_mark(&mut self, kind: FrameKind, received_at: i64) -> Option<()> {
        if !self.waiting.is_empty() || self.leading {
            return None;
        }
        self.begin_commit(None);
        let chain = self.cursor.at.chain;
        let header = self
            .header(kind, 0, ChainHash::LEN, crc32fast::hash(&chain.0))
            .at(received_at.max(self.cursor.at.received_at));
        self.push_frame(header, chain, None);
        Some(())
    }

    fn header(&self, kind: FrameKind, records: usize, payload_len: usize, crc: u32) -> FrameHeader {
        let len = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        FrameHeader {
            kind,
            commit: self.cursor.at.commit,
            durable_seq: self.cursor.at.durable_seq,
            first_seq: self.cursor.at.next_seq,
            record_count: len(records),
            payload_len: len(payload_len),
            file_tag: self.cursor.file.file_tag,
            offset: self.cursor.at.offset,
            received_at: 0,
            payload_crc: crc,
        }
    }

    fn push_frame(
        &mut self,
        header: FrameHeader,
        chain_after: ChainHash,
        batch: Option<Arc<Sequenced>>,
    ) {
        let Some(commit) = self.waiting.back_mut() else { return };
        let begins = self.cursor.at;
        let at = &mut self.cursor.at;
        at.offset += header.frame_len();
        at.next_seq = header.end_seq();
        at.chain = chain_after;
        at.received_at = header.received_at;
        commit.push(begins, header, chain_after, batch);
        commit.end = self.cursor.clone();
    }

    /// Whether a commit waits to be written.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether the last durable frame says less than what is durable.
    pub(crate) fn wants_mark(&self) -> bool {
        self.durable.at.durable_seq < self.durable.at.next_seq
    }

    /// Takes the next commit to be written.
    pub(crate) fn next_commit(&mut self) -> Option<Commit> {
        self.waiting.pop_front()
    }

    /// Notes that a commit is durable; returns who is to be answered.
    pub(crate) fn committed(&mut self, commit: &Commit) -> Answers {
        self.durable = commit.end.clone();
        let size = self.durable.at.next_seq.0;
        let done = self.in_flight.drain(..commit.slots.len().min(self.in_flight.len()));
        let mut answers: Answers =
            done.map(|(slot, batch)| (slot, Ok(Answer::Durable(batch)))).collect();
        if !self.repeats.is_empty() {
            let repeats = std::mem::take(&mut self.repeats);
            let (done, rest): (Vec<_>, Vec<_>) = repeats.into_iter().partition(|r| r.until <= size);
            self.repeats = rest;
            answers.extend(done.into_iter().map(|r| (r.slot, Ok(Answer::Repeats(r.answer)))));
        }
        answers
    }

    /// The caller that leads the next commit; `None` where none waits.
    pub(crate) fn next_leader(&self) -> Option<Arc<Slot>> {
        self.waiting.iter().flat_map(|commit| &commit.slots).next().map(Arc::clone)
    }

    /// Takes back everything that is not durable and refuses its callers.
    pub(crate) fn take_back(
        &mut self,
        failed: Commit,
        file_begun: bool,
        error: &AppendError,
    ) -> Answers {
        if let Some(header) = failed.begins.clone().filter(|_| file_begun) {
            self.durable = Cursor { at: ScanPosition::start(&header), file: header, day: None };
        }
        let mut answers = Answers::new();
        for commit in std::iter::once(failed).chain(std::mem::take(&mut self.waiting)) {
            answers.extend(commit.slots.into_iter().map(|slot| (slot, Err(error.clone()))));
        }
        for repeat in std::mem::take(&mut self.repeats) {
            answers.push((repeat.slot, Err(error.clone())));
        }
        self.in_flight.clear();
        self.recent.remove_from(self.durable.at.next_seq.0);
        let received_at = self.cursor.at.received_at;
        self.cursor = self.durable.clone();
        // Times never fall, not even behind what was taken back.
        self.cursor.at.received_at = received_at.max(self.cursor.at.received_at);
        answers
    }

    /// Gives up everything that is not durable: who led is gone. Nothing may be sequenced after it.
    pub(crate) fn abandon(&mut self, error: &AppendError) -> Answers {
        self.leading = false;
        self.waiting.clear();
        let repeats = std::mem::take(&mut self.repeats).into_iter().map(|repeat| repeat.slot);
        let batches = self.in_flight.drain(..).map(|(slot, _)| slot);
        batches.chain(repeats).map(|slot| (slot, Err(error.clone()))).collect()
    }

    /// A record that is sequenced but not yet durable.
    pub(crate) fn in_flight(&self, seq: u64) -> Option<InFlight<'_>> {
        let (_, batch) = self.in_flight.iter().rev().find(|(_, b)| b.first_seq <= seq)?;
        batch.in_flight(seq)
    }
}

impl FrameHeader {
    fn at(mut self, received_at: i64) -> Self {
        self.received_at = received_at;
        self
    }
}

/// UTC day of a time in microseconds since 1970.
pub(crate) fn day_of(micros: i64) -> i64 {
    Timestamp::from_unix_micros(micros).map_or(0, Timestamp::unix_day)
}
