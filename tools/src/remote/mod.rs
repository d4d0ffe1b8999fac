//! Commands that work on a server instead of a data directory (`--url`).
//!
//! Invariant: what a server says is checked here as far as it can be: hashes of records, proofs and
//! signatures. Names and texts that are looked for stand in bodies of requests, never in URLs.
//! Knows nothing of the files of a log.

mod append;
mod args;
mod client;
mod error;
mod follow;
mod prepare;
mod proof;
mod search;
mod stats;
mod tls;
mod verify;

pub(crate) use append::RemoteFeeder;
pub use args::RemoteArgs;
pub(crate) use client::{Ask, Client};
pub(crate) use error::RemoteError;
pub(crate) use follow::{Follower, Missed};
pub(crate) use proof::Prover;
pub(crate) use search::{Pages, entries_of, filter, only_for_directories, record};
pub(crate) use stats::{Statistics, TOP_MAX};
pub(crate) use verify::{Kept, RemoteVerdict, STEPS, verify};
