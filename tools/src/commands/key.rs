//! `shoseki key`: the keys that sign for the log.

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::explain;
use crate::failure::{Status, Stop};
use crate::logs;
use crate::output::{Form, Session};
use crate::table::{Align, Table};

/// Arguments of `key`.
#[derive(Args, Debug)]
pub struct Key {
    /// What to do.
    #[command(subcommand)]
    pub what: What,
}

/// What to do with the keys.
#[derive(Subcommand, Clone, Copy, Debug)]
pub enum What {
    /// List every key with the size of the log from which it is valid
    Show,
    /// Print the current verifier key, to be kept outside of the log
    Vkey,
    /// Make a new signing key that takes over now, signed by the current one
    Rotate,
}

#[derive(Serialize)]
struct Row {
    index: usize,
    valid_from: u64,
    key: String,
}

impl Key {
    /// Shows or rotates.
    ///
    /// # Errors
    /// The log or its keys can't be read, or the log is in use.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        if matches!(self.what, What::Rotate) {
            let log = logs::writer(session)?;
            let rotated = log.rotate_key();
            let closed = logs::close(log, session);
            rotated.map_err(|error| explain::opening(&error, session.shared.data_dir()))?;
            closed?;
            session.notes.note("a new key signs from now on; the old signatures stay valid");
        }
        let reader = logs::reader(session)?;
        let keys = reader.keys();
        let keys = keys.map_err(|error| explain::read(&error, session.shared.data_dir()))?;
        let rows = keys.entries().enumerate().map(|(index, entry)| Row {
            index,
            valid_from: entry.valid_from().0,
            key: entry.key().to_string(),
        });
        if !matches!(self.what, What::Show) {
            // The line is the form in which others take a key: JSON only where it is asked for.
            match rows.last().filter(|_| session.shared.json) {
                Some(row) => session.out.json(&row)?,
                None => session.out.line(keys.current())?,
            }
            return Ok(Status::Done);
        }
        if session.out.form() == Form::Json {
            rows.into_iter().try_for_each(|row| session.out.json(&row))?;
            return Ok(Status::Done);
        }
        let columns = [("key", Align::Right), ("from size", Align::Right)];
        let mut table = Table::new(&[columns[0], columns[1], ("verifier key", Align::Left)]);
        for row in rows {
            table.row([row.index.to_string(), row.valid_from.to_string(), row.key]);
        }
        session.out.table(&table)?;
        Ok(Status::Done)
    }
}
