//! Records in the form in which they will be stored, but for what only the log can add.
//!
//! Invariant: each record in a [`Prepared`] keeps the limits that it was made with, and
//! [`BodyWriter`] makes of it the very bytes that `encode_body` makes. One buffer holds all of
//! them: a record costs no allocation of its own.
//! Knows nothing of files, clocks and who sent them.

use super::check::{STAMPED_LEN_MAX, check_texts, oversize};
use super::encode::{put_content, put_head, put_salt, put_tail};
use super::error::{Fault, FaultSink, Limits};
use super::ident::{AuditId, Producer, Salt};
use super::model::Record;
use super::sent::SentRecord;
use super::time::Timestamp;

/// A batch of records that were checked and encoded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prepared {
    limits: Limits,
    bytes: Vec<u8>,
    places: Vec<Place>,
}

/// One record of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    audit_id: Option<AuditId>,
    /// Where its bytes end; they begin where those before end.
    end: usize,
}

impl Prepared {
    /// An empty batch, with room for so many records of so many bytes together.
    #[must_use]
    pub fn new(limits: &Limits, records: usize, len: usize) -> Self {
        let (bytes, places) = (Vec::with_capacity(len), Vec::with_capacity(records));
        Self { limits: *limits, bytes, places }
    }

    /// Records that were built in code.
    ///
    /// # Errors
    /// Every fault of every record.
    pub fn of(records: &[Record], limits: &Limits) -> Result<Self, Vec<Fault>> {
        let mut all = Self::new(limits, records.len(), records.len() * 512);
        let mut faults = Vec::new();
        for (index, record) in records.iter().enumerate() {
            if let Err(found) = all.push_record(record) {
                faults.extend(found.into_iter().map(|fault| Fault { index, ..fault }));
            }
        }
        if faults.is_empty() { Ok(all) } else { Err(faults) }
    }

    /// Adds a record that was read under the limits of this batch; its members may have been
    /// changed since.
    ///
    /// # Errors
    /// Every fault, with `index` 0; nothing was added then.
    pub fn push(&mut self, record: &SentRecord<'_>) -> Result<(), Vec<Fault>> {
        let mut sink = FaultSink::new(&self.limits);
        check_texts(record, &mut sink);
        let start = self.bytes.len();
        put_content(record, true, &mut self.bytes);
        let noted = record.detail.as_ref().is_some_and(super::SentDetail::has_note);
        if noted && self.len_since(start) > self.limits.record_len_max {
            self.bytes.truncate(start);
            put_content(record, false, &mut self.bytes);
        }
        let len = self.len_since(start);
        if len > self.limits.record_len_max {
            oversize(&self.limits, &format!("{len} bytes"), &mut sink);
        }
        if !sink.is_empty() {
            self.bytes.truncate(start);
            return Err(sink.into_faults());
        }
        self.places.push(Place { audit_id: record.audit_id, end: self.bytes.len() });
        Ok(())
    }

    /// Adds a record that was built in code.
    ///
    /// # Errors
    /// Every fault, with `index` 0; nothing was added then.
    pub fn push_record(&mut self, record: &Record) -> Result<(), Vec<Fault>> {
        record.check(&self.limits)?;
        self.push(&record.as_sent())
    }

    /// Length of the body that the bytes from `start` become, as the limits count it.
    fn len_since(&self, start: usize) -> usize {
        self.bytes.len() - start + STAMPED_LEN_MAX
    }

    /// The limits that every record keeps.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How many records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Bytes of all records, without what the log adds.
    #[must_use]
    pub fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    /// The ids that clients gave, by position.
    pub fn audit_ids(&self) -> impl ExactSizeIterator<Item = Option<AuditId>> {
        self.places.iter().map(|place| place.audit_id)
    }

    /// Gives the record at `index` an id if it has none.
    pub fn give_id(&mut self, index: usize, id: impl FnOnce() -> AuditId) {
        if let Some(place) = self.places.get_mut(index) {
            place.audit_id.get_or_insert_with(id);
        }
    }

    /// Takes out all but the first `len` records.
    pub fn truncate(&mut self, len: usize) {
        self.places.truncate(len);
        self.bytes.truncate(self.places.last().map_or(0, |place| place.end));
    }

    /// Takes out the records for which `keep` says no, by their position.
    pub fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let (mut index, mut start, mut written) = (0, 0, 0);
        let bytes = &mut self.bytes;
        self.places.retain_mut(|place| {
            let (from, kept) = (start, keep(index));
            (index, start) = (index + 1, place.end);
            if kept {
                bytes.copy_within(from..place.end, written);
                written += place.end - from;
                place.end = written;
            }
            kept
        });
        self.bytes.truncate(written);
    }

    fn content(&self, index: usize) -> &[u8] {
        let before = index.checked_sub(1).and_then(|before| self.places.get(before));
        let start = before.map_or(0, |before| before.end);
        let end = self.places.get(index).map_or(start, |place| place.end);
        self.bytes.get(start..end).unwrap_or_default()
    }
}

/// Writes the bodies of a batch: what they have in common is made once.
pub struct BodyWriter<'a> {
    batch: &'a Prepared,
    /// From behind the client's part to the salt.
    tail: Vec<u8>,
}

impl<'a> BodyWriter<'a> {
    /// For records that came in at `received_at` (kept in microseconds) from this producer.
    #[must_use]
    pub fn new(
        batch: &'a Prepared,
        received_at: Timestamp,
        ingested_by: Option<&Producer>,
    ) -> Self {
        let mut tail = Vec::with_capacity(256);
        put_tail(received_at, ingested_by, &mut tail);
        Self { batch, tail }
    }

    /// Appends the body of the record at `index`; nothing where there is none. `audit_id` is that
    /// of the batch where it has one.
    pub fn write(&self, index: usize, audit_id: &AuditId, salt: &Salt, out: &mut Vec<u8>) {
        if index < self.batch.len() {
            put_head(audit_id, out);
            out.extend_from_slice(self.batch.content(index));
            out.extend_from_slice(&self.tail);
            put_salt(salt, out);
        }
    }

    /// Bytes of all bodies together.
    #[must_use]
    pub fn len(&self) -> usize {
        let of_each = super::encode::HEAD_LEN + self.tail.len() + super::encode::SALT_LEN;
        self.batch.bytes.len() + self.batch.len() * of_each
    }

    /// Whether there is no body to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }
}
