//! Records to a server, a stream of lines at a time; receipts as they arrive.
//!
//! Invariant: a line that was not acknowledged is sent again, and has an identifier, so that it is
//! in the log once. Memory is bounded by one request. What is not acknowledged in the end is named.

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use shoseki_engine::log::Receipt;
use shoseki_engine::record::AuditId;
use shoseki_engine::types::{ChainHash, RecordHash, Seq};

use super::client::{Answer, Ask, Client, TRIES};
use super::error::{Refusal, RemoteError};
use super::prepare::prepare;
use crate::commands::append::{Place, Sink, Tell};
use crate::failure::{Failure, Stop};
use crate::feed::Fate;

/// Most lines of a request.
const LINES_MAX: usize = 500;
/// Most bytes of a request, about, and of a line.
const BYTES_MAX: usize = 1 << 20;
/// Longest line of an answer: the faults of one record.
const ANSWER_LINE_MAX: usize = 4 << 20;

/// Sends records; `Place` is where one comes from.
pub(crate) struct RemoteFeeder<'a> {
    client: Client,
    facility: Option<&'a str>,
    waiting: VecDeque<Line>,
    bytes: usize,
}

struct Line {
    place: Place,
    text: Vec<u8>,
    made: Option<AuditId>,
}

/// A line of an answer.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    audit_id: Option<String>,
    seq: u64,
    hash: String,
    chain_hash: String,
    duplicate: bool,
    summary: Option<serde_json::Value>,
    error: Option<Refusal>,
    #[serde(flatten)]
    refusal: Refusal,
}

/// Why a request did not bring all receipts.
enum Trouble {
    Remote(RemoteError),
    Stop(Stop),
}

impl From<Stop> for Trouble {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<RemoteError> for Trouble {
    fn from(error: RemoteError) -> Self {
        Self::Remote(error)
    }
}

impl<'a> RemoteFeeder<'a> {
    pub(crate) fn new(client: Client, facility: Option<&'a str>) -> Self {
        Self { client, facility, waiting: VecDeque::new(), bytes: 0 }
    }

    /// Sends what waits, once, and tells of what is answered.
    fn exchange(&mut self, tell: &mut Tell<'_>) -> Result<(), Trouble> {
        let mut body = Vec::with_capacity(self.bytes + self.waiting.len());
        for line in &self.waiting {
            body.extend_from_slice(&line.text);
            body.push(b'\n');
        }
        let ask = Ask {
            method: Method::POST,
            path: "/v1/audit-logs".to_owned(),
            kind: "application/x-ndjson",
            accept: "application/x-ndjson",
            body: Bytes::from(body),
        };
        let mut answer = self.client.send(&ask)?;
        self.answers(&mut answer, tell)
    }

    fn answers(&mut self, answer: &mut Answer, tell: &mut Tell<'_>) -> Result<(), Trouble> {
        let mut buffer: Vec<u8> = Vec::new();
        loop {
            let part = self.client.part(answer)?;
            let Some(part) = part else {
                let why = "the answer ended before its summary".to_owned();
                return Err(RemoteError::Lost(why).into());
            };
            buffer.extend_from_slice(&part);
            let Some(end) = buffer.iter().rposition(|byte| *byte == b'\n') else {
                if buffer.len() > ANSWER_LINE_MAX {
                    return Err(RemoteError::Strange("a line without end".to_owned()).into());
                }
                continue;
            };
            let rest = buffer.split_off(end + 1);
            let lines = std::mem::replace(&mut buffer, rest);
            let mut lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            let mut next = lines.next();
            while let Some(line) = next {
                next = lines.next();
                if self.answered(line, next.is_none(), tell)? {
                    // What follows is the end of the body; the connection is free behind it.
                    while self.client.part(answer)?.is_some() {}
                    return self.all_answered();
                }
            }
        }
    }

    fn all_answered(&self) -> Result<(), Trouble> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let why = "fewer answers than lines".to_owned();
        Err(RemoteError::Strange(why).into())
    }

    /// One line of the answer; true of the last.
    fn answered(&mut self, line: &[u8], last: bool, tell: &mut Tell<'_>) -> Result<bool, Trouble> {
        let said: Said = serde_json::from_slice(line)
            .map_err(|error| RemoteError::Strange(format!("not JSON: {error}")))?;
        if said.summary.is_some() {
            return Ok(true);
        }
        if let Some(error) = said.error {
            return Err(RemoteError::Refused(Box::new(error)).into());
        }
        let strange = |what: &str| RemoteError::Strange(what.to_owned());
        let sent = self.waiting.pop_front().ok_or_else(|| strange("more answers than lines"))?;
        self.bytes = self.bytes.saturating_sub(sent.text.len());
        let fate = match said.audit_id.as_deref() {
            Some(id) => {
                let receipt = receipt(id, &said).ok_or_else(|| strange("no receipt"))?;
                // An identifier of ours can be there only because it was sent before.
                let ours = sent.made == Some(receipt.audit_id);
                let duplicate = receipt.duplicate && !ours;
                Fate::Stored { receipt: Receipt { duplicate, ..receipt }, last }
            }
            None if said.refusal.status >= 400 => Fate::Refused(said.refusal.of_record()),
            None => return Err(strange("neither receipt nor refusal").into()),
        };
        tell(sent.place, fate)?;
        Ok(false)
    }

    /// What can't be sent, as the person has to know it.
    fn unacknowledged(&self, error: &RemoteError) -> Stop {
        let lines = ranges(self.waiting.iter().map(|line| line.place.line));
        let failure = error.failure(self.client.base());
        if lines.is_empty() {
            return failure.into();
        }
        let failure =
            failure.also(format_args!("not acknowledged: line {lines}, and what follows"));
        if !error.is_passing() {
            return failure.into();
        }
        failure
            .next(
                "send these lines again; it does no harm to those that reached the log and have \
                 an audit_id",
            )
            .into()
    }
}

impl Sink for RemoteFeeder<'_> {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn take(&mut self, place: Place, text: &[u8], tell: &mut Tell<'_>) -> Result<(), Stop> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix_ms = u64::try_from(since.as_millis()).unwrap_or(0);
        let prepared = prepare(text, self.facility, unix_ms).map_err(Failure::could_not)?;
        let len = prepared.text.len();
        if len > BYTES_MAX {
            let why = format!("a line of {len} bytes; a record has at most 256 KiB");
            return tell(place, Fate::Refused(why));
        }
        if self.bytes + len > BYTES_MAX {
            self.flush(tell)?;
        }
        let (text, made) = (prepared.text, prepared.made);
        self.waiting.push_back(Line { place, text, made });
        self.bytes += len;
        if self.waiting.len() >= LINES_MAX { self.flush(tell) } else { Ok(()) }
    }

    fn flush(&mut self, tell: &mut Tell<'_>) -> Result<(), Stop> {
        let mut tries = 0;
        while !self.waiting.is_empty() {
            let before = self.waiting.len();
            let error = match self.exchange(tell) {
                Ok(()) => continue,
                Err(Trouble::Stop(stop)) => return Err(stop),
                Err(Trouble::Remote(error)) => error,
            };
            if self.waiting.len() < before {
                tries = 0;
            }
            if error.status() == Some(413)
                && let Some(line) = self.waiting.pop_front()
            {
                // All before it is answered: it is this line that is too long for the server.
                self.bytes = self.bytes.saturating_sub(line.text.len());
                tell(line.place, Fate::Refused(error.to_string()))?;
                continue;
            }
            tries += 1;
            if !error.is_passing() || tries >= TRIES {
                return Err(self.unacknowledged(&error));
            }
            std::thread::sleep(error.wait(tries));
        }
        self.bytes = 0;
        Ok(())
    }
}

fn receipt(id: &str, said: &Said) -> Option<Receipt> {
    Some(Receipt {
        audit_id: AuditId::parse(id)?,
        seq: Seq(said.seq),
        hash: RecordHash::from_hex(said.hash.as_bytes())?,
        chain_hash: ChainHash::from_hex(said.chain_hash.as_bytes())?,
        duplicate: said.duplicate,
    })
}

/// Numbers in ascending order as `3 to 7, 9`.
fn ranges(lines: impl Iterator<Item = u64>) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for line in lines {
        match ranges.last_mut() {
            Some((_, last)) if line <= last.saturating_add(1) => *last = line,
            _ => ranges.push((line, line)),
        }
    }
    let text = |(first, last): &(u64, u64)| match first == last {
        true => first.to_string(),
        false => format!("{first} to {last}"),
    };
    ranges.iter().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_named_in_ranges() {
        assert_eq!(ranges([3, 4, 5, 5, 9].into_iter()), "3 to 5, 9");
        assert_eq!(ranges(std::iter::empty()), "");
    }
}
