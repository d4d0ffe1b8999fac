//! `GET /healthz` and `GET /readyz`: does the process live, and can records be appended.
//!
//! Invariant: `healthz` touches no storage; `readyz` says why not, and to clients no more than that
//! where operators have a listener of their own.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::json as answers;
use crate::app::Shared;
use crate::correlation::OwnBody;

/// The process answers.
#[utoipa::path(
    get, path = "/healthz", operation_id = "getHealth", tag = "health",
    responses((status = 200, description = "Done"))
)]
pub async fn healthz() -> Response {
    answers::ok(&json!({"ok": true}))
}

/// Appends are possible, or why they are not.
#[utoipa::path(
    get, path = "/readyz", operation_id = "getReadiness", tag = "health",
    responses((status = 200, description = "Done"))
)]
pub async fn readyz(State(app): State<Shared>) -> Response {
    let whole = app.settings.admin_listen.is_none();
    ready(app, whole).await
}

/// The same with everything, where only operators come.
pub async fn readyz_whole(State(app): State<Shared>) -> Response {
    ready(app, true).await
}

async fn ready(app: Shared, whole: bool) -> Response {
    let health = tokio::task::spawn_blocking({
        let app = Shared::clone(&app);
        move || app.log.health()
    });
    let health = health.await.ok();
    let reason = match &health {
        _ if app.is_closing() => Some("the server is shutting down".to_owned()),
        Some(health) => health.refusal.as_ref().map(ToString::to_string),
        None => Some("the log could not be asked".to_owned()),
    };
    let ready = reason.is_none();
    if !whole {
        // Sizes and faults are for who operates it; anybody may come here.
        let reason = reason.map(|_| "records can't be appended now");
        let answer = json!({"ready": ready, "reason": reason});
        return readiness(ready, &answer);
    }
    let faults = app.identities.faults();
    let failure = health.as_ref().and_then(|health| health.background_failure.as_ref());
    let failure = failure.map(ToString::to_string);
    let answer = json!({
        "ready": ready,
        "reason": reason,
        "size": health.as_ref().map(|health| health.size.0),
        "checkpoint_size": health.as_ref().and_then(|health| health.checkpoint).map(|size| size.0),
        "unsealed_files": health.as_ref().map(|health| health.unsealed_files),
        "unsealed_bytes": health.as_ref().map(|health| health.unsealed_bytes),
        "free_bytes": health.as_ref().and_then(|health| health.free_bytes),
        "background_failure": failure,
        "configuration_faults": faults,
        "clock_synchronised": clock_synchronised(),
    });
    readiness(ready, &answer)
}

/// Also where it is an error, the answer says what there is to say.
fn readiness(ready: bool, answer: &Value) -> Response {
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut response = answers::answer(status, answer.to_string().into_bytes());
    response.extensions_mut().insert(OwnBody);
    response
}

/// Whether the kernel says that its clock follows another; `None` where it can't be asked.
fn clock_synchronised() -> Option<bool> {
    // systemd-timesyncd and chrony leave this mark; adjtimex would need unsafe code.
    let mark = std::path::Path::new("/run/systemd/timesync/synchronized");
    mark.try_exists().ok().filter(|exists| *exists)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_an_error_keeps_what_it_says() {
        for (ready, status) in [(true, StatusCode::OK), (false, StatusCode::SERVICE_UNAVAILABLE)] {
            let response = readiness(ready, &json!({"ready": ready}));
            assert_eq!(response.status(), status);
            assert!(response.extensions().get::<OwnBody>().is_some());
        }
    }
}
