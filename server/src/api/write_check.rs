//! `POST /v1/writecheck`: writes a record through the real path and reads it back.
//!
//! Invariant: at most one record in ten seconds; in between the last answer, with its `Age`.

use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use shoseki_engine::log::Entry;
use shoseki_engine::record::{ActorType, Body, Outcome, Producer, Record, Timestamp};
use tokio::sync::Mutex;

use super::json as answers;
use super::receipts;
use super::record::no_query;
use crate::app::{App, Shared};
use crate::audit::SERVER;
use crate::authenticated::{May, Tries};
use crate::correlation::Correlation;
use crate::identity::Caller;
use crate::problem::{ErrorCode, Problem};

/// Time in which one check counts.
const COUNTS_FOR: Duration = Duration::from_secs(10);

/// The last check that went well.
#[derive(Default)]
pub struct WriteChecks(Mutex<Option<(Instant, Value)>>);

/// Checks.
#[utoipa::path(
    post, path = "/v1/writecheck", operation_id = "checkWrite", tag = "health",
    responses((status = 200, description = "Done"))
)]
pub async fn write_check(
    State(app): State<Shared>,
    May { caller, .. }: May<Tries>,
    request: Request,
) -> Result<Response, Problem> {
    no_query(&request)?;
    let correlation = Correlation::of(request.extensions());
    // One at a time: who waits gets the answer of who came first.
    let mut last = app.write_checks.0.lock().await;
    if let Some((at, answer)) = last.as_ref().filter(|(at, _)| at.elapsed() < COUNTS_FOR) {
        let mut response = answers::ok(answer);
        let age = HeaderValue::from(at.elapsed().as_secs());
        response.headers_mut().insert(header::AGE, age);
        return Ok(response);
    }
    let answer = check(&app, &caller, &correlation).await?;
    *last = Some((Instant::now(), answer.clone()));
    Ok(answers::answer(StatusCode::OK, answer.to_string().into_bytes()))
}

async fn check(app: &App, caller: &Caller, correlation: &Correlation) -> Result<Value, Problem> {
    let clock = || Problem::internal(&"the clock is outside 1970 to 2199");
    let now = Timestamp::from_unix_micros(app.now_micros()).ok_or_else(clock)?;
    let (actor, outcome) = (caller.subject(), Outcome::Success);
    let record = Record {
        request_id: Some(correlation.request_id().to_owned()),
        trace_id: Some(correlation.trace_id().to_owned()),
        facility_id: Some(caller.facilities.only_one().unwrap_or("-").to_owned()),
        ..Record::new(now, ActorType::User, actor, "WRITE_CHECK", outcome)
    };
    let began = Instant::now();
    let producer = Producer::new(SERVER).map_err(|error| Problem::internal(&error))?;
    let appended = app.intake.append(Some(producer), vec![record], 1024).await;
    let appended = appended.map_err(receipts::problem)?;
    let durable_ms = began.elapsed().as_secs_f64() * 1000.0;
    let failed = |why: &str| {
        let detail = "the record that was written could not be read back";
        Problem::new(ErrorCode::LogStopped, detail).caused_by(why)
    };
    let receipt = appended.receipts.first().ok_or_else(|| failed("no receipt"))?.clone();
    let reader = app.reader.clone();
    let entry = app.queries.run(move |_| reader.read(receipt.seq)).await?;
    let Entry::Record(stored) = entry else { return Err(failed("not a record")) };
    let same_id = Body::parse(stored.body()).is_ok_and(|body| body.audit_id() == receipt.audit_id);
    if stored.hash != receipt.hash || !same_id {
        return Err(failed("another record"));
    }
    Ok(json!({
        "inserted": true, "seq": receipt.seq.0, "hash": receipt.hash.to_hex(),
        "durable_ms": (durable_ms * 1000.0).round() / 1000.0,
    }))
}
