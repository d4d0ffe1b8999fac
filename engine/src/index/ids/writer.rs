//! Writes one run: lines and entries stream into their places side by side.
//!
//! Invariant: the file gets its name when all of it is durable; until then it ends in `.tmp`.
//! Order of calls: create, writes, fdatasync, read-only, rename, fsync of the directory.
//! Heap: two buffers and one bucket, whatever the number of entries.

use std::io;
use std::sync::Arc;

use super::error::IdError;
use super::layout::{ENTRY_LEN, Entry, Filter, HEADER_LEN, Header, LINE_LEN, Line};
use super::run::Run;
use crate::io::{OpenMode, Storage, StorageFile, TEMPORARY_SUFFIX};

/// Directory of the runs.
pub(super) const DIRECTORY: &str = "ids";
pub(super) const SUFFIX: &str = ".ids";

const BUFFER_LEN: usize = 1 << 18;

/// Path of the run of `from..to`.
pub(super) fn run_path(seqs: &std::ops::Range<u64>) -> String {
    format!("{DIRECTORY}/{:020}-{:020}{SUFFIX}", seqs.start, seqs.end)
}

/// The range that a file name speaks of; `None` for other files.
pub(super) fn parse_name(name: &str) -> Option<std::ops::Range<u64>> {
    let (from, to) = name.strip_suffix(SUFFIX)?.split_once('-')?;
    let seqs = from.parse().ok()?..to.parse().ok()?;
    // Only the one spelling that we write.
    (run_path(&seqs).strip_prefix(DIRECTORY)?.strip_prefix('/')? == name).then_some(seqs)
}

pub(super) struct RunWriter {
    header: Header,
    path: String,
    temporary: String,
    file: Arc<dyn StorageFile>,
    lines: Stream,
    entries: Stream,
    /// Bucket being filled, its entries and their filter.
    line: u64,
    bucket: Vec<u8>,
    filter: Filter,
    /// Entries in the buckets before.
    start: u32,
    last: Option<Entry>,
}

impl RunWriter {
    /// Begins a run; `header.count` is the number of entries to come.
    pub(super) fn create(storage: &dyn Storage, header: Header) -> Result<Self, IdError> {
        if !header.is_possible() {
            return Err(IdError::Range(header.seqs));
        }
        let path = run_path(&header.seqs);
        let temporary = format!("{path}{TEMPORARY_SUFFIX}");
        match storage.remove(&temporary) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(IdError::io(&temporary)(e));
            }
            _ => {}
        }
        let file = storage.open(&temporary, OpenMode::Create).map_err(IdError::io(&temporary))?;
        Ok(Self {
            lines: Stream::new(HEADER_LEN as u64),
            entries: Stream::new(header.entries_offset()),
            header,
            path,
            temporary,
            file,
            line: 0,
            bucket: Vec::new(),
            filter: Filter::default(),
            start: 0,
            last: None,
        })
    }

    /// Adds the next entry in order of fingerprint and place.
    pub(super) fn push(&mut self, entry: Entry) -> Result<(), IdError> {
        let seqs = &self.header.seqs;
        let seq = seqs.start + u64::from(entry.place);
        if !seqs.contains(&seq) || self.last.is_some_and(|last| last >= entry) {
            return Err(IdError::Order { seq });
        }
        self.last = Some(entry);
        let line = self.header.line_of(entry.fingerprint);
        while self.line < line {
            self.end_bucket()?;
        }
        self.filter.add(entry.fingerprint);
        self.bucket.extend_from_slice(&entry.encode());
        Ok(())
    }

    /// Makes the run durable under its name and opens it. After an error the storage holds at most
    /// a `.tmp`, or the whole run under its name.
    pub(super) fn finish(mut self, storage: &dyn Storage) -> Result<Run, IdError> {
        while self.line < self.header.lines() {
            self.end_bucket()?;
        }
        if u64::from(self.start) != self.header.count {
            return Err(IdError::Range(self.header.seqs));
        }
        let complete = self
            .lines
            .flush(&*self.file)
            .and_then(|()| self.entries.flush(&*self.file))
            .and_then(|()| self.file.write_at(0, &self.header.encode()))
            .and_then(|()| self.file.sync())
            .and_then(|()| storage.set_read_only(&self.temporary))
            .and_then(|()| storage.rename(&self.temporary, &self.path))
            .and_then(|()| storage.sync_dir(DIRECTORY));
        complete.map_err(IdError::io(&self.path))?;
        Run::open(storage, &self.path)?.ok_or(IdError::Damaged(self.header.seqs))
    }

    /// The unfinished file, to be removed when the writer is given up.
    pub(super) fn temporary(&self) -> &str {
        &self.temporary
    }

    fn end_bucket(&mut self) -> Result<(), IdError> {
        let line = Line::encode(self.start, &self.bucket, &self.filter);
        let entries = u32::try_from(self.bucket.len() / ENTRY_LEN).ok();
        let start = entries.and_then(|entries| self.start.checked_add(entries));
        self.start = start.ok_or_else(|| IdError::Range(self.header.seqs.clone()))?;
        debug_assert_eq!(line.len(), LINE_LEN);
        self.lines
            .write(&*self.file, &line)
            .and_then(|()| self.entries.write(&*self.file, &self.bucket))
            .map_err(IdError::io(&self.temporary))?;
        self.bucket.clear();
        self.filter = Filter::default();
        self.line += 1;
        Ok(())
    }
}

/// A buffered part of the file.
struct Stream {
    offset: u64,
    buffer: Vec<u8>,
}

impl Stream {
    fn new(offset: u64) -> Self {
        Self { offset, buffer: Vec::new() }
    }

    fn write(&mut self, file: &dyn StorageFile, bytes: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() < BUFFER_LEN { Ok(()) } else { self.flush(file) }
    }

    fn flush(&mut self, file: &dyn StorageFile) -> io::Result<()> {
        file.write_at(self.offset, &self.buffer)?;
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
