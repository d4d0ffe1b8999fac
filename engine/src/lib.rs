//! Shoseki's engine: an append-only, tamper-evident audit log.
pub mod format;
pub mod types;
