//! Shoseki's server: HTTP over the engine.
//!
//! [`app::app`] makes the router of a state, [`serve::serve`] listens with it. The server owns
//! HTTP, identity, correlation, the dialects of records, self-audit and configuration.
//! Invariant: it knows nothing of frames, hashes and files; what is acknowledged, the engine made
//! durable.

pub mod audit;
pub mod config;
pub mod correlation;
pub mod identity;
pub mod intake;
pub mod problem;
pub mod telemetry;
