//! A stream of records, a line each, acknowledged as they are committed (SERVER.md 2).
//!
//! Invariant: every line is its own unit; its receipt goes out only when it is durable, in the
//! order of the lines. Memory is bounded: one group, one unfinished line and 1 MiB of answers that
//! the client has not read.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::FutureExt as _;
use http::{HeaderValue, header};
use serde_json::json;
use shoseki_engine::record::Prepared;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::body::{self, Held};
use super::prefer::Preferences;
use super::{lenient, receipts, records};
use crate::app::Shared;
use crate::authenticated;
use crate::correlation::Correlation;
use crate::door::{self, IdempotencyKey};
use crate::identity::Caller;
use crate::problem::{ErrorCode, Problem};

/// Lines that are committed together.
const GROUP_LINES_MAX: usize = 500;
/// Bytes of lines that are committed together.
const GROUP_LEN_MAX: usize = 1 << 20;
/// Answers are handed over in parts of about this many bytes.
const PART_LEN: usize = 64 << 10;
/// Parts that may wait for the client to read them: 1 MiB.
const PARTS_MAX: usize = 16;
/// The status goes out after the first commit, or after this time.
const STATUS_AFTER: Duration = Duration::from_secs(1);
/// Bytes that a stream holds of the budget for itself.
const HELD_MIN: usize = 16 << 10;
/// Pause before a full queue is tried again, and how often.
const BUSY_PAUSE: Duration = Duration::from_millis(50);
const BUSY_TRIES: usize = 400;

/// Takes the stream on a task of its own and answers as it goes.
pub(super) async fn append(
    app: Shared,
    caller: std::sync::Arc<Caller>,
    correlation: Correlation,
    key: Option<IdempotencyKey>,
    preferences: Preferences,
    body: Body,
) -> Result<Response, Problem> {
    let (sender, mut receiver) = mpsc::channel(PARTS_MAX);
    let held = app.budget.take(HELD_MIN)?;
    let tracker = app.tasks.clone();
    let valid = Prepared::new(&app.door(&caller).limits, 0, 0);
    let pump = Pump {
        app,
        caller,
        correlation,
        minimal: preferences.minimal,
        key,
        records: 0,
        sender,
        held,
        buffer: BytesMut::new(),
        line: 0,
        valid,
        group: Vec::new(),
        group_len: 0,
        answer: Vec::new(),
        counts: Counts::default(),
    };
    tracker.spawn(pump.run(body));
    let first = match timeout(STATUS_AFTER, receiver.recv()).await {
        Ok(Some(Part::Failed(problem))) => return Err(problem),
        Ok(Some(Part::Bytes(bytes))) => Some(bytes),
        Ok(None) => None,
        Err(_) => Some(Bytes::new()),
    };
    let rest = futures_util::stream::poll_fn(move |context| {
        receiver.poll_recv(context).map(|part| {
            part.map(|part| match part {
                Part::Bytes(bytes) => Ok::<_, std::convert::Infallible>(bytes),
                Part::Failed(problem) => Ok(failure(&problem, 0)),
            })
        })
    });
    let first = futures_util::stream::iter(first.map(Ok));
    let body = Body::from_stream(futures_util::StreamExt::chain(first, rest));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if preferences.minimal {
        headers.insert("preference-applied", HeaderValue::from_static("return=minimal"));
    }
    Ok(response)
}

enum Part {
    Bytes(Bytes),
    /// Nothing was committed: still a status of its own where none went out.
    Failed(Problem),
}

#[derive(Default)]
struct Counts {
    accepted: u64,
    duplicates: u64,
    refused: u64,
}

impl Counts {
    fn lines(&self) -> u64 {
        self.accepted + self.duplicates + self.refused
    }
}

/// Why a stream ended early.
enum Stop {
    /// The client is to be told.
    Failed(Problem),
    /// The client is gone, or does not read.
    Gone,
}

struct Pump {
    app: Shared,
    caller: std::sync::Arc<Caller>,
    correlation: Correlation,
    minimal: bool,
    /// Gives ids to records that have none, by their position.
    key: Option<IdempotencyKey>,
    /// Lines that are not blank, so far.
    records: usize,
    sender: mpsc::Sender<Part>,
    /// The part of the budget that its lines take.
    held: Held,
    buffer: BytesMut,
    /// Number of the last whole line.
    line: u64,
    /// The records of the group that are not refused, in order.
    valid: Prepared,
    group: Vec<Line>,
    group_len: usize,
    answer: Vec<u8>,
    counts: Counts,
}

struct Line {
    number: u64,
    bytes: Bytes,
    refused: Option<Problem>,
}

impl Pump {
    async fn run(mut self, body: Body) {
        match self.pump(body).await {
            Ok(()) => {
                let Counts { accepted, duplicates, refused } = self.counts;
                let lines = self.counts.lines();
                let summary = json!({"summary": {
                    "accepted": accepted, "duplicates": duplicates,
                    "refused": refused, "lines": lines,
                }});
                self.answer.extend_from_slice(summary.to_string().as_bytes());
                self.answer.push(b'\n');
                let _ = self.send().await;
            }
            Err(Stop::Failed(problem)) => {
                if self.counts.lines() == 0 && self.answer.is_empty() {
                    let _ = self.sender.send(Part::Failed(problem)).await;
                    return;
                }
                self.app.metrics.failed(1);
                self.answer.extend_from_slice(&failure(&problem, self.line));
                let _ = self.send().await;
            }
            Err(Stop::Gone) => {}
        }
    }

    async fn pump(&mut self, mut body: Body) -> Result<(), Stop> {
        let pause = self.app.settings.ingest.body_timeout;
        loop {
            let next = match body::next(&mut body).now_or_never() {
                Some(next) => next,
                None => {
                    // Nothing more is there yet: what is whole need not wait for it.
                    self.commit().await?;
                    let next = timeout(pause, body::next(&mut body)).await;
                    next.unwrap_or_else(|_| Err(body::too_slow()))
                }
            };
            match next {
                Ok(Some(data)) => {
                    self.hold(data.len()).await?;
                    self.take(data).await?;
                }
                Ok(None) => {
                    let last = self.buffer.split().freeze();
                    self.push(last);
                    return self.commit().await;
                }
                Err(problem) => {
                    // What is whole counts, the line that was cut off does not.
                    self.commit().await?;
                    return Err(Stop::Failed(problem));
                }
            }
        }
    }

    /// Makes room for what came; while there is none, the stream waits, and so does its client.
    async fn hold(&mut self, len: usize) -> Result<(), Stop> {
        for _ in 0..BUSY_TRIES {
            let wanted = HELD_MIN + self.group_len + self.buffer.len() + len;
            if self.app.budget.grow(&mut self.held, wanted).is_ok() {
                return Ok(());
            }
            if self.group.is_empty() {
                sleep(BUSY_PAUSE).await;
            } else {
                self.commit().await?;
            }
        }
        let detail = "too much is being received: try again later";
        Err(Stop::Failed(Problem::new(ErrorCode::Busy, detail).retry_after(5)))
    }

    async fn take(&mut self, mut data: Bytes) -> Result<(), Stop> {
        while let Some(at) = data.iter().position(|byte| *byte == b'\n') {
            // A line that came whole stays where it is.
            let mut line = data.split_to(at);
            data.advance(1);
            if !self.buffer.is_empty() {
                self.buffer.extend_from_slice(&line);
                line = self.buffer.split().freeze();
            }
            self.push(line);
            if self.group.len() >= GROUP_LINES_MAX || self.group_len >= GROUP_LEN_MAX {
                self.commit().await?;
            }
        }
        self.buffer.extend_from_slice(&data);
        let len_max = self.app.settings.ingest.body_len_max.min(GROUP_LEN_MAX);
        if self.buffer.len() > len_max {
            self.commit().await?;
            self.line += 1;
            let detail = format!("a line has more than {len_max} bytes");
            return Err(Stop::Failed(Problem::new(ErrorCode::BodyTooLarge, detail)));
        }
        Ok(())
    }

    fn push(&mut self, bytes: Bytes) {
        self.line += 1;
        if bytes.trim_ascii().is_empty() {
            return;
        }
        let now = self.app.now_micros();
        let (caller, rules) = (&*self.caller, self.app.door(&self.caller));
        let taken = door::prepare_line(&bytes, caller, rules, now, &mut self.valid);
        self.group_len += bytes.len();
        let refused = taken.err().map(Problem::from);
        if let (Some(key), None) = (&self.key, &refused) {
            let last = self.valid.len() - 1;
            self.valid.give_id(last, || key.audit_id(&caller.producer, self.records));
        }
        self.records += 1;
        self.group.push(Line { number: self.line, bytes, refused });
    }

    async fn commit(&mut self) -> Result<(), Stop> {
        if self.group.is_empty() {
            return Ok(());
        }
        let still = self.app.identities.still(&self.caller, self.app.now_seconds());
        still.map_err(|refusal| Stop::Failed(authenticated::refused(refusal)))?;
        let len = std::mem::take(&mut self.group_len);
        let mut lines = Vec::with_capacity(self.group.len());
        let mut refused = Vec::with_capacity(self.group.len());
        for line in self.group.drain(..) {
            lines.push((line.number, line.bytes));
            refused.push(line.refused);
        }
        let (records, room) = (self.valid.len(), self.valid.bytes_len());
        let next = Prepared::new(self.valid.limits(), records, room + room / 8);
        let valid = std::mem::replace(&mut self.valid, next);
        let outcomes = self.append(lenient::Each::new(valid, refused.into_iter()), len).await?;
        self.held.shrink(HELD_MIN + self.buffer.len());
        for ((number, bytes), outcome) in lines.into_iter().zip(outcomes) {
            self.answer_line(number, &bytes, outcome);
            if self.answer.len() >= PART_LEN {
                self.send().await?;
            }
        }
        self.send().await
    }

    /// Appends a group; while the queue is full, the stream waits, and so does its client.
    async fn append(
        &mut self,
        mut group: lenient::Each,
        len: usize,
    ) -> Result<Vec<lenient::Outcome>, Stop> {
        for _ in 0..BUSY_TRIES {
            match group.append(&self.app, &self.caller, len).await {
                Ok(()) => return Ok(group.into_outcomes()),
                Err(problem) if problem.code == ErrorCode::Busy => sleep(BUSY_PAUSE).await,
                Err(problem) => return Err(Stop::Failed(problem)),
            }
        }
        let detail = "the queue stayed full: try again later";
        Err(Stop::Failed(Problem::new(ErrorCode::Busy, detail).retry_after(5)))
    }

    fn answer_line(&mut self, number: u64, bytes: &Bytes, outcome: lenient::Outcome) {
        match outcome {
            Ok(receipt) => {
                let count = match receipt.duplicate {
                    true => &mut self.counts.duplicates,
                    false => &mut self.counts.accepted,
                };
                *count += 1;
                if !self.minimal {
                    receipts::write_receipt(&receipt, &mut self.answer);
                    self.answer.push(b'\n');
                }
            }
            Err(problem) => {
                self.counts.refused += 1;
                records::refused(&self.app, &self.correlation, &problem, bytes);
                let (status, code) = (problem.code.status().as_u16(), problem.code.as_str());
                let message = problem.detail.clone();
                let errors = lenient::items(0, problem);
                let refused = json!({
                    "line": number, "status": status, "errorCode": code,
                    "errorMessage": message, "errors": errors,
                });
                self.answer.extend_from_slice(refused.to_string().as_bytes());
                self.answer.push(b'\n');
            }
        }
    }

    /// Hands over what is answered; waits where the client does not read.
    async fn send(&mut self) -> Result<(), Stop> {
        if self.answer.is_empty() {
            return Ok(());
        }
        let part = Part::Bytes(std::mem::take(&mut self.answer).into());
        match timeout(self.app.settings.client_patience, self.sender.send(part)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Stop::Gone),
        }
    }
}

/// The line that says that the stream ended early.
fn failure(problem: &Problem, line: u64) -> Bytes {
    let (status, code) = (problem.code.status().as_u16(), problem.code.as_str());
    let error = json!({
        "status": status, "title": problem.code.title(),
        "errorCode": code, "errorMessage": problem.detail,
    });
    let mut text = json!({"error": error, "line": line}).to_string();
    text.push('\n');
    text.into()
}
