//! Nobody sees, counts or guesses what belongs to another facility.
//!
//! Invariant: every endpoint of the published document is in the table here; a new one fails until
//! it is said who may ask it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::format_push_string,
    reason = "a test that can't go on has failed"
)]

mod cursors;
mod damaged;
mod endpoints;
mod guesses;
#[path = "../harness/mod.rs"]
mod harness;
mod world;
