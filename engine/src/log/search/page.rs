//! Questions and the pages of their answers.
//!
//! Invariant: a page goes on right behind the last entry of the page before, in the order asked for:
//! records that came in or were sealed meanwhile shift nothing, and none is returned twice.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::best::Rank;
use super::frontier::Search;
use super::judge::Judge;
use crate::format::TimeRange;
use crate::log::entry::Entry;
use crate::log::indexes::Piece;
use crate::log::read_error::ReadError;
use crate::log::reader::Reader;
use crate::log::view::View;
use crate::query::{Cursor, Explain, Filter, Order, Sort, SortBy};
use crate::record::Timestamp;
use crate::types::Seq;

/// What is asked of [`Reader::search`].
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Which records.
    pub filter: Filter,
    /// Which end first.
    pub order: Order,
    /// What decides which is older.
    pub sort_by: SortBy,
    /// Entries of a page, at most. Fewer come where their bodies have more than 32 MiB.
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
    /// Stops it early.
    pub cancel: Option<Cancel>,
}

/// Result of [`Reader::search`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// Entries in the order asked for.
    pub entries: Vec<Entry>,
    /// Where the next page begins; `None` where nothing follows.
    pub next: Option<Cursor>,
    /// How many of the entries are damaged.
    pub damaged: u64,
    /// What it took to find them.
    pub explain: Explain,
}

/// Tells a query on another thread that its answer is not wanted any more.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// One that was not used yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops every query that has this one or a copy of it.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was used.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Reader {
    /// A page of the matches, in the order of (`timestamp`, seq) or of their seqs.
    ///
    /// Erased records have no content to match and show up only where nothing but times is asked. A
    /// damaged record might be anything: it shows up wherever the index and its time don't rule it
    /// out, at the newest time that it can have had; where a scope is asked for, only if the index
    /// knows that it is of this scope.
    ///
    /// Memory is bounded by the limit, 32 MiB of bodies, one group and the answers of some shards
    /// of the index.
    ///
    /// # Errors
    /// [`ReadError::Io`] where the medium fails; [`ReadError::Cancelled`] where it was told to;
    /// [`ReadError::Cursor`] where the cursor belongs to another query.
    pub fn search(&self, query: &Query) -> Result<Page, ReadError> {
        let view = self.view();
        let pieces = |filter: &Filter, view: &View| {
            let wanted = |times: &TimeRange| filter.takes_range(times);
            self.parts.indexes.pieces_within(view, wanted)
        };
        self.search_in(query, view, pieces)
    }

    /// The same over what is known of the parts of a view that this filter does not rule out.
    pub(crate) fn search_in(
        &self,
        query: &Query,
        view: Arc<View>,
        pieces: impl FnOnce(&Filter, &View) -> Vec<Piece>,
    ) -> Result<Page, ReadError> {
        let began = Instant::now();
        let sort = Sort { by: query.sort_by, order: query.order };
        let mut filter = query.filter.clone();
        let mut seqs = self.places_of(&view, &filter)?;
        let after = match &query.cursor {
            Some(cursor) => {
                let place = cursor.position(&filter, sort);
                let (timestamp, seq) = place.map_err(ReadError::Cursor)?;
                narrow(&mut filter, &mut seqs, sort, (timestamp, seq.0));
                Some(Rank::of(sort, timestamp, seq.0))
            }
            None => None,
        };
        if query.limit == 0 {
            return Ok(Page::default());
        }
        let pieces = pieces(&filter, &view);
        let judge = Judge::new(Arc::clone(&self.parts), view, filter);
        // One more says whether anything follows.
        let limit = query.limit.saturating_add(1);
        let search = Search::new(judge, sort, seqs, after, limit, query.cancel.as_ref());
        let (best, explain) = search.run(pieces)?;
        let cut = best.is_cut();
        let mut found: Vec<(Rank, Entry)> = best.into_entries().collect();
        let more = cut || found.len() > query.limit;
        found.truncate(query.limit);
        let next = found.last().filter(|_| more).map(|(rank, _)| {
            let (timestamp, seq) = rank.place(sort);
            Cursor::behind(&query.filter, sort, timestamp, Seq(seq))
        });
        let entries: Vec<Entry> = found.into_iter().map(|(_, entry)| entry).collect();
        let damaged = entries.iter().filter(|entry| entry.is_damaged()).count() as u64;
        let explain = Explain { elapsed: began.elapsed(), ..explain };
        Ok(Page { entries, next, damaged, explain })
    }

    /// The first `limit` matches, or fewer where they are long: the first page of
    /// [`Reader::search`].
    ///
    /// # Errors
    /// As [`Reader::search`].
    pub fn query(&self, filter: &Filter, order: Order, limit: usize) -> Result<Page, ReadError> {
        self.search(&Query { filter: filter.clone(), order, limit, ..Query::default() })
    }
}

/// No match behind a cursor is on the other side of its place.
fn narrow(filter: &mut Filter, seqs: &mut Range<u64>, sort: Sort, (timestamp, seq): (i64, u64)) {
    match (sort.by, sort.order) {
        (SortBy::Seq, Order::Ascending) => seqs.start = seqs.start.max(seq.saturating_add(1)),
        (SortBy::Seq, Order::Descending) => seqs.end = seqs.end.min(seq),
        (SortBy::Time, Order::Ascending) => {
            let from = Timestamp::from_unix_nanos(timestamp);
            filter.from = filter.from.max(from);
        }
        (SortBy::Time, Order::Descending) => {
            let to = timestamp.checked_add(1).and_then(Timestamp::from_unix_nanos);
            filter.to = match (filter.to, to) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
    }
}
