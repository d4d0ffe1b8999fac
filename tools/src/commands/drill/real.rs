//! The drill on the real disk: a process that is killed while it appends, and copies whose bytes
//! rot.
//!
//! Invariant: everything happens below one scratch directory, which goes when the drill ends; the
//! processes killed are the ones started here. A receipt counts once its line was read.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde::Deserialize;
use shoseki_engine::log::{Entry, Log, LogOptions};
use shoseki_engine::record::{Record, Salt, Stamp, Timestamp, content_of, encode_body};
use shoseki_engine::types::Seq;
use shoseki_engine::verify::{VerifyOptions, verify_path};

use super::beside;
use super::report::Report;
use crate::failure::Failure;
use crate::output::Session;
use shoseki_lab::{Content, FaultyStorage, Mark, Rng, rot_of_copy};

const HERE: &str = "this disk";
const HERE_AT_REST: &str = "this disk, at rest";
/// Receipts that a child gives at most before it is killed.
const RECEIPTS_MAX: u64 = 300;
/// Copies that rot between two kills.
const ROTS: u64 = 6;

/// The part of a receipt that is compared.
#[derive(Deserialize)]
struct Told {
    seq: u64,
    hash: String,
}

/// The scratch directory and what is needed to run in it.
pub(super) struct Real {
    scratch: PathBuf,
    options: LogOptions,
    config: Option<PathBuf>,
    sample: std::sync::Arc<Vec<Record>>,
}

impl Drop for Real {
    fn drop(&mut self) {
        // Left behind, it is only a scratch directory.
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

impl Real {
    pub(super) fn new(
        dir: &Path,
        session: &Session<'_>,
        sample: &std::sync::Arc<Vec<Record>>,
    ) -> Result<Self, Failure> {
        let scratch = beside(dir);
        fs::create_dir_all(&scratch).map_err(|error| {
            Failure::could_not(format_args!("making a scratch directory: {error}"))
                .at(scratch.display())
                .next("give a data directory beside which you may write")
        })?;
        let mut options = session.config.log_options();
        // A name of the configuration belongs to the log that it was written for.
        options.origin = None;
        let config = session.shared.config.clone();
        Ok(Self { scratch, options, config, sample: std::sync::Arc::clone(sample) })
    }

    /// Kills and corrupts until the time is over, each at least once.
    pub(super) fn run(
        &self,
        seed: u64,
        until: Instant,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let mut rng = Rng::new(seed);
        let mut told = BTreeMap::new();
        let log = self.scratch.join("log");
        for round in 0.. {
            let (cut, lost) = self.kill(&log, seed, round, &mut rng, &mut told)?;
            report.tried(HERE, "process killed", seed, cut, lost);
            self.rot(&log, seed, &mut rng, report)?;
            if Instant::now() >= until {
                break;
            }
        }
        Ok(())
    }

    /// Appends with a process that is killed, then opens the log and looks for every receipt.
    /// Returns whether a torn end was cut, and what was lost.
    fn kill(
        &self,
        dir: &Path,
        seed: u64,
        round: u64,
        rng: &mut Rng,
        told: &mut BTreeMap<u64, String>,
    ) -> Result<(bool, Option<String>), Failure> {
        let mut child = self.start(dir)?;
        let fed = self.feed(&mut child, seed, round, 1 + rng.below(RECEIPTS_MAX), told);
        // Killed or gone already: both are what the next open has to live with.
        let _ = child.kill();
        let _ = child.wait();
        fed?;
        let log = match Log::open(dir, self.options.clone()) {
            Ok(log) => log,
            Err(error) => return Ok((false, Some(format!("the log does not open: {error}")))),
        };
        let cut = log.report().quarantined.is_some();
        let reader = log.reader();
        let gone = told.iter().find(|(seq, hash)| match reader.read(Seq(**seq)) {
            Ok(Entry::Record(stored)) => stored.hash.to_hex() != **hash,
            _ => true,
        });
        let lost = gone.map(|(seq, _)| format!("record {seq} was acknowledged and is gone"));
        if rng.chance(30) {
            // Sealed files rot too.
            let _ = log.seal();
        }
        let closed = log.close().err().map(|error| format!("closing failed: {error}"));
        Ok((cut, lost.or(closed).or(findings(dir)?)))
    }

    fn start(&self, dir: &Path) -> Result<Child, Failure> {
        let failed = |error| Failure::could_not(format_args!("starting a process: {error}"));
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.arg("append").arg("--quiet").arg("--json").arg("--data-dir").arg(dir);
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        command.arg("-");
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        piped.spawn().map_err(failed)
    }

    /// Sends records and reads receipts until there are enough of them.
    fn feed(
        &self,
        child: &mut Child,
        seed: u64,
        round: u64,
        receipts: u64,
        told: &mut BTreeMap<u64, String>,
    ) -> Result<(), Failure> {
        let pipes = child.stdin.take().zip(child.stdout.take());
        let Some((mut input, output)) = pipes else { return Ok(()) };
        let content = Content::new(seed, std::sync::Arc::clone(&self.sample));
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for n in 0..receipts + 200 {
                    let mark = Mark { batch: round, n, count: u64::MAX };
                    if input.write_all(&line(&content.record(mark, true))).is_err() {
                        // It was killed.
                        return;
                    }
                }
            });
            let lines = BufReader::new(output).lines();
            for line in lines.take(usize::try_from(receipts).unwrap_or(usize::MAX)) {
                let Ok(line) = line else { break };
                let parsed: Result<Told, _> = serde_json::from_str(&line);
                let receipt = parsed.map_err(|error| {
                    Failure::could_not(format_args!("the appending process said {line}: {error}"))
                })?;
                told.insert(receipt.seq, receipt.hash);
            }
            // Whoever still writes to it must not wait for it.
            let _ = child.kill();
            Ok(())
        })
    }

    /// Corrupts copies of the log, one place each, and asks verification.
    fn rot(
        &self,
        dir: &Path,
        seed: u64,
        rng: &mut Rng,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let copy = self.scratch.join("copy");
        let files = files(dir)?;
        for _ in 0..ROTS {
            let storage = FaultyStorage::new(seed);
            let _ = fs::remove_dir_all(&copy);
            for (path, bytes) in &files {
                storage.put(path, bytes);
                write(&copy.join(path), bytes)?;
            }
            let Some(rotten) = rot_of_copy(&storage, rng) else { continue };
            let path = copy.join(&rotten.path);
            match &rotten.after {
                Some(after) => write(&path, after)?,
                None => fs::remove_file(&path).map_err(|error| at(&path, &error))?,
            }
            let found = findings(&copy)?;
            let missed = (rotten.due && found.is_none())
                .then(|| format!("{} in {} was not found", rotten.rot.as_str(), rotten.path));
            report.tried(HERE_AT_REST, rotten.rot.as_str(), seed, found.is_some(), missed);
        }
        Ok(())
    }
}

/// The first finding of verification, if there is one.
fn findings(dir: &Path) -> Result<Option<String>, Failure> {
    let report = verify_path(dir, &VerifyOptions::default(), &());
    let report = report.map_err(|error| {
        Failure::could_not(format_args!("verifying: {error}")).at(dir.display())
    })?;
    let first = report.findings.first();
    Ok(first.map(|finding| format!("verification finds: {}", finding.message)))
}

/// A record as a client sends it, with a line feed.
fn line(record: &Record) -> Vec<u8> {
    let salt = Salt::from_bytes([0; 12]);
    let Some(audit_id) = record.audit_id else { return Vec::new() };
    let stamp = Stamp { audit_id, received_at: Timestamp::MIN, ingested_by: None, salt };
    let mut body = Vec::new();
    encode_body(record, &stamp, &mut body);
    let mut line = content_of(&body).unwrap_or_default().to_vec();
    line.extend_from_slice(b"}\n");
    line
}

/// Every file below a directory, by its path there.
fn files(root: &Path) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(&dir).map_err(|error| at(&dir, &error))? {
            let path = entry.map_err(|error| at(&dir, &error))?.path();
            if path.is_dir() {
                waiting.push(path);
            } else if let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str) {
                found.push((name.to_owned(), fs::read(&path).map_err(|error| at(&path, &error))?));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let dir = path.parent().unwrap_or(path);
    fs::create_dir_all(dir).and_then(|()| fs::write(path, bytes)).map_err(|error| at(path, &error))
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::could_not(error).at(path.display()).next("make room, or check the permissions")
}
