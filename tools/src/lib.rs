//! Command line of Shoseki as a library: every command takes its arguments and its streams from the
//! caller, so that a test runs it in its own process.
//!
//! Invariant: results go to standard output, everything else to standard error, and the exit status
//! is one of the four of CONTRACT section 2. Knows nothing about bytes on disk: that is the engine.

pub mod args;
pub mod commands;
pub mod config;
pub mod console;
mod documents;
mod explain;
pub mod failure;
mod feed;
mod filter_args;
mod lines;
mod logs;
pub mod output;
pub mod progress;
mod remote;
mod rows;
mod run;
pub mod table;

pub use failure::{Failure, Status, Stop};
pub use run::{run, run_process};
