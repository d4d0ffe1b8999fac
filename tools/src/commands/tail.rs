//! `shoseki tail`: the newest records, and those that come.

use std::thread;
use std::time::Duration;

use clap::Args;
use shoseki_engine::log::{Entry, Reader};
use shoseki_engine::query::Order;

use crate::commands::query::damaged;
use crate::explain;
use crate::failure::{Status, Stop};
use crate::logs;
use crate::output::Session;
use crate::remote::{Follower, Missed, RemoteArgs};
use crate::rows::Listing;

/// How long `--follow` waits before it looks again.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// The same of a server, where each look is a question that it records: the pause doubles while
/// nothing comes.
const LOOK_FIRST: Duration = Duration::from_secs(1);
const LOOK_LAST: Duration = Duration::from_secs(8);

/// Arguments of `tail`.
#[derive(Args, Debug)]
pub struct Tail {
    /// How many records, the newest last
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    pub lines: u64,
    /// Go on with the records that are appended, until it is interrupted
    #[arg(short, long)]
    pub follow: bool,
    /// The server to ask; its own records are left out, since each look makes one.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

impl Tail {
    /// Writes the newest records in the order of the log.
    ///
    /// # Errors
    /// The log can't be read or the results can't be written.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        if let Some(client) = self.remote.client(session)? {
            return self.remote(Follower::new(client), session);
        }
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

    /// The same of a server, which may be away for a while.
    fn remote(&self, mut follower: Follower, session: &mut Session<'_>) -> Result<Status, Stop> {
        let newest = follower.newest(self.lines)?;
        let status = list(&newest, session)?;
        if !self.follow {
            return Ok(status);
        }
        let (mut wait, mut away) = (LOOK_FIRST, false);
        loop {
            thread::sleep(wait);
            match follower.next() {
                Ok(entries) => {
                    if std::mem::take(&mut away) {
                        session
                            .notes
                            .note("the server answers again: going on behind what was shown");
                    }
                    wait = if entries.is_empty() { (wait * 2).min(LOOK_LAST) } else { LOOK_FIRST };
                    list(&entries, session)?;
                }
                Err(Missed::Passing(error)) => {
                    if !std::mem::replace(&mut away, true) {
                        let base = follower.base();
                        session.notes.note(format_args!("{base}: {error}; trying again"));
                    }
                    wait = error.wait(1).clamp(LOOK_FIRST, LOOK_LAST);
                }
                Err(Missed::Failed(failure)) => return Err(failure.into()),
            }
        }
    }
}

/// Writes these records.
fn list(entries: &[Entry], session: &mut Session<'_>) -> Result<Status, Stop> {
    let out = &mut session.out;
    let mut listing = Listing::new(out.form());
    entries.iter().try_for_each(|entry| listing.add(entry, out))?;
    listing.finish(out)?;
    out.flush()?;
    Ok(damaged(listing.damaged, &mut session.notes))
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
