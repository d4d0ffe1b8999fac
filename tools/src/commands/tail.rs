//! `shoseki tail`: the newest records, and those that come.

use std::thread;
use std::time::Duration;

use clap::Args;
use shoseki_engine::log::Reader;
use shoseki_engine::query::Order;

use crate::commands::query::damaged;
use crate::explain;
use crate::failure::{Status, Stop};
use crate::logs;
use crate::output::Session;
use crate::rows::Listing;

/// How long `--follow` waits before it looks again.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Arguments of `tail`.
#[derive(Args, Debug)]
pub struct Tail {
    /// How many records, the newest last
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    pub lines: u64,
    /// Go on with the records that are appended, until it is interrupted
    #[arg(short, long)]
    pub follow: bool,
}

impl Tail {
    /// Writes the newest records in the order of the log.
    ///
    /// # Errors
    /// The log can't be read or the results can't be written.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        let reader = logs::reader(session)?;
        let mut next = reader.size().0.saturating_sub(self.lines);
        let bad = show(&reader, &mut next, session)?;
        let status = damaged(bad, &mut session.notes);
        if !self.follow {
            return Ok(status);
        }
        loop {
            thread::sleep(LOOK_EVERY);
            let refreshed = reader.refresh();
            refreshed.map_err(|error| explain::reading(&error, session.shared.data_dir()))?;
            let bad = show(&reader, &mut next, session)?;
            damaged(bad, &mut session.notes);
        }
    }
}

/// Writes what stands from `next` on; says how many are damaged.
fn show(reader: &Reader, next: &mut u64, session: &mut Session<'_>) -> Result<u64, Stop> {
    let Session { out, shared, .. } = session;
    let mut listing = Listing::new(out.form());
    for entry in reader.scan(*next..u64::MAX, Order::Ascending) {
        let entry = entry.map_err(|error| explain::read(&error, shared.data_dir()))?;
        *next = entry.seq().0 + 1;
        listing.add(&entry, out)?;
    }
    listing.finish(out)?;
    out.flush()?;
    Ok(listing.damaged)
}
