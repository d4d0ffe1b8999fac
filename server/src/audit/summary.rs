//! Errors that are only counted, and how many may be written.
//!
//! Invariant: both tables are bounded, so that an attacker fills neither memory nor disk; nothing
//! that is not written is uncounted. Time is an argument.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use shoseki_engine::record::Timestamp;

use super::event::{Event, NOTHING};
use crate::problem::ErrorCode;

/// Most pairs of code and source in a minute; the rest are counted together.
pub(super) const KEYS_MAX: usize = 1_000;
/// Most records of one code and one subject in a minute.
pub(super) const WRITTEN_MAX: u32 = 60;
/// Most pairs of code and subject in a minute.
const SUBJECTS_MAX: usize = 1_000;
const MINUTE_MICROS: i64 = 60_000_000;

/// What was counted since the last flush.
pub(super) struct Summary {
    counts: BTreeMap<(ErrorCode, Source), u64>,
    other: u64,
    dropped: u64,
    /// When the first of them was counted.
    since: Option<Timestamp>,
    written: BTreeMap<(ErrorCode, String), u32>,
    written_since: i64,
}

/// Where a request came from, coarsely.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Source {
    Unknown,
    V4([u8; 3]),
    V6([u16; 4]),
}

impl Source {
    pub(super) fn of(peer: Option<IpAddr>) -> Self {
        match peer.map(|peer| peer.to_canonical()) {
            None => Self::Unknown,
            Some(IpAddr::V4(peer)) => {
                let [a, b, c, _] = peer.octets();
                Self::V4([a, b, c])
            }
            Some(IpAddr::V6(peer)) => {
                let [a, b, c, d, ..] = peer.segments();
                Self::V6([a, b, c, d])
            }
        }
    }

    fn text(self) -> String {
        match self {
            Self::Unknown => NOTHING.to_owned(),
            Self::V4([a, b, c]) => format!("{}/24", Ipv4Addr::new(a, b, c, 0)),
            Self::V6([a, b, c, d]) => format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)),
        }
    }
}

impl Summary {
    pub(super) fn new() -> Self {
        Self {
            counts: BTreeMap::new(),
            other: 0,
            dropped: 0,
            since: None,
            written: BTreeMap::new(),
            written_since: i64::MIN,
        }
    }

    pub(super) fn count(&mut self, code: ErrorCode, source: Source, now: Timestamp) {
        self.since.get_or_insert(now);
        let full = self.counts.len() >= KEYS_MAX;
        match self.counts.get_mut(&(code, source)) {
            Some(count) => *count += 1,
            None if full => self.other += 1,
            None => _ = self.counts.insert((code, source), 1),
        }
    }

    /// Counts self-audit records that were not written.
    pub(super) fn dropped(&mut self, count: u64, now: Timestamp) {
        self.since.get_or_insert(now);
        self.dropped += count;
    }

    /// Whether one more record of this code and subject may be written.
    pub(super) fn may_write(&mut self, code: ErrorCode, subject: &str, now: Timestamp) -> bool {
        let micros = now.unix_micros();
        // A clock that went back begins a new minute too.
        let passed = micros.checked_sub(self.written_since);
        if !passed.is_some_and(|passed| (0..MINUTE_MICROS).contains(&passed)) {
            self.written.clear();
            self.written_since = micros;
        }
        let full = self.written.len() >= SUBJECTS_MAX;
        let key = (code, subject.to_owned());
        match self.written.get_mut(&key) {
            Some(count) if *count >= WRITTEN_MAX => false,
            Some(count) => {
                *count += 1;
                true
            }
            None if full => false,
            None => {
                self.written.insert(key, 1);
                true
            }
        }
    }

    /// Takes what was counted, once a minute has passed, or at the end (`all`).
    pub(super) fn take(&mut self, now: Timestamp, all: bool) -> Vec<Event> {
        let Some(since) = self.since else { return Vec::new() };
        let passed = now.unix_micros().saturating_sub(since.unix_micros());
        if !all && (0..MINUTE_MICROS).contains(&passed) {
            return Vec::new();
        }
        self.since = None;
        let counts = std::mem::take(&mut self.counts);
        let mut events: Vec<Event> = counts
            .into_iter()
            .map(|((code, source), count)| {
                Event::error_summary(code.as_str(), &source.text(), count, (since, now))
            })
            .collect();
        let other = std::mem::take(&mut self.other);
        if other > 0 {
            events.push(Event::error_summary("other", "other", other, (since, now)));
        }
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            let code = ErrorCode::AuditFailed.as_str();
            events.push(Event::error_summary(code, "self-audit", dropped, (since, now)));
        }
        events
    }
}
