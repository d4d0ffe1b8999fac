//! The file beside a sealed segment that holds its search index: `<first-seq>-<count>.idx`.
//!
//! Invariant: nothing of a page is used before the page has matched its checksum, and opening
//! touches the ends of the file only. A file made for other records, by another version or with a
//! changed byte gives an error, never another answer; it is then built again.
//! Knows no paths and no operating system: bytes in, bytes out. Format: `docs/index-format.md`.

mod layout;
mod open;
mod pages;
#[cfg(test)]
mod tests;
mod totals;
mod writer;

pub use layout::{IndexIdentity, LAYOUTS};
pub use open::IndexFile;
pub use writer::IndexFileWriter;
