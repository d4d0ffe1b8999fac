//! Changing the signing key.
//!
//! Invariant: whatever is signed later with the new key covers at least the size from which it is
//! valid, and nothing larger was signed with the old one: what was rolled is sealed and what days
//! are over are anchored before, and nobody signs meanwhile. Where it is not known which list is on
//! disk, the log stops.

use std::io;

use super::anchors;
use super::core::Core;
use super::error::{LogError, OpenError};
use super::identity::{self, VKEYS, read_small};
use super::keeper::seal_rolled;
use crate::types::TreeSize;

/// Covers everything with the current key, then makes a new one that takes over at that size.
pub(crate) fn rotate_key(core: &Core) -> Result<(), OpenError> {
    let failed =
        |e: LogError| OpenError::Io { path: VKEYS.to_owned(), source: io::Error::other(e) };
    core.check().map_err(failed)?;
    // The locks of sealer and tree keep everybody else from signing.
    let mut sealer = core.sealer.lock();
    loop {
        while seal_rolled(core, &mut sealer).map_err(failed)?
            || anchors::sign_missing(core, &mut sealer).map_err(failed)?
        {}
        let mut tree = core.tree.lock();
        tree.advance(core).map_err(failed)?;
        let size = tree.size();
        let view = core.view.get();
        let open = view.actives.len().saturating_sub(1);
        if view.actives.iter().take(open).any(|active| active.end_seq() < size) {
            continue;
        }
        tree.sign(core).map_err(failed)?;
        take_over(core, TreeSize(size))?;
        return tree.sign(core).map(|_| ()).map_err(failed);
    }
}

fn take_over(core: &Core, size: TreeSize) -> Result<(), OpenError> {
    let mut keys = core.keys.write();
    let storage = &*core.storage;
    let environment = &*core.options.environment;
    let (list, signing) =
        identity::next_key(storage, environment, &keys.list, &keys.signing, size)?;
    if let Err(error) = identity::write_keys(storage, &list) {
        let found = read_small(storage, VKEYS);
        let old = keys.list.to_text();
        if !matches!(found, Ok(Some(found)) if found == old.as_bytes()) {
            // The new list may or may not be durable: neither key may sign anything now.
            core.set_poison(&format!("changing the key failed: {error}"));
        }
        return Err(error);
    }
    keys.list = list;
    keys.signing = signing;
    Ok(())
}
