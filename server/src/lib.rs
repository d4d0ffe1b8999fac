//! Shoseki's server: HTTP over the engine.
//!
//! [`api::router`] makes the router of a state, [`serve::serve`] listens with it. The server owns
//! HTTP, identity, correlation, the dialects of records, self-audit and configuration.
//! Invariant: it knows nothing of frames, hashes and files; what is acknowledged, the engine made
//! durable.

pub mod api;
pub mod app;
pub mod audit;
pub mod authenticated;
pub mod config;
pub mod correlation;
pub mod cursors;
pub mod documents;
pub mod door;
pub mod identity;
pub mod intake;
pub mod jobs;
pub mod problem;
pub mod queries;
pub mod serve;
pub mod telemetry;
