//! The proof mathematics: everything that an outside verifier needs, and nothing else.
//!
//! Record hash and chain, the RFC 6962 tree with its proofs, C2SP signed notes, checkpoints,
//! anchors, key lists and tiles. All of it is pure: bytes in, values out.
//!
//! Invariant: a value of these types is well formed; what was parsed encodes to the same bytes.
//! Verification trusts only its arguments.
//! Knows nothing about records, files, threads, clocks or randomness; tree nodes that are not at
//! hand are asked for by a callback. Compiles for `wasm32-unknown-unknown`.
#![deny(clippy::indexing_slicing)]

mod anchor;
mod bundle;
mod checkpoint;
mod cover;
mod hash;
mod identity;
mod key;
mod key_list;
mod many;
mod note;
mod prove;
mod range;
mod seal;
mod text;
mod tile;
mod time;
mod verify;

#[cfg(test)]
mod tests;

pub use anchor::Anchor;
pub use bundle::{BundleError, BundleId, bundle_entries, encode_bundle, parse_bundle};
pub use checkpoint::{Checkpoint, ForeignCheckpoint};
pub use cover::{Cover, NodeId, cover};
pub use hash::{
    chain_genesis, chain_next, empty_root, leaf_hash, leaf_hash_of, node_hash, record_hash,
};
pub use identity::{FORMAT, LogIdentity};
pub use key::{KeyError, SIGNATURE_LEN, SigningKey, VerifierKey, Zeroizing};
pub use key_list::{KeyEntry, KeyList, KeyListError};
pub use many::record_hashes;
pub use note::{Note, NoteError, NoteSignature, SIGNATURES_MAX, SignedError};
pub use prove::{
    ProveError, consistency_ranges, inclusion_ranges, prove_consistency, prove_inclusion, root_at,
};
pub use range::{CompactRange, RangeError};
pub use seal::FileSeal;
pub use text::{TextError, base64_decode, base64_encode, decimal_parse};
pub use tile::{TILE_WIDTH_MAX, Tile, TileError, TileId, tiles_of};
pub use time::UtcTime;
pub use verify::{ProofError, root_from_inclusion, verify_consistency, verify_inclusion};
