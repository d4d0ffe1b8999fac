//! From times of arrival to places in the log.
//!
//! Invariant: `received_at` never falls along the log, so a period of it is a run of seqs. What
//! can't be asked for its time, because it is erased or damaged, is in the run wherever it may be.

use std::ops::Range;
use std::sync::Arc;

use super::group::Item;
use super::parts::{Keep, Nearby};
use super::read_error::ReadError;
use super::reader::Reader;
use super::view::View;
use crate::query::Filter;
use crate::record::{Body, Timestamp};

impl Reader {
    /// The seqs of the records with a `received_at` at or after `from` and before `to`, as far as
    /// these are given. Records beside them that are erased or can't be read are among them.
    ///
    /// # Errors
    /// [`ReadError::Io`] where the medium fails.
    pub fn seqs_received(
        &self,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<Range<u64>, ReadError> {
        self.received_in(&self.view(), from, to)
    }

    fn received_in(
        &self,
        view: &Arc<View>,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<Range<u64>, ReadError> {
        let start = match from {
            Some(from) => self.turn(view, from)?.start,
            None => 0,
        };
        let end = match to {
            Some(to) => self.turn(view, to)?.end,
            None => view.size(),
        };
        Ok(start..end.max(start))
    }

    /// The seqs at which a filter's matches may stand.
    pub(crate) fn places_of(
        &self,
        view: &Arc<View>,
        filter: &Filter,
    ) -> Result<Range<u64>, ReadError> {
        let Range { start, end } =
            self.received_in(view, filter.received_from, filter.received_to)?;
        let behind = filter.after_seq.map_or(0, |after| after.0.saturating_add(1));
        let start = start.max(behind);
        Ok(start..end.max(start))
    }

    /// Where `received_at` reaches a time: from behind the last record that is known to be earlier
    /// to the first that is known not to be.
    fn turn(&self, view: &Arc<View>, time: Timestamp) -> Result<Range<u64>, ReadError> {
        let time = time.unix_nanos();
        let mut turn = turn_of_files(view, time);
        let Range { start: mut low, end: mut high } = turn.clone();
        while low < high {
            let middle = low + (high - low) / 2;
            match self.known_from(view, middle..high)? {
                None => high = middle,
                Some((first, received)) if received >= time => {
                    turn.end = first;
                    high = middle;
                }
                Some((first, _)) => {
                    turn.start = first + 1;
                    low = first + 1;
                }
            }
        }
        Ok(turn)
    }

    /// The first of these seqs whose record can be read, and its `received_at`.
    fn known_from(
        &self,
        view: &Arc<View>,
        seqs: Range<u64>,
    ) -> Result<Option<(u64, i64)>, ReadError> {
        let mut from = seqs.start;
        while from < seqs.end {
            let near = &mut Nearby::default();
            let group = self.parts.group_at(view, from, Keep::Cached, near)?;
            let end = group.end_seq().min(seqs.end);
            // A damaged group has no record at all, however long it is.
            for seq in if group.is_damaged() { end..end } else { from..end } {
                if let Item::Record { body, .. } = group.item(seq)
                    && let Ok(body) = Body::parse(body)
                {
                    return Ok(Some((seq, body.received_at().unix_nanos())));
                }
            }
            from = end.max(from + 1);
        }
        Ok(None)
    }
}

/// The same as far as the zone maps of the sealed files tell.
fn turn_of_files(view: &View, time: i64) -> Range<u64> {
    let mut start = 0;
    for entry in (0..view.sealed_len).filter_map(|index| view.sealed.get(index)) {
        if entry.received.min > entry.received.max {
            continue;
        }
        if time <= entry.received.min {
            return start..entry.first_seq.max(start);
        }
        if time <= entry.received.max {
            return start..entry.end_seq();
        }
        start = entry.end_seq();
    }
    start..view.size()
}
