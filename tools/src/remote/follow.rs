//! The newest records of a server, and those that come.
//!
//! Invariant: records are told apart by their place in the log, so that none is shown twice and
//! none is passed over; each look begins with the record that was shown last, which must still be
//! what it was. Knows nothing of how often somebody looks.

use serde_json::{Value, json};
use shoseki_engine::log::Entry;
use shoseki_engine::types::RecordHash;

use super::args::Base;
use super::client::{Ask, Client};
use super::error::RemoteError;
use super::search::{Page, SEARCH};
use crate::failure::Failure;

/// Records of a page.
const PAGE: usize = 500;

/// Follows the log of a server.
pub(crate) struct Follower {
    client: Client,
    /// The record that was shown last.
    last: Option<(u64, Option<RecordHash>)>,
}

/// Why there are no records.
pub(crate) enum Missed {
    /// The exchange failed; it may go better.
    Passing(RemoteError),
    /// It will not.
    Failed(Failure),
}

impl Follower {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, last: None }
    }

    pub(crate) fn base(&self) -> &Base {
        self.client.base()
    }

    /// The newest records, oldest first.
    ///
    /// # Errors
    /// The server can't be asked.
    pub(crate) fn newest(&mut self, count: u64) -> Result<Vec<Entry>, Failure> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        let mut cursor = Value::Null;
        // One at least: it says from where to go on.
        while found.len() < count.max(1) {
            let limit = (count.max(1) - found.len()).min(PAGE);
            let asked = json!({"order": "seq_desc", "limit": limit, "cursor": cursor});
            let page = self.client.retried(|client| page(client, &asked));
            let (entries, next) = page.map_err(|error| error.failure(self.client.base()))?;
            found.extend(entries);
            let Some(next) = next else { break };
            cursor = next.into();
        }
        self.last = found.first().map(|entry| (entry.seq().0, entry.hash()));
        found.truncate(count);
        found.reverse();
        Ok(found)
    }

    /// What came since; one page of it.
    ///
    /// # Errors
    /// [`Missed`].
    pub(crate) fn next(&mut self) -> Result<Vec<Entry>, Missed> {
        let before = self.last.and_then(|(seq, _)| seq.checked_sub(1));
        let mut asked = json!({"order": "seq", "limit": PAGE});
        if let Some(before) = before {
            asked["after_seq"] = before.into();
        }
        let (mut entries, _) =
            page(&mut self.client, &asked).map_err(|error| match error.is_passing() {
                true => Missed::Passing(error),
                false => Missed::Failed(error.failure(self.client.base())),
            })?;
        if let Some((seq, hash)) = self.last {
            let first = entries.first().map(|entry| (entry.seq().0, entry.hash()));
            // What is damaged has no hash; that it is, is told where it is shown.
            let same = first.is_some_and(|(at, now)| {
                at == seq && (now == hash || now.is_none() || hash.is_none())
            });
            if !same {
                let why =
                    format!("record {seq}, which was shown, is not there any more, or another");
                let next = "the log was set back or replaced: run `shoseki verify --url` with a \
                            checkpoint that was kept";
                return Err(Missed::Failed(Failure::found(why).at(self.client.base()).next(next)));
            }
            entries.remove(0);
        }
        if let Some(last) = entries.last() {
            self.last = Some((last.seq().0, last.hash()));
        }
        Ok(entries)
    }
}

/// A page of the clients' records. The server's own are left out: each look makes one.
fn page(client: &mut Client, asked: &Value) -> Result<(Vec<Entry>, Option<String>), RemoteError> {
    let mut asked = asked.clone();
    asked["include_self"] = false.into();
    let text = client.once(&Ask::post(SEARCH, &asked))?;
    let strange = |error: &dyn std::fmt::Display| RemoteError::Strange(error.to_string());
    let page: Page<'_> = serde_json::from_slice(&text).map_err(|error| strange(&error))?;
    let entry = |raw: &&serde_json::value::RawValue| {
        Entry::from_export_line(raw.get().as_bytes()).map_err(|error| strange(&error))
    };
    let entries = page.records.iter().map(entry).collect::<Result<_, _>>()?;
    Ok((entries, page.next_cursor))
}
