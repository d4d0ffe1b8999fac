//! `/v1/segments` and `/v1/anchors`: the files of the log and what was signed for them.
//!
//! Invariant: only who may see the whole log; paths are those inside the data directory.

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use shoseki_engine::format::TimeRange;
use shoseki_engine::log::SegmentInfo;
use shoseki_engine::record::Timestamp;

use super::json as answers;
use super::record::no_query;
use crate::app::Shared;
use crate::authenticated::{Inspects, May, Operates};
use crate::problem::{ErrorCode, Problem};

/// The files, in seq order.
#[utoipa::path(
    get, path = "/v1/segments", operation_id = "listSegments", tag = "segments",
    responses((status = 200, description = "Done"))
)]
pub async fn list(
    State(app): State<Shared>,
    _: May<Inspects>,
    request: Request,
) -> Result<Response, Problem> {
    no_query(&request)?;
    let reader = app.reader.clone();
    let segments = app.queries.run(move |_| Ok(reader.segments())).await?;
    let segments: Vec<Value> = segments.iter().map(segment).collect();
    Ok(answers::ok(&json!({"segments": segments})))
}

fn segment(info: &SegmentInfo) -> Value {
    let range = |range: Option<TimeRange>| {
        range.map(|range| {
            json!({"from": Timestamp::text_of(range.min), "to": Timestamp::text_of(range.max)})
        })
    };
    json!({
        "first_seq": info.first_seq.0, "count": info.count, "path": info.path,
        "sealed": info.sealed, "file_len": info.file_len, "evidence_bytes": info.evidence_bytes,
        "timestamp": range(info.timestamp), "received": range(info.received),
    })
}

/// Seals what is active and waits for it.
#[utoipa::path(
    post, path = "/v1/segments/seal", operation_id = "sealSegments", tag = "segments",
    responses((status = 200, description = "Done"))
)]
pub async fn seal(
    State(app): State<Shared>,
    _: May<Operates>,
    request: Request,
) -> Result<Response, Problem> {
    no_query(&request)?;
    let (log, reader) = (app.log.clone(), app.reader.clone());
    let sealed = tokio::task::spawn_blocking(move || {
        log.seal().map_err(|error| {
            let detail = "sealing failed: the records stay where they are, see readyz";
            Problem::new(ErrorCode::LogStopped, detail).caused_by(error)
        })?;
        Ok::<_, Problem>(reader.segments())
    });
    let segments = sealed.await.map_err(|error| Problem::internal(&error))??;
    let sealed = segments.iter().filter(|info| info.sealed).count();
    Ok(answers::ok(&json!({"sealed_segments": sealed, "size": app.reader.size().0})))
}

/// What anchors there are.
#[utoipa::path(
    get, path = "/v1/anchors", operation_id = "listAnchors", tag = "segments",
    responses((status = 200, description = "Done"))
)]
pub async fn anchors(
    State(app): State<Shared>,
    _: May<Inspects>,
    request: Request,
) -> Result<Response, Problem> {
    no_query(&request)?;
    let reader = app.reader.clone();
    let anchors = app.queries.run(move |_| reader.anchors()).await?;
    let anchors: Vec<Value> =
        anchors.iter().map(|anchor| json!({"name": anchor.name, "path": anchor.path})).collect();
    Ok(answers::ok(&json!({"anchors": anchors})))
}

/// One anchor: the signed note.
#[utoipa::path(
    get, path = "/v1/anchors/{date}", operation_id = "getAnchor", tag = "segments",
    responses((status = 200, description = "Done"))
)]
pub async fn anchor(
    State(app): State<Shared>,
    _: May<Inspects>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    no_query(&request)?;
    let reader = app.reader.clone();
    let found = app.queries.run(move |_| reader.anchor(&name)).await?;
    let note = found.ok_or_else(|| Problem::new(ErrorCode::NotFound, "no such anchor"))?;
    let mut response = (StatusCode::OK, note).into_response();
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}
