//! Index files that belong to nothing.
//!
//! Invariant: only files that are named as indexes are removed, and only where no finished file of
//! the log has that name.

use std::collections::HashSet;
use std::sync::Arc;

use super::piece::Finished;
use crate::format::parse_index_name;
use crate::io::{Storage, remove_durably};
use crate::log::error::LogError;
use crate::log::seal::SEALED;

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
