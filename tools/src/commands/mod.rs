//! One file per command: its arguments, and what it does with them.
//!
//! Invariant: a command decides nothing about evidence; it calls the engine and shows the answer.

pub mod completions;
pub mod man;
