//! What is asked for: filters on records, and the order of results.
//!
//! Invariant: pure; a filter says yes or no to one record and knows nothing about where it is
//! stored.
#![deny(clippy::indexing_slicing)]

mod address;
mod filter;
mod order;
mod quick;
#[cfg(test)]
mod tests;
mod words;

pub use address::{AddressPattern, InvalidAddress};
pub use filter::{ActionPattern, DetailFilter, Filter};
pub use order::Order;
pub use quick::QuickCheck;
pub use words::Word;
