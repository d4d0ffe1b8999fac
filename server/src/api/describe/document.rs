//! The document as a whole, and the schema of a record by itself.
//!
//! Invariant: an operation without a shape has no answer in the document, which a test finds.

use serde_json::{Map, Value, json};

use super::super::routes::described;
use super::operations::{self, Shape};
use super::{answers, headers, parameters, prose, records, schemas};
use crate::problem::ErrorCode;

/// The whole document.
#[must_use]
pub fn document() -> Value {
    let mut document = serde_json::to_value(described()).unwrap_or_default();
    document["info"] = json!({
        "title": "Shoseki", "version": env!("CARGO_PKG_VERSION"),
        "summary": "An append-only, tamper-evident audit log",
        "description": prose::ABOUT,
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
    });
    document["tags"] = prose::tags();
    document["servers"] = json!([{"url": "/"}]);
    document["security"] = json!([{"bearer": []}]);
    let mut all = records::schemas();
    all.extend(schemas::schemas());
    document["components"] = json!({
        "securitySchemes": {
            "bearer": {
                "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": prose::BEARER,
            },
        },
        "schemas": all,
        "parameters": parameters::components(),
        "headers": headers::components(),
    });
    let paths = document["paths"].as_object_mut();
    for item in paths.into_iter().flat_map(Map::values_mut) {
        let operations = item.as_object_mut().into_iter().flatten();
        for (_, operation) in operations.filter(|(name, _)| *name != "parameters") {
            let id = operation["operationId"].as_str().unwrap_or_default();
            complete(operations::shape(id), operation);
        }
    }
    document
}

/// The JSON Schema of a record as it is sent, with the one of a record as it is answered beside it.
#[must_use]
pub fn record_schema() -> Value {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:shoseki:schema:record",
        "title": "A record as it is sent",
        "$ref": "#/components/schemas/Sent",
        "$defs": records::schemas(),
    });
    let text = schema.to_string().replace("#/components/schemas/", "#/$defs/");
    serde_json::from_str(&text).unwrap_or_default()
}

fn complete(shape: Shape, operation: &mut Value) {
    let mut parameters = shape.parameters;
    parameters.extend(headers::of_requests());
    operation["parameters"] = Value::Array(parameters);
    if let Some(body) = shape.body {
        operation["requestBody"] = body;
    }
    let mut responses = Map::new();
    for (status, answer) in shape.answers {
        responses.insert(status.to_owned(), answer);
    }
    let mut errors = shape.errors;
    errors.push(ErrorCode::Internal);
    if let Some(security) = shape.security {
        operation["security"] = security;
    }
    errors.sort_unstable_by_key(|code| (code.status(), *code));
    errors.dedup();
    for of_status in errors.chunk_by(|a, b| a.status() == b.status()) {
        if let Some(first) = of_status.first() {
            let status = first.status().as_str().to_owned();
            responses.entry(status).or_insert_with(|| answers::problem(of_status));
        }
    }
    operation["responses"] = Value::Object(responses);
}
