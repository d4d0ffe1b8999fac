//! Our side.
//!
//! Invariant: default options; the clock stops when the last receipt is there. Bytes are those of
//! the sealed segment; sealing itself is outside the clock, since an active file holds 1 GiB before
//! it is sealed behind.

use std::path::Path;
use std::time::Instant;

use shoseki_engine::log::{Log, LogOptions};
use shoseki_engine::record::Record;

use super::Round;
use crate::Outcome;

pub(crate) fn append(dir: &Path, input: Vec<Vec<Record>>, at_rest: bool) -> Outcome<Round> {
    let log = Log::open(dir, LogOptions::default())?;
    let start = Instant::now();
    for batch in input {
        log.append(None, batch)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let mut bytes = None;
    if at_rest {
        log.seal()?;
        let segments = log.reader().segments();
        bytes = Some(segments.iter().filter(|s| s.sealed).map(|s| s.file_len).sum());
    }
    log.close()?;
    Ok(Round { seconds, bytes })
}

pub(crate) fn append_without_ids(
    dir: &Path,
    mut input: Vec<Vec<Record>>,
    at_rest: bool,
) -> Outcome<Round> {
    input.iter_mut().flatten().for_each(|record| record.audit_id = None);
    append(dir, input, at_rest)
}
