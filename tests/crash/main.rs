//! What is acknowledged stays: under crashes at every call, failing disks, killed processes and
//! full disks.
//!
//! Invariant: every failure prints the seed and the call that it needs to be seen again. Nothing
//! here sleeps to get lucky or asserts a time.

mod model;
mod points;
mod process;
mod table;
mod threads;
mod workload;
