//! An array whose records are taken one by one (`Prefer: handling=lenient`, `accept_valid`).
//!
//! Invariant: each record is stored or refused by itself; the answer has a receipt or the faults
//! for every one, in order. Where all are refused, the answer is the problem of an array.

use std::io::Write as _;

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;
use shoseki_engine::log::{AppendError, Appended, Receipt};
use shoseki_engine::record::{Record, split_batch};

use super::receipts;
use super::records::append_records;
use crate::app::Shared;
use crate::door::{self, DoorError, IdempotencyKey};
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
    let parts = split_batch(bytes).map_err(|error| Problem::from(DoorError::from(error)))?;
    let (rules, now) = (app.door(caller), app.now_micros());
    if parts.is_empty() {
        return Err(DoorError::Empty.into());
    }
    if parts.len() > rules.records_max {
        return Err(DoorError::TooMany { max: rules.records_max }.into());
    }
    let parsed = parts.into_iter().enumerate().map(|(index, part)| {
        let mut record = door::take_line(part.as_bytes(), caller, rules, now)?;
        if let (Some(key), None) = (key, record.audit_id) {
            record.audit_id = Some(key.audit_id(&caller.producer, index));
        }
        Ok(record)
    });
    let parsed = parsed.map(|record: Result<_, DoorError>| record.map_err(Problem::from)).collect();
    let outcomes = append_each(app, caller, parsed, bytes.len()).await?;
    let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    if refused == outcomes.len() {
        return Err(all_refused(outcomes));
    }
    Ok(answer(&outcomes, refused))
}

/// Appends the valid ones together; where some are in conflict, the others without them.
///
/// # Errors
/// What stops all of them, such as a full disk.
pub(super) async fn append_each(
    app: &Shared,
    caller: &Caller,
    parsed: Vec<Result<Record, Problem>>,
    len: usize,
) -> Result<Vec<Outcome>, Problem> {
    let mut outcomes: Vec<Option<Outcome>> = Vec::with_capacity(parsed.len());
    let mut valid: Vec<(usize, Record)> = Vec::new();
    for (index, record) in parsed.into_iter().enumerate() {
        match record {
            Ok(record) => {
                valid.push((index, record));
                outcomes.push(None);
            }
            Err(problem) => outcomes.push(Some(Err(problem))),
        }
    }
    while !valid.is_empty() {
        let records = valid.iter().map(|(_, record)| record.clone()).collect();
        match append_records(app, caller, records, len).await {
            Ok(Appended { receipts, .. }) => {
                for ((index, _), receipt) in valid.drain(..).zip(receipts) {
                    put(&mut outcomes, index, Ok(receipt));
                }
            }
            Err(AppendError::Conflict(conflicts)) => {
                for conflict in &conflicts {
                    if let Some((index, _)) = valid.get(conflict.index) {
                        let one = AppendError::Conflict(vec![conflict.clone()]);
                        put(&mut outcomes, *index, Err(receipts::problem(one)));
                    }
                }
                let before = valid.len();
                let known = |index: usize| outcomes.get(index).is_some_and(Option::is_some);
                valid.retain(|(index, _)| !known(*index));
                if valid.len() == before {
                    return Err(Problem::internal(&"conflicts without a record"));
                }
            }
            Err(AppendError::Invalid(faults)) => {
                let named: Vec<usize> = faults.iter().map(|fault| fault.index).collect();
                for fault in faults {
                    if let Some((index, _)) = valid.get(fault.index) {
                        let one = AppendError::Invalid(vec![fault.clone()]);
                        put(&mut outcomes, *index, Err(receipts::problem(one)));
                    }
                }
                let mut place = 0;
                let before = valid.len();
                valid.retain(|_| {
                    place += 1;
                    !named.contains(&(place - 1))
                });
                if valid.len() == before {
                    return Err(Problem::internal(&"faults without a record"));
                }
            }
            Err(other) => return Err(receipts::problem(other)),
        }
    }
    let missing = || Err(Problem::internal(&"a record without an outcome"));
    Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect())
}

fn put(outcomes: &mut [Option<Outcome>], index: usize, outcome: Outcome) {
    if let Some(place) = outcomes.get_mut(index) {
        *place = Some(outcome);
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
