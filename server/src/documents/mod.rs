//! What programs outside read: reports as JSON, the same from the server and the command line.
//!
//! Invariant: the names are those of the contract; knows nothing of HTTP and terminals.

mod statistics;
mod verdict;

pub use statistics::{ACTIONS_MAX, NamedCount, Statistics, TimeBucket};
pub use verdict::{FoundItem, NoticedItem, Verdict};
