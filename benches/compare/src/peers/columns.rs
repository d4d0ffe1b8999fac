//! What the peers keep of a record beside its body.
//!
//! Invariant: the same columns for all of them, so that none has less to store or to index.

use serde_json::Value;
use shoseki_benches::input::micros;
use shoseki_engine::record::{Detail, Record};

use crate::Outcome;

/// The columns of a record.
pub(crate) struct Columns<'a> {
    pub(crate) timestamp: i64,
    pub(crate) audit_id: [u8; 16],
    pub(crate) actor_id: &'a str,
    pub(crate) action: &'a str,
    pub(crate) target_id: Option<&'a str>,
    pub(crate) request_id: Option<&'a str>,
    pub(crate) result: &'static str,
}

impl<'a> Columns<'a> {
    pub(crate) fn of(record: &'a Record) -> Outcome<Self> {
        let id = record.audit_id.ok_or("a record of the corpus has an id")?;
        Ok(Self {
            timestamp: micros(record.timestamp),
            audit_id: *id.as_bytes(),
            actor_id: &record.actor_id,
            action: &record.action,
            target_id: record.target_id.as_deref(),
            request_id: record.request_id.as_deref(),
            result: record.result.as_str(),
        })
    }
}

/// The string values in `detail`, at any depth, with blanks between: what a search for words looks
/// at. Names of members and numbers are no text.
#[cfg(any(feature = "sqlite", feature = "tantivy"))]
pub(crate) fn words_of(detail: Option<&Detail>, out: &mut String) -> Outcome {
    fn add(value: &Value, out: &mut String) {
        match value {
            Value::String(text) => {
                out.push_str(text);
                out.push(' ');
            }
            Value::Array(items) => items.iter().for_each(|item| add(item, out)),
            Value::Object(members) => members.values().for_each(|member| add(member, out)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    out.clear();
    if let Some(detail) = detail {
        add(&serde_json::from_slice(detail.as_bytes())?, out);
    }
    Ok(())
}
