//! One commit: the frames of one write and one sync, and who waits for them.
//!
//! Invariant: frames follow each other without gaps from `offset` on, and `len` is the length of
//! what [`Commit::assemble`] writes. Payloads are shared with the batches until they are written:
//! the serial step copies nothing.

use std::sync::Arc;

use super::batch::EncodedBatch;
use super::dedup::{self, Found};
use super::handle::{Appended, Receipt};
use super::intake::Slot;
use super::room::Room;
use super::sequencer::Cursor;
use crate::format::{ActiveHeader, FrameHeader};
use crate::segment::ScanPosition;
use crate::types::{ChainHash, RecordHash, Seq};

/// One write and one sync.
pub(crate) struct Commit {
    /// The active file that it begins.
    pub(crate) begins: Option<ActiveHeader>,
    /// Where its bytes go.
    pub(crate) offset: u64,
    /// How many bytes it has.
    pub(crate) len: u64,
    /// Where its frames begin.
    pub(crate) positions: Vec<ScanPosition>,
    /// State once it is durable.
    pub(crate) end: Cursor,
    frames: Vec<Frame>,
    /// Who waits for it.
    pub(crate) slots: Vec<Arc<Slot>>,
}

struct Frame {
    header: FrameHeader,
    chain_after: ChainHash,
    /// `None` for a frame without records.
    batch: Option<Arc<Sequenced>>,
}

impl Commit {
    pub(crate) fn new(begins: Option<ActiveHeader>, end: &Cursor) -> Self {
        Self {
            begins,
            offset: end.at.offset,
            len: 0,
            positions: Vec::new(),
            end: end.clone(),
            frames: Vec::new(),
            slots: Vec::new(),
        }
    }

    /// Adds a frame that begins at a position; `batch` has its records.
    pub(crate) fn push(
        &mut self,
        at: ScanPosition,
        header: FrameHeader,
        chain_after: ChainHash,
        batch: Option<Arc<Sequenced>>,
    ) {
        self.positions.push(at);
        self.len += header.frame_len();
        self.frames.push(Frame { header, chain_after, batch });
    }

    /// Appends the bytes of its frames.
    pub(crate) fn assemble(&self, out: &mut Vec<u8>) {
        for frame in &self.frames {
            frame.header.encode_into(out);
            if let Some(batch) = &frame.batch {
                batch.append_framed(out);
            }
            out.extend_from_slice(&frame.chain_after.0);
        }
    }

    /// Its new records.
    pub(crate) fn record_count(&self) -> u64 {
        self.frames.iter().map(|frame| u64::from(frame.header.record_count)).sum()
    }

    /// Hashes of its new records, in order.
    pub(crate) fn hashes(&self) -> impl Iterator<Item = RecordHash> {
        self.batches().flat_map(|batch| batch.records().map(|record| record.hash))
    }

    /// How far into the free space it may go: one ordinary batch holds all of it back.
    pub(crate) fn room(&self) -> Room {
        let own = |batch: &Arc<Sequenced>| batch.batch.room == Room::Reserve;
        let all_own = !self.slots.is_empty() && self.batches().all(own);
        if all_own { Room::Reserve } else { Room::Ordinary }
    }

    /// The batches that it makes durable, one for each of [`Self::slots`].
    pub(crate) fn batches(&self) -> impl Iterator<Item = &Arc<Sequenced>> {
        self.frames.iter().filter_map(|frame| frame.batch.as_ref())
    }
}

/// A batch with seqs.
pub(crate) struct Sequenced {
    pub(crate) batch: Box<EncodedBatch>,
    /// Seq of the first new record.
    pub(crate) first_seq: u64,
    /// Positions in the batch of the new records, in seq order.
    pub(crate) new: Vec<usize>,
    /// Chain hash after each new record.
    pub(crate) chain: Vec<ChainHash>,
    /// What its other records are.
    pub(crate) found: Found,
}

impl Sequenced {
    /// The new records, in seq order.
    fn records(&self) -> impl Iterator<Item = &super::batch::EncodedRecord> {
        self.new.iter().filter_map(|i| self.batch.records.get(*i))
    }

    /// Appends prefix and body of each new record.
    fn append_framed(&self, out: &mut Vec<u8>) {
        if self.new.len() == self.batch.records.len() {
            out.extend_from_slice(&self.batch.payload);
        } else {
            self.records().for_each(|record| out.extend_from_slice(self.batch.framed(record)));
        }
    }

    /// The receipt of the `n`th new record.
    pub(crate) fn receipt(&self, n: usize) -> Option<Receipt> {
        let record = self.batch.records.get(*self.new.get(n)?)?;
        Some(Receipt {
            audit_id: record.audit_id,
            seq: Seq(self.first_seq + n as u64),
            hash: record.hash,
            chain_hash: *self.chain.get(n)?,
            duplicate: false,
        })
    }

    /// A record of it that is not durable yet.
    pub(crate) fn in_flight(&self, seq: u64) -> Option<InFlight<'_>> {
        let place = usize::try_from(seq.checked_sub(self.first_seq)?).ok()?;
        let record = self.batch.records.get(*self.new.get(place)?)?;
        Some(InFlight {
            body: self.batch.body(record),
            hash: record.hash,
            chain_hash: *self.chain.get(place)?,
            producer: self.batch.producer_name(),
        })
    }
}

/// A record in memory.
pub(crate) struct InFlight<'a> {
    pub(crate) body: &'a [u8],
    pub(crate) hash: RecordHash,
    pub(crate) chain_hash: ChainHash,
    pub(crate) producer: Option<&'a str>,
}

/// What a caller is answered; receipts are made in its own thread.
pub(crate) enum Answer {
    /// Every record was in the log before.
    Repeats(Appended),
    /// The batch is durable.
    Durable(Arc<Sequenced>),
}

impl Answer {
    pub(crate) fn appended(self) -> Appended {
        match self {
            Self::Repeats(appended) => appended,
            Self::Durable(batch) => dedup::answer(&batch),
        }
    }
}
