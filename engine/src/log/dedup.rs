//! Idempotency by (producer, audit_id), CONTRACT 1.9.
//!
//! Ids that a client gave are looked up in the merged runs by the caller's thread before the batch
//! is sequenced; in the serial step only what was sequenced since is looked at. A candidate is
//! compared by reading the record: the index may name too much, never too little.
//! Invariant: a batch is resolved as a whole before any of it is sequenced.

use std::collections::HashMap;
use std::sync::Arc;

use super::batch::{CheckedBatch, EncodedBatch, EncodedRecord};
use super::error::{AppendError, Conflict};
use super::framed::Sequenced;
use super::handle::{Appended, Receipt};
use super::sequencer::Sequencer;
use crate::index::ids::{Fingerprint, IdError, IdIndex, IdSnapshot, fingerprint};
use crate::record::{AuditId, Body, same_content};
use crate::types::{ChainHash, RecordHash, Seq};

/// What a record of a batch is that is not new.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Seen {
    /// The same record is in the log or on its way there.
    Before(Receipt),
    /// The same as an earlier record of this batch.
    InBatch(usize),
}

/// The records of a batch that are not new, by position, rising.
#[derive(Default)]
pub(crate) struct Found(Vec<(usize, Seen)>);

impl Found {
    /// Positions of the others, of a batch of `len` records.
    pub(crate) fn new_of(&self, len: usize) -> Vec<usize> {
        let mut known = self.0.iter().map(|(i, _)| *i).peekable();
        (0..len).filter(|i| known.next_if_eq(i).is_none()).collect()
    }
}

/// A record as the comparison needs it.
pub(crate) struct Stored {
    pub(crate) body: Vec<u8>,
    pub(crate) hash: RecordHash,
    pub(crate) chain_hash: ChainHash,
}

/// Reads a durable record. `Ok(None)`: erased.
pub(crate) type ReadStored<'a> = dyn Fn(u64) -> Result<Option<Stored>, String> + 'a;

/// Candidates of a batch from the runs, looked up before its turn.
pub(crate) struct Early {
    snapshot: Arc<IdSnapshot>,
    /// By position in the batch.
    candidates: Vec<(usize, Vec<u64>)>,
}

impl Early {
    /// Looks up the ids that the client gave.
    pub(crate) fn look_up(ids: &IdIndex, batch: &CheckedBatch) -> Result<Self, IdError> {
        let of = |id: AuditId| fingerprint(ids.key(), id.as_bytes());
        Self::of(ids.snapshot(), batch.records.audit_ids().map(|id| id.map(of)))
    }

    fn of(
        snapshot: Arc<IdSnapshot>,
        given: impl Iterator<Item = Option<Fingerprint>>,
    ) -> Result<Self, IdError> {
        let mut candidates = Vec::new();
        let mut seqs = Vec::new();
        for (i, fingerprint) in given.enumerate() {
            let Some(fingerprint) = fingerprint else { continue };
            snapshot.lookup(fingerprint, &mut seqs)?;
            if !seqs.is_empty() {
                candidates.push((i, std::mem::take(&mut seqs)));
            }
        }
        Ok(Self { snapshot, candidates })
    }
}

/// Resolves a batch in its turn.
pub(crate) struct Lookup<'a> {
    ids: &'a IdIndex,
    early: Early,
    read: &'a ReadStored<'a>,
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(ids: &'a IdIndex, early: Early, read: &'a ReadStored<'a>) -> Self {
        Self { ids, early, read }
    }

    /// Which records are not new.
    pub(crate) fn resolve(
        &mut self,
        sequencer: &Sequencer,
        batch: &EncodedBatch,
    ) -> Result<Found, AppendError> {
        let mut seen = Found::default();
        if !batch.records.iter().any(|record| record.given) {
            return Ok(seen);
        }
        let current = self.ids.snapshot();
        if !Arc::ptr_eq(&current, &self.early.snapshot) {
            // Runs were written or merged since: what moved there must not be missed.
            let given = batch.records.iter().map(|r| r.given.then_some(r.fingerprint));
            self.early =
                Early::of(current, given).map_err(|e| AppendError::Index(e.to_string().into()))?;
        }
        let mut conflicts = Vec::new();
        let mut in_batch: HashMap<AuditId, usize> = HashMap::new();
        let mut candidates = Vec::new();
        let mut early = self.early.candidates.iter().peekable();
        for (i, record) in batch.records.iter().enumerate().filter(|(_, r)| r.given) {
            candidates.clear();
            sequencer.recent.lookup(record.fingerprint, &mut candidates);
            if let Some((_, more)) = early.next_if(|(at, _)| *at == i) {
                candidates.extend_from_slice(more);
            }
            if candidates.is_empty() && !batch.repeats_inside {
                continue;
            }
            let found = match self.compare(sequencer, batch, record, &candidates)? {
                Compared::Absent => {
                    in_batch.get(&record.audit_id).map_or(Compared::Absent, |earlier| {
                        match batch.records.get(*earlier) {
                            Some(first) if same_content(batch.body(first), batch.body(record)) => {
                                Compared::Same(Seen::InBatch(*earlier))
                            }
                            _ => Compared::Other(None),
                        }
                    })
                }
                found => found,
            };
            match found {
                Compared::Absent => {
                    in_batch.insert(record.audit_id, i);
                }
                Compared::Same(what) => seen.0.push((i, what)),
                Compared::Other(seq) => {
                    conflicts.push(Conflict { index: i, audit_id: record.audit_id, seq });
                }
            }
        }
        if conflicts.is_empty() { Ok(seen) } else { Err(AppendError::Conflict(conflicts)) }
    }

    fn compare(
        &self,
        sequencer: &Sequencer,
        batch: &EncodedBatch,
        record: &EncodedRecord,
        candidates: &[u64],
    ) -> Result<Compared, AppendError> {
        let body = batch.body(record);
        let mut other = None;
        for seq in candidates.iter().copied() {
            let receipt = |hash, chain_hash| Receipt {
                audit_id: record.audit_id,
                seq: Seq(seq),
                hash,
                chain_hash,
                duplicate: true,
            };
            if let Some(stored) = sequencer.in_flight(seq) {
                if !is_key(stored.body, &record.audit_id)
                    || stored.producer != batch.producer_name()
                {
                    continue;
                }
                if same_content(stored.body, body) {
                    let receipt = receipt(stored.hash, stored.chain_hash);
                    return Ok(Compared::Same(Seen::Before(receipt)));
                }
                other = Some(Seq(seq));
                continue;
            }
            let unreadable =
                |why: String| AppendError::Unreadable { seq: Seq(seq), why: why.into() };
            let Some(stored) = (self.read)(seq).map_err(unreadable)? else { continue };
            let parsed = Body::parse(&stored.body).map_err(|e| unreadable(e.to_string()))?;
            if parsed.audit_id() != record.audit_id
                || parsed.producer().as_deref() != batch.producer_name()
            {
                continue;
            }
            if same_content(&stored.body, body) {
                let receipt = receipt(stored.hash, stored.chain_hash);
                return Ok(Compared::Same(Seen::Before(receipt)));
            }
            other = Some(Seq(seq));
        }
        Ok(other.map_or(Compared::Absent, |seq| Compared::Other(Some(seq))))
    }
}

enum Compared {
    Absent,
    Same(Seen),
    Other(Option<Seq>),
}

/// Whether a body made by this writer has this id.
fn is_key(body: &[u8], id: &AuditId) -> bool {
    audit_id_at_front(body) == Some(*id)
}

/// The id with which every body begins.
pub(crate) fn audit_id_at_front(body: &[u8]) -> Option<AuditId> {
    let text = body.get(13..49).and_then(|text| std::str::from_utf8(text).ok())?;
    AuditId::parse_canonical(text)
}

/// The answer of a batch with new records.
pub(crate) fn answer(batch: &Sequenced) -> Appended {
    let mut found = batch.found.0.iter().peekable();
    let mut new = 0;
    let mut receipts: Vec<Receipt> = Vec::with_capacity(batch.batch.records.len());
    for i in 0..batch.batch.records.len() {
        let receipt = match found.next_if(|(at, _)| *at == i) {
            None => {
                new += 1;
                batch.receipt(new - 1)
            }
            Some((_, Seen::Before(receipt))) => Some(receipt.clone()),
            Some((_, Seen::InBatch(earlier))) => {
                receipts.get(*earlier).cloned().map(|r| Receipt { duplicate: true, ..r })
            }
        };
        receipts.extend(receipt);
    }
    let last = batch.first_seq + (new as u64).saturating_sub(1);
    Appended {
        receipts,
        accepted: new as u64,
        first_seq: Some(Seq(batch.first_seq)),
        last_seq: Some(Seq(last)),
    }
}

/// The answer of a batch without new records.
pub(crate) fn answer_repeats(batch: &EncodedBatch, found: &Found) -> Appended {
    let mut receipts: Vec<Receipt> = Vec::with_capacity(batch.records.len());
    for (_, what) in &found.0 {
        let receipt = match what {
            Seen::Before(receipt) => Some(receipt.clone()),
            Seen::InBatch(earlier) => receipts.get(*earlier).cloned(),
        };
        receipts.extend(receipt);
    }
    Appended { receipts, accepted: 0, first_seq: None, last_seq: None }
}
