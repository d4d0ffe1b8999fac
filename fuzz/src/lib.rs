//! Fuzz targets as plain functions: each takes any bytes and fails by a panic.
//!
//! Invariant: a target says more than "no panic": what was accepted encodes to the same bytes again
//! where the format has one spelling, two ways to an answer agree, and memory stays within a bound
//! that follows from the input. Where a checksum guards the bytes it is put right first, so that
//! what lies behind it is reached.
//! Knows nothing about libFuzzer: `libfuzzer/` calls these functions, and so do ordinary tests.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a finding is a panic")]

mod fixture;
mod input;
mod memory;
mod repair;
mod targets;

pub use memory::Counting;
pub use targets::{TARGETS, Target, target};
