//! One file per command: its arguments, and what it does with them.
//!
//! Invariant: a command decides nothing about evidence; it calls the engine and shows the answer.

pub mod append;
pub mod checkpoint;
pub mod completions;
pub mod export;
pub mod import;
pub mod key;
pub mod man;
pub mod query;
pub mod seal;
pub mod segments;
pub mod show;
pub mod tail;
