//! Who calls, and what they may do.
//!
//! Invariant: authority comes from a verified token or certificate and from nothing else that a
//! client sends. Knows nothing about routes, records and the log.

mod caller;
mod role;

pub use caller::{Caller, Facilities, Means};
pub use role::{Permission, Role, Roles};
