//! What the benches share: inputs, statistics, and what is measured of the machine and the process.
//!
//! Invariant: inputs follow from seeds, so that two runs measure the same work; what a bench computed ends
//! in a hash that it prints, so that nobody optimises the meaning away.
//! Knows nothing about other engines: those are in `compare/`, so that nothing else compiles them.

pub mod input;
pub mod machine;
pub mod spread;
