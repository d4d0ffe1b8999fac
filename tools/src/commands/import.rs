//! `shoseki import`: trails of other systems into the log.

use std::fs;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;
use shoseki_engine::record::{Producer, Record};
use shoseki_engine::types::counted;

use crate::commands::append::producer;
use crate::failure::{Failure, Status, Stop};
use crate::feed::{Fate, Feeder};
use crate::logs;
use crate::output::{Form, Notes, Results, Session};
use crate::progress::{Progress, Unit};
use shoseki_import::{
    Dialect, Filter, Finished, Importer, Input, Item, Mapping, Path, Place, inputs,
};
use shoseki_lab::generate::input_line;

/// Name under which imported records stand where none is given.
const PRODUCER_DEFAULT: &str = "import";

/// Mapping files that come with the program.
pub(crate) const SHIPPED: [(&str, &str); 7] = [
    ("auditd-coalesced", include_str!("../../import/maps/auditd-coalesced.toml")),
    ("azure-signin", include_str!("../../import/maps/azure-signin.toml")),
    ("fhir-r4", include_str!("../../import/maps/fhir-r4.toml")),
    ("gcp-audit", include_str!("../../import/maps/gcp-audit.toml")),
    ("gworkspace", include_str!("../../import/maps/gworkspace.toml")),
    ("ocsf", include_str!("../../import/maps/ocsf.toml")),
    ("okta", include_str!("../../import/maps/okta.toml")),
];

/// Arguments of `import`.
#[derive(Args, Debug)]
#[command(
    after_help = "Importing again is harmless: an event has the same audit_id each time. The \
                        original event stands word for word in detail.event.\n\
                        Maps that come with the program: auditd-coalesced, azure-signin, fhir-r4, \
                        gcp-audit, gworkspace, ocsf, okta."
)]
pub struct Import {
    /// Whose events they are
    #[arg(value_enum)]
    pub format: Kind,
    /// Mapping file of jsonl, or the name of one that comes with the program
    #[arg(long, value_name = "FILE|NAME", required_if_eq("format", "jsonl"))]
    pub map: Option<String>,
    /// Name under which the records stand [default: import]
    #[arg(long, value_name = "NAME", value_parser = producer)]
    pub producer: Option<Producer>,
    /// `facility_id` of events that name none
    #[arg(long, value_name = "ID")]
    pub facility: Option<String>,
    /// Where the events are inside each value of the input
    #[arg(long, value_name = "PATH")]
    pub root: Option<Path>,
    /// Only events that pass: PATH=VALUE or PATH~PREFIX; all that are given must hold
    #[arg(long, value_name = "TEST")]
    pub filter: Vec<Filter>,
    /// File that keeps which inputs were finished, so that they are skipped the next time
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Write the records to standard output instead of the log
    #[arg(long)]
    pub dry_run: bool,
    /// Files and directories, packed with gzip or not; `-` or nothing is standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Whose events they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Kind {
    /// AWS CloudTrail
    Cloudtrail,
    /// Kubernetes audit
    K8s,
    /// Any JSON, by a mapping file
    Jsonl,
}

/// What was done, as it is printed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub(crate) struct Summary {
    files: u64,
    skipped_files: u64,
    events: u64,
    accepted: u64,
    duplicates: u64,
    filtered: u64,
    refused: u64,
    first_seq: Option<u64>,
    last_seq: Option<u64>,
}

impl Import {
    /// Imports every input in its order.
    ///
    /// # Errors
    /// The mapping does not load, the log can't be opened or stopped, an input can't be read.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        let importer = self.importer(session)?;
        let inputs = inputs(&self.files)?;
        if self.dry_run {
            return dry_run(&importer, &inputs, session);
        }
        let mut state = match &self.state {
            Some(path) => Some(Finished::open(path).map_err(|error| lost(&error, path))?),
            None => None,
        };
        let options = session.config.log_options();
        let producer = self.producer(session)?;
        let log = logs::writer_or_new(session, options)?;
        let progress = session.progress("importing", Unit::Events, None);
        let dir = session.shared.data_dir().to_owned();
        let mut work = Work {
            importer: &importer,
            feeder: Feeder::new(&log, &dir, Some(producer)),
            summary: Summary::default(),
            progress,
        };
        let outcome =
            inputs.iter().try_for_each(|input| work.input(input, state.as_mut(), self, session));
        let Work { feeder, summary, progress, .. } = work;
        drop(progress);
        let damaged = feeder.met_damage();
        let closed = logs::close(log, session);
        outcome?;
        closed?;
        summary.print(session)?;
        Ok(match (damaged, summary.refused) {
            (true, _) => Status::CouldNot,
            (false, 0) => Status::Done,
            (false, _) => Status::Invalid,
        })
    }

    fn importer(&self, session: &Session<'_>) -> Result<Importer, Failure> {
        let dialect = match (self.format, &self.map) {
            (Kind::Cloudtrail, None) => Dialect::CloudTrail,
            (Kind::K8s, None) => Dialect::Kubernetes,
            (Kind::Jsonl, Some(map)) => Dialect::Mapped(Box::new(mapping(map)?)),
            _ => return Err(Failure::invalid("--map is for jsonl, and jsonl needs it")),
        };
        let facility = self.facility.clone().or_else(|| session.config.import.facility.clone());
        let limits = session.config.limits();
        let (root, filters) = (self.root.clone(), self.filter.clone());
        Ok(Importer { dialect, root, filters, facility, limits })
    }

    fn producer(&self, session: &Session<'_>) -> Result<Producer, Failure> {
        if let Some(producer) = &self.producer {
            return Ok(producer.clone());
        }
        let name = session.config.import.producer.as_deref().unwrap_or(PRODUCER_DEFAULT);
        Producer::new(name).map_err(|error| {
            Failure::invalid(format_args!("import.producer: {error}"))
                .next("correct the configuration file, or give --producer")
        })
    }
}

/// A mapping by its file, or by the name of a shipped one.
pub(crate) fn mapping(named: &str) -> Result<Mapping, Failure> {
    let shipped = SHIPPED.iter().find(|(name, _)| *name == named).map(|(_, text)| *text);
    let text = match (shipped, fs::read_to_string(named)) {
        (_, Ok(text)) => text,
        (Some(text), Err(_)) => text.to_owned(),
        (None, Err(error)) => {
            return Err(Failure::could_not(format_args!("reading the mapping file: {error}"))
                .at(named)
                .next("name a file, or a map that `shoseki help import` lists"));
        }
    };
    text.parse().map_err(|faults| {
        Failure::invalid(format_args!("the mapping file does not hold: {faults}"))
            .at(named)
            .next("correct the file; the map jsonl-example shows what it can say")
    })
}

/// The import of one run.
struct Work<'a> {
    importer: &'a Importer,
    feeder: Feeder<'a, Place>,
    summary: Summary,
    progress: Progress,
}

impl Work<'_> {
    fn input(
        &mut self,
        input: &Input,
        state: Option<&mut Finished>,
        import: &Import,
        session: &mut Session<'_>,
    ) -> Result<(), Stop> {
        if let (Some(state), Some(path)) = (&state, input.path())
            && state.has(path)
        {
            self.summary.skipped_files += 1;
            return Ok(());
        }
        self.summary.files += 1;
        let refused = self.summary.refused;
        let Session { input: stdin, notes, .. } = session;
        let name = input.to_string();
        let mut reader = input.open(&mut **stdin).map_err(|error| {
            Failure::could_not(format_args!("reading the input: {error}"))
                .at(&name)
                .next("check the path and its permissions")
        })?;
        let Self { importer, feeder, summary, progress } = self;
        let mut told = Told { summary, progress, notes, name: &name };
        let read = importer.read(&mut *reader, &mut |place, item| match item {
            Item::Record(record) => {
                told.event();
                let len = record.detail.as_ref().map_or(0, |detail| detail.as_bytes().len());
                feeder.push(place, *record, len + 512, &mut |at, fate| told.fate(at, fate))
            }
            other => told.item(place, &other),
        });
        let flushed = feeder.flush(&mut |at, fate| told.fate(at, fate));
        read.map_err(Stop::from).and(flushed)?;
        // What was refused is looked at again the next time.
        if let (Some(state), Some(path), true) =
            (state, input.path(), refused == self.summary.refused)
        {
            let file = import.state.as_deref().unwrap_or(path);
            state.add(path).map_err(|error| lost(&error, file))?;
        }
        Ok(())
    }
}

/// Counts and reports one input.
struct Told<'t, 's> {
    summary: &'t mut Summary,
    progress: &'t Progress,
    notes: &'t mut Notes<'s>,
    name: &'t str,
}

impl Told<'_, '_> {
    fn event(&mut self) {
        self.summary.events += 1;
        self.progress.advance(1);
    }

    fn fate(&mut self, place: Place, fate: Fate) -> Result<(), Stop> {
        match fate {
            Fate::Stored { receipt, .. } if receipt.duplicate => self.summary.duplicates += 1,
            Fate::Stored { receipt, .. } => {
                self.summary.accepted += 1;
                self.summary.first_seq.get_or_insert(receipt.seq.0);
                self.summary.last_seq = Some(receipt.seq.0);
            }
            Fate::Refused(reason) => self.refuse(place, &reason),
        }
        Ok(())
    }

    /// What did not become a record.
    fn item(&mut self, place: Place, item: &Item) -> Result<(), Stop> {
        self.event();
        match item {
            Item::Record(_) => {}
            Item::Filtered => self.summary.filtered += 1,
            Item::Refused(error) => self.refuse(place, &error.to_string()),
            Item::Unreadable(fault) => self.refuse(place, &fault.to_string()),
        }
        Ok(())
    }

    fn refuse(&mut self, place: Place, reason: &str) {
        self.summary.refused += 1;
        let (notes, name) = (&mut *self.notes, self.name);
        self.progress.aside(|| notes.fault(format_args!("{name}, {place}: {reason}")));
    }
}

/// Writes the records that would be appended, as `append` takes them.
fn dry_run(
    importer: &Importer,
    inputs: &[Input],
    session: &mut Session<'_>,
) -> Result<Status, Stop> {
    let mut summary = Summary::default();
    let progress = Progress::new("", Unit::Events, None, false);
    for input in inputs {
        summary.files += 1;
        let Session { input: stdin, notes, out, .. } = session;
        let name = input.to_string();
        let mut reader = input.open(&mut **stdin).map_err(|error| {
            Failure::could_not(format_args!("reading the input: {error}")).at(&name)
        })?;
        let mut told = Told { summary: &mut summary, progress: &progress, notes, name: &name };
        importer.read(&mut *reader, &mut |place, item| match item {
            Item::Record(record) => {
                told.event();
                write_record(&record, out)
            }
            other => told.item(place, &other),
        })?;
    }
    let Summary { events, filtered, refused, .. } = summary;
    let mapped = events - filtered - refused;
    session.notes.note(format_args!(
        "{mapped} of {} would be appended, {filtered} filtered, {refused} refused",
        counted(events, "event")
    ));
    Ok(if refused == 0 { Status::Done } else { Status::Invalid })
}

fn write_record(record: &Record, out: &mut Results<'_>) -> Result<(), Stop> {
    let mut line = Vec::new();
    input_line(record, &mut line);
    line.push(b'\n');
    out.bytes(&line)
}

impl Summary {
    fn print(&self, session: &mut Session<'_>) -> Result<(), Stop> {
        if session.out.form() == Form::Json {
            return session.out.json(self);
        }
        let span = match (self.first_seq, self.last_seq) {
            (Some(first), Some(last)) => format!(" (seq {first} to {last})"),
            _ => String::new(),
        };
        let Self { files, events, accepted, duplicates, filtered, refused, .. } = self;
        session.out.line(format_args!(
            "{} of {}: {accepted} appended{span}, {duplicates} there before, {filtered} filtered, \
             {refused} refused",
            counted(*events, "event"),
            counted(*files, "input")
        ))?;
        if self.skipped_files > 0 {
            let skipped = self.skipped_files;
            let skipped = counted(skipped, "input");
            session.out.line(format_args!("finished before and left out: {skipped}"))?;
        }
        Ok(())
    }
}

fn lost(error: &std::io::Error, path: &std::path::Path) -> Failure {
    Failure::could_not(format_args!("the state of the import: {error}"))
        .at(path.display())
        .next("name a file that you may write, or leave --state out: importing again is harmless")
}
