//! Schemas of single values.
//!
//! Invariant: a pattern here takes what the server takes, or less where it says so. Patterns are
//! written for every engine: no classes that differ between them.

use serde_json::{Value, json};

/// A date from 1970 to 2199 that is in the calendar.
const DATE: &str = "(?:(?:19[7-9][0-9]|2[01][0-9]{2})-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|\
    3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:19(?:7[26]|\
    8[048]|9[26])|20(?:[02468][048]|[13579][26])|21(?:0[48]|[2468][048]|[13579][26]))-02-29)";
/// A time of day without its zone.
const CLOCK: &str = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]";
/// An offset from UTC.
const OFFSET: &str = "[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]";

/// Largest number of the log, as JSON programs read it.
const SEQ_MAX: u64 = i64::MAX as u64;

/// A reference to a schema of the document.
pub(super) fn schema(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A time as clients may send it.
pub(super) fn time_sent() -> Value {
    let edges = "(?!(?:1970-01-01|2199-12-31).*[+-][0-9]{2}:[0-9]{2}$)";
    json!({
        "type": "string",
        "description": "RFC 3339 with its zone, from 1970 to 2199, at most 9 fractional digits; on \
            the first and the last of these days, UTC is understood by all programs.",
        "pattern": format!("^{edges}{DATE}[Tt]{CLOCK}(?:\\.[0-9]{{1,9}})?(?:[Zz]|{OFFSET})$"),
        "examples": ["2026-11-21T09:30:00Z", "2026-11-21T18:30:00.123+09:00"],
    })
}

/// A time as it is stored: UTC, and as few fractional digits of 0, 3, 6 or 9 as lose nothing.
pub(super) fn time() -> Value {
    let form = format!("^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{CLOCK}(?:\\.(?:[0-9]{{3}}){{1,3}})?Z$");
    json!({"type": "string", "format": "date-time", "pattern": form})
}

/// An offset from UTC, or `Z`.
pub(super) fn offset() -> Value {
    json!({"type": "string", "pattern": format!("^(?:[Zz]|{OFFSET})$"), "examples": ["+09:00"]})
}

/// A UUID as clients may send it.
pub(super) fn uuid_sent() -> Value {
    let digit = "[0-9A-Fa-f]";
    json!({
        "type": "string",
        "pattern": format!("^{digit}{{8}}-(?:{digit}{{4}}-){{3}}{digit}{{12}}$"),
        "examples": ["018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d14"],
    })
}

/// A UUID as it is stored.
pub(super) fn uuid() -> Value {
    let form = "^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$";
    json!({"type": "string", "format": "uuid", "pattern": form})
}

/// So many hexadecimal digits.
pub(super) fn hex(digits: usize) -> Value {
    json!({"type": "string", "pattern": format!("^[0-9a-f]{{{digits}}}$")})
}

/// A hash of the tree.
pub(super) fn hash256() -> Value {
    json!({
        "type": "string", "contentEncoding": "base64", "pattern": "^[A-Za-z0-9+/]{43}=$",
        "description": "SHA-256, base64",
    })
}

/// A number of records, bytes or steps, or a place in the log.
pub(super) fn count() -> Value {
    json!({"type": "integer", "format": "int64", "minimum": 0, "maximum": SEQ_MAX})
}

/// A text.
pub(super) fn text() -> Value {
    json!({"type": "string"})
}

/// The same, not empty.
pub(super) fn full_text() -> Value {
    json!({"type": "string", "minLength": 1})
}

/// One of these.
pub(super) fn one_of(names: &[&str]) -> Value {
    json!({"type": "string", "enum": names})
}

/// The same schema, with words.
pub(super) fn about(mut schema: Value, words: &str) -> Value {
    schema["description"] = json!(words);
    schema
}

/// The same schema; `null` means that there is nothing.
pub(super) fn or_null(mut schema: Value) -> Value {
    if schema.get("$ref").is_some() {
        return json!({"anyOf": [schema, {"type": "null"}]});
    }
    if let Some(kind) = schema.get_mut("type") {
        let mut kinds = match kind.take() {
            Value::Array(kinds) => kinds,
            one => vec![one],
        };
        kinds.push(json!("null"));
        *kind = Value::Array(kinds);
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
    schema
}

/// An array.
pub(super) fn list(items: Value) -> Value {
    let mut list = json!({"type": "array"});
    list["items"] = items;
    list
}

/// An object of which these members, with their schemas, are always there, and those may be.
pub(super) fn object(always: Value, maybe: Value) -> Value {
    let names: Vec<String> =
        always.as_object().into_iter().flatten().map(|m| m.0.clone()).collect();
    let mut members = always;
    if let (Value::Object(members), Value::Object(maybe)) = (&mut members, maybe) {
        members.extend(maybe);
    }
    json!({"type": "object", "required": names, "properties": members})
}
