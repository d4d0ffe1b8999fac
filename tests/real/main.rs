//! Real faults on the real binary: system calls that fail, a disk that loses what was not synced,
//! processes that are stopped and killed, directories that are copied while they are in use.
//!
//! Invariant: whatever was printed as a receipt is in the log byte for byte afterwards, the
//! verifier finds nothing that the disk did not break, and the log goes on. What is injected, what
//! must hold and what is not covered stands in `README.md` beside this file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::needless_pass_by_value,
    reason = "tests stop where their stage can't be set, and print what they need to be repeated"
)]

mod binary;
mod calls;
mod copies;
mod disk;
mod mounted;
mod power;
mod promise;
mod stage;
mod stopped;
mod strace;
mod unread;
