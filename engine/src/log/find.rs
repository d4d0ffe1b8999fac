//! Looking a record up by its identifier.
//!
//! An index names the octets where it may be. A sealed segment without one is searched for the
//! identifier's bytes: they stand beside the compressed text, those of a UUIDv7 perhaps without its
//! time, so only blocks with a hit are decoded. In an active file without one, bodies are compared.
//! Invariant: a seq is returned only where the bytes at that place say so; whether they verify, the
//! read says.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::catalogue::SegmentEntry;
use super::entry::Entry;
use super::group::Group;
use super::parts::{Keep, Nearby};
use super::read_error::ReadError;
use super::reader::Reader;
use super::search::units::{Kind, Shard, Unit};
use super::view::View;
use crate::index::shard::{RecordSet, ShardError, ShardLookup, TermKey};
use crate::index::terms::audit_id_term;
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
        let found = BTreeSet::new();
        let (near, set) = (Nearby::default(), RecordSet::new());
        let term = audit_id_term(audit_id);
        let mut find = Find { reader: self, view: &view, audit_id, term, near, set, found };
        for piece in self.parts.indexes.pieces(&view) {
            for unit in Unit::of_piece(piece, &view) {
                find.unit(&unit)?;
            }
        }
        Ok(find.found.into_iter().rev().map(Seq).collect())
    }
}

struct Find<'a> {
    reader: &'a Reader,
    view: &'a Arc<View>,
    audit_id: AuditId,
    term: TermKey,
    near: Nearby,
    set: RecordSet,
    found: BTreeSet<u64>,
}

impl Find<'_> {
    fn unit(&mut self, unit: &Unit) -> Result<(), ReadError> {
        match &unit.kind {
            Kind::File(handle) => {
                let units = match handle.open() {
                    Some(file) => unit.shards(&file, handle),
                    None => Unit::bare(unit.seqs.clone(), None, self.view),
                };
                units.iter().try_for_each(|unit| self.unit(unit))
            }
            Kind::Shard(shard) => {
                if shard.lookup().is_some_and(|lookup| self.ask(lookup).is_ok()) {
                    return self.candidates(unit);
                }
                if let Shard::Stored(_, _, handle) = shard {
                    handle.report();
                }
                let bare = Unit::bare(unit.seqs.clone(), None, self.view);
                bare.iter().try_for_each(|unit| self.unit(unit))
            }
            Kind::Segment(entry) => self.segment(entry, &unit.seqs),
            Kind::Plain => self.plain(unit.seqs.clone(), Keep::Passing),
        }
    }

    /// The octets that may hold it, and what keeps its identifier apart from its content or may
    /// have lost it.
    fn ask(&mut self, lookup: &dyn ShardLookup) -> Result<(), ShardError> {
        self.set.clear();
        lookup.term(self.term, &mut self.set)?;
        lookup.erased(&mut self.set)?;
        lookup.unreadable(&mut self.set)
    }

    fn candidates(&mut self, unit: &Unit) -> Result<(), ReadError> {
        let parts = &self.reader.parts;
        let mut group = None;
        let seqs = self.set.iter().map(|place| unit.seq_at(place));
        for seq in seqs.filter(|seq| unit.seqs.contains(seq)) {
            let held = group.take().filter(|group: &Arc<Group>| group.holds(seq));
            let held = match held {
                Some(held) => held,
                None => parts.group_at(self.view, seq, Keep::Cached, &mut self.near)?,
            };
            note(&held.entry(seq), self.audit_id, &mut self.found);
            group = Some(held);
        }
        Ok(())
    }

    fn segment(&mut self, entry: &SegmentEntry, seqs: &Range<u64>) -> Result<(), ReadError> {
        let Some(open) = self.reader.parts.segment(entry)? else { return Ok(()) };
        let directory = open.segment.directory();
        let block = |seq: u64| open.segment.block_of(Seq(seq)).and_then(|at| directory.get(at));
        let last = block(seqs.end.saturating_sub(1));
        let end = last.map_or(0, |last| last.offset + u64::from(last.len));
        let start = block(seqs.start).map_or(end, |first| first.offset);
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = open.segment.source().0.get(place(start)..place(end)).unwrap_or_default();
        let audit_id = self.audit_id;
        for at in memchr::memmem::find_iter(bytes, stored_part(audit_id.as_bytes())) {
            let offset = start + at as u64;
            let behind = directory.partition_point(|block| block.offset <= offset);
            let Some(block) = behind.checked_sub(1) else { continue };
            let (first, end) = open.segment.block_range(block);
            self.plain(first..end, Keep::Cached)?;
        }
        Ok(())
    }

    fn plain(&mut self, seqs: Range<u64>, keep: Keep) -> Result<(), ReadError> {
        let mut seq = seqs.start;
        while seq < seqs.end {
            let group = self.reader.parts.group_at(self.view, seq, keep, &mut self.near)?;
            let behind = group.end_seq().min(seqs.end);
            for seq in (seq..behind).take(GROUP_SEQS_MAX) {
                note(&group.entry(seq), self.audit_id, &mut self.found);
            }
            seq = behind.max(seq + 1);
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
