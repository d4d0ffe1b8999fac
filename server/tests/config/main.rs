//! The configuration: faults with their places, sources, profiles, files, and the documents.
//!
//! Invariant: expected texts stand beside the inputs that give them. Knows only what is public.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may fail as tests do"
)]

mod documents;
mod faults;
mod files;
mod profiles;
mod sources;
mod support;
