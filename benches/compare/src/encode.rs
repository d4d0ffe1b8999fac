//! Body, record hash and chain of a record, as all engines but Shoseki itself have to make them
//! here.
//!
//! Invariant: the same functions as the engine's own, so that nobody wins by a faster digest.

use shoseki_benches::input::stamp;
use shoseki_engine::proof::{chain_next, record_hash};
use shoseki_engine::record::{Record, encode_body};
use shoseki_engine::types::{ChainHash, RecordHash};

/// A chain that records are added to.
pub(crate) struct Chain {
    last: ChainHash,
    salt: u8,
    /// Body of the newest record.
    pub(crate) body: Vec<u8>,
}

impl Chain {
    pub(crate) fn new() -> Self {
        Self { last: ChainHash([0; 64]), salt: 0, body: Vec::with_capacity(1024) }
    }

    /// Encodes and chains the next record.
    pub(crate) fn add(&mut self, record: &Record) -> (RecordHash, ChainHash) {
        self.salt = self.salt.wrapping_add(1);
        self.body.clear();
        encode_body(record, &stamp(record, self.salt), &mut self.body);
        let hash = record_hash(&self.body);
        self.last = chain_next(&self.last, &hash);
        (hash, self.last)
    }
}
