//! Shoseki's engine: an append-only, tamper-evident audit log.
pub mod record;
pub mod types;
