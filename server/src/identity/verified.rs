//! Tokens whose signatures were verified a moment ago.
//!
//! A signature costs more than all else of a small request. Invariant: an entry stands for exactly
//! the bytes of one token under exactly the key set that verified it; time and deny list are
//! checked on every use, by whoever asks.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use parking_lot::Mutex;

use super::caller::Caller;
use super::keys::KeySet;

/// Tokens that are remembered.
const TOKENS_MAX: usize = 4096;

/// The tokens.
#[derive(Default)]
pub(super) struct Verified {
    tokens: Mutex<HashMap<[u8; 32], Entry>>,
}

struct Entry {
    caller: Arc<Caller>,
    /// Kept, so that no other set can get the same address.
    keys: Arc<KeySet>,
}

impl Verified {
    /// The caller of a token that this key set verified before.
    pub(super) fn get(&self, token: &[u8], keys: &Arc<KeySet>) -> Option<Arc<Caller>> {
        let tokens = self.tokens.lock();
        let entry = tokens.get(&name(token)?)?;
        Arc::ptr_eq(&entry.keys, keys).then(|| Arc::clone(&entry.caller))
    }

    /// Remembers a token.
    pub(super) fn put(&self, token: &[u8], keys: &Arc<KeySet>, caller: &Arc<Caller>) {
        let Some(name) = name(token) else { return };
        let entry = Entry { caller: Arc::clone(caller), keys: Arc::clone(keys) };
        let mut tokens = self.tokens.lock();
        if tokens.len() >= TOKENS_MAX {
            // Rare, and it costs each of them one signature.
            tokens.clear();
        }
        tokens.insert(name, entry);
    }
}

fn name(token: &[u8]) -> Option<[u8; 32]> {
    digest(&SHA256, token).as_ref().try_into().ok()
}
