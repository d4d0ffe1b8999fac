//! Records as an index is told of them.
//!
//! Invariant: every seq gives one slot, and a record that was not verified, or can't be read as a
//! body, gives no keys: it stays a candidate of every question.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::index::shard::Slot;
use crate::index::terms::Extractor;
use crate::log::group::{Group, Item};
use crate::log::parts::{Keep, Nearby, Parts};
use crate::log::read_error::ReadError;
use crate::log::view::View;
use crate::record::Body;

/// Reads records in seq order.
pub(super) struct Records {
    extractor: Extractor,
    near: Nearby,
    /// The group that was read last: batches end inside of groups.
    group: Option<Arc<Group>>,
}

impl Records {
    pub(super) fn new() -> Self {
        Self { extractor: Extractor::new(), near: Nearby::default(), group: None }
    }

    /// Calls back with the slot of each seq of a range that the view shows.
    pub(super) fn each(
        &mut self,
        parts: &Parts,
        view: &View,
        seqs: Range<u64>,
        mut each: impl FnMut(&Slot<'_>),
    ) -> Result<(), ReadError> {
        for seq in seqs {
            let group = match self.group.take().filter(|group| group.holds(seq)) {
                Some(group) => group,
                None => parts.group_at(view, seq, Keep::Passing, &mut self.near)?,
            };
            match group.item(seq) {
                Item::Record { body, .. } => match Body::parse(body) {
                    Ok(body) => each(&Slot::Record(&self.extractor.slot_keys(&body))),
                    Err(_) => each(&Slot::Unreadable),
                },
                Item::Erased { .. } => each(&Slot::Erased),
                Item::Damaged => each(&Slot::Unreadable),
            }
            self.group = Some(group);
        }
        Ok(())
    }

    /// The group that holds a seq.
    pub(super) fn group(&mut self, parts: &Parts, view: &View, seq: u64) -> io::Result<Arc<Group>> {
        let group = parts.group_at(view, seq, Keep::Passing, &mut self.near);
        group.map_err(io::Error::other)
    }

    /// Lets go of files and memory.
    pub(super) fn rest(&mut self) {
        self.near = Nearby::default();
        self.group = None;
    }
}
