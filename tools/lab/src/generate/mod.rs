//! Made-up records: a clinic's day for people, a workload for benches, hostile text for tests.
//!
//! Invariant: the same seed gives the same records on every machine: integers only, no clock, no
//! randomness of the system. Knows nothing about the log.

mod clinic;
mod clinic_data;
mod hostile;
mod input_line;
mod rng;
mod workload;

#[cfg(test)]
mod tests;

pub use clinic::clinic_day;
pub use hostile::{Hostile, hostile};
pub use input_line::input_line;
pub use rng::Rng;
pub use workload::{Workload, WorkloadRecords};
