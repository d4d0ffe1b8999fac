//! `shoseki seal`: seals what is active.

use clap::Args;
use shoseki_engine::types::counted;

use crate::commands::segments::Row;
use crate::explain;
use crate::failure::{Status, Stop};
use crate::logs;
use crate::output::{Form, Session};
use crate::progress::Unit;

/// Arguments of `seal`.
#[derive(Args, Debug)]
pub struct Seal {}

impl Seal {
    /// Seals and names the new segments.
    ///
    /// # Errors
    /// The log is in use or can't be written.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        let log = logs::writer(session)?;
        let reader = log.reader();
        let sealed_end = |reader: &shoseki_engine::log::Reader| {
            let sealed = reader.segments().into_iter().filter(|segment| segment.sealed);
            sealed.map(|segment| segment.first_seq.0 + segment.count).max().unwrap_or(0)
        };
        let before = sealed_end(&reader);
        let progress = session.progress("sealing", Unit::Nothing, None);
        let sealed = log.seal();
        // Nobody else is there to make it before the log is closed; a log without is only slower.
        let indexed = if sealed.is_ok() { log.complete_indexes() } else { Ok(()) };
        drop(progress);
        let new: Vec<_> = reader.segments();
        let closed = logs::close(log, session);
        sealed.map_err(|error| explain::working(&error, session.shared.data_dir()))?;
        closed?;
        if let Err(error) = indexed {
            session.notes.note(format_args!("a search index is missing: {error}"));
        }
        let new = new.iter().filter(|segment| segment.sealed && segment.first_seq.0 >= before);
        let mut count = 0;
        for segment in new {
            count += 1;
            match session.out.form() {
                Form::Json => session.out.json(&Row::from(segment))?,
                Form::Text => session.out.line(format_args!(
                    "sealed {} ({}, {})",
                    segment.path,
                    counted(segment.count, "record"),
                    counted(segment.file_len, "byte")
                ))?,
            }
        }
        if count == 0 {
            session.notes.note("nothing is active: every record is sealed");
        }
        Ok(Status::Done)
    }
}
