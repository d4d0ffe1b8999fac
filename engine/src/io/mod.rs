//! The only place where the engine touches the operating system.
//!
//! Invariant: whoever needs files, time or randomness gets them through [`Storage`] and
//! [`Environment`]; `os.rs` is the one implementation for real disks, and a test may bring another.
//! Knows nothing about what the bytes mean.

mod durable;
mod os;
mod storage;

pub use durable::{TEMPORARY_SUFFIX, make_dir, remove_durably, write_atomic, write_atomic_private};
pub use os::{OsEnvironment, OsStorage, yield_to_others};
pub(crate) use storage::write_zeros;
pub use storage::{Environment, LockError, LockGuard, Map, OpenMode, Space, Storage, StorageFile};
