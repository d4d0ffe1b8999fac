//! The pages of one question: an opening and a closing record for all of them.
//!
//! Invariant: the table is bounded; every session that was opened is closed, by its last page, by
//! time, by a newer one or by the end of the server. Time is an argument.

use std::collections::BTreeMap;

use shoseki_engine::record::Timestamp;

use super::event::Event;
use super::events::TimeRange;
use crate::correlation::Correlation;

/// Pages of one cursor belong together for so long.
const SESSION_MICROS: i64 = 5 * 60_000_000;
/// Most sessions that are open.
pub(super) const SESSIONS_MAX: usize = 1_000;

/// What was asked, as it goes into the record.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Question {
    /// The template of the route, or the name of whatever asked.
    pub resource: String,
    /// The period.
    pub range: TimeRange,
    /// The filter, masked where masking is on.
    pub parameters: Vec<(String, String)>,
}

/// A page that is about to be answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageSeen {
    /// Names the pages of one cursor: a random number that the cursor carries. `None` where there
    /// is only one page by its nature.
    pub session: Option<u128>,
    /// Whether none follows.
    pub last: bool,
    /// Records on it.
    pub records: u64,
}

/// Sessions that are open.
#[derive(Default)]
pub(super) struct Sessions {
    open: BTreeMap<u128, Session>,
}

struct Session {
    correlation: Correlation,
    question: Question,
    pages: u64,
    records: u64,
    opened: i64,
}

/// What a page asks to be written: `before` the answer, and `beside` it (sessions that ended).
#[derive(Default)]
pub(super) struct Due {
    pub(super) before: Option<Event>,
    pub(super) beside: Vec<Event>,
}

impl Session {
    fn close(self) -> Event {
        Event::query(&self.correlation, &self.question, "close", (self.pages, self.records))
    }

    fn is_over(&self, now: i64) -> bool {
        !now.checked_sub(self.opened).is_some_and(|passed| (0..SESSION_MICROS).contains(&passed))
    }
}

impl Sessions {
    /// A page of a question. Only a page that opened a session, or closes one, is written before
    /// it is answered.
    pub(super) fn page(
        &mut self,
        correlation: &Correlation,
        question: &Question,
        page: PageSeen,
        now: Timestamp,
    ) -> Due {
        let now = now.unix_micros();
        let mut due = Due::default();
        let known = page.session.and_then(|id| self.open.remove(&id));
        let known = match known {
            Some(session) if session.is_over(now) => {
                due.beside.push(session.close());
                None
            }
            known => known,
        };
        let Some(mut session) = known else {
            let phase = if page.last || page.session.is_none() { "single" } else { "open" };
            due.before = Some(Event::query(correlation, question, phase, (1, page.records)));
            return due;
        };
        session.pages += 1;
        session.records = session.records.saturating_add(page.records);
        match page.session {
            Some(id) if !page.last => _ = self.open.insert(id, session),
            _ => {
                session.correlation = correlation.clone();
                due.before = Some(session.close());
            }
        }
        due
    }

    /// Opens a session, once its opening record is written; gives back the closing record of the
    /// one that had to go for it.
    pub(super) fn opened(
        &mut self,
        correlation: &Correlation,
        question: &Question,
        page: PageSeen,
        now: Timestamp,
    ) -> Option<Event> {
        let id = page.session.filter(|_| !page.last)?;
        let evicted = (self.open.len() >= SESSIONS_MAX)
            .then(|| self.open.iter().min_by_key(|(_, session)| session.opened))
            .flatten()
            .map(|(id, _)| *id)
            .and_then(|oldest| self.open.remove(&oldest));
        let session = Session {
            correlation: correlation.clone(),
            question: question.clone(),
            pages: 1,
            records: page.records,
            opened: now.unix_micros(),
        };
        self.open.insert(id, session);
        evicted.map(Session::close)
    }

    /// Takes the closing records of the sessions that time ended, or of all.
    pub(super) fn take(&mut self, now: Timestamp, all: bool) -> Vec<Event> {
        let now = now.unix_micros();
        let over = self.open.extract_if(.., |_, session| all || session.is_over(now));
        over.map(|(_, session)| session.close()).collect()
    }
}
