//! What is asked for: filters on records, and the order of results.
//!
//! Invariant: pure; a filter says yes or no to one record and knows nothing about where it is stored.
#![deny(clippy::indexing_slicing)]

mod order;

pub use order::Order;
