//! Texts cut into units, so that searching needs no spaces and knows no case.
//!
//! A *unit* is a word (letters and digits in a row) or, in scripts without spaces between words, a
//! single character. A *phrase* is in a text where its units stand there in a row.
//! Invariant: pure; what two spellings of one text have in common (case, width, composition) is
//! decided here and nowhere else, so index and filter can't disagree.
#![deny(clippy::indexing_slicing)]

mod class;
mod phrase;
#[cfg(test)]
mod tests;
mod units;

pub use phrase::Phrase;
pub use units::{Unit, Units};
