//! The targets by name.
//!
//! Invariant: every target has seeds, and its folder names in `corpus`, `regressions` and
//! `dictionaries` are its name.

mod active;
mod body;
mod directory;
mod export;
mod group;
mod import;
mod index;
mod mapping;
mod note;
mod query;
mod record;
mod recovery;
mod segment;
mod table;
mod tree;

pub use table::{TARGETS, Target, target};
