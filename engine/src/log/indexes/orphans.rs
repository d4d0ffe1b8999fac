//! Index files that belong to nothing.
//!
//! Invariant: only files that are named as indexes are removed, and only where no finished file of
//! the log has that name; those of windows where no file without an index of its own has them.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::piece::Finished;
use super::store::{self, Opened};
use super::windows;
use crate::format::parse_index_name;
use crate::io::{Storage, remove_durably};
use crate::log::error::LogError;
use crate::log::seal::SEALED;
use crate::log::view::ActiveFile;

/// Removes the indexes that none of these files has.
pub(super) fn remove(storage: &Arc<dyn Storage>, files: &[Finished]) -> Result<(), LogError> {
    let ours: HashSet<(u64, u64)> =
        files.iter().map(|of| (of.first_seq(), of.end_seq() - of.first_seq())).collect();
    for name in storage.list(SEALED).map_err(LogError::io(SEALED))? {
        let named = parse_index_name(&name).map(|(first, count)| (first.0, count));
        if named.is_some_and(|named| !ours.contains(&named)) {
            let path = format!("{SEALED}/{name}");
            remove_durably(&**storage, &path).map_err(LogError::io(&path))?;
        }
    }
    Ok(())
}

/// Removes the indexes of windows that neither the file that is written nor a finished one without
/// an index needs.
pub(super) fn remove_windows(
    storage: &Arc<dyn Storage>,
    files: &[Finished],
    written: Option<&Arc<ActiveFile>>,
) -> Result<(), LogError> {
    let has = |file: Range<u64>, window: &Range<u64>| {
        file.contains(&window.start) && windows::finished(file).any(|seqs| seqs == *window)
    };
    windows::remove(&**storage, |window| {
        written.is_some_and(|file| has(file.header.first_seq.0..file.end_seq(), window))
            || files.iter().any(|of| {
                has(of.first_seq()..of.end_seq(), window)
                    && !matches!(store::open(&**storage, &of.identity()), Opened::Ready(_))
            })
    })
}
