//! Bytes of a request become records, or one refusal with every fault.
//!
//! Invariant: records of the first dialect are parsed once and not looked at again; the checks come
//! in the order syntax, count, validation, reserved names, facility.
//! Knows nothing of the second dialect but that `second` reads it.

use shoseki_engine::record::{
    Fault, InputError, Limits, Record, SentMember, parse_batch, sent_members, split_batch,
};

use super::error::DoorError;
use super::faults::Faults;
use super::rules::DoorRules;
use super::{message, second, skew};
use crate::identity::Caller;

/// Takes one record or an array of records. `now` is the time in microseconds since 1970.
///
/// # Errors
/// [`DoorError`]: nothing of the request may be stored then.
pub fn take(
    body: &[u8],
    caller: &Caller,
    rules: &DoorRules,
    now: i64,
) -> Result<Vec<Record>, DoorError> {
    // A batch at fault is read again; which fault was met first does not matter here.
    let limits = Limits { faults_max: 1, ..rules.limits };
    let records = match parse_batch(body, &limits, rules.records_max) {
        Ok(records) => records,
        Err(InputError::Invalid(faults)) => look_again(body, caller, rules, faults)?,
        Err(other) => return Err(refusal(other)),
    };
    if records.is_empty() {
        return Err(DoorError::Empty);
    }
    admit(records, caller, rules, now)
}

/// Takes one line of a stream: exactly one record.
///
/// # Errors
/// [`DoorError`], with index 0 in every fault.
pub fn take_line(
    line: &[u8],
    caller: &Caller,
    rules: &DoorRules,
    now: i64,
) -> Result<Record, DoorError> {
    let records = match Record::from_json(line, &rules.limits) {
        Ok(record) => vec![record],
        Err(InputError::Invalid(faults)) => {
            // It is well-formed; what begins like this is an object.
            if !line.trim_ascii_start().starts_with(b"{") {
                return Err(DoorError::Invalid(faults));
            }
            look_again(line, caller, rules, faults)?
        }
        Err(other) => return Err(refusal(other)),
    };
    admit(records, caller, rules, now)?.pop().ok_or(DoorError::Empty)
}

pub(super) fn refusal(error: InputError) -> DoorError {
    match error {
        InputError::Syntax { offset, line, column, kind } => {
            DoorError::NotJson { offset, line, column, kind }
        }
        InputError::TooMany { max } => DoorError::TooMany { max },
        InputError::Invalid(faults) => DoorError::Invalid(faults),
        // The engine's errors may grow; an unknown one is a refusal too.
        _ => DoorError::Invalid(Vec::new()),
    }
}

/// Reads a batch record by record: one of them at least is of the second dialect, or at fault.
fn look_again(
    body: &[u8],
    caller: &Caller,
    rules: &DoorRules,
    known: Vec<Fault>,
) -> Result<Vec<Record>, DoorError> {
    let parts = split_batch(body, rules.records_max).map_err(refusal)?;
    let mut faults = Faults::new(&rules.limits);
    let mut records = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        faults.index = index;
        if part.len() > sent_len_max(&rules.limits) {
            records.extend(too_long(part, &rules.limits, &mut faults));
            continue;
        }
        match sent_members(part).map_err(refusal)? {
            Some(members) if second::is_second(&members) => {
                records.extend(second::read(&members, rules, &mut faults));
            }
            members => {
                let members = members.unwrap_or_default();
                records.extend(first(part, &members, caller, &rules.limits, &mut faults));
            }
        }
    }
    match (faults.is_empty(), parts.as_slice()) {
        (true, _) => Ok(records),
        // A lone value that is no record: the engine said what it may be.
        (false, [only]) if !only.starts_with('{') => Err(DoorError::Invalid(known)),
        (false, _) => Err(DoorError::Invalid(faults.into_list())),
    }
}

/// Longest record, as it was sent, that is taken apart: each byte may be an escape of six.
fn sent_len_max(limits: &Limits) -> usize {
    limits.record_len_max.saturating_mul(6).saturating_add(1 << 16)
}

/// Reads a record that is too long but for white space, without taking it apart.
fn too_long(part: &str, limits: &Limits, faults: &mut Faults) -> Option<Record> {
    let record = Record::from_json(part.as_bytes(), limits).ok();
    if record.is_none() {
        let expected = format!("a record of at most {} bytes", limits.record_len_max);
        faults.push(String::new(), expected, &format!("{} bytes", part.len()));
    }
    record
}

/// Reads a record of the first dialect.
fn first(
    part: &str,
    members: &[SentMember<'_>],
    caller: &Caller,
    limits: &Limits,
    faults: &mut Faults,
) -> Option<Record> {
    let record = match Record::from_json(part.as_bytes(), limits) {
        Ok(record) => Some(record),
        Err(InputError::Invalid(found)) => {
            for fault in found {
                let pointer = fault.pointer.clone();
                faults.add(fault, pointer);
            }
            None
        }
        Err(_) => None,
    };
    let sent = members.iter().any(|member| member.name == "facility_id" && member.token != "null");
    if !sent && part.starts_with('{') && caller.facilities.only_one().is_none() {
        faults.push("/facility_id".to_owned(), FACILITY, "nothing");
    }
    record
}

const FACILITY: &str = "a string: where it happened, since the caller is of no single facility";

/// The checks that need the caller, and what the door itself does to a record.
fn admit(
    mut records: Vec<Record>,
    caller: &Caller,
    rules: &DoorRules,
    now: i64,
) -> Result<Vec<Record>, DoorError> {
    let mut faults = Faults::new(&rules.limits);
    let own = caller.facilities.only_one();
    for (index, record) in records.iter_mut().enumerate() {
        faults.index = index;
        if record.facility_id.is_none() {
            match own {
                Some(own) => record.facility_id = Some(own.to_owned()),
                None => faults.push("/facility_id".to_owned(), FACILITY, "nothing"),
            }
        }
        if !message::clean(record, &rules.limits) {
            let max = rules.limits.record_len_max;
            faults.push(String::new(), format!("a record of at most {max} bytes"), "more");
        }
    }
    if !faults.is_empty() {
        return Err(DoorError::Invalid(faults.into_list()));
    }
    if caller.subject() == RESERVED_PRODUCER {
        return Err(DoorError::Reserved { index: 0, what: "producer" });
    }
    if let Some(index) = records.iter().position(|record| is_reserved(&record.action)) {
        return Err(DoorError::Reserved { index, what: "action" });
    }
    let outside = |record: &Record| !caller.facilities.has(record.facility_id.as_deref());
    if let Some(index) = records.iter().position(outside) {
        return Err(DoorError::Facility { index });
    }
    if rules.clock_skew {
        for record in &mut records {
            skew::note(record, now, &rules.limits);
        }
    }
    Ok(records)
}

/// The server's own name in `ingested_by`.
pub(super) const RESERVED_PRODUCER: &str = "shoseki";

/// Actions of records that the server writes about itself.
pub(super) fn is_reserved(action: &str) -> bool {
    ["AUDIT_", "INGEST_"].iter().any(|family| action.starts_with(family))
        || matches!(action, "CONFIG_UPDATE" | "RECORD_ERASED")
}
