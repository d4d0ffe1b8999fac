//! The outermost layer: ids in, ids out, and every error as one form.
//!
//! Invariant: a problem becomes text here and nowhere else; a panic of a handler is answered like
//! any other fault of the server.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tracing::Instrument;

use super::exchange::{Exchange, Observers, method_name};
use super::ids::{Correlation, Peer, TRACEPARENT, X_REQUEST_ID};
use crate::problem::{ErrorCode, Problem};

/// An answer with this extension keeps its own body although it is an error (OTLP has a form of its
/// own); a [`Problem`] beside it is still seen by the observers.
#[derive(Clone, Copy, Debug)]
pub struct OwnBody;

/// Gives a request its ids and its answer the form of SERVER.md 8 and 10. To be added with
/// `Router::layer`, so that the route is known, after all routes and the other layers.
pub async fn layer(
    State(observers): State<Observers>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let peer = request.extensions().get::<Peer>().copied();
    let correlation = Correlation::from_headers(request.headers(), peer);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let path = request.uri().clone();
    request.extensions_mut().insert(correlation.clone());
    let span = tracing::error_span!(
        "request",
        traceId = correlation.trace_id(),
        requestId = correlation.request_id()
    );
    let run = AssertUnwindSafe(next.run(request)).catch_unwind();
    let answer = run.instrument(span.clone()).await;
    let _entered = span.enter();
    // The panic hook has said what happened; the payload may hold anything.
    let mut response = answer.unwrap_or_else(|_| {
        Problem::new(ErrorCode::Internal, "The request could not be finished").into_response()
    });
    let problem = problem_of(&mut response);
    if let Some(problem) = &problem {
        write_problem(&mut response, problem, &correlation, path.path(), &method);
    }
    observers.answered(&Exchange {
        correlation: &correlation,
        method: method_name(&method),
        route: route.as_ref().map(MatchedPath::as_str),
        status: response.status(),
        problem: problem.as_ref(),
        duration: started.elapsed(),
    });
    set_ids(response.headers_mut(), &correlation);
    response
}

/// The problem of an answer: the handler's, or one for the status of whatever answered.
fn problem_of(response: &mut Response) -> Option<Problem> {
    let of_handler = response.extensions_mut().remove::<Problem>();
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    of_handler.or_else(|| {
        let code = code_of(status);
        Some(Problem::new(code, code.title()))
    })
}

/// The code of an error that did not come from us, such as the router's or a limit's.
fn code_of(status: StatusCode) -> ErrorCode {
    match status {
        StatusCode::BAD_REQUEST => ErrorCode::RequestParameter,
        StatusCode::UNAUTHORIZED => ErrorCode::Unauthenticated,
        StatusCode::FORBIDDEN => ErrorCode::ForbiddenRole,
        StatusCode::NOT_FOUND => ErrorCode::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => ErrorCode::MethodNotAllowed,
        StatusCode::NOT_ACCEPTABLE => ErrorCode::NotAcceptable,
        StatusCode::REQUEST_TIMEOUT => ErrorCode::BodyTimeout,
        StatusCode::CONFLICT => ErrorCode::Conflict,
        StatusCode::GONE => ErrorCode::CursorGone,
        StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::BodyTooLarge,
        StatusCode::URI_TOO_LONG => ErrorCode::UriTooLong,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ErrorCode::MediaType,
        StatusCode::UNPROCESSABLE_ENTITY => ErrorCode::InvalidRequest,
        StatusCode::TOO_MANY_REQUESTS => ErrorCode::TooManyRequests,
        StatusCode::SERVICE_UNAVAILABLE => ErrorCode::Busy,
        StatusCode::INSUFFICIENT_STORAGE => ErrorCode::DiskFull,
        // What is left of the client's errors (ranges, expectations) stands in headers.
        _ if status.is_client_error() => ErrorCode::RequestHeader,
        _ => ErrorCode::Internal,
    }
}

fn write_problem(
    response: &mut Response,
    problem: &Problem,
    correlation: &Correlation,
    path: &str,
    method: &Method,
) {
    let own_body = response.extensions().get::<OwnBody>().is_some();
    if !own_body {
        let text = problem.to_json(path, correlation.trace_id(), correlation.request_id());
        *response.status_mut() = problem.code.status();
        let headers = response.headers_mut();
        // What was said of the body before is not true of this one.
        headers.remove(header::CONTENT_ENCODING);
        headers.remove(header::TRANSFER_ENCODING);
        headers.remove(header::ETAG);
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(text.len()));
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        *response.body_mut() = if method == Method::HEAD { Body::empty() } else { text.into() };
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = problem.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if problem.code.status() == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
}

fn set_ids(headers: &mut HeaderMap, correlation: &Correlation) {
    let ids = [(X_REQUEST_ID, correlation.request_id()), (TRACEPARENT, correlation.traceparent())];
    for (name, id) in ids {
        // Both are ASCII without control characters, by their making.
        if let Ok(value) = HeaderValue::from_str(id) {
            headers.insert(name, value);
        }
    }
}
