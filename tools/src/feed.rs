//! Records into the log, in batches; one bad record does not hold up the others of its batch.
//!
//! Invariant: every record that was pushed is told of exactly once: its receipt, once it is
//! durable, or why it was refused. Only what concerns the whole log ends the feeding.

use std::path::Path;

use shoseki_engine::log::{AppendError, Conflict, Log, Receipt};
use shoseki_engine::record::{Fault, Producer, Record};

use crate::explain;
use crate::failure::Stop;

/// Most records that are committed together.
const RECORDS_MAX: usize = 500;
/// Most bytes of input that are committed together, about.
const BYTES_MAX: usize = 8 << 20;
/// How often a batch is tried again while the id index is being rebuilt.
const ATTEMPTS: usize = 3;

/// What became of a record.
#[derive(Debug)]
pub(crate) enum Fate {
    /// It is durable; `last` of those that were committed together.
    Stored {
        /// What its sender gets.
        receipt: Receipt,
        /// Whether none follows from the same commit.
        last: bool,
    },
    /// It is not in the log, and why.
    Refused(String),
}

/// Is told of each record, in the order of their batches.
pub(crate) type Tell<'t, P> = dyn FnMut(P, Fate) -> Result<(), Stop> + 't;

/// Gathers records; `P` is where a record comes from.
pub(crate) struct Feeder<'l, P> {
    log: &'l Log,
    dir: &'l Path,
    producer: Option<Producer>,
    batch: Vec<(P, Record)>,
    bytes: usize,
    damaged: bool,
}

impl<'l, P> Feeder<'l, P> {
    pub(crate) fn new(log: &'l Log, dir: &'l Path, producer: Option<Producer>) -> Self {
        Self { log, dir, producer, batch: Vec::new(), bytes: 0, damaged: false }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Whether a record was refused because an earlier one can't be read.
    pub(crate) fn met_damage(&self) -> bool {
        self.damaged
    }

    /// Adds a record of about `len` bytes; commits where that makes a batch full.
    pub(crate) fn push(
        &mut self,
        place: P,
        record: Record,
        len: usize,
        tell: &mut Tell<'_, P>,
    ) -> Result<(), Stop> {
        if self.bytes + len > BYTES_MAX {
            self.flush(tell)?;
        }
        self.batch.push((place, record));
        self.bytes += len;
        if self.batch.len() >= RECORDS_MAX { self.flush(tell) } else { Ok(()) }
    }

    /// Commits what was gathered.
    pub(crate) fn flush(&mut self, tell: &mut Tell<'_, P>) -> Result<(), Stop> {
        self.bytes = 0;
        // The last stands first in the order of the input.
        let mut waiting = vec![std::mem::take(&mut self.batch)];
        let mut attempts = 0;
        while let Some(mut batch) = waiting.pop() {
            let records: Vec<Record> = batch.iter().map(|(_, record)| record.clone()).collect();
            let error = match self.log.append(self.producer.as_ref(), records) {
                Ok(appended) => {
                    let count = batch.len();
                    let told = batch.into_iter().zip(appended.receipts);
                    for (index, ((place, _), receipt)) in told.enumerate() {
                        tell(place, Fate::Stored { receipt, last: index + 1 == count })?;
                    }
                    continue;
                }
                Err(error) => error,
            };
            match error {
                AppendError::Conflict(conflicts) => {
                    let reasons = conflicts.iter().map(|found| (found.index, conflict(found)));
                    waiting.push(refuse(batch, &reasons.collect::<Vec<_>>(), tell)?);
                }
                AppendError::Invalid(faults) => {
                    waiting.push(refuse(batch, &by_record(&faults), tell)?);
                }
                AppendError::TooLarge { .. } | AppendError::Unreadable { .. }
                    if batch.len() > 1 =>
                {
                    let behind = batch.split_off(batch.len() / 2);
                    waiting.push(behind);
                    waiting.push(batch);
                }
                AppendError::TooLarge { .. } | AppendError::Unreadable { .. } => {
                    self.damaged |= matches!(error, AppendError::Unreadable { .. });
                    refuse(batch, &[(0, error.to_string())], tell)?;
                }
                AppendError::Index(_) | AppendError::Busy if attempts < ATTEMPTS => {
                    attempts += 1;
                    waiting.push(batch);
                }
                other => return Err(explain::appending(&other, self.dir).into()),
            }
        }
        Ok(())
    }
}

/// Tells of those with a reason and gives back the others.
fn refuse<P>(
    batch: Vec<(P, Record)>,
    reasons: &[(usize, String)],
    tell: &mut Tell<'_, P>,
) -> Result<Vec<(P, Record)>, Stop> {
    let mut others = Vec::with_capacity(batch.len());
    for (index, (place, record)) in batch.into_iter().enumerate() {
        match reasons.iter().find(|(at, _)| *at == index) {
            Some((_, reason)) => tell(place, Fate::Refused(reason.clone()))?,
            None => others.push((place, record)),
        }
    }
    Ok(others)
}

fn conflict(found: &Conflict) -> String {
    let Conflict { audit_id, seq, .. } = found;
    let earlier = seq.map_or("an earlier line".to_owned(), |seq| format!("record {seq}"));
    format!("conflict: {earlier} has the audit_id {audit_id} and other content")
}

/// Every fault of each record in one text.
fn by_record(faults: &[Fault]) -> Vec<(usize, String)> {
    let mut reasons: Vec<(usize, String)> = Vec::new();
    for fault in faults {
        let text = one_fault(fault);
        match reasons.last_mut().filter(|(index, _)| *index == fault.index) {
            Some((_, reason)) => *reason = format!("{reason}; {text}"),
            None => reasons.push((fault.index, text)),
        }
    }
    reasons
}

/// A fault without the index of its record: the place says which one it is.
pub(crate) fn one_fault(fault: &Fault) -> String {
    let pointer: String = match fault.pointer.as_str() {
        "" => "the record".to_owned(),
        pointer => pointer.escape_debug().collect(),
    };
    format!("{pointer}: expected {}, got {}", fault.expected, fault.got.escape_debug())
}
