//! Hashes of the contract: record, chain (CONTRACT 1.2) and tree (RFC 6962 section 2.1).
//!
//! Invariant: tree hashes carry a domain byte (0 leaf, 1 inner node), so that no leaf can be
//! passed off as a node. Nothing here allocates: these run for each record of a log.
//! Knows nothing about where the bytes come from.

use sha2::{Digest, Sha256, Sha512};

use crate::types::{ChainHash, LogId, NodeHash, Origin, RecordHash};

const LEAF_PREFIX: [u8; 1] = [0];
const NODE_PREFIX: [u8; 1] = [1];

/// `hash` of a record: SHA-512 of its body.
#[must_use]
pub fn record_hash(body: &[u8]) -> RecordHash {
    RecordHash(Sha512::digest(body).into())
}

/// The chain hash that stands before the first record.
#[must_use]
pub fn chain_genesis(origin: &Origin, log_id: &LogId) -> ChainHash {
    let hasher = Sha512::new()
        .chain_update(b"shoseki/v1\n")
        .chain_update(origin.as_str())
        .chain_update(b"\n")
        .chain_update(log_id.0);
    ChainHash(hasher.finalize().into())
}

/// The chain hash behind a record: SHA-512(previous chain hash ‖ record hash).
#[must_use]
pub fn chain_next(previous: &ChainHash, hash: &RecordHash) -> ChainHash {
    ChainHash(Sha512::new().chain_update(previous.0).chain_update(hash.0).finalize().into())
}

/// Leaf hash of a record: its data is the 64 bytes of the record hash (CONTRACT 1.3).
#[must_use]
pub fn leaf_hash(hash: &RecordHash) -> NodeHash {
    leaf_hash_of(&hash.0)
}

/// RFC 6962 leaf hash of any data; logs of others have other leaves.
#[must_use]
pub fn leaf_hash_of(data: &[u8]) -> NodeHash {
    NodeHash(Sha256::new().chain_update(LEAF_PREFIX).chain_update(data).finalize().into())
}

/// RFC 6962 hash of an inner node.
#[must_use]
pub fn node_hash(left: &NodeHash, right: &NodeHash) -> NodeHash {
    let hasher = Sha256::new().chain_update(NODE_PREFIX);
    NodeHash(hasher.chain_update(left.0).chain_update(right.0).finalize().into())
}

/// Root of the tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> NodeHash {
    NodeHash(Sha256::digest([]).into())
}
