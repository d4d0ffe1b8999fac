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
use super::handle::{Appended, Receipt};
use super::sequencer::{Sequenced, Sequencer};
use crate::index::ids::{Fingerprint, IdError, IdIndex, IdKey, IdSnapshot, fingerprint};
use crate::record::{AuditId, Body, same_content};
use crate::types::{ChainHash, RecordHash, Seq};

/// What became of one record of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Seen {
    New,
    /// The same record is in the log or on its way there.
    Before(Receipt),
    /// The same as an earlier record of this batch.
    InBatch(usize),
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
        let given = batch.records.iter().map(|record| record.audit_id);
        Self::of(ids.snapshot(), ids.key(), given)
    }

    fn of(
        snapshot: Arc<IdSnapshot>,
        key: &IdKey,
        given: impl Iterator<Item = Option<AuditId>>,
    ) -> Result<Self, IdError> {
        let mut candidates = Vec::new();
        let mut seqs = Vec::new();
        for (i, id) in given.enumerate() {
            let Some(id) = id else { continue };
            snapshot.lookup(fingerprint(key, id.as_bytes()), &mut seqs)?;
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

    pub(crate) fn fingerprint(&self, id: &AuditId) -> Fingerprint {
        fingerprint(self.ids.key(), id.as_bytes())
    }

    /// What each record is.
    pub(crate) fn resolve(
        &mut self,
        sequencer: &Sequencer,
        batch: &EncodedBatch,
    ) -> Result<Vec<Seen>, AppendError> {
        let mut seen = vec![Seen::New; batch.records.len()];
        if !batch.records.iter().any(|record| record.given) {
            return Ok(seen);
        }
        let current = self.ids.snapshot();
        if !Arc::ptr_eq(&current, &self.early.snapshot) {
            // Runs were written or merged since: what moved there must not be missed.
            let given = batch.records.iter().map(|r| r.given.then_some(r.audit_id));
            self.early = Early::of(current, self.ids.key(), given)
                .map_err(|e| AppendError::Index(e.to_string().into()))?;
        }
        let mut conflicts = Vec::new();
        let mut in_batch: HashMap<AuditId, usize> = HashMap::new();
        let mut early = self.early.candidates.iter().peekable();
        for (i, record) in batch.records.iter().enumerate().filter(|(_, r)| r.given) {
            let mut candidates = Vec::new();
            sequencer.recent.lookup(self.fingerprint(&record.audit_id), &mut candidates);
            if let Some((_, more)) = early.next_if(|(at, _)| *at == i) {
                candidates.extend_from_slice(more);
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
                Compared::Same(what) => {
                    if let Some(place) = seen.get_mut(i) {
                        *place = what;
                    }
                }
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
pub(crate) fn answer(sequenced: &Sequenced, seen: &[Seen]) -> Appended {
    let mut new = 0;
    let mut receipts: Vec<Receipt> = Vec::with_capacity(seen.len());
    for what in seen {
        let receipt = match what {
            Seen::New => {
                new += 1;
                sequenced.receipt(new - 1)
            }
            Seen::Before(receipt) => Some(receipt.clone()),
            Seen::InBatch(earlier) => {
                receipts.get(*earlier).cloned().map(|r| Receipt { duplicate: true, ..r })
            }
        };
        receipts.extend(receipt);
    }
    let last = sequenced.first_seq + (new as u64).saturating_sub(1);
    Appended {
        receipts,
        accepted: new as u64,
        first_seq: Some(Seq(sequenced.first_seq)),
        last_seq: Some(Seq(last)),
    }
}

/// The answer of a batch without new records.
pub(crate) fn answer_repeats(batch: &EncodedBatch, seen: &[Seen]) -> Appended {
    let mut receipts: Vec<Receipt> = Vec::with_capacity(batch.records.len());
    for what in seen {
        let receipt = match what {
            Seen::New => None,
            Seen::Before(receipt) => Some(receipt.clone()),
            Seen::InBatch(earlier) => receipts.get(*earlier).cloned(),
        };
        receipts.extend(receipt);
    }
    Appended { receipts, accepted: 0, first_seq: None, last_seq: None }
}
