//! What is in the directory, and which of it is used.
//!
//! Invariant: reading the directory changes nothing; what is unusable is named for whoever may
//! remove it.

use std::cmp::Reverse;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::error::IdError;
use super::fingerprint::IdKey;
use super::run::Run;
use super::snapshot::{IdSnapshot, Piece};
use super::writer::{DIRECTORY, parse_name};
use crate::io::{Storage, TEMPORARY_SUFFIX};
use crate::types::LogId;

/// The runs of a directory.
pub(super) struct Survey {
    /// Key of the runs; `None` without any.
    pub(super) key: Option<IdKey>,
    /// Runs in order of seq that don't overlap.
    pub(super) runs: Vec<Run>,
    /// Paths of everything of ours that is not used: unfinished, damaged, of another log or key,
    /// beyond the log, or inside another run.
    pub(super) unused: Vec<String>,
}

/// Reads the directory of a log of `log_size` records.
pub(super) fn survey(
    storage: &dyn Storage,
    log_id: &LogId,
    log_size: u64,
) -> Result<Survey, IdError> {
    let mut unused = Vec::new();
    let mut found = Vec::new();
    for name in storage.list(DIRECTORY).map_err(IdError::io(DIRECTORY))? {
        let path = format!("{DIRECTORY}/{name}");
        if name.ends_with(TEMPORARY_SUFFIX) {
            unused.push(path);
            continue;
        }
        let Some(seqs) = parse_name(&name) else { continue };
        let run = match Run::open(storage, &path) {
            // Merged away since the directory was listed.
            Err(IdError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                continue;
            }
            run => run?,
        };
        match run.filter(|run| is_ours(run, &seqs, log_id, log_size)) {
            Some(run) => found.push((run, path)),
            None => unused.push(path),
        }
    }
    let key = main_key(&found);
    found.sort_by_key(|(run, _)| (run.seqs().start, Reverse(run.seqs().end)));
    let mut runs: Vec<Run> = Vec::new();
    for (run, path) in found {
        let end = runs.last().map_or(0, |last| last.seqs().end);
        if Some(run.header().key) == key && run.seqs().start >= end {
            runs.push(run);
        } else {
            unused.push(path);
        }
    }
    Ok(Survey { key, runs, unused })
}

fn is_ours(run: &Run, name: &Range<u64>, log_id: &LogId, log_size: u64) -> bool {
    let header = run.header();
    header.seqs == *name && header.log_id == *log_id && header.seqs.end <= log_size
}

/// The key under which most seqs are found; a mixture comes only from files copied in.
fn main_key(found: &[(Run, String)]) -> Option<IdKey> {
    let seqs_under = |key: &IdKey| {
        let same = found.iter().filter(|(run, _)| run.header().key == *key);
        same.map(|(run, _)| run.seqs().end - run.seqs().start).sum::<u64>()
    };
    let keys = found.iter().map(|(run, _)| run.header().key);
    keys.max_by_key(|key| (seqs_under(key), *key.as_bytes()))
}

impl IdSnapshot {
    /// The runs as they are on disk now, beside a running writer: for readers, changes nothing. Ids
    /// that the writer still has in memory are not in it; `None` when there is no run.
    ///
    /// # Errors
    /// [`IdError::Io`].
    pub fn read(storage: &dyn Storage, log_id: &LogId) -> Result<Option<Self>, IdError> {
        let survey = survey(storage, log_id, u64::MAX)?;
        Ok(survey.key.map(|key| Self { key, pieces: pieces(survey.runs) }))
    }
}

pub(super) fn pieces(runs: Vec<Run>) -> Vec<Piece> {
    runs.into_iter().map(|run| Piece::Run(Arc::new(run))).collect()
}
