//! The correlation layer through a real router: W3C trace context, ids, problems.
//!
//! Invariant: each test asks the router, never the parser alone. Knows nothing about self-audit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed step of a test is the test's failure"
)]

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router, middleware};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use shoseki_server::correlation::{self, Correlation, Exchange, Observer, Observers, OwnBody};
use shoseki_server::problem::{ErrorCode, FaultItem, Problem};
use tower::ServiceExt;

#[path = "harness/test_data.rs"]
mod test_data;
use test_data::test_data;

#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl Observer for Seen {
    fn answered(&self, exchange: &Exchange<'_>) {
        let code = exchange.problem.map_or("-", |problem| problem.code.as_str());
        let route = exchange.route.unwrap_or("-");
        let line = format!("{} {route} {} {code}", exchange.method, exchange.status.as_u16());
        self.0.lock().unwrap().push(line);
    }
}

/// Answers with what an outgoing call would carry.
async fn outgoing(Extension(correlation): Extension<Correlation>) -> String {
    let state = correlation.tracestate().unwrap_or("-");
    let (trace, span) = (correlation.trace_id(), correlation.span_id());
    let run = correlation.run_id().unwrap_or("-");
    let request = correlation.request_id();
    format!("{}\n{state}\n{trace}\n{span}\n{request}\n{run}", correlation.traceparent())
}

async fn busy() -> Problem {
    Problem::new(ErrorCode::Busy, "too much waits").retry_after(7).caused_by("kept to ourselves")
}

async fn faulty() -> Problem {
    let fault = FaultItem {
        index: Some(3),
        pointer: Some("/result".to_owned()),
        expected: Some("success".to_owned()),
        got: Some("string".to_owned()),
        ..FaultItem::default()
    };
    Problem::new(ErrorCode::InvalidRecords, "1 fault").with_errors(vec![fault])
}

async fn panics() -> StatusCode {
    std::panic::resume_unwind(Box::new("the payload of a panic"))
}

async fn own() -> Response {
    let mut response = Problem::new(ErrorCode::MediaType, "other").into_response();
    response.extensions_mut().insert(OwnBody);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-own"));
    *response.body_mut() = Body::from("own");
    response
}

fn app() -> (Router, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let observers = Observers::new(vec![Arc::clone(&seen) as Arc<dyn Observer>]);
    let app = Router::new()
        .route("/outgoing", get(outgoing))
        .route("/busy", get(busy))
        .route("/faulty/{id}", post(faulty))
        .route("/panics", get(panics))
        .route("/own", get(own))
        .route("/plain", get(|| async { StatusCode::UNAUTHORIZED }))
        .route("/teapot", get(|| async { StatusCode::IM_A_TEAPOT }))
        .route("/gateway", get(|| async { (StatusCode::BAD_GATEWAY, "a body of its own") }))
        .layer(middleware::from_fn_with_state(observers, correlation::layer));
    (app, seen)
}

fn request(method: Method, path: &str, headers: &[(String, String)]) -> Request {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap();
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
    }
    request
}

async fn ask(method: Method, path: &str, headers: &[(String, String)]) -> (Response<()>, String) {
    let (app, _) = app();
    let response = app.oneshot(request(method, path, headers)).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(parts, ()), String::from_utf8(body.to_vec()).unwrap())
}

fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// What is to become of a `tracestate`, case by case: the assertions of the test data, by hand.
fn expected_state(test: &str, sent: &[String]) -> Option<&'static str> {
    let first = sent.first().map(String::as_str);
    let expected = match (test, first) {
        ("test_tracestate_included_traceparent_missing" | "test_tracestate_header_name", _)
        | (
            "test_tracestate_key_illegal_characters" | "test_tracestate_value_illegal_characters",
            _,
        )
        | ("test_tracestate_key_illegal_vendor_format", Some("@foo=1,bar=2")) => "-",
        ("test_tracestate_key_illegal_vendor_format", Some("foo@=1,bar=2")) => "foo@=1,bar=2",
        ("test_tracestate_key_illegal_vendor_format", Some("foo@@bar=1,bar=2")) => {
            "foo@@bar=1,bar=2"
        }
        ("test_tracestate_key_illegal_vendor_format", _) => "foo@bar@baz=1,bar=2",
        ("test_tracestate_included_traceparent_included", _) => "foo=1,bar=2",
        ("test_tracestate_header_name_valid_casing" | "test_tracestate_duplicated_keys", _) => {
            "foo=1"
        }
        ("test_tracestate_empty_header", _) => {
            if sent.len() == 1 {
                "-"
            } else {
                "foo=1"
            }
        }
        ("test_tracestate_multiple_headers_different_keys", _) => {
            "foo=1,bar=2,rojo=1,congo=2,baz=3"
        }
        ("test_tracestate_ows_handling", Some(value)) if value.contains("bar") => {
            "foo=1,bar=2,baz=3"
        }
        ("test_tracestate_ows_handling", _) => "foo=1",
        _ => return None,
    };
    Some(expected)
}

#[tokio::test]
async fn the_cases_of_the_w3c_hold_through_the_router() {
    let Some(path) = test_data("tracecontext/w3c-cases.jsonl") else { return };
    let cases = std::fs::read_to_string(path).unwrap();
    let (mut count, mut states) = (0, 0);
    for case in cases.lines() {
        let case: Value = serde_json::from_str(case).unwrap();
        let test = case["test"].as_str().unwrap();
        let headers: Vec<(String, String)> =
            serde_json::from_value(case["headers"].clone()).unwrap();
        let (response, body) = ask(Method::GET, "/outgoing", &headers).await;
        assert_eq!(response.status(), StatusCode::OK);
        let lines: Vec<&str> = body.lines().collect();
        let [traceparent, state, trace, span, ..] = lines[..] else { panic!("{body}") };
        assert_eq!(response.headers()["traceparent"], traceparent, "{test}");
        assert_eq!(traceparent.len(), 55, "{test}");
        assert_eq!(&traceparent[3..35], trace, "{test}");
        assert_eq!(&traceparent[36..52], span, "{test}");
        assert_ne!(span, "1234567890123456", "{test}");
        assert_ne!(trace, "0".repeat(32), "{test}");
        let continued = trace == "12345678901234567890123456789012";
        if let Some(expected) = case["trace_id_continued"].as_bool() {
            assert_eq!(continued, expected, "{test}: {headers:?}");
            if !expected {
                assert!(!body.contains("2345678901234567"), "{test}: {body}");
            }
        }
        if test == "test_propagates_random_flag" {
            assert_eq!(&traceparent[53..], "02");
        }
        let sent = |(name, value): &(String, String)| {
            name.to_ascii_lowercase()
                .replace(['.', '-'], "")
                .eq("tracestate")
                .then(|| value.clone())
        };
        let sent: Vec<String> = headers.iter().filter_map(sent).collect();
        let long = match test {
            "test_tracestate_member_count_limit" => {
                let joined = sent.join(",");
                Some(if joined.contains("bar33") { "-".to_owned() } else { joined })
            }
            // Its key has 257 characters: the first of the assertions of that test.
            "test_tracestate_key_length_limit" => Some("-".to_owned()),
            _ => expected_state(test, &sent).map(str::to_owned),
        };
        if let Some(expected) = long {
            assert_eq!(state, expected, "{test}: {sent:?}");
            states += 1;
        }
        count += 1;
    }
    assert_eq!((count, states), (73, 35), "all cases of the file, all with a tracestate");
}

#[tokio::test]
async fn keys_and_values_of_a_tracestate_have_a_longest_length() {
    let parent = ("traceparent", "00-12345678901234567890123456789012-1234567890123456-01");
    for (key, value, kept) in [(256, 256, true), (257, 1, false), (1, 257, false)] {
        let state = format!("{}={}", "k".repeat(key), "v".repeat(value));
        let headers = pairs(&[parent, ("tracestate", &state)]);
        let (_, body) = ask(Method::GET, "/outgoing", &headers).await;
        let expected = if kept { state.as_str() } else { "-" };
        assert_eq!(body.lines().nth(1), Some(expected), "{key} {value}");
    }
}

#[tokio::test]
async fn request_and_run_ids_are_taken_over_in_their_form_only() {
    let long = "x".repeat(128);
    for id in ["a", "A.b_c:d-9", &long] {
        let headers = pairs(&[("x-request-id", id), ("x-run-id", id)]);
        let (response, body) = ask(Method::GET, "/outgoing", &headers).await;
        assert_eq!(response.headers()["x-request-id"], id);
        let ids: Vec<&str> = body.lines().skip(4).collect();
        assert_eq!(ids, [id, id]);
    }
    for id in ["", "a b", "ä", "a\"b", "x/y", &"x".repeat(129)] {
        let headers = pairs(&[("x-request-id", id), ("x-run-id", id)]);
        let (response, body) = ask(Method::GET, "/outgoing", &headers).await;
        let made = response.headers()["x-request-id"].to_str().unwrap();
        assert_eq!(made.len(), 36, "{id}");
        let ids: Vec<&str> = body.lines().skip(4).collect();
        assert_eq!(ids, [made, "-"], "{id}");
    }
    let twice = pairs(&[("x-request-id", "one"), ("x-request-id", "two")]);
    let (response, _) = ask(Method::GET, "/outgoing", &twice).await;
    assert_eq!(response.headers().get_all("x-request-id").iter().count(), 1);
    assert_eq!(response.headers()["x-request-id"].len(), 36);
}

#[tokio::test]
async fn ids_of_two_requests_differ() {
    let (one, _) = ask(Method::GET, "/outgoing", &[]).await;
    let (two, _) = ask(Method::GET, "/outgoing", &[]).await;
    for name in ["traceparent", "x-request-id"] {
        assert_ne!(one.headers()[name], two.headers()[name]);
    }
}

#[tokio::test]
async fn a_problem_becomes_text_with_the_ids_of_its_request() {
    let headers = pairs(&[
        ("x-request-id", "r-1"),
        ("traceparent", "00-12345678901234567890123456789012-1234567890123456-01"),
    ]);
    let (response, body) = ask(Method::POST, "/faulty/7?patient_id=secret", &headers).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    assert_eq!(response.headers()["content-length"], body.len().to_string());
    let expected = serde_json::json!({
        "type": "urn:shoseki:error:RECORD-422",
        "title": "Records are not valid",
        "status": 422,
        "detail": "1 fault",
        "instance": "/faulty/7",
        "errorCode": "RECORD-422",
        "errorMessage": "1 fault",
        "traceId": "12345678901234567890123456789012",
        "requestId": "r-1",
        "errors": [{"index": 3, "pointer": "/result", "expected": "success", "got": "string"}],
    });
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
    let (response, body) = ask(Method::GET, "/busy", &[]).await;
    assert_eq!(response.headers()[RETRY_AFTER], "7");
    assert!(!body.contains("kept to ourselves"), "{body}");
}

#[tokio::test]
async fn every_error_is_a_problem_whoever_made_it() {
    for (method, path, status, code) in [
        (Method::GET, "/nowhere", 404, "REQUEST-404"),
        (Method::GET, "/plain", 401, "AUTH-401"),
        (Method::GET, "/teapot", 400, "REQUEST-400-header"),
        (Method::GET, "/gateway", 500, "SERVER-500"),
        (Method::GET, "/panics", 500, "SERVER-500"),
        (Method::DELETE, "/busy", 405, "REQUEST-405"),
    ] {
        let (response, body) = ask(method.clone(), path, &[]).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["errorCode"], code, "{path}");
        assert_eq!(body["requestId"], response.headers()["x-request-id"].to_str().unwrap());
        assert_eq!(response.headers().contains_key(WWW_AUTHENTICATE), status == 401, "{path}");
        assert_eq!(response.headers().contains_key(ALLOW), method == Method::DELETE, "{path}");
        assert!(!body.to_string().contains("payload"), "{path}");
    }
}

#[tokio::test]
async fn head_has_no_body_and_own_bodies_stay() {
    let (response, body) = ask(Method::HEAD, "/busy", &[]).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    assert_eq!(body, "");
    let (response, body) = ask(Method::GET, "/own", &[]).await;
    assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/x-own");
    assert_eq!(body, "own");
    let (response, _) = ask(Method::GET, "/outgoing", &[]).await;
    assert_eq!(response.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
    assert!(!response.headers().contains_key(CACHE_CONTROL));
}

#[tokio::test]
async fn observers_see_templates_never_paths() {
    let (app, seen) = app();
    for (method, path) in [
        (Method::POST, "/faulty/secret?token=secret"),
        (Method::GET, "/secret"),
        (Method::GET, "/own"),
        (Method::GET, "/outgoing?secret"),
        (Method::from_bytes(b"SECRET").unwrap(), "/outgoing"),
    ] {
        app.clone().oneshot(request(method, path, &[])).await.unwrap();
    }
    let seen = seen.0.lock().unwrap().clone();
    let expected = [
        "POST /faulty/{id} 422 RECORD-422",
        "GET - 404 REQUEST-404",
        "GET /own 415 REQUEST-415-type",
        "GET /outgoing 200 -",
        "- /outgoing 405 REQUEST-405",
    ];
    assert_eq!(seen, expected);
}
