//! Headers of requests and answers.
//!
//! Invariant: what every answer has stands in every answer of the document.

use serde_json::{Map, Value, json};

use super::parameters::reference;
use crate::door::IdempotencyKey;

/// Headers that every request may have.
pub(super) fn of_requests() -> Vec<Value> {
    ["RequestId", "TraceParent"].map(reference).into()
}

/// Headers of requests, by name.
pub(super) fn parameters() -> Map<String, Value> {
    let text = || json!({"type": "string"});
    let key = format!("^[!-~]{{1,{}}}$", IdempotencyKey::LEN_MAX);
    let mut all = Map::new();
    for (name, parameter) in [
        (
            "RequestId",
            header(
                "x-request-id",
                "Taken over where it matches `[A-Za-z0-9._:-]{1,128}`, otherwise one is made",
                text(),
            ),
        ),
        (
            "TraceParent",
            header("traceparent", "W3C trace context; one is made where it does not hold", text()),
        ),
        (
            "IdempotencyKey",
            header(
                "Idempotency-Key",
                "The same for every try of a request: records without `audit_id` get the same one \
                each time. Not for streams.",
                json!({"type": "string", "pattern": key}),
            ),
        ),
        (
            "Prefer",
            header(
                "Prefer",
                "`return=minimal`: no receipts; `handling=lenient`: the valid records of an array \
                are taken although others are refused; `handling=strict`: all or none",
                text(),
            ),
        ),
        (
            "IfNoneMatch",
            header("If-None-Match", "Tags that the client has: 304 where one is right", text()),
        ),
    ] {
        all.insert(name.to_owned(), parameter);
    }
    all
}

/// Headers of answers, by name.
pub(super) fn components() -> Value {
    let text = |about: &str| json!({"description": about, "schema": {"type": "string"}});
    json!({
        "RequestId": {
            "description": "Names the request in the server's log", "required": true,
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"},
        },
        "TraceParent": {
            "description": "W3C trace context of the answer", "required": true,
            "schema": {
                "type": "string", "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
            },
        },
        "Link": text("`<…>; rel=\"next\"`, where there are more pages"),
        "Location": {
            "description": "Where the job is", "required": true, "schema": {"type": "string"},
        },
        "ETag": {
            "description": "Tag of these bytes; weak where they are compressed", "required": true,
            "schema": {"type": "string", "pattern": "^(?:W/)?\"[0-9a-f]{32}\"$"},
        },
        "Age": text("Seconds since the check, where it is not a new one"),
        "PreferenceApplied": text("What of `Prefer` was done"),
        "RetryAfter": text("Seconds after which it may be tried again"),
        "WwwAuthenticate": {
            "description": "How to authenticate", "required": true,
            "schema": {"type": "string", "const": "Bearer"},
        },
        "RequiredRetryAfter": seconds("Seconds after which it may be tried again"),
    })
}

/// The headers of an answer: what all have, and these.
pub(super) fn of_answer(others: &[(&str, &str)]) -> Value {
    let mut headers = Map::new();
    let common = [("x-request-id", "RequestId"), ("traceparent", "TraceParent")];
    for (name, component) in common.iter().chain(others) {
        let reference = json!({"$ref": format!("#/components/headers/{component}")});
        headers.insert((*name).to_owned(), reference);
    }
    Value::Object(headers)
}

/// A header of requests.
fn header(name: &str, about: &str, schema: Value) -> Value {
    let mut header = json!({"name": name, "in": "header", "description": about});
    header["schema"] = schema;
    header
}

/// A header of answers that is always there and counts seconds.
fn seconds(about: &str) -> Value {
    let schema = json!({"type": "integer", "minimum": 0});
    json!({"description": about, "required": true, "schema": schema})
}
