//! What answers "where in the log?" without reading the log.
//!
//! Invariant: everything here can be rebuilt from the log, so a mismatch means "build again", never
//! "refuse".
//! An answer is a place to look at; whoever asks reads the record there before relying on it.
#![deny(clippy::indexing_slicing)]

mod extract;
pub mod file;
pub mod ids;
pub mod shard;
pub mod terms;
