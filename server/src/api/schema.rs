//! What the operations take and answer, for the OpenAPI document.
//!
//! Invariant: knows the shapes of the interface and nothing about how they are made.

use serde_json::{Value, json};

use crate::problem::ErrorCode;

/// What one operation takes and answers.
pub(super) struct Shape {
    /// Parameters, as OpenAPI writes them.
    pub(super) parameters: Vec<Value>,
    /// Body of the request.
    pub(super) body: Option<Value>,
    /// Answers that are no errors: status and response.
    pub(super) answers: Vec<(&'static str, Value)>,
    /// Errors that only some operations have.
    pub(super) errors: &'static [ErrorCode],
    /// Whether no token is needed.
    pub(super) public: bool,
}

/// The shape of an operation.
pub(super) fn shape(_path: &str, _method: &str) -> Shape {
    let answers = vec![("200", json!({"description": "Done"}))];
    Shape { parameters: Vec::new(), body: None, answers, errors: &[], public: false }
}

/// Headers that every request may have.
pub(super) fn common_headers() -> Vec<Value> {
    Vec::new()
}

/// An error.
pub(super) fn problem(code: ErrorCode) -> Value {
    json!({"description": code.title()})
}

/// The schemas that others refer to.
pub(super) fn schemas() -> Value {
    json!({})
}
