//! Parameters of the document, made of the table that their reader uses.
//!
//! Invariant: a row of the table is one parameter here, and one member of a question in JSON.

use serde_json::{Map, Value, json};

use super::super::parameters::{Kind, Known, TEXT_LEN_MAX};
use super::values::{hex, list, offset, one_of, time_sent, uuid_sent};

/// Rows as parameters of a URL. Of those, `required` must be given.
pub(super) fn of_query(table: &[Known], required: &[&str]) -> Vec<Value> {
    let parameter = |known: &Known| {
        let one = in_url(known.kind);
        json!({
            "name": known.name, "in": "query", "description": known.about,
            "required": required.contains(&known.name),
            "schema": if known.many { several(one) } else { one },
        })
    };
    table.iter().map(parameter).collect()
}

/// Rows as the members of an object.
pub(super) fn of_object(table: &[Known]) -> Map<String, Value> {
    let member = |known: &Known| {
        let mut value = in_json(known.kind);
        if known.many {
            value = json!({"anyOf": [value, several(in_json(known.kind)), {"type": "null"}]});
        } else {
            value = json!({"anyOf": [value, {"type": "null"}]});
        }
        value["description"] = json!(known.about);
        (known.name.to_owned(), value)
    };
    table.iter().map(member).collect()
}

/// What a path into `detail` may be asked for.
pub(super) fn of_detail() -> Value {
    let value = in_json(Kind::Id);
    json!({"anyOf": [value, several(in_json(Kind::Id)), {"type": "null"}]})
}

fn several(one: Value) -> Value {
    let mut values = list(one);
    values["minItems"] = json!(1);
    values
}

fn in_url(kind: Kind) -> Value {
    match kind {
        Kind::Text | Kind::Id => {
            json!({"type": "string", "minLength": 1, "maxLength": TEXT_LEN_MAX})
        }
        Kind::Word => json!({
            "type": "string", "minLength": 1, "maxLength": TEXT_LEN_MAX,
            "description": "With a letter or a digit in it",
        }),
        Kind::Time => time_sent(),
        Kind::OneOf(names) => one_of(names),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Integer(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
        Kind::Cursor => json!({
            "type": "string",
            "pattern": "^[0-9a-f]{8}\\.[A-Za-z0-9_-]{22,1000}\\.[A-Za-z0-9_-]{22}$",
        }),
        Kind::Offset => offset(),
    }
}

fn in_json(kind: Kind) -> Value {
    match kind {
        Kind::Id => json!({
            "type": ["string", "integer"], "minLength": 1, "maxLength": TEXT_LEN_MAX,
            "minimum": i64::MIN, "maximum": u64::MAX,
        }),
        other => in_url(other),
    }
}

/// Parameters of paths, by name.
pub(super) fn components() -> Value {
    let path = |name: &str, about: &str, schema: Value| {
        json!({
            "name": name, "in": "path", "required": true, "description": about, "schema": schema,
        })
    };
    let mut all = super::headers::parameters();
    let date = json!({
        "type": "string", "pattern": "^[0-9]{1,20}-[0-9]{1,20}$|^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        "examples": ["2026-11-21"],
    });
    for (name, parameter) in [
        ("AuditId", path("audit_id", "The record, in either case", uuid_sent())),
        ("JobId", path("job_id", "The job", hex(32))),
        ("AnchorName", path("date", "A day (UTC), or a name of the list of anchors", date)),
    ] {
        all.insert(name.to_owned(), parameter);
    }
    Value::Object(all)
}

/// A reference to one of them.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/parameters/{name}")})
}
