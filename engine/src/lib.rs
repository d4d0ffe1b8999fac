//! Shoseki's engine: an append-only, tamper-evident audit log.

pub mod format;
pub mod proof;
pub mod record;
pub mod types;

#[cfg(feature = "log")]
pub mod index;
#[cfg(feature = "log")]
pub mod io;
#[cfg(feature = "log")]
pub mod log;
#[cfg(feature = "log")]
pub mod query;
#[cfg(feature = "log")]
pub mod recovery;
#[cfg(feature = "log")]
pub mod segment;
#[cfg(feature = "log")]
pub mod verify;
