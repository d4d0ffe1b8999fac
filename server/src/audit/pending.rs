//! The side file: accesses that were answered while the log took no records.
//!
//! Invariant: an access is on disk before it is answered; each line carries its `audit_id`, so that
//! reading the file twice makes no second record. What can't be read back is itself recorded.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha512};
use shoseki_engine::log::AppendError;
use shoseki_engine::record::{AuditId, Limits, Record, Timestamp};

use super::event::Event;

/// Name of the file in the data directory.
pub const PENDING_FILE: &str = "audit-pending.jsonl";
/// Most bytes of the file: beyond it accesses are refused.
const LEN_MAX: u64 = 16 << 20;

/// Why what was noted is not in the log yet. The file stays; it is read at the next start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PendingError {
    /// The file can't be read or removed.
    #[error("{PENDING_FILE} can't be read or removed")]
    Io(#[from] io::Error),
    /// The log does not take the records.
    #[error("the log does not take what {PENDING_FILE} holds")]
    Append(#[from] AppendError),
}

pub(super) struct Pending {
    dir: PathBuf,
    /// Held while the file is written or taken.
    lock: Mutex<()>,
}

/// One line: what [`Record::from_json`] reads.
#[derive(Serialize)]
struct Line<'a> {
    audit_id: String,
    timestamp: String,
    actor_type: &'a str,
    actor_id: &'a str,
    actor_role: Option<&'a str>,
    action: &'a str,
    request_id: Option<&'a str>,
    trace_id: Option<&'a str>,
    facility_id: Option<&'a str>,
    source_ip: Option<&'a str>,
    result: &'a str,
    detail: Option<&'a RawValue>,
    sensitivity: &'a str,
}

impl Pending {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), lock: Mutex::new(()) }
    }

    fn path(&self) -> PathBuf {
        self.dir.join(PENDING_FILE)
    }

    /// Appends a record to the file; on disk when it returns.
    pub(super) fn note(&self, record: &Record) -> io::Result<()> {
        let line = line(record)?;
        let _held = self.lock.lock();
        let mut file =
            OpenOptions::new().append(true).create(true).mode(0o600).open(self.path())?;
        let len = file.metadata()?.len();
        if len.saturating_add(line.len() as u64) > LEN_MAX {
            return Err(ErrorKind::QuotaExceeded.into());
        }
        let written = file.write_all(&line).and_then(|()| file.sync_all());
        if written.is_err() {
            // A half line must not swallow the next; reading tells the two apart all the same.
            let _ = file.set_len(len);
        }
        written?;
        File::open(&self.dir)?.sync_all()
    }

    /// Reads what is noted; `None` where there is no file.
    pub(super) fn read(&self) -> io::Result<Option<Vec<Record>>> {
        let _held = self.lock.lock();
        let bytes = match std::fs::read(self.path()) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        let changed = changed_at(&self.path())?;
        let lines = bytes.split(|byte| *byte == b'\n').enumerate();
        let mut records = Vec::new();
        for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
            match Record::from_json(line, &Limits::default()) {
                Ok(record) => records.push(record),
                Err(_) => records.extend(unreadable(number + 1, line, changed)),
            }
        }
        Ok(Some(records))
    }

    /// Removes the file, once everything in it is in the log.
    pub(super) fn remove(&self) -> io::Result<()> {
        let _held = self.lock.lock();
        std::fs::remove_file(self.path())?;
        File::open(&self.dir)?.sync_all()
    }
}

/// When the file was written last: equal each time that it is read.
fn changed_at(path: &Path) -> io::Result<Timestamp> {
    let changed = std::fs::metadata(path)?.modified()?;
    let since = changed.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since.as_micros()).ok();
    micros.and_then(Timestamp::from_unix_micros).ok_or_else(|| ErrorKind::InvalidData.into())
}

/// The record of a line that is none; id and time follow from the file, so that there is only one.
fn unreadable(number: usize, line: &[u8], now: Timestamp) -> Option<Record> {
    let sha512: [u8; 64] = Sha512::digest(line).into();
    let event = Event::pending_unreadable(number, &sha512, line.len());
    let mut record = event.into_record(now).ok()?;
    record.audit_id = sha512.first_chunk().map(|id| AuditId::from_bytes(*id));
    Some(record)
}

fn line(record: &Record) -> io::Result<Vec<u8>> {
    let detail = record.detail.as_ref().map(|detail| serde_json::from_slice(detail.as_bytes()));
    let line = Line {
        audit_id: record.audit_id.map_or_else(String::new, |id| id.to_string()),
        timestamp: record.timestamp.to_string(),
        actor_type: record.actor_type.as_str(),
        actor_id: &record.actor_id,
        actor_role: record.actor_role.as_deref(),
        action: &record.action,
        request_id: record.request_id.as_deref(),
        trace_id: record.trace_id.as_deref(),
        facility_id: record.facility_id.as_deref(),
        source_ip: record.source_ip.as_deref(),
        result: record.result.as_str(),
        detail: detail.transpose()?,
        sensitivity: record.sensitivity.as_str(),
    };
    let mut text = serde_json::to_vec(&line)?;
    text.push(b'\n');
    Ok(text)
}
