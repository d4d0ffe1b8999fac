//! `shoseki query`: records that match, by their times, as export lines or as a table.
//!
//! Invariant: records come page by page, so that memory does not grow with their number; an answer
//! that was cut says where it goes on.

use clap::{Args, ValueEnum};
use shoseki_engine::log::{Query as Question, Reader};
use shoseki_engine::query::{Cursor, CursorError, Explain, Order};
use shoseki_engine::types::counted;

use crate::explain;
use crate::failure::{Status, Stop};
use crate::filter_args::FilterArgs;
use crate::logs;
use crate::output::{Form, Notes, Session};
use crate::rows::Listing;

/// Most rows on a terminal where no limit is given.
const ROWS_DEFAULT: usize = 100;
/// Records that are fetched at a time.
const PAGE: usize = 1_000;

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
    /// Most records; where more follow, standard error says how to go on
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Newest first or oldest first, by timestamp
    #[arg(long, value_enum, default_value_t = Direction::Desc)]
    pub order: Direction,
    /// Go on behind an earlier answer to the same question
    #[arg(long, value_name = "CURSOR", value_parser = cursor)]
    pub cursor: Option<Cursor>,
    /// Say on standard error what it took to find them
    #[arg(long)]
    pub explain: bool,
}

fn cursor(text: &str) -> Result<Cursor, String> {
    text.parse().map_err(|error: CursorError| error.to_string())
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
        let form = out.form();
        let limit = self.limit.or((form == Form::Text).then_some(ROWS_DEFAULT));
        let mut left = limit.unwrap_or(usize::MAX);
        let mut question = Question {
            filter: self.filter.filter()?,
            order: self.order.into(),
            cursor: self.cursor,
            ..Question::default()
        };
        let mut listing = Listing::new(form);
        let mut took = Explain::default();
        while left > 0 {
            question.limit = left.min(PAGE);
            let page = reader
                .search(&question)
                .map_err(|error| explain::read(&error, shared.data_dir()))?;
            page.entries.iter().try_for_each(|entry| listing.add(entry, out))?;
            took.add(&page.explain);
            left = left.saturating_sub(page.entries.len());
            question.cursor = page.next;
            if question.cursor.is_none() {
                break;
            }
        }
        listing.finish(out)?;
        out.flush()?;
        let next = question.cursor.filter(|_| limit.is_some_and(|limit| limit > 0));
        if form == Form::Text {
            let more = next.is_some() && self.limit.is_none();
            let hint = if more { "; --limit N shows more" } else { "" };
            notes.note(format_args!("{}{hint}", counted(listing.count, "record")));
        }
        if let Some(next) = next.filter(|_| self.limit.is_some()) {
            notes.note(format_args!("more: the same command with --cursor {next}"));
        }
        if self.explain {
            explained(&took, &reader, notes);
        }
        Ok(logs::whole(&reader, damaged(listing.damaged, notes)))
    }
}

fn explained(took: &Explain, reader: &Reader, notes: &mut Notes<'_>) {
    let Explain { segments, segments_pruned, shards, shards_pruned, shards_asked, .. } = took;
    notes.note(format_args!(
        "log         {} in {}, {segments_pruned} left out by their times",
        counted(reader.size().0, "record"),
        counted(*segments, "file")
    ));
    notes.note(format_args!(
        "index       {}: {shards_pruned} left out by their times, {shards_asked} \
         asked, {} damaged; {}",
        counted(*shards, "shard"),
        took.shards_damaged,
        counted(took.candidates, "candidate")
    ));
    notes.note(format_args!(
        "read        {} read and verified, {} at hand; {} compared, {} of them without an index",
        counted(took.groups_read, "group"),
        took.groups_cached,
        counted(took.records_read, "record"),
        took.scanned
    ));
    notes.note(format_args!(
        "matched     {}, {} of them damaged, in {:.3} ms",
        took.matched,
        took.damaged,
        took.elapsed.as_secs_f64() * 1e3
    ));
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
