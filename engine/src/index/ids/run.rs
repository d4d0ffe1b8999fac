//! One immutable file of ids, mapped.
//!
//! Invariant: no byte of the file can cause a panic. Entries are only believed after their bucket's
//! CRC matched; a filter's "no" is believed at once, so a damaged filter can hide an id until
//! [`Run::check`] finds the damage.
//! Knows nothing about other runs.

use std::ops::Range;
use std::sync::Arc;

use super::error::IdError;
use super::fingerprint::Fingerprint;
use super::layout::{ENTRY_LEN, Entry, Header, Line};
use super::snapshot::Probes;
use crate::io::{Map, OpenMode, Storage};

pub(super) struct Run {
    header: Header,
    lines: u64,
    entries_offset: u64,
    map: Map,
}

impl Run {
    /// Opens a run by its path; `None` when its header is not what we write.
    pub(super) fn open(storage: &dyn Storage, path: &str) -> Result<Option<Self>, IdError> {
        let file = storage.open(path, OpenMode::Read).map_err(IdError::io(path))?;
        if file.len().map_err(IdError::io(path))? == 0 {
            return Ok(None);
        }
        let map = file.map().map_err(IdError::io(path))?;
        Ok(Header::decode(&map).map(|header| Self {
            lines: header.lines(),
            entries_offset: header.entries_offset(),
            header,
            map,
        }))
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn seqs(&self) -> Range<u64> {
        self.header.seqs.clone()
    }

    /// Appends the seqs under `fingerprint` to `out`.
    pub(super) fn lookup(
        &self,
        fingerprint: Fingerprint,
        out: &mut Vec<u64>,
    ) -> Result<Probes, IdError> {
        let number = self.header.line_of(fingerprint);
        let line = Line::of(&self.map, number).ok_or_else(|| self.damaged())?;
        if !line.may_hold(fingerprint) {
            return Ok(Probes { lines: 1, buckets: 0 });
        }
        let entries = self.bucket(number)?;
        let at = entries.partition_point(|entry| Entry::decode(entry).fingerprint < fingerprint);
        let behind = entries.get(at..).unwrap_or_default();
        for entry in behind.iter().map(Entry::decode) {
            if entry.fingerprint != fingerprint {
                break;
            }
            out.push(self.header.seqs.start + u64::from(entry.place));
        }
        Ok(Probes { lines: 1, buckets: 1 })
    }

    /// Compares every byte with its checksum.
    pub(super) fn check(&self) -> Result<(), IdError> {
        // The mapped header may have changed since it was decoded.
        if Header::decode(&self.map).as_ref() != Some(&self.header) {
            return Err(self.damaged());
        }
        for line in 0..self.lines {
            self.bucket(line)?;
        }
        Ok(())
    }

    /// The entries of a bucket, its checksum compared.
    fn bucket(&self, number: u64) -> Result<&[[u8; ENTRY_LEN]], IdError> {
        let place = self.bucket_place(number)?;
        Ok(self.map.get(place).unwrap_or_default().as_chunks().0)
    }

    /// Where in the file the entries of a bucket are, its checksum compared.
    fn bucket_place(&self, number: u64) -> Result<Range<usize>, IdError> {
        self.find_bucket(number).ok_or_else(|| self.damaged())
    }

    fn find_bucket(&self, number: u64) -> Option<Range<usize>> {
        let line = Line::of(&self.map, number)?;
        let end = if number + 1 < self.lines {
            Line::of(&self.map, number + 1)?.start()
        } else {
            self.header.count
        };
        let offset =
            |index: u64| usize::try_from(self.entries_offset + index * ENTRY_LEN as u64).ok();
        let place = offset(line.start())?..offset(end)?;
        // The first bucket starts at the first entry: no entry is outside every bucket.
        let starts = number > 0 || line.start() == 0;
        let intact = line.matches(self.map.get(place.clone())?);
        (starts && intact).then_some(place)
    }

    fn damaged(&self) -> IdError {
        IdError::Damaged(self.seqs())
    }
}

/// Reads a run's entries in order, comparing the checksum of each bucket that it enters: a merge
/// must not put a fresh checksum on damaged bytes.
pub(super) struct Cursor {
    run: Arc<Run>,
    /// The bucket to enter next.
    next_line: u64,
    /// What is left of the current bucket, as bytes of the file.
    rest: Range<usize>,
    /// First seq of the run, counted from the first seq of the merged one.
    shift: u32,
    current: Option<Entry>,
}

impl Cursor {
    /// A cursor at the first entry, for a merged run that begins at `merged_from`.
    pub(super) fn new(run: Arc<Run>, merged_from: u64) -> Result<Self, IdError> {
        let shift = run.header.seqs.start.checked_sub(merged_from);
        let shift = shift.and_then(|shift| u32::try_from(shift).ok());
        let shift = shift.ok_or_else(|| IdError::Range(run.seqs()))?;
        let mut cursor = Self { run, next_line: 0, rest: 0..0, shift, current: None };
        cursor.advance()?;
        Ok(cursor)
    }

    /// The entry at the cursor, its place counted from the merged run's first seq.
    pub(super) fn current(&self) -> Option<Entry> {
        self.current
    }

    pub(super) fn advance(&mut self) -> Result<(), IdError> {
        while self.rest.is_empty() && self.next_line < self.run.lines {
            self.rest = self.run.bucket_place(self.next_line)?;
            self.next_line += 1;
        }
        self.current = None;
        let bytes = self.run.map.get(self.rest.clone()).and_then(|rest| rest.first_chunk());
        if let Some(entry) = bytes.map(Entry::decode) {
            let place = entry.place.checked_add(self.shift);
            let place = place.ok_or_else(|| self.run.damaged())?;
            self.current = Some(Entry { place, ..entry });
            self.rest.start += ENTRY_LEN;
        }
        Ok(())
    }
}
