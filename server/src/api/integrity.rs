//! `POST /v1/audit-logs/integrity-check`: verifies a part of the log, or all of it, from its files.
//!
//! Invariant: the auditor of the engine does it, which trusts nothing that the writer keeps; short
//! parts are answered at once, long ones as a job.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Path, Request, State as AppState};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use shoseki_engine::record::Timestamp;
use shoseki_engine::verify::{Progress, VerifyOptions, verify_path, verify_seqs};

use super::json as answers;
use super::record::no_query;
use super::search::json_body;
use crate::app::Shared;
use crate::audit::{PageSeen, Question};
use crate::authenticated::{Follows, May, Verifies};
use crate::correlation::Correlation;
use crate::documents::Verdict;
use crate::jobs::{Job, State};
use crate::problem::{ErrorCode, Problem};

/// Records that are verified while the client waits; more become a job.
const AT_ONCE_MAX: u64 = 200_000;

/// Begins a verification.
#[utoipa::path(
    post, path = "/v1/audit-logs/integrity-check",
    operation_id = "checkIntegrity", tag = "integrity",
    responses((status = 200, description = "Done"))
)]
pub async fn check(
    AppState(app): AppState<Shared>,
    May { caller, .. }: May<Verifies>,
    request: Request,
) -> Result<Response, Problem> {
    no_query(&request)?;
    let (parts, body) = request.into_parts();
    let correlation = Correlation::of(&parts.extensions);
    let asked = asked(&app, &parts.headers, body).await?;
    let reader = app.reader.clone();
    let range = match asked {
        Asked::All => None,
        Asked::Seqs(first, last) => Some(first..last.saturating_add(1)),
        Asked::Received(from, to) => {
            Some(app.queries.run(move |_| reader.seqs_received(from, to)).await?)
        }
    };
    let size = app.reader.size().0;
    let range = range.map(|range| range.start.min(size)..range.end.min(size));
    if matches!(asked, Asked::Seqs(first, _) if first >= size) {
        let detail = format!("no such records: the log has {size}");
        return Err(Problem::new(ErrorCode::NotFound, detail));
    }
    let count = range.as_ref().map_or(size, |range| range.end - range.start);
    let job = app.jobs.add(caller.subject(), asked.to_json())?;
    let question = Question {
        resource: "/v1/audit-logs/integrity-check".to_owned(),
        parameters: vec![("part".to_owned(), job.asked.to_string())],
        ..Question::default()
    };
    let page = PageSeen { session: None, last: true, records: 0 };
    app.audit.query(&correlation, &question, page).await?;
    let running = start(&app, Arc::clone(&job), range);
    if count > AT_ONCE_MAX {
        let mut response = answers::answer(
            StatusCode::ACCEPTED,
            json!({"job_id": job.id, "status": "QUEUED"}).to_string().into_bytes(),
        );
        let base = app.settings.public_url.as_deref().unwrap_or_default();
        if let Ok(location) = HeaderValue::from_str(&format!("{base}/v1/jobs/{}", job.id)) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        return Ok(response);
    }
    running.await.map_err(|error| Problem::internal(&error))?;
    match job.state() {
        State::Succeeded(verdict) => Ok(answers::ok(&report(&app, &verdict))),
        State::Failed(why) => Err(Problem::internal(&why)),
        State::Queued | State::Running => Err(Problem::internal(&"a job that did not end")),
    }
}

/// Where a verification stands.
#[utoipa::path(
    get, path = "/v1/jobs/{job_id}", operation_id = "getJob", tag = "integrity",
    responses((status = 200, description = "Done"))
)]
pub async fn job(
    AppState(app): AppState<Shared>,
    May { caller, .. }: May<Follows>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    no_query(&request)?;
    let sees = |job: &Arc<Job>| job.subject == caller.subject() || caller.facilities.is_all();
    let not_found = || Problem::new(ErrorCode::NotFound, "no such job");
    let job = app.jobs.get(&id).filter(sees).ok_or_else(not_found)?;
    caller.need_all_facilities()?;
    let mut answer = json!({
        "job_id": job.id, "asked": job.asked, "progress": job.progress(),
    });
    let (status, result) = match job.state() {
        State::Queued => ("QUEUED", None),
        State::Running => ("RUNNING", None),
        State::Succeeded(verdict) => ("SUCCEEDED", Some(report(&app, &verdict))),
        State::Failed(_) => ("FAILED", None),
    };
    if let Value::Object(members) = &mut answer {
        members.insert("status".to_owned(), json!(status));
        if let Some(result) = result {
            members.insert("progress".to_owned(), json!(1.0));
            members.insert("result".to_owned(), result);
        }
    }
    Ok(answers::ok(&answer))
}

enum Asked {
    All,
    Seqs(u64, u64),
    Received(Option<Timestamp>, Option<Timestamp>),
}

impl Asked {
    fn to_json(&self) -> Value {
        match self {
            Self::All => json!({}),
            Self::Seqs(first, last) => json!({"first_seq": first, "last_seq": last}),
            Self::Received(from, to) => json!({
                "from": from.map(|time| time.to_string()), "to": to.map(|time| time.to_string()),
            }),
        }
    }
}

async fn asked(
    app: &Shared,
    headers: &HeaderMap,
    body: axum::body::Body,
) -> Result<Asked, Problem> {
    let mut members = answers::object(&json_body(app, headers, body).await?)?;
    members.retain(|_, value| !value.is_null());
    let wrong = |detail: &'static str| Problem::new(ErrorCode::InvalidRequest, detail);
    let mut time = |name: &str| match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => {
            let time = Timestamp::parse(&text);
            time.map(Some).map_err(|_| wrong("from, to: expected times of RFC 3339"))
        }
        Some(_) => Err(wrong("from, to: expected times of RFC 3339")),
    };
    let (from, to) = (time("from")?, time("to")?);
    let mut seq = |name: &str| match members.remove(name) {
        None => Ok(None),
        Some(value) => {
            let seq = value.as_u64().filter(|seq| *seq < 1 << 62);
            seq.map(Some).ok_or_else(|| wrong("first_seq, last_seq: expected seqs"))
        }
    };
    let seqs = (seq("first_seq")?, seq("last_seq")?);
    if !members.is_empty() {
        return Err(wrong("expected from and to, or first_seq and last_seq, or nothing"));
    }
    match (from, to, seqs) {
        (None, None, (None, None)) => Ok(Asked::All),
        (None, None, (Some(first), Some(last))) if first <= last => Ok(Asked::Seqs(first, last)),
        (None, None, (Some(_), Some(_))) => Err(wrong("first_seq: expected at most last_seq")),
        (None, None, _) => Err(wrong("first_seq, last_seq: expected both")),
        (from, to, (None, None)) => {
            if from.zip(to).is_some_and(|(from, to)| from >= to) {
                return Err(wrong("from: expected a time before to"));
            }
            Ok(Asked::Received(from, to))
        }
        _ => Err(wrong("expected from and to, or first_seq and last_seq, not both")),
    }
}

/// Steps of the auditor, as numbers of the job.
struct Steps(Arc<Job>);

impl Progress for Steps {
    fn total(&self, total: u64) {
        self.0.total.store(total, Ordering::Relaxed);
    }

    fn advance(&self, by: u64) {
        self.0.done.fetch_add(by, Ordering::Relaxed);
    }
}

fn start(app: &Shared, job: Arc<Job>, range: Option<Range<u64>>) -> tokio::task::JoinHandle<()> {
    let app = app.clone();
    tokio::spawn(async move {
        // One after the other: a verification takes every core that it gets.
        let Ok(_turn) = app.verifying.acquire().await else { return };
        job.set(State::Running);
        let (dir, whole) = (app.settings.data_dir.clone(), range.is_none());
        let steps = Steps(Arc::clone(&job));
        let verified = tokio::task::spawn_blocking(move || {
            let options = VerifyOptions::default();
            match range {
                None => verify_path(&dir, &options, &steps),
                Some(range) => verify_seqs(&dir, range, &options, &steps),
            }
        });
        let state = match verified.await {
            Ok(Ok(report)) => State::Succeeded(Arc::new(Verdict::from(&report))),
            Ok(Err(error)) => State::Failed(error.to_string()),
            Err(error) => State::Failed(error.to_string()),
        };
        if let State::Succeeded(verdict) = &state {
            app.metrics.integrity_findings(verdict.findings.len() as u64);
            if whole {
                *app.last_full_pass.lock() = Some((app.now_micros(), verdict.status.clone()));
            }
        }
        job.set(state);
    })
}

/// The report with the last pass over everything.
fn report(app: &Shared, verdict: &Verdict) -> Value {
    let mut report = serde_json::to_value(verdict).unwrap_or_default();
    let last = app.last_full_pass.lock().clone().map(|(micros, status)| {
        let at = Timestamp::from_unix_micros(micros).map(|time| time.to_string());
        json!({"at": at, "status": status})
    });
    if let Value::Object(members) = &mut report {
        members.insert("last_full_pass".to_owned(), json!(last));
    }
    report
}
