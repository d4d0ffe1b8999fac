//! The OpenAPI document: what the routes say of themselves, completed by what they share.
//!
//! Invariant: paths, methods and names come from the routes; parameters from the table that their
//! reader uses; members of records from the tables of the engine and the door; errors from the
//! register. Knows the shapes of the interface and nothing about how answers are made.

mod answers;
mod bodies;
mod document;
mod headers;
mod operations;
mod parameters;
mod prose;
mod records;
mod schemas;
mod values;

pub use document::{document, record_schema};
