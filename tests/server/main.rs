//! The server as a process: killed under load, told to end, on a disk that is full.
//!
//! Invariant: what a client was told is there afterwards, once; what it was not told is there as a
//! whole or not at all.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::format_push_string,
    reason = "a test that can't go on has failed; figures are shown"
)]

#[path = "../../server/tests/harness/client.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod client;
mod ended;
mod files;
mod full;
mod load;
mod process;
