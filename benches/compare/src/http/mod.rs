//! The server under load, beside a bare axum that parses the same and keeps nothing.
//!
//! Invariant: both are driven by the same load generator with the same bodies in the same run;
//! every answer of the server stands for records that are durable.

mod bare;
mod load;
mod paced;
mod run;
mod served;

pub use run::{Arguments, run};
