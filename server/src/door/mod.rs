//! The door of the log: bytes and a caller in, records or faults out.
//!
//! - [`prepare()`], [`prepare_each`] and [`prepare_line`] read records of both dialects
//!   (SERVER.md 1) into the form that the log stores; [`take()`] and [`take_line`] read them one
//!   by one and say every fault.
//! - [`clock_skew_ms`] is what is noted of a client whose clock is off.
//! - [`IdempotencyKey`] makes the ids of a request that has none.
//!
//! The mapping of the second dialect is published in `server/docs/records.md`.
//! Invariant: pure and total. No input makes it panic; every fault of a batch is told at once; what
//! is sent is kept token by token, but for what masking replaces.
//! Knows nothing of HTTP, clocks, files and the log.
#![deny(clippy::indexing_slicing)]

mod error;
mod faults;
mod mask;
mod members;
mod message;
mod prepare;
mod refusal;
mod repeat;
mod rules;
mod second;
mod skew;
mod take;

pub use error::DoorError;
pub use mask::{Found, Kind, find, mask_excerpt, mask_text};
pub use members::{MEMBERS, Need, Place, SecondMember, Shape};
pub use prepare::{Part, prepare, prepare_each, prepare_line};
pub use repeat::{IdempotencyKey, InvalidKey};
pub use rules::{DoorRules, SOURCE_SYSTEM};
pub use skew::clock_skew_ms;
pub use take::{take, take_line};
