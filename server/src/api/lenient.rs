//! An array whose records are taken one by one (`Prefer: handling=lenient`, `accept_valid`).
//!
//! Invariant: each record is stored or refused by itself; the answer has a receipt or the faults
//! for every one, in order. Where all are refused, the answer is the problem of an array.

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;
use shoseki_engine::log::{AppendError, Appended, Receipt};
use shoseki_engine::record::Prepared;

use super::receipts;
use super::records::append_records;
use crate::app::Shared;
use crate::door::{self, IdempotencyKey};
use crate::identity::Caller;
use crate::problem::{ErrorCode, FaultItem, Problem};

/// What became of one record.
pub(super) type Outcome = Result<Receipt, Problem>;

/// Appends what is valid.
pub(super) async fn append(
    app: &Shared,
    caller: &Caller,
    key: Option<&IdempotencyKey>,
    bytes: &Bytes,
) -> Result<(StatusCode, Vec<u8>), Problem> {
    let (mut valid, parts) = door::prepare_each(bytes, caller, app.door(caller), app.now_micros())?;
    if let Some(key) = key {
        let taken = parts.iter().enumerate().filter(|(_, part)| part.refused.is_none());
        for (place, (index, _)) in taken.enumerate() {
            valid.give_id(place, || key.audit_id(&caller.producer, index));
        }
    }
    let refused = parts.into_iter().map(|part| part.refused.map(Problem::from));
    let mut each = Each::new(valid, refused);
    each.append(app, caller, bytes.len()).await?;
    let outcomes = each.into_outcomes();
    let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    if refused == outcomes.len() {
        return Err(all_refused(outcomes));
    }
    Ok(answer(&outcomes, refused))
}

/// Records of which each is stored or refused by itself.
pub(super) struct Each {
    /// Those that nothing is decided of. They are shared with the log: where it refuses some of
    /// them, or all for now, nothing has to be made again.
    valid: Arc<Prepared>,
    /// Where these stand in `outcomes`.
    places: Vec<usize>,
    outcomes: Vec<Option<Outcome>>,
}

impl Each {
    /// The records that are valid, and for each place why it has none of them, if so.
    pub(super) fn new(valid: Prepared, refused: impl Iterator<Item = Option<Problem>>) -> Self {
        let outcomes: Vec<_> = refused.map(|refused| refused.map(Err)).collect();
        let free = outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_none());
        let places = free.map(|(place, _)| place).take(valid.len()).collect();
        Self { valid: Arc::new(valid), places, outcomes }
    }

    /// Appends the valid ones together; where some are in conflict, the others without them.
    ///
    /// # Errors
    /// What stops all of them, such as a full disk. Then it can be tried again.
    pub(super) async fn append(
        &mut self,
        app: &Shared,
        caller: &Caller,
        len: usize,
    ) -> Result<(), Problem> {
        while !self.places.is_empty() {
            match append_records(app, caller, &self.valid, len).await {
                Ok(Appended { receipts, .. }) => {
                    for (place, receipt) in self.places.drain(..).zip(receipts) {
                        put(&mut self.outcomes, place, Ok(receipt));
                    }
                }
                Err(AppendError::Conflict(conflicts)) => {
                    let refused = conflicts.into_iter();
                    let refused = refused.map(|c| (c.index, AppendError::Conflict(vec![c])));
                    self.refuse(refused.collect())?;
                }
                Err(AppendError::Invalid(faults)) => {
                    let refused = faults.into_iter();
                    let refused = refused.map(|f| (f.index, AppendError::Invalid(vec![f])));
                    self.refuse(refused.collect())?;
                }
                Err(other) => return Err(receipts::problem(other)),
            }
        }
        Ok(())
    }

    /// Takes out those that the log refuses, each by its index among the valid ones.
    fn refuse(&mut self, refused: Vec<(usize, AppendError)>) -> Result<(), Problem> {
        let before = self.places.len();
        for (index, error) in refused {
            if let Some(place) = self.places.get(index) {
                put(&mut self.outcomes, *place, Err(receipts::problem(error)));
            }
        }
        let outcomes = &self.outcomes;
        let free = |place: usize| outcomes.get(place).is_some_and(Option::is_none);
        let places = &self.places;
        let valid = Arc::make_mut(&mut self.valid);
        valid.retain(|index| places.get(index).is_some_and(|place| free(*place)));
        self.places.retain(|place| free(*place));
        if self.places.len() == before {
            return Err(Problem::internal(&"records were refused, but none of these"));
        }
        Ok(())
    }

    /// What became of each.
    pub(super) fn into_outcomes(self) -> Vec<Outcome> {
        let missing = || Err(Problem::internal(&"a record without an outcome"));
        self.outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect()
    }
}

fn put(outcomes: &mut [Option<Outcome>], place: usize, outcome: Outcome) {
    if let Some(free) = outcomes.get_mut(place) {
        *free = Some(outcome);
    }
}

fn all_refused(outcomes: Vec<Outcome>) -> Problem {
    let problems: Vec<(usize, Problem)> = outcomes
        .into_iter()
        .enumerate()
        .filter_map(|(index, outcome)| outcome.err().map(|problem| (index, problem)))
        .collect();
    let code = problems.first().map_or(ErrorCode::InvalidRecords, |(_, problem)| problem.code);
    let errors = problems.into_iter().flat_map(|(index, problem)| items(index, problem)).collect();
    Problem::new(code, "every record was refused: nothing was stored").with_errors(errors)
}

/// The faults of one record, at its place; a problem without faults is one itself.
pub(super) fn items(index: usize, problem: Problem) -> Vec<FaultItem> {
    if problem.errors.is_empty() {
        let expected = Some(problem.detail.into_owned());
        return vec![FaultItem { index: Some(index), expected, ..FaultItem::default() }];
    }
    let at = |item| FaultItem { index: Some(index), ..item };
    problem.errors.into_iter().map(at).collect()
}

fn answer(outcomes: &[Outcome], refused: usize) -> (StatusCode, Vec<u8>) {
    let new = outcomes.iter().flatten().filter(|receipt| !receipt.duplicate);
    let seqs: Vec<_> = new.map(|receipt| receipt.seq).collect();
    let accepted = seqs.len() as u64;
    let (first_seq, last_seq) = (seqs.iter().min().copied(), seqs.iter().max().copied());
    let counts = Appended { receipts: Vec::new(), accepted, first_seq, last_seq };
    let mut out = vec![b'{'];
    receipts::write_counts(&counts, &mut out);
    let _ = write!(out, ",\"refused\":{refused},\"records\":[");
    for (index, outcome) in outcomes.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match outcome {
            Ok(receipt) => receipts::write_receipt(receipt, &mut out),
            Err(problem) => {
                let errors = items(index, problem.clone());
                let code = problem.code.as_str();
                let refused = json!({"index": index, "errorCode": code, "errors": errors});
                out.extend_from_slice(refused.to_string().as_bytes());
            }
        }
    }
    out.extend_from_slice(b"]}");
    (receipts::status(&counts), out)
}
