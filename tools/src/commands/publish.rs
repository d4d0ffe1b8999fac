//! `shoseki publish`: checkpoint, tiles and entry bundles as static files (C2SP tlog-tiles).

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use shoseki_engine::types::counted;

use crate::explain;
use crate::failure::{Status, Stop};
use crate::logs;
use crate::output::{Form, Session};
use crate::progress::Unit;

/// Arguments of `publish`.
#[derive(Args, Debug)]
#[command(
    after_help = "What is published holds hashes only. Publishing again writes what is new; \
                        the checkpoint comes last."
)]
pub struct Publish {
    /// Directory that a web server can serve as it is
    #[arg(value_name = "DIR")]
    pub to: PathBuf,
}

#[derive(Serialize)]
struct Published {
    tree_size: u64,
    written: u64,
    unchanged: u64,
}

impl Publish {
    /// Writes the whole layout for the newest checkpoint.
    ///
    /// # Errors
    /// There is no checkpoint, the log can't be read, or a file can't be written.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        let reader = logs::reader(session)?;
        let progress = session.progress("publishing", Unit::Nothing, None);
        let done = reader.publish(&self.to);
        drop(progress);
        let report = done.map_err(|error| explain::copying(&error, &self.to))?;
        let (tree_size, written, unchanged) = (report.size.0, report.written, report.unchanged);
        match session.out.form() {
            Form::Json => session.out.json(&Published { tree_size, written, unchanged })?,
            Form::Text => session.out.line(format_args!(
                "{} published to {}: {} written, {unchanged} as before",
                counted(tree_size, "record"),
                self.to.display(),
                counted(written, "file")
            ))?,
        }
        Ok(Status::Done)
    }
}
