//! Errors of the engine as messages for a person: what, where, and what to do next.
//!
//! Invariant: every class of error has its own advice; nothing is matched by its text.

use std::path::Path;

use shoseki_engine::io::LockError;
use shoseki_engine::log::{
    AppendError, CopyError, ErrorClass, LogError, OpenError, OpenReadError, ReadError,
};

use crate::failure::{Failure, Status};

/// A log that can't be opened for writing.
pub(crate) fn opening(error: &OpenError, dir: &Path) -> Failure {
    let failure = Failure::caused(status(error.class()), error).at(dir.display());
    if let OpenError::Lock(LockError::Held { pid }) = error {
        let who = pid.map_or("the other writer".to_owned(), |pid| format!("process {pid}"));
        return failure.next(format_args!(
            "wait for {who} or stop it; query, show, export, verify and backup work beside it"
        ));
    }
    match error {
        OpenError::NotALog => failure.next(NO_LOG),
        OpenError::OtherOrigin { .. } => {
            failure.next("leave the origin out, or name another --data-dir")
        }
        OpenError::NoSigningKey(_) | OpenError::Key { .. } => {
            failure.next("put the signing key back into keys/; without it the log can only be read")
        }
        OpenError::Format(_) => failure.next("use the version of shoseki that made the log"),
        _ => failure.next(advice(error.class())),
    }
}

/// A log that can't be opened for reading.
pub(crate) fn reading(error: &OpenReadError, dir: &Path) -> Failure {
    let failure = Failure::caused(Status::CouldNot, error).at(dir.display());
    failure.next(match error {
        OpenReadError::NoLog => NO_LOG,
        OpenReadError::Identity => "restore log.json from a backup: it is the same in every copy",
        OpenReadError::Format { .. } => "use the version of shoseki that made the log",
        OpenReadError::Moving => "run the command again",
        _ => advice(ErrorClass::Failed),
    })
}

/// A read that can't be answered.
pub(crate) fn read(error: &ReadError, dir: &Path) -> Failure {
    let status = match error {
        ReadError::NoSuchRecord { .. }
        | ReadError::NoSuchSize { .. }
        | ReadError::SizesReversed { .. }
        | ReadError::Cursor(_)
        | ReadError::TooManyBuckets { .. } => Status::Invalid,
        ReadError::Damaged { .. } | ReadError::Checkpoint(_) | ReadError::Keys(_) => Status::Found,
        _ => Status::CouldNot,
    };
    let failure = Failure::caused(status, error).at(dir.display());
    failure.next(match status {
        Status::Invalid if matches!(error, ReadError::Cursor(_)) => {
            "repeat the options of the command that gave the cursor, or begin without one"
        }
        Status::Invalid if matches!(error, ReadError::TooManyBuckets { .. }) => {
            "ask for a shorter period or longer buckets"
        }
        Status::Invalid => "name a record or size that the log has: `shoseki segments` lists them",
        Status::Found => advice(ErrorClass::Damaged),
        _ => advice(ErrorClass::Failed),
    })
}

/// A batch that was refused as a whole, for a reason that is not in its records.
pub(crate) fn appending(error: &AppendError, dir: &Path) -> Failure {
    let failure = Failure::caused(status(error.class()), error).at(dir.display());
    failure.next(advice(error.class()))
}

/// Sealing, signing or closing that failed.
pub(crate) fn working(error: &LogError, dir: &Path) -> Failure {
    let failure = Failure::caused(status(error.class()), error).at(dir.display());
    failure.next(advice(error.class()))
}

/// A copy that was not finished.
pub(crate) fn copying(error: &CopyError, to: &Path) -> Failure {
    let found = matches!(error, CopyError::Root { .. } | CopyError::Short { .. })
        || matches!(error, CopyError::Read(ReadError::Damaged { .. } | ReadError::Checkpoint(_)));
    let status = match error {
        CopyError::NotEmpty => Status::Invalid,
        _ if found => Status::Found,
        _ => Status::CouldNot,
    };
    let failure = Failure::caused(status, error).at(to.display());
    failure.next(match error {
        CopyError::NotEmpty => "name a directory that is empty or not there yet",
        CopyError::NoCheckpoint => "append something: a checkpoint is signed within a second",
        _ if found => advice(ErrorClass::Damaged),
        _ => "check the path, its permissions and the free space, then run the command again",
    })
}

/// What to do where there is no log.
pub(crate) const NO_LOG: &str =
    "check --data-dir and SHOSEKI_DATA_DIR; `shoseki append` makes a log where there is none";

fn status(class: ErrorClass) -> Status {
    match class {
        ErrorClass::Invalid | ErrorClass::Conflict => Status::Invalid,
        ErrorClass::Busy
        | ErrorClass::Full
        | ErrorClass::Locked
        | ErrorClass::Damaged
        | ErrorClass::Failed => Status::CouldNot,
    }
}

fn advice(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Invalid => "correct the input, then run the command again",
        ErrorClass::Conflict => "give a changed record an audit_id of its own",
        ErrorClass::Busy => "run the command again in a moment",
        ErrorClass::Full => {
            "free some space, then run the command again; what has a receipt is stored"
        }
        ErrorClass::Locked => "wait for the other writer, or stop it",
        ErrorClass::Damaged => {
            "run `shoseki verify` on the directory; restore a backup, or go on in a new log with \
             `shoseki fork OLD NEW`"
        }
        ErrorClass::Failed => {
            "check the disk, the path and its permissions, then run the command again"
        }
    }
}
