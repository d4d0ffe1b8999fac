//! The door of the server, from outside: bytes and a caller in, bodies or refusals out.
//!
//! Invariant: what a record becomes is compared as text, so that no member can be lost unseen.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that can't go on has failed; one without its data says so"
)]

mod admission;
mod docs;
mod faults;
mod masking;
mod properties;
mod second;
mod suites;
mod support;
#[path = "../harness/test_data.rs"]
mod test_data;
