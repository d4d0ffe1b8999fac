//! Searching the log: pages of the newest or oldest matches, and passes over all of them.
//!
//! The index says where to look, the records say what matches. Invariant: what is returned was read
//! and verified, and matches the filter by its own content; the index decides only what is not
//! read. Where there is no index, the records are read instead.
//! Knows nothing about how an index is stored, built and kept up.

mod ahead;
mod best;
mod frontier;
pub(crate) mod judge;
mod page;
mod select;
pub(crate) mod shards;
pub(crate) mod units;

pub use page::{Cancel, Page, Query};
pub use select::Select;
