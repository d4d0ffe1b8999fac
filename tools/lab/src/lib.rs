//! The fault lab: a disk in memory that fails, crashes and forgets, a log that lives on it, and a
//! model of what its callers were promised, all from one seed.
//!
//! Invariant: what survives a crash is what the documentation of `engine::io::Storage` promises,
//! and any subset of the rest, each unsynced write torn at any byte, each unsynced rename kept or
//! lost by itself. After a crash every handle of the old life fails; [`FaultyStorage::restart`]
//! begins the next one. The disk knows nothing about logs. The fault model: engine/docs/faults.md.

mod calls;
mod campaign;
mod content;
mod corruption;
mod crash;
mod disk;
mod environment;
#[cfg(feature = "evidence")]
pub mod evidence;
mod fault;
mod faulty;
pub mod generate;
mod invariant;
mod machine;
mod model;
mod rot;

pub use campaign::{Extent, Row, Schedules, Summary, campaign};
pub use content::{Content, DAY, Mark, NOON};
pub use corruption::corruption_schedule;
pub use crash::{Outcome, Setup, crash_schedule};
pub use environment::{Rng, SimEnvironment};
pub use fault::{Fault, FaultKind, Lie};
pub use faulty::FaultyStorage;
pub use invariant::{Broken, Checked, Invariant};
pub use model::{Model, Seen};
pub use rot::{CopyRot, Rot, rot_of_copy};
