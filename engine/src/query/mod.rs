//! What is asked for: filters on records, the order of results, and how an index answers.
//!
//! Invariant: pure; a filter says yes or no to one record and knows nothing about where it is
//! stored. A plan turns it into questions to an index; it may name more records than match, never
//! fewer.
#![deny(clippy::indexing_slicing)]

mod address;
mod cursor;
mod detail;
mod explain;
mod filter;
mod order;
mod plan;
mod quick;
mod stats;
#[cfg(test)]
mod tests;
mod words;

pub use address::{AddressPattern, InvalidAddress};
pub use cursor::{Cursor, CursorError};
pub use detail::{DetailFilter, DetailPath, InvalidDetail};
pub use explain::Explain;
pub use filter::{ActionPattern, Filter};
pub use order::{Order, Sort, SortBy};
pub use plan::{Plan, PlanScratch, Verdict};
pub use quick::QuickCheck;
pub use stats::{Bucket, BucketCount, BucketUnit, Stats, StatsQuery, ValueCount};
pub use words::Word;
