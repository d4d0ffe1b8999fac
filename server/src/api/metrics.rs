//! `GET /metrics`: counters for Prometheus.
//!
//! Invariant: no label and no value names a person.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use crate::app::Shared;
use crate::telemetry::{Intake, LogState};

/// The text form.
pub async fn metrics(State(app): State<Shared>) -> Response {
    let (requests, bytes) = app.intake.depth();
    let state = tokio::task::spawn_blocking({
        let app = Shared::clone(&app);
        move || {
            let segments = app.reader.segments();
            let free = rustix::fs::statvfs(&app.settings.data_dir).ok();
            LogState {
                records: Some(app.reader.size().0),
                bytes: Some(segments.iter().map(|info| info.file_len).sum()),
                segments: Some(segments.iter().filter(|info| info.sealed).count() as u64),
                disk_free_bytes: free.map(|free| free.f_bavail.saturating_mul(free.f_frsize)),
            }
        }
    });
    let state = state.await.unwrap_or_default();
    let text = app.metrics.render(Intake { requests, bytes }, state);
    let mut response = text.into_response();
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
