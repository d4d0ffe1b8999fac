//! What can be wrong with an event or with the bytes around it.

use std::io;
use std::path::PathBuf;

use shoseki_engine::record::InputError;

/// Why an event can't become a record.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// The event is not a JSON object.
    #[error("the event is not a JSON object")]
    NotAnObject,
    /// A member that every record needs is found nowhere in the event.
    #[error("no {member}: the event has nothing at {looked_at}")]
    Missing {
        /// Member of the record.
        member: &'static str,
        /// The places in the event.
        looked_at: String,
    },
    /// A value that the record's member can't hold.
    #[error("{member}: expected {expected}, got {got:?}")]
    Value {
        /// Member of the record.
        member: &'static str,
        /// What would have been right.
        expected: String,
        /// The start of what is there.
        got: String,
    },
    /// The record is outside the limits of CONTRACT 1.1.
    #[error(transparent)]
    Refused(#[from] InputError),
}

impl MapError {
    pub(crate) fn value(member: &'static str, expected: &str, got: &str) -> Self {
        let got = got.chars().take(60).collect();
        Self::Value { member, expected: expected.to_owned(), got }
    }
}

/// Why a part of a file is not JSON that can be imported.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadFault {
    /// Not JSON.
    #[error("not JSON: {message} (column {column})")]
    NotJson {
        /// What the parser says.
        message: String,
        /// Byte column in its line, from 1.
        column: usize,
    },
    /// A line or a document that is larger than can be taken into memory.
    #[error("a line or document of more than {max} bytes")]
    TooLong {
        /// The most bytes.
        max: u64,
    },
    /// `--root` or the mapping file names a place that is not there.
    #[error("nothing at {path}, where the events should be")]
    NoEvents {
        /// The place.
        path: String,
    },
}

/// An argument that names nothing that can be read.
#[derive(Debug, thiserror::Error)]
#[error("reading the input {path}: {source}", path = path.display())]
pub struct InputFault {
    /// The argument.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// Why an input was not read to its end.
#[derive(Debug)]
pub enum Interrupted<E> {
    /// The input can't be read further.
    Read(io::Error),
    /// The receiver of the events stopped.
    Stop(E),
}

impl<E> From<E> for Interrupted<E> {
    fn from(stop: E) -> Self {
        Self::Stop(stop)
    }
}
