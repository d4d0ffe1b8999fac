//! Bytes of a request become records in the form that the log stores, in one pass.
//!
//! Records of the first dialect that nothing is wrong with go from the request's bytes straight
//! into that form. With the first record for which more is to be done, the request is read again
//! by `take`, which knows both dialects and says every fault.
//! Invariant: the outcome is that of `take` for every input.
//! Knows nothing of the second dialect.

use std::borrow::Cow;

use shoseki_engine::record::{InputError, Limits, Prepared, SentRecord, read_sent, split_batch};

use super::error::DoorError;
use super::rules::DoorRules;
use super::take::{RESERVED_PRODUCER, is_reserved, refusal, take, take_line};
use super::{message, skew};
use crate::identity::Caller;

/// Bytes of a record, about: for making room.
const RECORD_LEN: usize = 512;

/// Reads one record or an array of records. `now` is the time in microseconds since 1970.
///
/// # Errors
/// [`DoorError`]: nothing of the request may be stored then.
pub fn prepare(
    body: &[u8],
    caller: &Caller,
    rules: &DoorRules,
    now: i64,
) -> Result<Prepared, DoorError> {
    let records = (body.len() / RECORD_LEN).min(rules.records_max) + 1;
    let mut all = Prepared::new(&rules.limits, records, body.len() + body.len() / 8);
    match add(body, rules.records_max, caller, rules, now, &mut all) {
        Ok(true) if all.is_empty() => return Err(DoorError::Empty),
        Ok(true) => return Ok(all),
        // Whoever reads it again tells every fault.
        Ok(false) | Err(InputError::Invalid(_)) => {}
        Err(other) => return Err(refusal(other)),
    }
    let records = take(body, caller, rules, now)?;
    Prepared::of(&records, &rules.limits).map_err(DoorError::Invalid)
}

/// Reads one line of a stream, exactly one record, and adds it to a batch.
///
/// # Errors
/// [`DoorError`], with index 0 in every fault; nothing was added then.
pub fn prepare_line(
    line: &[u8],
    caller: &Caller,
    rules: &DoorRules,
    now: i64,
    batch: &mut Prepared,
) -> Result<(), DoorError> {
    // An array is no record: the rest of the door says so.
    if line.trim_ascii_start().starts_with(b"{") {
        let before = batch.len();
        if matches!(add(line, 1, caller, rules, now, batch), Ok(true)) {
            return Ok(());
        }
        batch.truncate(before);
    }
    let record = take_line(line, caller, rules, now)?;
    batch.push_record(&record).map_err(DoorError::Invalid)
}

/// One record of a request of which the valid ones are taken: as it was sent, and why it is
/// refused, if it is; every index in that is its position in the request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part<'a> {
    /// As it was sent.
    pub sent: &'a str,
    /// The refusal; a record that is not refused is the next of the batch.
    pub refused: Option<DoorError>,
}

/// Reads each record for itself, for producers whose valid records are wanted although others of
/// the same request are refused: the valid ones together, and what became of each.
///
/// # Errors
/// [`DoorError`] where there are no records to tell apart: not JSON, too many, none.
pub fn prepare_each<'a>(
    body: &'a [u8],
    caller: &Caller,
    rules: &DoorRules,
    now: i64,
) -> Result<(Prepared, Vec<Part<'a>>), DoorError> {
    let parts = split_batch(body, rules.records_max).map_err(refusal)?;
    if parts.is_empty() {
        return Err(DoorError::Empty);
    }
    let mut all = Prepared::new(&rules.limits, parts.len(), body.len() + body.len() / 8);
    let mut read = |(index, sent): (usize, &'a str)| {
        let refused = prepare_line(sent.as_bytes(), caller, rules, now, &mut all).err();
        Part { sent, refused: refused.map(|error| error.at(index)) }
    };
    let parts = parts.into_iter().enumerate().map(&mut read).collect();
    Ok((all, parts))
}

/// Adds the records of a text. False where there is one that is not plainly right; some may have
/// been added then.
fn add<'a>(
    text: &'a [u8],
    records_max: usize,
    caller: &'a Caller,
    rules: &DoorRules,
    now: i64,
    all: &mut Prepared,
) -> Result<bool, InputError> {
    if caller.subject() == RESERVED_PRODUCER {
        return Ok(false);
    }
    let limits = Limits { faults_max: 1, ..rules.limits };
    let own = caller.facilities.only_one();
    read_sent(text, &limits, records_max, |mut record, names| {
        if record.facility_id.is_none() {
            record.facility_id = own.map(Cow::Borrowed);
        }
        let facility = record.facility_id.as_deref();
        let admitted = facility.is_some()
            && caller.facilities.has(facility)
            && !is_reserved(&record.action)
            && is_clean(&record, names);
        if !admitted {
            return false;
        }
        if rules.clock_skew
            && let Some(skew) = skew::clock_skew_ms(record.timestamp, now)
        {
            record.note_skew(skew, &rules.limits);
        }
        all.push(&record).is_ok()
    })
}

/// Whether the record's message, if it has one, may stay as it is.
fn is_clean(record: &SentRecord<'_>, names: &[Cow<'_, str>]) -> bool {
    let detail = record.detail.as_ref().filter(|_| names.iter().any(|n| message::concerns(n)));
    detail.is_none_or(|detail| message::is_clean(detail.as_bytes()))
}
