//! Errors as clients see them: RFC 9457 problem details.
//!
//! Invariant: one line each, no content of a record, no path of this machine, no reason why an
//! authentication failed. Knows nothing about where an error came from.

mod code;
mod response;

pub use code::ErrorCode;
pub use response::{FaultItem, Problem};
