//! Listening: sockets, TLS, connections, and an orderly end.
//!
//! Invariant: what was taken is finished before the log is closed; nothing listens before the log
//! is open. Knows nothing about what is asked and answered.

mod activity;
mod address;
mod clock;
mod connection;
mod drained;
mod files;
mod listener;
mod patience;
mod run;
mod signal;
mod start;
mod tls;

pub use run::{Notices, Serving, serve};
pub use signal::StopSignal;
pub use start::{StartError, open};
