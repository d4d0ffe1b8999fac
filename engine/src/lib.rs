//! Shoseki's engine: an append-only, tamper-evident audit log.
pub mod proof;
pub mod types;
