//! The fault lab: schedules by the hundred in an ordinary run, by the hundred thousand in a deep
//! one.
//!
//! Invariant: every failure prints the seed that repeats it. Nothing here sleeps or asserts a time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests stop where their stage can't be set, and print what they need to be repeated"
)]

mod mutants;
mod regressions;
mod schedules;
mod stage;
