//! `shoseki backup`: a consistent copy, beside a running writer or without one.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use shoseki_engine::log::BackupKey;
use shoseki_engine::types::counted;
use shoseki_engine::verify::{VerifyOptions, verify_path};

use crate::explain;
use crate::failure::{Failure, Status, Stop};
use crate::logs;
use crate::output::{Form, Session};
use crate::progress::Unit;

/// Arguments of `backup`.
#[derive(Args, Debug)]
pub struct Backup {
    /// Directory for the copy; must be empty or not there yet
    #[arg(value_name = "DIR")]
    pub to: PathBuf,
    /// Copy the signing key too: whoever has the copy can then sign as the log
    #[arg(long)]
    pub with_key: bool,
}

#[derive(Serialize)]
struct Copied {
    records: u64,
    checkpoint_size: Option<u64>,
    files: u64,
    bytes: u64,
}

impl Backup {
    /// Copies the log as it is now.
    ///
    /// # Errors
    /// The log can't be read, the destination is not empty, or the copy can't be written.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        let reader = logs::reader(session)?;
        let key = if self.with_key { BackupKey::With } else { BackupKey::Without };
        let progress = session.progress("copying", Unit::Nothing, None);
        let done = reader.backup(&self.to, key);
        drop(progress);
        let report = done.map_err(|error| explain::copying(&error, &self.to))?;
        let checkpoint_size = report.checkpoint.map(|size| size.0);
        let (records, files, bytes) = (report.size.0, report.files, report.bytes);
        match session.out.form() {
            Form::Json => session.out.json(&Copied { records, checkpoint_size, files, bytes })?,
            Form::Text => session.out.line(format_args!(
                "{} copied to {} ({}, {})",
                counted(records, "record"),
                self.to.display(),
                counted(files, "file"),
                counted(bytes, "byte")
            ))?,
        }
        // What was missing at the source is missing in the copy: it was said at opening.
        Ok(if report.damage.is_empty() { self.check(session)? } else { Status::Found })
    }

    /// A copy of damaged files is a damaged copy: its structures, links and signatures are looked
    /// at.
    fn check(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        let options = VerifyOptions { quick: true, ..VerifyOptions::default() };
        let audited = verify_path(&self.to, &options, &());
        let audited = audited.map_err(|error| {
            Failure::could_not("the copy can't be verified")
                .at(error)
                .next("run `shoseki verify` on the log itself")
        })?;
        for finding in audited.findings.iter().take(10) {
            session.notes.fault(format_args!("shoseki: in the copy: {}", finding.message));
        }
        if audited.findings.is_empty() {
            return Ok(Status::Done);
        }
        session
            .notes
            .fault("shoseki: the copy is not sound: run `shoseki verify` on the log and on it");
        Ok(Status::Found)
    }
}
