//! The real binary: exit codes, streams, and what stands on them.
//!
//! Invariant: every test has a directory of its own, and no test waits for time to pass.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod append;
mod config;
mod copies;
mod damage;
mod demo;
mod drill;
mod export;
mod import;
mod people;
mod proof;
mod query;
mod remote;
mod remote_lost;
mod remote_proof;
mod remote_tls;
mod remote_verify;
mod server;
mod stats;
mod streams;
mod support;
#[path = "../../../server/tests/harness/test_data.rs"]
mod test_data;
mod token;
mod usage;
mod verify;
