//! `shoseki query`: records that match, as export lines or as a table.

use clap::{Args, ValueEnum};
use shoseki_engine::log::Entry;
use shoseki_engine::query::Order;
use shoseki_engine::types::counted;

use crate::explain;
use crate::failure::{Status, Stop};
use crate::filter_args::FilterArgs;
use crate::logs;
use crate::output::{Form, Session};
use crate::rows::Listing;

/// Most rows on a terminal where no limit is given.
const ROWS_DEFAULT: usize = 100;

/// Arguments of `query`.
#[derive(Args, Debug)]
#[command(
    after_help = "Without --limit: 100 records as a table on a terminal, all of them as JSON \
                        Lines otherwise. A damaged record, which might be anything, stands in its \
                        place, and the exit status is 1."
)]
pub struct Query {
    /// What to look for.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Most records
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Newest first or oldest first, by place in the log
    #[arg(long, value_enum, default_value_t = Direction::Desc)]
    pub order: Direction,
    /// Order by timestamp instead of place in the log
    #[arg(long, requires = "limit")]
    pub by_time: bool,
}

/// Which end comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Direction {
    /// Newest first
    Desc,
    /// Oldest first
    Asc,
}

impl From<Direction> for Order {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Desc => Self::Descending,
            Direction::Asc => Self::Ascending,
        }
    }
}

impl Query {
    /// Writes the matches.
    ///
    /// # Errors
    /// The log can't be read or the results can't be written.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        let reader = logs::reader(session)?;
        let Session { out, notes, shared, .. } = session;
        let failed = |error| explain::read(&error, shared.data_dir());
        let filter = self.filter.filter();
        let form = out.form();
        let limit = self.limit.or((form == Form::Text).then_some(ROWS_DEFAULT));
        let limit = limit.unwrap_or(usize::MAX);
        let mut listing = Listing::new(form);
        if self.by_time {
            let found = reader.query(&filter, self.order.into(), limit).map_err(failed)?;
            found.entries.iter().try_for_each(|entry| listing.add(entry, out))?;
        } else {
            for entry in reader.select(&filter, self.order.into()).take(limit) {
                let entry: Entry = entry.map_err(failed)?;
                listing.add(&entry, out)?;
            }
        }
        listing.finish(out)?;
        if form == Form::Text {
            let more = listing.count == limit as u64 && self.limit.is_none();
            let hint = if more { "; --limit N shows more" } else { "" };
            notes.note(format_args!("{}{hint}", counted(listing.count, "record")));
        }
        Ok(logs::whole(&reader, damaged(listing.damaged, notes)))
    }
}

/// Says how many records are damaged; the exit status that follows.
pub(crate) fn damaged(count: u64, notes: &mut crate::output::Notes<'_>) -> Status {
    if count == 0 {
        return Status::Done;
    }
    let stand = if count == 1 { "stands in its place" } else { "stand in their places" };
    notes.fault(format_args!(
        "shoseki: {} {stand} without a body\n  next:  run `shoseki verify` on the data directory; \
         `shoseki show --damaged SEQ` gives the raw bytes",
        counted(count, "damaged record")
    ));
    Status::Found
}
