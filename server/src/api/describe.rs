//! The OpenAPI document: what the routes say of themselves, completed by what they share.
//!
//! Invariant: paths, methods and names come from the routes; parameters from the table that the
//! reader of parameters is tested against; errors from the register.

use serde_json::{Map, Value, json};

use super::routes::described;
use super::schema;
use crate::problem::ErrorCode;

/// The whole document.
#[must_use]
pub fn document() -> Value {
    let mut document = serde_json::to_value(described()).unwrap_or_default();
    document["info"] = json!({
        "title": "Shoseki", "version": env!("CARGO_PKG_VERSION"),
        "summary": "An append-only, tamper-evident audit log",
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
    });
    document["security"] = json!([{"bearer": []}]);
    document["components"] = json!({
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        },
        "schemas": schema::schemas(),
    });
    let paths = document["paths"].as_object_mut();
    for (path, item) in paths.into_iter().flatten() {
        let operations = item.as_object_mut().into_iter().flatten();
        for (method, operation) in operations.filter(|(name, _)| *name != "parameters") {
            complete(path, method, operation);
        }
    }
    document
}

fn complete(path: &str, method: &str, operation: &mut Value) {
    let shape = schema::shape(path, method);
    let mut parameters = shape.parameters;
    parameters.extend(schema::common_headers());
    operation["parameters"] = Value::Array(parameters);
    if let Some(body) = shape.body {
        operation["requestBody"] = body;
    }
    let mut responses = Map::new();
    for (status, answer) in shape.answers {
        responses.insert(status.to_owned(), answer);
    }
    let mut errors: Vec<ErrorCode> = shape.errors.to_vec();
    if shape.public {
        operation["security"] = json!([]);
    } else {
        errors.extend([
            ErrorCode::Unauthenticated,
            ErrorCode::AuthLimited,
            ErrorCode::ForbiddenRole,
        ]);
    }
    errors.extend([ErrorCode::RequestHeader, ErrorCode::Internal, ErrorCode::Busy]);
    errors.sort_unstable();
    for code in errors {
        let status = code.status().as_str().to_owned();
        responses.entry(status).or_insert_with(|| schema::problem(code));
    }
    operation["responses"] = Value::Object(responses);
}
