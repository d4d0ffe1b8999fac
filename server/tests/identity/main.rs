//! Authentication from outside: published attack vectors, our own attacks, files that change.
//!
//! Invariant: time is an argument and no test waits; every refusal is checked by its reason.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says where it was skipped"
)]

mod attacks;
mod certificates;
mod claims;
mod development;
mod files;
mod support;
#[path = "../harness/test_data.rs"]
mod test_data;
mod vectors;
