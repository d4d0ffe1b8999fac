//! Answers: what is well, and errors.
//!
//! Invariant: an error has the form of a problem, and the codes of its status that can occur there.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::headers::of_answer;
use super::values::schema;
use crate::problem::ErrorCode;

/// JSON of this schema.
pub(super) fn json(words: &str, name: &str, headers: &[(&str, &str)]) -> Value {
    answer(words, &[("application/json", schema(name))], headers)
}

/// Text of this media type.
pub(super) fn text(words: &str, kind: &str, headers: &[(&str, &str)]) -> Value {
    answer(words, &[(kind, json!({"type": "string"}))], headers)
}

/// An answer in these forms.
pub(super) fn answer(words: &str, forms: &[(&str, Value)], headers: &[(&str, &str)]) -> Value {
    let forms: Map<String, Value> = forms
        .iter()
        .map(|(kind, schema)| ((*kind).to_owned(), json!({"schema": schema})))
        .collect();
    let mut answer = json!({"description": words, "headers": of_answer(headers)});
    if !forms.is_empty() {
        answer["content"] = Value::Object(forms);
    }
    answer
}

/// The same answer with what may be asked next.
pub(super) fn linked(mut answer: Value, links: Value) -> Value {
    answer["links"] = links;
    answer
}

/// Errors of one status.
pub(super) fn problem(codes: &[ErrorCode]) -> Value {
    let line = |code: &ErrorCode| format!("`{}`: {}", code.as_str(), code.title());
    let words: Vec<String> = codes.iter().map(line).collect();
    let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let mut headers = Vec::new();
    match codes.first().map(|code| code.status()) {
        Some(StatusCode::UNAUTHORIZED) => headers.push(("WWW-Authenticate", "WwwAuthenticate")),
        Some(StatusCode::TOO_MANY_REQUESTS) => headers.push(("Retry-After", "RequiredRetryAfter")),
        Some(StatusCode::SERVICE_UNAVAILABLE) => headers.push(("Retry-After", "RetryAfter")),
        _ => {}
    }
    let one_of_these = json!({
        "allOf": [schema("Problem"), {"properties": {"errorCode": {"enum": names}}}],
    });
    answer(&words.join("\n\n"), &[("application/problem+json", one_of_these)], &headers)
}
