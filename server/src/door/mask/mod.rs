//! Personal data in running text: found and masked.
//!
//! Five detectors: e-mail addresses, telephone numbers, My Numbers with their check digit, card
//! numbers with theirs, health-insurance numbers.
//! Invariant: evidence is not wiped. A number that could be anything is masked only where a word
//! within 20 characters says what it is; ARNs, UUIDs and identifiers are left alone.
//! Knows nothing of records and of configuration.

mod address;
mod folded;
mod numbers;
mod spans;

pub use spans::{Found, Kind, find, mask_excerpt, mask_text};
