//! Looking a record up by its identifier, without an index: the files are searched for its bytes.
//!
//! In a sealed segment an identifier stands as its 16 bytes beside the compressed text, a UUIDv7
//! perhaps as the 10 behind its time only, so the whole file is searched and only groups with a hit
//! are decoded; in an active file bodies are compared at a fixed place.
//! Invariant: a seq is returned only where the bytes at that place say so; whether they verify, the
//! read says.

use std::collections::BTreeSet;

use super::catalogue::SegmentEntry;
use super::entry::Entry;
use super::parts::{Cursor, Keep};
use super::read_error::ReadError;
use super::reader::Reader;
use super::view::View;
use crate::record::AuditId;
use crate::segment::stored_part;
use crate::types::Seq;

impl Reader {
    /// The records with this identifier, newest first: one per producer that used it, and repeats
    /// from outside the idempotency window.
    ///
    /// # Errors
    /// [`ReadError::Io`] where the medium fails.
    pub fn find(&self, audit_id: AuditId) -> Result<Vec<Seq>, ReadError> {
        let view = self.view();
        let mut found = BTreeSet::new();
        let mut cursor = Cursor::default();
        for active in &view.actives {
            let mut seq = active.header.first_seq.0.max(view.sealed_end());
            let end = active.end_seq();
            while seq < end {
                let group = self.parts.group_at(&view, seq, Keep::Passing, &mut cursor)?;
                let behind = group.end_seq().min(end);
                for seq in (seq..behind).take(GROUP_SEQS_MAX) {
                    note(&group.entry(seq), audit_id, &mut found);
                }
                seq = behind;
            }
        }
        for entry in view.sealed.first(view.sealed_len) {
            self.find_sealed(&view, &entry, audit_id, &mut found)?;
        }
        Ok(found.into_iter().rev().map(Seq).collect())
    }

    fn find_sealed(
        &self,
        view: &View,
        entry: &SegmentEntry,
        audit_id: AuditId,
        found: &mut BTreeSet<u64>,
    ) -> Result<(), ReadError> {
        let Some(open) = self.parts.segment(entry)? else { return Ok(()) };
        let bytes: &[u8] = &open.segment.source().0;
        let directory = open.segment.directory();
        for at in memchr::memmem::find_iter(bytes, stored_part(audit_id.as_bytes())) {
            let behind = directory.partition_point(|block| block.offset <= at as u64);
            let Some(block) = behind.checked_sub(1) else { continue };
            if behind > directory.len() {
                continue;
            }
            let (first, end) = open.segment.block_range(block);
            let mut seq = first;
            let mut cursor = Cursor::default();
            while seq < end {
                let group = self.parts.group_at(view, seq, Keep::Cached, &mut cursor)?;
                for seq in seq..group.end_seq().min(end) {
                    note(&group.entry(seq), audit_id, found);
                }
                seq = group.end_seq();
            }
        }
        Ok(())
    }
}

/// A gap of lost records has no identifiers to compare, however long it is.
const GROUP_SEQS_MAX: usize = 1 << 24;

fn note(entry: &Entry, audit_id: AuditId, found: &mut BTreeSet<u64>) {
    if entry.audit_id() == Some(audit_id) {
        found.insert(entry.seq().0);
    }
}
