//! One file per command: its arguments, and what it does with them.
//!
//! Invariant: a command decides nothing about evidence; it calls the engine and shows the answer.

pub mod append;
pub mod backup;
pub mod checkpoint;
pub mod completions;
pub mod demo;
pub mod drill;
pub mod export;
pub mod fork;
pub mod import;
pub mod key;
pub mod man;
pub mod proof;
pub mod publish;
pub mod query;
pub mod seal;
pub mod segments;
pub mod serve;
pub mod show;
pub mod stats;
pub mod tail;
pub mod token;
pub mod verify;
