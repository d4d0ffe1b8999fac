//! The scenes of the demonstration, each with the line that it prints.
//!
//! Invariant: every claim on the screen is the engine's answer of this run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use shoseki_engine::log::{BackupKey, Log, LogOptions, Reader, StoredRecord};
use shoseki_engine::proof::{VerifierKey, verify_inclusion};
use shoseki_engine::query::{DetailFilter, Filter, Order};
use shoseki_engine::record::{Body, Producer, Record, string_value};
use shoseki_engine::types::{Seq, counted};
use shoseki_engine::verify::{Report, VerifyOptions, verify_path};

use super::input::Records;
use crate::commands::verify::{one_finding, status};
use crate::explain;
use crate::failure::{Failure, Status, Stop};
use crate::output::Session;
use crate::table::{cut, printable};

/// Records that are committed together.
const BATCH: usize = 500;
/// Widest line.
const COLUMNS: usize = 80;

/// The directory of one demonstration.
pub(super) struct Stage<'d, 's, 'io> {
    dir: &'d Path,
    log_dir: PathBuf,
    session: &'s mut Session<'io>,
}

impl<'d, 's, 'io> Stage<'d, 's, 'io> {
    pub(super) fn new(dir: &'d Path, session: &'s mut Session<'io>) -> Self {
        Self { dir, log_dir: dir.join("log"), session }
    }

    /// From an empty directory to the verifier's word on a changed byte.
    pub(super) fn play(mut self, input: Records, keep: bool) -> Result<Status, Stop> {
        let heading = self.session.out.paint().strong("Shoseki: an audit log that can be checked");
        self.session.out.line(heading)?;
        let log = Log::open(&self.log_dir, LogOptions::default())
            .map_err(|error| explain::opening(&error, &self.log_dir))?;
        self.append(&log, input)?;
        let reader = log.reader();
        let seq = self.query(&reader)?;
        self.prove(&log, &reader, seq)?;
        log.close().map_err(|error| explain::working(&error, &self.log_dir))?;
        let reader =
            Reader::open(&self.log_dir).map_err(|error| explain::reading(&error, &self.log_dir))?;
        self.export(&reader)?;
        let key = reader.keys().map_err(|error| self.unread(&error))?.current().clone();
        let clean = self.verify("log", &key)?;
        let found = self.tamper(&reader, seq, &key)?;
        self.farewell(keep)?;
        let fine = status(&clean) == Status::Done && status(&found) == Status::Found;
        Ok(if fine { Status::Done } else { Status::Found })
    }

    /// One line of the play.
    fn say(&mut self, scene: &str, text: &str) -> Result<(), Stop> {
        let name = self.session.out.paint().strong(&format!("{scene:<8}"));
        let text = cut(&printable(text), COLUMNS - 9);
        self.session.out.line(format_args!("{name} {text}"))?;
        self.session.out.flush()
    }

    /// In three parts, the first two of which are sealed.
    fn append(&mut self, log: &Log, input: Records) -> Result<(), Stop> {
        let began = Instant::now();
        let Records { records, noun, of, refused } = input;
        let (count, part) = (records.len(), records.len().div_ceil(3).max(1));
        let producer = Producer::new("demo").ok();
        for (index, chunk) in records.chunks(part).enumerate() {
            for batch in chunk.chunks(BATCH) {
                self.batch(log, producer.as_ref(), batch)?;
            }
            if index < 2 {
                log.seal().map_err(|error| explain::working(&error, &self.log_dir))?;
            }
        }
        let took = began.elapsed().as_millis();
        log.complete_indexes().map_err(|error| explain::working(&error, &self.log_dir))?;
        let left = if refused > 0 { format!(", {refused} left out") } else { String::new() };
        let what = counted(count, noun);
        self.say("append", &format!("{what}{of}{left}, durable and sealed in {took} ms"))?;
        self.say("", &format!("log {}", log.origin()))?;
        let segments = log.reader().segments();
        let (sealed, active): (Vec<_>, Vec<_>) = segments.iter().partition(|s| s.sealed);
        let bytes: u64 = sealed.iter().map(|segment| segment.file_len).sum();
        let of: u64 = sealed.iter().map(|segment| segment.count).sum();
        let text = format!(
            "{} in {} ({}), {} still active",
            counted(of, "record"),
            counted(sealed.len(), "sealed segment"),
            counted(bytes, "byte"),
            active.iter().map(|segment| segment.count).sum::<u64>()
        );
        self.say("seal", &text)
    }

    fn batch(
        &self,
        log: &Log,
        producer: Option<&Producer>,
        batch: &[Record],
    ) -> Result<(), Failure> {
        if log.append(producer, batch.to_vec()).is_ok() {
            return Ok(());
        }
        // A trail may hold the same event twice with other content: the others go on.
        for record in batch {
            match log.append(producer, vec![record.clone()]) {
                Ok(_) | Err(shoseki_engine::log::AppendError::Conflict(_)) => {}
                Err(error) => return Err(explain::appending(&error, &self.log_dir)),
            }
        }
        Ok(())
    }

    /// Everything about one patient or, where there is none, by one actor; gives back a record.
    fn query(&mut self, reader: &Reader) -> Result<Seq, Stop> {
        let wanted = reader.size().0 / 5;
        let (name, filter) = self.question(reader, wanted)?;
        let began = Instant::now();
        let found = reader.query(&filter, Order::Ascending, 1_000);
        let found = found.map_err(|error| self.unread(&error))?;
        let micros = began.elapsed().as_micros();
        self.say(
            "query",
            &format!("{name}: {}, found in {micros} µs", counted(found.entries.len(), "record")),
        )?;
        let sealed = reader.segments().iter().filter(|s| s.sealed).map(|s| s.count).sum::<u64>();
        let mut chosen = None;
        for entry in &found.entries {
            let Some(record) = entry.record() else { continue };
            if chosen.is_none() && record.seq.0 < sealed {
                chosen = Some(record.seq);
            }
        }
        for record in found.entries.iter().filter_map(|entry| entry.record()).take(3) {
            let line = summary(record);
            self.say("", &line)?;
        }
        Ok(chosen.unwrap_or_default())
    }

    fn question(&self, reader: &Reader, from: u64) -> Result<(String, Filter), Failure> {
        let mut actor = None;
        for entry in reader.scan(from..from + 500, Order::Ascending) {
            let entry = entry.map_err(|error| self.unread(&error))?;
            let Some(body) = entry.record().and_then(|record| Body::parse(record.body()).ok())
            else {
                continue;
            };
            let patient = body.detail_member(&["patientId"]).and_then(string_value);
            if let Some(patient) = patient {
                let detail = vec![DetailFilter::patient(vec![patient.clone().into_owned()])];
                return Ok((format!("patient {patient}"), Filter { detail, ..Filter::default() }));
            }
            actor.get_or_insert_with(|| body.actor_id().into_owned());
        }
        let actor = actor.unwrap_or_default();
        let filter = Filter { actor_id: vec![actor.clone()], ..Filter::default() };
        Ok((format!("actor {actor}"), filter))
    }

    fn prove(&mut self, log: &Log, reader: &Reader, seq: Seq) -> Result<(), Stop> {
        log.checkpoint().map_err(|error| explain::working(&error, &self.log_dir))?;
        let signed = reader.checkpoint().map_err(|error| self.unread(&error))?;
        let Some(signed) = signed else {
            return Err(Failure::could_not("the log has no checkpoint").into());
        };
        let (size, root) = (signed.checkpoint.size, signed.checkpoint.root);
        let proof = reader.prove_inclusion(seq, size).map_err(|error| self.unread(&error))?;
        let held = verify_inclusion(&proof.leaf_hash, seq.0, size.0, &proof.hashes, &root);
        held.map_err(|error| Failure::found(format_args!("the proof does not hold: {error}")))?;
        let text = format!(
            "record {seq} is in the signed tree of {size}: {} hashes, checked",
            proof.hashes.len()
        );
        self.say("prove", &text)
    }

    fn export(&mut self, reader: &Reader) -> Result<(), Stop> {
        let path = self.dir.join("export.jsonl");
        let mut bytes = Vec::new();
        let mut count = 0;
        for entry in reader.scan(0..u64::MAX, Order::Ascending) {
            entry.map_err(|error| self.unread(&error))?.write_export_line(&mut bytes);
            bytes.push(b'\n');
            count += 1;
        }
        fs::write(&path, &bytes).map_err(|error| unwritten(&error, &path))?;
        let text = format!(
            "{}, {}, each with its hash",
            counted(count, "line"),
            counted(bytes.len(), "byte")
        );
        self.say("export", &text)
    }

    /// What the auditor says of a directory.
    fn verify(&mut self, name: &str, key: &VerifierKey) -> Result<Report, Stop> {
        let path = self.dir.join(name);
        let options = VerifyOptions { vkey: Some(key.clone()), ..VerifyOptions::default() };
        let report = verify_path(&path, &options, &())
            .map_err(|error| Failure::caused(Status::CouldNot, &error).at(path.display()))?;
        let paint = self.session.out.paint();
        let verdict = report.status();
        let verdict = if report.findings.is_empty() {
            paint.good(verdict.as_str())
        } else {
            paint.bad(verdict.as_str())
        };
        let verb = paint.strong("verify  ");
        let records = counted(report.records, "record");
        let findings = counted(report.findings.len(), "finding");
        let line = format!("{verb} {verdict}: {records}, {findings}");
        self.session.out.line(line)?;
        for finding in report.findings.iter().take(2) {
            let line = one_finding(finding);
            self.say("", &line)?;
        }
        Ok(report)
    }

    /// Changes one byte in a copy of the sealed segment that holds the record.
    fn tamper(&mut self, reader: &Reader, seq: Seq, key: &VerifierKey) -> Result<Report, Stop> {
        let copy = self.dir.join("tampered");
        let copied = reader.backup(&copy, BackupKey::Without);
        copied.map_err(|error| explain::copying(&error, &copy))?;
        let segments = reader.segments();
        let holds = |first: u64, count: u64| first <= seq.0 && seq.0 < first + count;
        let segment = segments.iter().find(|s| s.sealed && holds(s.first_seq.0, s.count));
        let entry = reader.read(seq).map_err(|error| self.unread(&error))?;
        let (Some(segment), Some(id)) = (segment, entry.audit_id()) else {
            return Err(Failure::could_not("no record is sealed").into());
        };
        let path = copy.join(&segment.path);
        let mut bytes = fs::read(&path).map_err(|error| unwritten(&error, &path))?;
        // The random end of its identifier stands there as it is; almost all else is compressed.
        let end: &[u8] = id.as_bytes().last_chunk::<8>().map_or(&[], |end| end);
        let at = bytes.windows(end.len()).position(|window| window == end);
        let at = at.map(|at| at + end.len() - 1);
        let Some((at, byte)) = at.and_then(|at| Some((at, bytes.get_mut(at)?))) else {
            return Err(Failure::could_not("the record was not found in its file").into());
        };
        *byte ^= 1;
        // Sealed files are read-only; whoever tampers does not mind.
        fs::remove_file(&path)
            .and_then(|()| fs::write(&path, &bytes))
            .map_err(|error| unwritten(&error, &path))?;
        self.say("tamper", &format!("one bit of byte {at} in a copy, in record {seq}"))?;
        self.verify("tampered", key)
    }

    fn farewell(&mut self, keep: bool) -> Result<(), Stop> {
        let out = &mut self.session.out;
        out.line("")?;
        if keep {
            let dir = self.dir.display();
            out.line(format_args!("kept in {dir}: log, tampered, export.jsonl; try"))?;
            out.line(format_args!("  shoseki --data-dir {dir}/log query --limit 5"))?;
            out.line(format_args!("  shoseki verify {dir}/tampered"))?;
            return out.line(format_args!("  shoseki verify {dir}/export.jsonl"));
        }
        out.line("where to go next")?;
        out.line("  shoseki demo --keep DIR      the same, to look around in")?;
        out.line("  shoseki append FILE          records of your own, as JSON lines")?;
        out.line("  shoseki import --help        CloudTrail, Kubernetes and other trails")
    }

    fn unread(&self, error: &shoseki_engine::log::ReadError) -> Failure {
        explain::read(error, &self.log_dir)
    }
}

/// One record on one line.
fn summary(record: &StoredRecord) -> String {
    let Ok(body) = Body::parse(record.body()) else { return String::new() };
    let time = body.timestamp().to_string();
    let time = time.get(..19).unwrap_or(&time).replace('T', " ");
    let name = body.detail_member(&["patientName"]).and_then(string_value).unwrap_or_default();
    let text = format!("{time}  {}  {}  {name}", body.action(), body.actor_id());
    text.trim_end().to_owned()
}

fn unwritten(error: &std::io::Error, path: &Path) -> Failure {
    Failure::could_not(format_args!("using the directory: {error}"))
        .at(path.display())
        .next("check the free space, or name another directory with --keep")
}
