//! `POST /v1/audit-logs`: records in, receipts out once they are durable.
//!
//! Invariant: the order of checks is that of SERVER.md 1; an answer of 200 or 201 means that every
//! receipt in it is durable, any other that nothing was stored unless the answer says so.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha512};
use shoseki_engine::log::{AppendError, Appended};
use shoseki_engine::record::Prepared;

use super::body::{self, BodyKind};
use super::prefer::Preferences;
use super::{lenient, receipts, stream};
use crate::app::Shared;
use crate::audit::{Event, Refusal};
use crate::authenticated::Authenticated;
use crate::correlation::Correlation;
use crate::door::{self, IdempotencyKey};
use crate::identity::{Caller, Permission};
use crate::problem::{ErrorCode, Problem};
use crate::telemetry::Refused;

/// A body longer than this is parsed off the threads that serve everybody.
const PARSED_INLINE_MAX: usize = 1 << 20;

/// Appends one record, an array of them, or a stream of lines.
#[utoipa::path(
    post, path = "/v1/audit-logs", operation_id = "appendRecords", tag = "records",
    responses((status = 200, description = "Done"))
)]
pub async fn append(
    State(app): State<Shared>,
    Authenticated(caller): Authenticated,
    request: Request,
) -> Result<Response, Problem> {
    caller.need(Permission::Append)?;
    let (parts, body) = request.into_parts();
    let kind = body::kind(&parts.headers)?;
    let preferences = Preferences::of(&parts.headers);
    let correlation = Correlation::of(&parts.extensions);
    let key = idempotency_key(&parts.headers)?;
    match kind {
        BodyKind::Lines => stream::append(app, caller, correlation, key, preferences, body).await,
        BodyKind::Json => {
            let take = Take { app: &app, caller: &caller, correlation: &correlation, key };
            take.array(&parts.headers, preferences, body).await
        }
    }
}

struct Take<'a> {
    app: &'a Shared,
    caller: &'a Caller,
    correlation: &'a Correlation,
    key: Option<IdempotencyKey>,
}

impl Take<'_> {
    async fn array(
        &self,
        headers: &HeaderMap,
        preferences: Preferences,
        body: Body,
    ) -> Result<Response, Problem> {
        let (app, settings) = (self.app, &self.app.settings.ingest);
        let (len_max, pause) = (settings.body_len_max, settings.body_timeout);
        let (bytes, held) = body::collect(headers, body, len_max, pause, &app.budget).await?;
        let lenient = preferences.lenient.unwrap_or_else(|| {
            settings.accept_valid.iter().any(|name| name == self.caller.subject())
        });
        let answer = if lenient {
            lenient::append(app, self.caller, self.key.as_ref(), &bytes).await
        } else {
            self.strict(&bytes).await.map(|appended| {
                let body = receipts::write_answer(&appended, preferences.minimal);
                (receipts::status(&appended), body)
            })
        };
        drop(held);
        match answer {
            Ok((status, body)) => Ok(json(status, body, preferences)),
            Err(problem) => {
                refused(app, self.correlation, &problem, &bytes);
                Err(problem)
            }
        }
    }

    async fn strict(&self, bytes: &Bytes) -> Result<Appended, Problem> {
        let mut records = parse(self.app, self.caller, bytes).await?;
        if let Some(key) = &self.key {
            key.apply(&self.caller.producer, &mut records);
        }
        let records = Arc::new(records);
        let appended = append_records(self.app, self.caller, &records, bytes.len()).await;
        appended.map_err(receipts::problem)
    }
}

/// Appends what was parsed and counts it.
pub(super) async fn append_records(
    app: &Shared,
    caller: &Caller,
    records: &Arc<Prepared>,
    len: usize,
) -> Result<Appended, AppendError> {
    app.metrics.received(records.len() as u64);
    let (producer, records) = (caller.producer.clone(), Arc::clone(records));
    let appended = app.intake.append(Some(producer), records, len).await?;
    let duplicates = appended.receipts.len() as u64 - appended.accepted;
    app.metrics.appended(appended.accepted, duplicates);
    Ok(appended)
}

/// Parses a body; a long one on a thread of its own.
async fn parse(app: &Shared, caller: &Caller, bytes: &Bytes) -> Result<Prepared, Problem> {
    if bytes.len() <= PARSED_INLINE_MAX {
        return Ok(door::prepare(bytes, caller, app.door(caller), app.now_micros())?);
    }
    let (app, caller, bytes) = (app.clone(), caller.clone(), bytes.clone());
    let parsed = move || door::prepare(&bytes, &caller, app.door(&caller), app.now_micros());
    let parsed = tokio::task::spawn_blocking(parsed).await;
    Ok(parsed.map_err(|error| Problem::internal(&error))??)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let wrong = || {
        let detail = "Idempotency-Key: expected one value of 1 to 255 visible ASCII characters";
        Problem::new(ErrorCode::RequestHeader, detail)
    };
    if values.next().is_some() {
        return Err(wrong());
    }
    IdempotencyKey::parse(value.as_bytes()).map(Some).map_err(|_| wrong())
}

/// Counts what was refused, and keeps who sent it and what its bytes were.
pub(super) fn refused(app: &Shared, correlation: &Correlation, problem: &Problem, bytes: &[u8]) {
    let reason = match problem.code {
        ErrorCode::RequestNotJson => Refused::Syntax,
        ErrorCode::BodyTooLarge | ErrorCode::TooManyRecords => Refused::TooLarge,
        ErrorCode::ForbiddenFacility | ErrorCode::ReservedName => Refused::Forbidden,
        ErrorCode::Conflict => Refused::Conflict,
        ErrorCode::Busy => Refused::Busy,
        ErrorCode::DiskFull => Refused::Full,
        ErrorCode::InvalidRecords | ErrorCode::InvalidRequest => Refused::Invalid,
        _ => return app.metrics.failed(1),
    };
    app.metrics.refused(reason, 1);
    if matches!(reason, Refused::Busy | Refused::Full) {
        return;
    }
    let index = problem.errors.first().and_then(|item| item.index);
    let sha512: [u8; 64] = Sha512::digest(bytes).into();
    let refusal = Refusal {
        code: problem.code,
        index,
        faults: &problem.errors,
        sha512: &sha512,
        length: bytes.len(),
    };
    app.audit.note(Event::ingest_refused(correlation, &refusal));
}

fn json(status: StatusCode, body: Vec<u8>, preferences: Preferences) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(applied) = preferences.applied() {
        headers.insert("preference-applied", HeaderValue::from_static(applied));
    }
    response
}
