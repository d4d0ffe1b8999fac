//! `shoseki query`: records that match, by their times, as export lines or as a table.
//!
//! Invariant: records come page by page, so that memory does not grow with their number; an answer
//! that was cut says where it goes on.

use clap::{Args, ValueEnum};
use shoseki_engine::log::{Entry, Query as Question, Reader};
use shoseki_engine::query::{Cursor, CursorError, Explain, Order};
use shoseki_engine::types::counted;

use crate::explain;
use crate::failure::{Failure, Status, Stop};
use crate::filter_args::FilterArgs;
use crate::logs;
use crate::output::{Form, Notes, Session};
use crate::remote::{Pages, RemoteArgs, filter};
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
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
    /// Say on standard error what it took to find them
    #[arg(long)]
    pub explain: bool,
    /// The server to ask.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// One page, from wherever it comes.
struct Page {
    entries: Vec<Entry>,
    explain: Explain,
    next: Option<String>,
}

/// Gives the page of so many records behind a cursor.
type NextPage<'p> = dyn FnMut(usize, Option<&str>) -> Result<Page, Failure> + 'p;

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
        if let Some(client) = self.remote.client(session)? {
            let mut asked = filter(&self.filter)?;
            let order = if self.order == Direction::Asc { "asc" } else { "desc" };
            asked.insert("order".to_owned(), order.into());
            asked.insert("explain".to_owned(), self.explain.into());
            let mut pages = Pages::new(client, asked);
            let mut next = |limit, cursor: Option<&str>| {
                let found = pages.page(limit, cursor)?;
                Ok(Page { entries: found.entries, explain: found.explain, next: found.next })
            };
            let (status, took) = self.pages(&mut next, session)?;
            if self.explain {
                explained(&took, None, &mut session.notes);
            }
            return Ok(status);
        }
        let cursor = self.cursor.as_deref().map(cursor).transpose()?;
        let reader = logs::reader(session)?;
        let dir = session.shared.data_dir().to_owned();
        let mut question = Question {
            filter: self.filter.filter()?,
            order: self.order.into(),
            cursor,
            ..Question::default()
        };
        let mut next = |limit, _: Option<&str>| {
            question.limit = limit;
            let page = reader.search(&question).map_err(|error| explain::read(&error, &dir))?;
            question.cursor = page.next;
            let next = page.next.map(|next| next.to_string());
            Ok(Page { entries: page.entries, explain: page.explain, next })
        };
        let (status, took) = self.pages(&mut next, session)?;
        if self.explain {
            explained(&took, Some(&reader), &mut session.notes);
        }
        Ok(logs::whole(&reader, status))
    }

    /// Writes page after page.
    fn pages(
        &self,
        page: &mut NextPage<'_>,
        session: &mut Session<'_>,
    ) -> Result<(Status, Explain), Stop> {
        let Session { out, notes, .. } = session;
        let form = out.form();
        let limit = self.limit.or((form == Form::Text).then_some(ROWS_DEFAULT));
        let mut left = limit.unwrap_or(usize::MAX);
        let mut cursor = self.cursor.clone();
        let mut listing = Listing::new(form);
        let mut took = Explain::default();
        while left > 0 {
            let found = page(left.min(PAGE), cursor.as_deref())?;
            found.entries.iter().try_for_each(|entry| listing.add(entry, out))?;
            took.add(&found.explain);
            left = left.saturating_sub(found.entries.len());
            cursor = found.next;
            if cursor.is_none() {
                break;
            }
        }
        listing.finish(out)?;
        out.flush()?;
        let next = cursor.filter(|_| limit.is_some_and(|limit| limit > 0));
        if form == Form::Text {
            let more = next.is_some() && self.limit.is_none();
            let hint = if more { "; --limit N shows more" } else { "" };
            notes.note(format_args!("{}{hint}", counted(listing.count, "record")));
        }
        if let Some(next) = next.filter(|_| self.limit.is_some()) {
            notes.note(format_args!("more: the same command with --cursor {next}"));
        }
        Ok((damaged(listing.damaged, notes), took))
    }
}

/// A cursor of a data directory.
fn cursor(text: &str) -> Result<Cursor, Failure> {
    text.parse().map_err(|error: CursorError| {
        Failure::invalid(format_args!("--cursor: {error}"))
            .next("give the cursor that the page before ended with")
    })
}

fn explained(took: &Explain, reader: Option<&Reader>, notes: &mut Notes<'_>) {
    let Explain { segments, segments_pruned, shards, shards_pruned, shards_asked, .. } = took;
    // How many records a server has is not for every token.
    let size = reader.map(|reader| format!("{} in ", counted(reader.size().0, "record")));
    notes.note(format_args!(
        "log         {}{}, {segments_pruned} left out by their times",
        size.unwrap_or_default(),
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
