//! `shoseki append`: records in, receipts out.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;
use shoseki_engine::log::Receipt;
use shoseki_engine::record::{InputError, Limits, Producer, Record, SyntaxKind};
use shoseki_engine::types::Origin;

use crate::documents::{At, Document, Documents, characters};
use crate::failure::{Failure, Status, Stop};
use crate::feed::{Fate, Feeder, one_fault};
use crate::lines::Lines;
use crate::logs;
use crate::output::{Notes, Results, Session};
use crate::remote::{RemoteArgs, RemoteFeeder};

/// Arguments of `append`.
#[derive(Args, Debug)]
#[command(
    after_help = "A record stands on one line, an array of records on one line or on many; both \
                  may be mixed. What is bad is refused with its line, the others go on, and the \
                  exit status is 2. A receipt is written as soon as its record is durable.\n\
                  With --url, a record without an audit_id gets one before it is sent, and what \
                  was not acknowledged is sent again: it is in the log once."
)]
pub struct Append {
    /// `facility_id` of records that name none
    #[arg(long, value_name = "ID")]
    pub facility: Option<String>,
    /// Name under which the records stand (`ingested_by`)
    #[arg(long, value_name = "NAME", value_parser = producer, conflicts_with = "url")]
    pub producer: Option<Producer>,
    /// Name of the log where a new one is made
    #[arg(long, value_name = "NAME", value_parser = origin, conflicts_with = "url")]
    pub origin: Option<Origin>,
    /// JSON Lines or JSON arrays; `-` or nothing is standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The server to send to.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// Checks a producer's name.
///
/// # Errors
/// What CONTRACT 1.1 does not allow in `ingested_by`.
pub fn producer(name: &str) -> Result<Producer, String> {
    Producer::new(name).map_err(|error| error.to_string())
}

/// Checks the name of a log.
///
/// # Errors
/// What CONTRACT 1.2 does not allow in a name.
pub fn origin(name: &str) -> Result<Origin, String> {
    Origin::new(name).map_err(|error| error.to_string())
}

impl Append {
    /// Appends every input in its order.
    ///
    /// # Errors
    /// The log can't be opened or stopped; an input can't be read.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        let stdin = session.take_input();
        let inputs = self.open(stdin)?;
        if let Some(client) = self.remote.client(session)? {
            let mut feeder = RemoteFeeder::new(client, self.facility.as_deref());
            return feed(&mut feeder, inputs, session);
        }
        let mut options = session.config.log_options();
        if self.origin.is_some() {
            options.origin.clone_from(&self.origin);
        }
        let log = logs::writer_or_new(session, options)?;
        let (dir, limits) = (session.shared.data_dir().to_owned(), session.config.limits());
        let feeder = Feeder::new(&log, &dir, self.producer.clone());
        let mut own = Own { feeder, limits: &limits, facility: self.facility.as_deref() };
        let outcome = feed(&mut own, inputs, session);
        let closed = logs::close(log, session);
        let status = outcome?;
        closed?;
        Ok(status)
    }

    /// Opens every input before the first record is taken.
    fn open(&self, stdin: Box<dyn Read + Send>) -> Result<Vec<Source>, Failure> {
        let mut stdin = Some(stdin);
        let dash = [PathBuf::from("-")];
        let files = if self.files.is_empty() { &dash[..] } else { &self.files };
        let mut inputs = Vec::new();
        for path in files {
            let input: Box<dyn Read + Send> = if path.as_os_str() == "-" {
                // Named twice, its second turn is empty.
                stdin.take().unwrap_or_else(|| Box::new(io::empty()))
            } else {
                Box::new(File::open(path).map_err(|error| unreadable(&error, path))?)
            };
            let name = if path.as_os_str() == "-" { "standard input".into() } else { path.clone() };
            inputs.push((name, input));
        }
        Ok(inputs)
    }
}

fn feed(
    sink: &mut dyn Sink,
    inputs: Vec<Source>,
    session: &mut Session<'_>,
) -> Result<Status, Stop> {
    let Session { out, notes, .. } = session;
    let mut counts = Counts { many: inputs.len() > 1, ..Counts::default() };
    for (path, input) in inputs {
        counts.path = path.display().to_string();
        let lines = Lines::new(input).map_err(|error| unreadable(&error, &path))?;
        let mut documents = Documents::new(lines);
        let mut tell = |place, fate| counts.tell(place, fate, out, notes);
        let read = read(&mut documents, sink, &mut tell);
        // What came before a fault of the input was taken, and is told.
        let flushed = match read {
            Err(Trouble::Stop(_)) => Ok(()),
            _ => sink.flush(&mut tell),
        };
        read.map_err(|trouble| match trouble {
            Trouble::Stop(stop) => counts.stopped(stop),
            Trouble::Read(error) => unreadable(&error, &path).into(),
        })?;
        flushed.map_err(|stop| counts.stopped(stop))?;
    }
    notes.note(counts.summary());
    Ok(match (sink.met_damage(), counts.refused) {
        (true, _) => Status::CouldNot,
        (false, 0) => Status::Done,
        (false, _) => Status::Invalid,
    })
}

type Source = (PathBuf, Box<dyn Read + Send>);

fn unreadable(error: &io::Error, path: &Path) -> Failure {
    Failure::could_not(format_args!("reading the input: {error}"))
        .at(path.display())
        .next("check the path; what has a receipt is stored, and sending it again does no harm")
}

/// Where a record stands: its line, and its place in the array of that line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// From 1.
    pub(crate) line: u64,
    /// Characters of the line in front of it.
    column: usize,
    item: Option<usize>,
}

impl Place {
    fn of(at: At) -> Self {
        Self { line: at.line, column: at.column, item: None }
    }
}

/// A receipt as it is printed.
#[derive(Serialize)]
pub(crate) struct Printed {
    audit_id: String,
    seq: u64,
    hash: String,
    chain_hash: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
}

impl From<&Receipt> for Printed {
    fn from(receipt: &Receipt) -> Self {
        Self {
            audit_id: receipt.audit_id.to_string(),
            seq: receipt.seq.0,
            hash: receipt.hash.to_hex(),
            chain_hash: receipt.chain_hash.to_hex(),
            duplicate: receipt.duplicate,
        }
    }
}

#[derive(Default)]
struct Counts {
    path: String,
    many: bool,
    accepted: u64,
    duplicates: u64,
    refused: u64,
    first: Option<u64>,
    last: Option<u64>,
    reader_gone: bool,
}

impl Counts {
    fn tell(
        &mut self,
        place: Place,
        fate: Fate,
        out: &mut Results<'_>,
        notes: &mut Notes<'_>,
    ) -> Result<(), Stop> {
        match fate {
            Fate::Stored { receipt, last } => {
                if receipt.duplicate {
                    self.duplicates += 1;
                } else {
                    self.accepted += 1;
                    self.first.get_or_insert(receipt.seq.0);
                    self.last = Some(receipt.seq.0);
                }
                self.print(&receipt, last, out)
            }
            Fate::Refused(reason) => {
                self.refused += 1;
                let item = place.item.map_or(String::new(), |item| format!(", record {item}"));
                let file = if self.many { format!("{}: ", self.path) } else { String::new() };
                notes.fault(format_args!("{file}line {}{item}: {reason}", place.line));
                Ok(())
            }
        }
    }

    /// Records still belong into the log when nobody takes the receipts any more.
    fn print(&mut self, receipt: &Receipt, last: bool, out: &mut Results<'_>) -> Result<(), Stop> {
        if self.reader_gone {
            return Ok(());
        }
        let printed = out.json(&Printed::from(receipt));
        match printed.and_then(|()| if last { out.flush() } else { Ok(()) }) {
            Err(Stop::ReaderGone) => self.reader_gone = true,
            other => other?,
        }
        Ok(())
    }

    /// What ended it, with the file where there are several.
    fn stopped(&self, stop: Stop) -> Stop {
        match stop {
            Stop::Failure(failure) if self.many => {
                failure.also(format_args!("while reading {}", self.path)).into()
            }
            other => other,
        }
    }

    fn summary(&self) -> String {
        let span = match (self.first, self.last) {
            (Some(first), Some(last)) => format!(" (seq {first} to {last})"),
            _ => String::new(),
        };
        let Self { accepted, duplicates, refused, .. } = self;
        format!("{accepted} appended{span}, {duplicates} there before, {refused} refused")
    }
}

enum Trouble {
    Stop(Stop),
    Read(io::Error),
}

impl From<Stop> for Trouble {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// Is told what became of each record.
pub(crate) type Tell<'t> = dyn FnMut(Place, Fate) -> Result<(), Stop> + 't;

/// Where the records of an input go.
pub(crate) trait Sink {
    /// Whether nothing waits to be told of.
    fn is_empty(&self) -> bool;
    /// Takes the text of one record, which may be told of later.
    fn take(&mut self, place: Place, text: &[u8], tell: &mut Tell<'_>) -> Result<(), Stop>;
    /// Tells of everything that was taken.
    fn flush(&mut self, tell: &mut Tell<'_>) -> Result<(), Stop>;
    /// Whether a record was refused because an earlier one can't be read.
    fn met_damage(&self) -> bool {
        false
    }
}

/// The log of a data directory.
struct Own<'a> {
    feeder: Feeder<'a, Place>,
    limits: &'a Limits,
    facility: Option<&'a str>,
}

fn read(
    documents: &mut Documents,
    sink: &mut dyn Sink,
    tell: &mut Tell<'_>,
) -> Result<(), Trouble> {
    loop {
        match documents.next(sink.is_empty()).map_err(Trouble::Read)? {
            Document::Line(at, text) => sink.take(Place::of(at), text, tell)?,
            Document::Array(at, text) => array(at, text, sink, tell)?,
            Document::Broken(at, why) => {
                tell(Place::of(at), Fate::Refused(format!("not JSON: {why}")))?;
            }
            Document::Idle => sink.flush(tell)?,
            Document::End => return Ok(()),
        }
    }
}

/// The records of an array, each judged by itself; all of it is refused where it is no JSON.
fn array(begin: At, text: &[u8], sink: &mut dyn Sink, tell: &mut Tell<'_>) -> Result<(), Stop> {
    let items: Vec<&RawValue> = match serde_json::from_slice(text) {
        Ok(items) => items,
        Err(error) => {
            let inside = u64::try_from(error.line().saturating_sub(1)).unwrap_or(0);
            let place = Place { line: begin.line + inside, ..Place::of(begin) };
            return tell(place, Fate::Refused(format!("not JSON: {}", without_place(&error))));
        }
    };
    let mut seen = 0;
    let At { mut line, mut column } = begin;
    for (index, item) in items.iter().enumerate() {
        let item = item.get().as_bytes();
        let at = item.as_ptr().addr().saturating_sub(text.as_ptr().addr());
        let gap = text.get(seen..at).unwrap_or_default();
        line += u64::try_from(gap.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(0);
        column = match gap.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => characters(gap.get(end + 1..).unwrap_or_default()),
            None => column + characters(gap),
        };
        seen = at;
        let place = Place { line, column, item: Some(index) };
        sink.take(place, item, tell)?;
    }
    Ok(())
}

/// What is wrong, without the line: that one is counted in the array, not in the input.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

impl Sink for Own<'_> {
    fn is_empty(&self) -> bool {
        self.feeder.is_empty()
    }

    fn take(&mut self, place: Place, text: &[u8], tell: &mut Tell<'_>) -> Result<(), Stop> {
        match Record::from_json(text, self.limits) {
            Ok(mut record) => {
                if record.facility_id.is_none() {
                    record.facility_id = self.facility.map(str::to_owned);
                }
                self.feeder.push(place, record, text.len(), tell)
            }
            Err(InputError::Invalid(faults)) => {
                let faults: Vec<String> = faults.iter().map(one_fault).collect();
                tell(place, Fate::Refused(faults.join("; ")))
            }
            Err(InputError::Syntax { column, kind, .. }) => {
                let column = place.column + column;
                let ended = kind == SyntaxKind::UnexpectedEnd;
                let hint = if ended { " (a record stands on one line; try `jq -c`)" } else { "" };
                tell(place, Fate::Refused(format!("not JSON: column {column}: {kind}{hint}")))
            }
            Err(other) => tell(place, Fate::Refused(other.to_string())),
        }
    }

    fn flush(&mut self, tell: &mut Tell<'_>) -> Result<(), Stop> {
        self.feeder.flush(tell)
    }

    fn met_damage(&self) -> bool {
        self.feeder.met_damage()
    }
}
