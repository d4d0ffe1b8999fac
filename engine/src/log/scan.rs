//! Passing over many records in seq order.
//!
//! Invariant: yields exactly one entry per seq of its range, damaged ones included; sees the moment
//! at which it was made. Decodes group after group and keeps one.

use std::ops::Range;
use std::sync::Arc;

use super::entry::Entry;
use super::group::Group;
use super::parts::{Keep, Nearby, Parts};
use super::read_error::ReadError;
use super::view::View;
use crate::query::Order;

/// Iterator of [`super::Reader::scan`].
pub struct Scan {
    pub(crate) groups: Groups,
    seqs: Range<u64>,
    group: Option<Arc<Group>>,
}

impl Scan {
    pub(crate) fn new(parts: Arc<Parts>, view: Arc<View>, seqs: Range<u64>, order: Order) -> Self {
        let end = seqs.end.min(view.size());
        let seqs = seqs.start.min(end)..end;
        Self { groups: Groups::new(parts, view, order), seqs, group: None }
    }

    /// Seqs that are still to come.
    #[must_use]
    pub fn remaining(&self) -> Range<u64> {
        self.seqs.clone()
    }

    fn entry(&mut self, seq: u64) -> Result<Entry, ReadError> {
        if let Some(group) = self.group.as_ref().filter(|group| group.holds(seq)) {
            return Ok(group.entry(seq));
        }
        let group = self.groups.at(seq)?;
        let entry = group.entry(seq);
        self.group = Some(group);
        Ok(entry)
    }
}

impl Iterator for Scan {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let seq = match self.groups.order {
            Order::Ascending => self.seqs.next()?,
            Order::Descending => self.seqs.next_back()?,
        };
        let entry = self.entry(seq);
        if entry.is_err() {
            self.seqs = seq..seq;
        }
        Some(entry)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.seqs.size_hint()
    }
}

/// The groups of one moment of a log, read one after the other.
pub(crate) struct Groups {
    pub(crate) parts: Arc<Parts>,
    pub(crate) view: Arc<View>,
    near: Nearby,
    pub(crate) order: Order,
}

impl Groups {
    pub(crate) fn new(parts: Arc<Parts>, view: Arc<View>, order: Order) -> Self {
        Self { parts, view, near: Nearby::default(), order }
    }

    /// The group that holds a seq.
    pub(crate) fn at(&mut self, seq: u64) -> Result<Arc<Group>, ReadError> {
        self.parts.group_at(&self.view, seq, Keep::Passing, &mut self.near)
    }
}
