//! The log that a command works on, opened for reading or for writing.
//!
//! Invariant: only a command that may make a log makes one; whatever opening had to repair is said.

use shoseki_engine::log::{Log, LogOptions, OpenError, Reader};

use shoseki_engine::proof::FORMAT;
use shoseki_engine::types::counted;

use crate::explain;
use crate::failure::{Failure, Status};
use crate::output::{Notes, Session};

/// Opens the log for reading, beside a writer or without one.
pub(crate) fn reader(session: &mut Session<'_>) -> Result<Reader, Failure> {
    let dir = session.shared.data_dir();
    let reader = Reader::open(dir).map_err(|error| explain::reading(&error, dir))?;
    format_warning(&mut session.notes);
    for damage in reader.damage() {
        session.notes.fault(format_args!("shoseki: damaged: {damage}"));
    }
    Ok(reader)
}

/// The status of a command that showed all that there is: a log with parts missing is not whole.
pub(crate) fn whole(reader: &Reader, status: Status) -> Status {
    if reader.damage().is_empty() { status } else { Status::Found }
}

/// Opens the log for writing; makes one where there is none.
pub(crate) fn writer_or_new(
    session: &mut Session<'_>,
    options: LogOptions,
) -> Result<Log, Failure> {
    let dir = session.shared.data_dir();
    let log = Log::open(dir, options).map_err(|error| explain::opening(&error, dir))?;
    report(&log, &mut session.notes, &dir.display().to_string());
    Ok(log)
}

/// Opens a log that is there for writing.
pub(crate) fn writer(session: &mut Session<'_>) -> Result<Log, Failure> {
    let dir = session.shared.data_dir();
    // A lost log.json must not look like an empty place.
    if !dir.join("log.json").is_file() && !dir.join("sealed").is_dir() {
        return Err(explain::opening(&OpenError::NotALog, dir));
    }
    let options = session.config.log_options();
    writer_or_new(session, options)
}

/// Closes in order and says what failed.
pub(crate) fn close(log: Log, session: &Session<'_>) -> Result<(), Failure> {
    log.close().map_err(|error| explain::working(&error, session.shared.data_dir()))
}

/// Until the format is declared 1, a log of today may not open tomorrow.
fn format_warning(notes: &mut Notes<'_>) {
    if FORMAT == 0 {
        notes.note("on-disk format 0 may still change: keep exports of what has to last");
    }
}

fn report(log: &Log, notes: &mut Notes<'_>, dir: &str) {
    let report = log.report();
    if report.created {
        notes.note(format_args!("made the log {} in {dir}", log.origin()));
    }
    format_warning(notes);
    if let Some(cut) = &report.quarantined {
        notes.note(format_args!(
            "behind the end of {} stood {} that were never acknowledged, now kept in {}",
            cut.from,
            counted(cut.len, "byte"),
            cut.path
        ));
    }
    if report.checkpoint_rebuilt {
        notes.note("the stored checkpoint could not be read and was signed anew");
    }
    if report.vkey_rebuilt {
        notes.note("log.vkey was none of the log's keys and was written anew from log.vkeys");
    }
    for path in &report.resealed {
        notes.note(format_args!("{path} was not whole; its records are sealed again"));
    }
}
