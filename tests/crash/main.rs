//! What is acknowledged stays: under crashes at every call, failing disks, killed processes and
//! full disks.
//!
//! Invariant: every failure prints the seed and the call that it needs to be seen again. Nothing
//! here sleeps to get lucky or asserts a time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::big_endian_bytes,
    clippy::cast_possible_truncation,
    clippy::needless_pass_by_value,
    reason = "tests stop where their stage can't be set, and print what they need to be repeated"
)]

mod full;
mod indexes;
mod model;
mod mounted;
mod points;
mod process;
mod table;
mod threads;
mod tiles;
mod windows;
mod workload;
