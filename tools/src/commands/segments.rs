//! `shoseki segments`: the files that hold the records.

use std::path::Path;

use clap::{Args, Subcommand};
use serde::Serialize;
use shoseki_engine::format::TimeRange;
use shoseki_engine::log::{IndexInfo, IndexState, Reader, SegmentInfo};
use shoseki_engine::proof::VerifierKey;
use shoseki_engine::record::Timestamp;
use shoseki_engine::types::{TreeSize, counted};
use shoseki_engine::verify::{FindingKind, Report, VerifyError, VerifyOptions, verify_path};

use crate::commands::verify::{Bar, Verdict, one_finding};
use crate::failure::{Failure, Status, Stop};
use crate::logs;
use crate::output::{Form, Session};
use crate::table::{Align, Table};

/// Arguments of `segments`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Segments {
    /// Show the search index of each of them
    #[arg(long)]
    pub index: bool,
    /// What to do with them; they are listed without it.
    #[command(subcommand)]
    pub what: Option<What>,
}

/// What to do.
#[derive(Subcommand, Clone, Copy, Debug)]
pub enum What {
    /// List them
    List,
    /// Verify each of them by itself
    Verify,
}

/// The verdict over one file.
#[derive(Serialize)]
struct Verified<'a> {
    path: &'a str,
    #[serde(flatten)]
    verdict: Verdict<'a>,
}

/// A file as it is printed for a program.
#[derive(Serialize)]
pub(crate) struct Row<'a> {
    path: &'a str,
    sealed: bool,
    first_seq: u64,
    count: u64,
    file_len: u64,
    evidence_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp_min: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp_max: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received_min: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received_max: Option<String>,
}

impl<'a> From<&'a SegmentInfo> for Row<'a> {
    fn from(segment: &'a SegmentInfo) -> Self {
        let [timestamp_min, timestamp_max] = ends(segment.timestamp);
        let [received_min, received_max] = ends(segment.received);
        Self {
            path: &segment.path,
            sealed: segment.sealed,
            first_seq: segment.first_seq.0,
            count: segment.count,
            file_len: segment.file_len,
            evidence_bytes: segment.evidence_bytes,
            timestamp_min,
            timestamp_max,
            received_min,
            received_max,
        }
    }
}

fn ends(range: Option<TimeRange>) -> [Option<String>; 2] {
    let time = |nanos| Timestamp::from_unix_nanos(nanos).map(|time| time.to_string());
    [range.and_then(|range| time(range.min)), range.and_then(|range| time(range.max))]
}

impl Segments {
    /// Lists the files.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        match self.what {
            None if self.index => indexes(session),
            None | Some(What::List) => list(session),
            Some(What::Verify) => verify(session),
        }
    }
}

/// Verifies file after file; the worst of their verdicts is the exit status.
fn verify(session: &mut Session<'_>) -> Result<Status, Stop> {
    let reader = logs::reader(session)?;
    let dir = session.shared.data_dir().to_owned();
    let bar = Bar::new(session);
    let mut bad = false;
    for segment in reader.segments() {
        let path = dir.join(&segment.path);
        let end = TreeSize(segment.first_seq.0 + segment.count);
        let report = audit(&path, &keys_for(&reader, end), &bar).map_err(|error| {
            Failure::caused(Status::CouldNot, &error)
                .at(path.display())
                .next("run the command again: a running writer may have sealed the file meanwhile")
        })?;
        bad |= !report.findings.is_empty();
        if session.out.form() == Form::Json {
            let verdict = Verdict::from(&report);
            session.out.json(&Verified { path: &segment.path, verdict })?;
            continue;
        }
        let status = report.status();
        let line = format!("{status:<9} {} ({})", segment.path, counted(report.records, "record"));
        bar.0.aside(|| session.out.line(line))?;
        for finding in &report.findings {
            session.out.line(format_args!("  {}", one_finding(finding)))?;
        }
    }
    Ok(if bad || !reader.damage().is_empty() { Status::Found } else { Status::Done })
}

/// The keys that may have signed a segment: one by itself holds none.
fn keys_for(reader: &Reader, end: TreeSize) -> Vec<VerifierKey> {
    reader.keys().map(|keys| keys.accepts(end).cloned().collect()).unwrap_or_default()
}

/// By the key whose signatures hold, if there is one.
fn audit(path: &Path, keys: &[VerifierKey], bar: &Bar) -> Result<Report, VerifyError> {
    let by = |vkey: Option<VerifierKey>| {
        verify_path(path, &VerifyOptions { vkey, ..VerifyOptions::default() }, bar)
    };
    let mut report = by(keys.first().cloned())?;
    for key in keys.iter().skip(1) {
        if report.findings.iter().any(|finding| finding.kind == FindingKind::Signature) {
            report = by(Some(key.clone()))?;
        }
    }
    Ok(report)
}

fn list(session: &mut Session<'_>) -> Result<Status, Stop> {
    let reader = logs::reader(session)?;
    let segments = reader.segments();
    if session.out.form() == Form::Json {
        segments.iter().try_for_each(|segment| session.out.json(&Row::from(segment)))?;
    } else {
        let mut table = Table::new(&[
            ("file", Align::Left),
            ("first seq", Align::Right),
            ("records", Align::Right),
            ("bytes", Align::Right),
            ("from", Align::Left),
            ("to", Align::Left),
        ]);
        for segment in &segments {
            let [from, to] = ends(segment.timestamp).map(Option::unwrap_or_default);
            let (first, count) = (segment.first_seq.to_string(), segment.count.to_string());
            let bytes = segment.evidence_bytes.to_string();
            table.row([segment.path.clone(), first, count, bytes, from, to]);
        }
        session.out.table(&table)?;
    }
    // What opening found missing or cut was said there.
    Ok(if reader.damage().is_empty() { Status::Done } else { Status::Found })
}

/// The index of a file as it is printed for a program.
#[derive(Serialize)]
struct IndexRow<'a> {
    path: &'a str,
    first_seq: u64,
    count: u64,
    index: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    index_path: Option<&'a str>,
    index_len: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_per_record: Option<f64>,
}

impl<'a> IndexRow<'a> {
    fn new(segment: &'a SegmentInfo, index: &'a IndexInfo) -> Self {
        Self {
            path: &segment.path,
            first_seq: index.first_seq.0,
            count: index.count,
            index: name(index.state),
            index_path: index.path.as_deref(),
            index_len: index.file_len,
            bytes_per_record: per_record(index.file_len, index.count),
        }
    }
}

/// To a hundredth of a byte; `None` where there is nothing to divide.
fn per_record(len: u64, count: u64) -> Option<f64> {
    let hundredths = (len > 0).then(|| len.saturating_mul(100).checked_div(count)).flatten()?;
    u32::try_from(hundredths).ok().map(|hundredths| f64::from(hundredths) / 100.0)
}

fn name(state: IndexState) -> &'static str {
    match state {
        IndexState::Ready => "ready",
        IndexState::Missing => "missing",
        IndexState::Building => "building",
        IndexState::Stale => "stale",
        IndexState::Damaged => "damaged",
        IndexState::Active => "in memory",
        _ => "unknown",
    }
}

fn indexes(session: &mut Session<'_>) -> Result<Status, Stop> {
    let reader = logs::reader(session)?;
    let (segments, indexes) = (reader.segments(), reader.index_files());
    let of = |index: &IndexInfo| segments.iter().find(|s| s.first_seq == index.first_seq);
    let rows: Vec<IndexRow<'_>> =
        indexes.iter().filter_map(|index| Some(IndexRow::new(of(index)?, index))).collect();
    if session.out.form() == Form::Json {
        rows.iter().try_for_each(|row| session.out.json(row))?;
    } else {
        let mut table = Table::new(&[
            ("file", Align::Left),
            ("records", Align::Right),
            ("index", Align::Left),
            ("bytes", Align::Right),
            ("per record", Align::Right),
        ]);
        for row in &rows {
            let per_record = row.bytes_per_record.map(|n| format!("{n:.2}")).unwrap_or_default();
            let (count, len) = (row.count.to_string(), row.index_len.to_string());
            table.row([row.path.to_owned(), count, row.index.to_owned(), len, per_record]);
        }
        session.out.table(&table)?;
    }
    Ok(if reader.damage().is_empty() { Status::Done } else { Status::Found })
}
