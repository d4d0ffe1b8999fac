//! Mapping by rules: any JSON event to a record.
//!
//! Invariant: for each member the rules are tried in order and the first that finds something
//! decides; what it found must then be valid.
//! Knows nothing about the file that the rules come from.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use shoseki_engine::record::{ActorType, Limits, Outcome, Record, Sensitivity};

use crate::error::MapError;
use crate::finish::finish;
use crate::path::Path;
use crate::raw::Object;
use crate::time::TimeForm;

/// The members of a record that a mapping fills, in the order of CONTRACT 1.1.
pub(crate) const MEMBERS: [&str; 15] = [
    "audit_id",
    "timestamp",
    "actor_type",
    "actor_id",
    "actor_role",
    "action",
    "target_type",
    "target_id",
    "request_id",
    "trace_id",
    "facility_id",
    "source_ip",
    "result",
    "pii_flag",
    "sensitivity",
];

/// Members that every mapping must have rules for.
pub(crate) const REQUIRED: [&str; 5] = ["timestamp", "actor_type", "actor_id", "action", "result"];

/// How the events of one kind become records.
#[derive(Clone, PartialEq, Debug)]
pub struct Mapping {
    /// Array of events inside each value of the input.
    pub(crate) items: Option<Path>,
    /// Place of the event inside each item.
    pub(crate) event: Option<Path>,
    pub(crate) rules: BTreeMap<&'static str, Vec<Rule>>,
}

/// One way to find a value.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Rule {
    pub(crate) from: From,
    /// Value in the event → value of the record; `*` stands for any other.
    pub(crate) map: Option<BTreeMap<String, String>>,
    pub(crate) time: TimeForm,
}

/// Where a rule's value comes from.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum From {
    /// A place in the event.
    Path(Path),
    /// Text around places in the event, all of which must be there.
    Template(Vec<Piece>),
    /// Always this.
    Value(String),
}

/// A part of a template.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Piece {
    Text(String),
    Place(Path),
}

impl Mapping {
    /// Maps one event.
    ///
    /// # Errors
    /// [`MapError`] where a required member is found nowhere, or a value doesn't fit.
    pub fn map(&self, event: &RawValue, limits: &Limits) -> Result<Record, MapError> {
        let object = Object::of(event).ok_or(MapError::NotAnObject)?;
        let found = Found { mapping: self, event: &object };
        let (time, form) = found.first("timestamp").ok_or_else(|| found.missing("timestamp"))?;
        let mut record = Record::new(
            form.parse(&time)?,
            found.need("actor_type", ActorType::parse, "user, device or system")?,
            found.need("actor_id", some, "")?,
            found.need("action", some, "")?,
            found.need("result", Outcome::parse, "success, failure or warning")?,
        );
        record.actor_role = found.text("actor_role");
        record.target_type = found.text("target_type");
        record.target_id = found.text("target_id");
        record.request_id = found.text("request_id");
        record.trace_id = found.text("trace_id");
        record.facility_id = found.text("facility_id");
        record.source_ip = found.text("source_ip");
        let flag = found.valid("pii_flag", |text| text.parse::<bool>().ok(), "true or false")?;
        record.pii_flag = flag.unwrap_or(false);
        let level = found.valid("sensitivity", Sensitivity::parse, "low, medium or high")?;
        record.sensitivity = level.unwrap_or(Sensitivity::Low);
        finish(record, event, found.text("audit_id").as_deref(), limits)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it stands beside parsers that can refuse")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// The rules applied to one event.
struct Found<'e, 'a> {
    mapping: &'e Mapping,
    event: &'e Object<'a>,
}

impl Found<'_, '_> {
    fn rules(&self, member: &str) -> &[Rule] {
        self.mapping.rules.get(member).map_or(&[], Vec::as_slice)
    }

    fn first(&self, member: &str) -> Option<(String, &TimeForm)> {
        let mut rules = self.rules(member).iter();
        rules.find_map(|rule| Some((rule.value(self.event)?, &rule.time)))
    }

    fn text(&self, member: &str) -> Option<String> {
        self.first(member).map(|(text, _)| text)
    }

    fn valid<T>(
        &self,
        member: &'static str,
        parse: impl Fn(&str) -> Option<T>,
        expected: &str,
    ) -> Result<Option<T>, MapError> {
        let Some(text) = self.text(member) else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| MapError::value(member, expected, &text))
    }

    fn need<T>(
        &self,
        member: &'static str,
        parse: impl Fn(&str) -> Option<T>,
        expected: &str,
    ) -> Result<T, MapError> {
        self.valid(member, parse, expected)?.ok_or_else(|| self.missing(member))
    }

    fn missing(&self, member: &'static str) -> MapError {
        let places: Vec<String> = self.rules(member).iter().map(Rule::places).collect();
        MapError::Missing { member, looked_at: places.join(", ") }
    }
}

impl Rule {
    fn value(&self, event: &Object<'_>) -> Option<String> {
        let text = match &self.from {
            From::Value(value) => return Some(value.clone()),
            From::Path(path) => path.text(event)?,
            From::Template(pieces) => {
                let mut out = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Text(text) => out.push_str(text),
                        Piece::Place(path) => out.push_str(&path.text(event)?),
                    }
                }
                out
            }
        };
        match &self.map {
            Some(map) => map.get(&text).or_else(|| map.get("*")).cloned(),
            None => Some(text),
        }
    }

    fn places(&self) -> String {
        match &self.from {
            From::Value(value) => format!("{value:?}"),
            From::Path(path) => path.to_string(),
            From::Template(pieces) => {
                let places = pieces.iter().filter_map(|piece| match piece {
                    Piece::Place(path) => Some(path.to_string()),
                    Piece::Text(_) => None,
                });
                places.collect::<Vec<_>>().join(" and ")
            }
        }
    }
}
