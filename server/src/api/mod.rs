//! The interface: one file per resource.
//!
//! Invariant: handlers read and write HTTP; what they do, the parts below do.

mod all_pages;
pub mod body;
mod describe;
pub mod filter;
mod health;
mod integrity;
mod json;
mod lenient;
mod metrics;
mod openapi;
pub mod parameters;
mod prefer;
mod proofs;
mod receipts;
mod record;
mod records;
mod routes;
mod scope;
mod search;
mod segments;
mod stats;
mod stream;
pub mod taken;
pub mod write_check;

pub use describe::{document, record_schema};
pub use routes::{admin_router, router};
