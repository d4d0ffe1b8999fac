//! Why nothing of a request is taken.
//!
//! Invariant: a refusal carries no content of a record but for the masked excerpts of its faults.
//! Knows nothing of status codes and of how a refusal is shown.

use shoseki_engine::record::{Fault, SyntaxKind};

/// Why a request is refused at the door, in the order in which it is checked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DoorError {
    /// Not JSON (400).
    #[error("not JSON: line {line}, column {column} (byte {offset}): {kind}")]
    NotJson {
        /// Byte position from 0.
        offset: usize,
        /// Line from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong there.
        kind: SyntaxKind,
    },
    /// More records than one request may hold (413).
    #[error("more than {max} records in one request")]
    TooMany {
        /// The most that are taken.
        max: usize,
    },
    /// An empty array (422).
    #[error("no record in the request")]
    Empty,
    /// Every fault of every record (422).
    #[error("{} faults in the records", .0.len())]
    Invalid(Vec<Fault>),
    /// A producer or an action that only the server uses (403).
    #[error("the {what} of record {index} is reserved for the server")]
    Reserved {
        /// Position of the first such record, from 0.
        index: usize,
        /// `producer` or `action`.
        what: &'static str,
    },
    /// A facility outside of the caller's scope (403).
    #[error("the facility of record {index} is outside of the caller's scope")]
    Facility {
        /// Position of the first such record, from 0.
        index: usize,
    },
}
