//! `shoseki verify`: what the auditor finds, for a person or a program.

use std::fmt::Display;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use shoseki_engine::log::Reader;
use shoseki_engine::proof::{VerifierKey, base64_encode};
use shoseki_engine::record::IntegrityStatus;
use shoseki_engine::types::{Seq, counted};
use shoseki_engine::verify::{
    Finding, Notice, NoticeKind, Progress as AuditProgress, Report, VerifyError, VerifyOptions,
    verify_path,
};

use crate::failure::{Failure, Status, Stop};
use crate::output::Session;
use crate::progress::{Progress, Unit};
use crate::remote::{Client, Kept, RemoteArgs, RemoteVerdict, STEPS, verify};
use crate::table::printable;

/// Arguments of `verify`.
#[derive(Args, Debug)]
#[command(
    after_help = "A checkpoint and a key that were kept elsewhere make the difference: without \
                        them, whoever holds the signing key can make the whole log anew.\n\
                        Exit status: 0 valid, 1 tampered, 2 no evidence there, 3 unknown."
)]
pub struct Verify {
    /// Data directory, segment or JSON Lines export [default: the data directory]
    #[arg(conflicts_with = "url")]
    pub path: Option<PathBuf>,
    /// Checkpoint that was kept elsewhere
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Verifier key that was kept elsewhere
    #[arg(long, value_name = "FILE")]
    pub vkey: Option<PathBuf>,
    /// Only structures, links and signatures of sealed segments, not their records
    #[arg(long, conflicts_with = "url")]
    pub quick: bool,
    /// Make each search index again from the records and compare: shows one that hides records
    #[arg(long, conflicts_with_all = ["quick", "url"])]
    pub indexes: bool,
    /// Threads; all cores without it
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub threads: usize,
    /// The server to ask: it verifies its files, and its checkpoint is checked here.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

impl Verify {
    /// Audits and writes the report.
    ///
    /// # Errors
    /// The path is no evidence or can't be read, or what was given beside it can't.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        if let Some(client) = self.remote.client(session)? {
            return self.remote(client, session);
        }
        let path = self.path.as_deref().unwrap_or_else(|| session.shared.data_dir()).to_owned();
        let options = VerifyOptions {
            checkpoint: self.checkpoint.as_deref().map(given).transpose()?,
            vkey: self.vkey.as_deref().map(key).transpose()?,
            threads: self.threads,
            quick: self.quick,
        };
        let bar = Bar::new(session);
        let audited = verify_path(&path, &options, &bar);
        drop(bar);
        let mut report = audited.map_err(|error| refused(&error, &path))?;
        if !self.quick && may_have_indexes(&path) {
            let seen = indexes(&path, self.indexes, session);
            report.notices.extend(seen);
        }
        if session.shared.json {
            session.out.json(&Verdict::from(&report))?;
        } else {
            text(&Verdict::from(&report), &path.display(), session)?;
        }
        Ok(status(&report))
    }

    /// Checks what a server has signed against what was kept, and has it verify the rest.
    fn remote(&self, mut client: Client, session: &mut Session<'_>) -> Result<Status, Stop> {
        let kept = Kept {
            checkpoint: self.checkpoint.as_deref().map(given).transpose()?,
            vkey: self.vkey.as_deref().map(key).transpose()?,
        };
        let bar = session.progress("verifying", Unit::Nothing, Some(STEPS));
        let verified = verify(&mut client, &kept, &bar);
        drop(bar);
        let verdict = verified?;
        let verdict = Verdict::from(&verdict);
        if session.shared.json {
            session.out.json(&verdict)?;
        } else {
            text(&verdict, client.base(), session)?;
        }
        Ok(match verdict.status {
            "valid" => Status::Done,
            "tampered" => Status::Found,
            _ => Status::CouldNot,
        })
    }
}

/// Whether there may be search indexes: beside sealed segments, or for windows of active files.
fn may_have_indexes(path: &Path) -> bool {
    let window = |entry: io::Result<DirEntry>| {
        entry.is_ok_and(|entry| entry.path().extension().is_some_and(|end| end == "idx"))
    };
    path.join("sealed").is_dir()
        || path.join("active").read_dir().is_ok_and(|mut files| files.any(window))
}

/// What is wrong with the search indexes of a data directory. They are no evidence, so that this
/// is never more than a notice.
fn indexes(path: &Path, rebuild: bool, session: &Session<'_>) -> Vec<Notice> {
    let checked = Reader::open(path).map_err(|error| error.to_string()).and_then(|reader| {
        let bar = session.progress("indexes", Unit::Records, Some(reader.size().0));
        let faults = reader.check_indexes(rebuild, |records| bar.advance(records));
        faults.map_err(|error| error.to_string())
    });
    let faults = match checked {
        Ok(faults) => faults,
        Err(error) => {
            let message = format!("the search indexes were not checked: {error}");
            return vec![Notice { kind: NoticeKind::NotChecked, seq: None, message }];
        }
    };
    let notices = faults.into_iter().map(|fault| Notice {
        kind: NoticeKind::Index,
        seq: Some(fault.first_seq),
        message: format!("{}: {}; delete it, and a writer makes it again", fault.path, fault.kind),
    });
    notices.collect()
}

/// The exit status of a report.
pub(crate) fn status(report: &Report) -> Status {
    match report.status() {
        IntegrityStatus::Valid => Status::Done,
        IntegrityStatus::Tampered => Status::Found,
        IntegrityStatus::Unknown => Status::CouldNot,
    }
}

fn given(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| {
        Failure::could_not(format_args!("reading what was kept elsewhere: {error}"))
            .at(path.display())
            .next("check the path and its permissions")
    })
}

/// A verifier key that was kept elsewhere.
pub(crate) fn key(path: &Path) -> Result<VerifierKey, Failure> {
    let bytes = given(path)?;
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let parsed = std::str::from_utf8(text).ok().map(|text| VerifierKey::parse(text.trim_end()));
    match parsed {
        Some(Ok(key)) => Ok(key),
        Some(Err(error)) => Err(Failure::invalid(format_args!("no verifier key: {error}"))),
        None => Err(Failure::invalid("no verifier key: not text")),
    }
    .map_err(|failure| {
        failure.at(path.display()).next("give the line that `shoseki key vkey` prints")
    })
}

fn refused(error: &VerifyError, path: &Path) -> Failure {
    let (status, next) = match error {
        VerifyError::Io { .. } => (Status::CouldNot, "check the path and its permissions"),
        VerifyError::Csv { .. } => {
            (Status::Invalid, "export with --format jsonl, or verify the data directory")
        }
        VerifyError::Checkpoint(_) => {
            (Status::Invalid, "give the note that `shoseki checkpoint` prints")
        }
        VerifyError::PartOfLog { .. } => {
            (Status::Invalid, "verify the data directory that it is a part of")
        }
        _ => (Status::Invalid, "name a data directory, a segment or a JSON Lines export"),
    };
    Failure::caused(status, error).at(path.display()).next(next)
}

/// Shows how far an audit is.
pub(crate) struct Bar(pub(crate) Progress);

impl Bar {
    /// A bar that counts bytes: those are what an audit takes its time for.
    pub(crate) fn new(session: &Session<'_>) -> Self {
        Self(session.progress("verifying", Unit::Bytes, None))
    }
}

impl AuditProgress for Bar {
    fn total(&self, bytes: u64) {
        self.0.set_total(bytes);
    }

    fn advance(&self, bytes: u64) {
        self.0.advance(bytes);
    }
}

/// The report of CONTRACT 2.
#[derive(Serialize)]
pub(crate) struct Verdict<'a> {
    status: &'a str,
    records: u64,
    segments: u64,
    tree_size: u64,
    root: String,
    chain_hash: String,
    findings: Vec<Found<'a>>,
    notices: Vec<Noticed<'a>>,
}

#[derive(Serialize)]
struct Found<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq_last: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segment: Option<&'a str>,
    message: &'a str,
}

#[derive(Serialize)]
struct Noticed<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    message: &'a str,
}

impl<'a> From<&'a Report> for Verdict<'a> {
    fn from(report: &'a Report) -> Self {
        let notices = report.notices.iter().map(|notice| Noticed {
            kind: notice.kind.as_str(),
            seq: number(notice.seq),
            message: &notice.message,
        });
        Self {
            status: report.status().as_str(),
            records: report.records,
            segments: report.segments,
            tree_size: report.tree_size.0,
            root: base64_encode(&report.root.0),
            chain_hash: report.chain_hash.to_hex(),
            findings: report.findings.iter().map(Found::from).collect(),
            notices: notices.collect(),
        }
    }
}

impl<'a> From<&'a RemoteVerdict> for Verdict<'a> {
    fn from(said: &'a RemoteVerdict) -> Self {
        let findings = said.findings.iter().map(|finding| Found {
            kind: &finding.kind,
            seq: finding.seq,
            seq_last: finding.seq_last,
            segment: finding.segment.as_deref(),
            message: &finding.message,
        });
        let notices = said.notices.iter().map(|notice| Noticed {
            kind: &notice.kind,
            seq: notice.seq,
            message: &notice.message,
        });
        Self {
            status: &said.status,
            records: said.records,
            segments: said.segments,
            tree_size: said.tree_size,
            root: said.root.clone(),
            chain_hash: said.chain_hash.clone(),
            findings: findings.collect(),
            notices: notices.collect(),
        }
    }
}

impl<'a> From<&'a Finding> for Found<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            kind: finding.kind.as_str(),
            seq: number(finding.seq),
            seq_last: number(finding.seq_last),
            segment: finding.segment.as_deref(),
            message: &finding.message,
        }
    }
}

fn number(seq: Option<Seq>) -> Option<u64> {
    seq.map(|seq| seq.0)
}

fn text(verdict: &Verdict<'_>, place: &dyn Display, session: &mut Session<'_>) -> Result<(), Stop> {
    let out = &mut session.out;
    let paint = out.paint();
    let status = printable(verdict.status);
    let shown = if status == "valid" { paint.good(&status) } else { paint.bad(&status) };
    out.line(format_args!("{shown}  {place}"))?;
    for finding in &verdict.findings {
        out.line(finding.line())?;
    }
    out.line(format_args!(
        "{} in {}, tree of {}",
        counted(verdict.records, "record"),
        counted(verdict.segments, "segment"),
        verdict.tree_size
    ))?;
    out.line(format_args!("root        {}", printable(&verdict.root)))?;
    out.line(format_args!("chain_hash  {}", printable(&verdict.chain_hash)))?;
    for notice in &verdict.notices {
        let at = notice.seq.map_or(String::new(), |seq| format!("record {seq}: "));
        let message = printable(&format!("{}: {at}{}", notice.kind, notice.message));
        out.line(format_args!("note: {message}"))?;
    }
    Ok(())
}

impl Found<'_> {
    /// The record first, then what was done to it.
    fn line(&self) -> String {
        let place = match (self.seq, self.seq_last) {
            (Some(first), Some(last)) => format!("records {first} to {last}"),
            (Some(seq), None) => format!("record {seq}"),
            (None, _) => "the log".to_owned(),
        };
        let file = self.segment.map_or(String::new(), |file| format!(" [{file}]"));
        printable(&format!("{place}: {}: {}{file}", self.kind, self.message))
    }
}

/// A finding as a person reads it.
pub(crate) fn one_finding(finding: &Finding) -> String {
    Found::from(finding).line()
}
