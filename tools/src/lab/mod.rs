//! A disk in memory that fails, crashes and forgets, all from one seed.
//!
//! Invariant: what survives a crash is what the documentation of `engine::io::Storage` promises,
//! and any subset of the rest, each unsynced write torn at any byte, each unsynced rename kept or
//! lost by itself. After a crash every handle of the old life fails; [`FaultyStorage::restart`]
//! begins the next one. Knows nothing about logs.

mod disk;
mod environment;
mod faulty;

pub use environment::{Rng, SimEnvironment};
pub use faulty::{Fault, FaultKind, FaultyStorage};
