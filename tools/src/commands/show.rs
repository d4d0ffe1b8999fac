//! `shoseki show`: one record, or the raw bytes in the place of a damaged one.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use shoseki_engine::log::{Entry, Reader};
use shoseki_engine::record::AuditId;
use shoseki_engine::types::{Seq, counted};

use crate::commands::query::damaged;
use crate::explain;
use crate::failure::{Failure, Status, Stop};
use crate::logs;
use crate::output::{Form, Session};
use crate::remote::{RemoteArgs, record};
use crate::rows;

/// Arguments of `show`.
#[derive(Args, Debug)]
pub struct Show {
    /// Record to show, by its place in the log or its audit_id
    #[arg(value_name = "SEQ|AUDIT_ID", required_unless_present = "damaged")]
    pub record: Option<RecordName>,
    /// Write the raw bytes in this place instead, verified or not
    #[arg(long, value_name = "SEQ", conflicts_with_all = ["record", "url"], requires = "output")]
    pub damaged: Option<u64>,
    /// File for the raw bytes; `-` is standard output
    #[arg(short, long, value_name = "FILE", requires = "damaged")]
    pub output: Option<PathBuf>,
    /// The server to ask.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// A record as a person names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordName {
    /// By its place.
    Seq(Seq),
    /// By its identifier.
    AuditId(AuditId),
}

impl std::str::FromStr for RecordName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(seq) = text.parse() {
            return Ok(Self::Seq(Seq(seq)));
        }
        let id = AuditId::parse(text).map(Self::AuditId);
        id.ok_or_else(|| "expected a number or an identifier of 8-4-4-4-12 digits".to_owned())
    }
}

impl RecordName {
    /// The places that it names, newest first.
    pub(crate) fn find(self, reader: &Reader, session: &Session<'_>) -> Result<Vec<Seq>, Failure> {
        let dir = session.shared.data_dir();
        let id = match self {
            Self::Seq(seq) => return Ok(vec![seq]),
            Self::AuditId(id) => id,
        };
        let found = reader.find(id).map_err(|error| explain::read(&error, dir))?;
        if found.is_empty() {
            return Err(Failure::invalid(format_args!(
                "there is no record with the audit_id {id}"
            ))
            .at(dir.display())
            .next("look for it with `shoseki query`, or name its seq"));
        }
        Ok(found)
    }
}

impl Show {
    /// Writes the record.
    ///
    /// # Errors
    /// There is no such record, or it can't be read or written.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        if let (Some(mut client), Some(name)) = (self.remote.client(session)?, self.record) {
            return shown(&record(&mut client, name)?, session);
        }
        let reader = logs::reader(session)?;
        if let (Some(seq), Some(path)) = (self.damaged, &self.output) {
            return raw(&reader, Seq(seq), path, session);
        }
        let Some(name) = self.record else { return Ok(Status::Done) };
        let found = name.find(&reader, session)?;
        let read = found.into_iter().map(|seq| reader.read(seq)).collect::<Result<Vec<_>, _>>();
        let dir = session.shared.data_dir();
        shown(&read.map_err(|error| explain::read(&error, dir))?, session)
    }
}

fn shown(entries: &[Entry], session: &mut Session<'_>) -> Result<Status, Stop> {
    let mut bad = 0;
    for (index, entry) in entries.iter().enumerate() {
        bad += u64::from(entry.is_damaged());
        if session.out.form() == Form::Text {
            if index > 0 {
                session.out.line("")?;
            }
            rows::card(&mut session.out, entry)?;
        } else {
            let mut line = Vec::new();
            entry.write_export_line(&mut line);
            line.push(b'\n');
            session.out.bytes(&line)?;
        }
    }
    Ok(damaged(bad, &mut session.notes))
}

fn raw(
    reader: &Reader,
    seq: Seq,
    path: &std::path::Path,
    session: &mut Session<'_>,
) -> Result<Status, Stop> {
    let bytes = reader.raw_damaged(seq);
    let bytes = bytes.map_err(|error| explain::read(&error, session.shared.data_dir()))?;
    if path.as_os_str() == "-" {
        session.out.bytes(&bytes)?;
    } else {
        fs::write(path, &bytes).map_err(|error| {
            Failure::could_not(format_args!("writing the bytes: {error}"))
                .at(path.display())
                .next("name a file that you may write")
        })?;
        session.notes.note(format_args!(
            "{} written to {}",
            counted(bytes.len(), "byte"),
            path.display()
        ));
    }
    Ok(Status::Done)
}
