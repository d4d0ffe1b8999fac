//! Mapping files: TOML to rules.
//!
//! ```toml
//! [input]                      # optional
//! items = "Records"            # each value of the input holds an array of events here
//! event = "detail"             # the event inside each item
//!
//! [fields]                     # a member of the record = where to look, first hit decides
//! timestamp = [{ path = "published", zone = "Z" }, { path = "ms", unit = "ms" }]
//! actor_id = ["actor.alternateId", "actor.id", { value = "unknown" }]
//! action = { template = "{app}:{name}" }
//! result = { path = "outcome", map = { OK = "success", "*" = "failure" } }
//! ```
//!
//! Invariant: every fault of a file is reported at once, and a mapping that loads can only produce
//! enum values that exist. Knows nothing about events.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use shoseki_engine::record::{ActorType, Outcome, Sensitivity};
use toml::{Table, Value};

use crate::mapping::{From, MEMBERS, Mapping, Piece, REQUIRED, Rule};
use crate::path::Path;
use crate::time::TimeForm;

/// Everything that is wrong with a mapping file, one sentence each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MappingFaults(pub Vec<String>);

impl fmt::Display for MappingFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for MappingFaults {}

impl FromStr for Mapping {
    type Err = MappingFaults;

    fn from_str(text: &str) -> Result<Self, MappingFaults> {
        let table: Table = text
            .parse()
            .map_err(|error: toml::de::Error| MappingFaults(vec![error.to_string()]))?;
        let mut reader = Reader::default();
        let mapping = reader.mapping(&table);
        if reader.faults.is_empty() { Ok(mapping) } else { Err(MappingFaults(reader.faults)) }
    }
}

/// Collects faults while reading.
#[derive(Default)]
struct Reader {
    faults: Vec<String>,
}

impl Reader {
    fn fault(&mut self, place: &str, what: impl fmt::Display) {
        self.faults.push(format!("{place}: {what}"));
    }

    fn mapping(&mut self, table: &Table) -> Mapping {
        let empty = Table::new();
        for (name, value) in table {
            if !matches!(name.as_str(), "input" | "fields") || !value.is_table() {
                self.fault(name, "expected the tables [input] and [fields] only");
            }
        }
        let sub = |name| table.get(name).and_then(Value::as_table).unwrap_or(&empty);
        let (input, fields) = (sub("input"), sub("fields"));
        for name in input.keys().filter(|name| !matches!(name.as_str(), "items" | "event")) {
            self.fault(&format!("input.{name}"), "unknown; expected items or event");
        }
        for name in fields.keys().filter(|name| !MEMBERS.contains(&name.as_str())) {
            self.fault(&format!("fields.{name}"), "unknown; expected a member of a record");
        }
        for name in REQUIRED.iter().filter(|name| !fields.contains_key(**name)) {
            self.fault(&format!("fields.{name}"), "missing; every record needs it");
        }
        let mut rules = BTreeMap::new();
        for member in MEMBERS {
            if let Some(value) = fields.get(member) {
                rules.insert(member, self.alternatives(member, value));
            }
        }
        Mapping {
            items: self.path("input.items", input.get("items")),
            event: self.path("input.event", input.get("event")),
            rules,
        }
    }

    fn alternatives(&mut self, member: &str, value: &Value) -> Vec<Rule> {
        let place = format!("fields.{member}");
        let Some(many) = value.as_array() else {
            return self.rule(&place, member, value).into_iter().collect();
        };
        let rules = many
            .iter()
            .enumerate()
            .map(|(index, value)| self.rule(&format!("{place}[{index}]"), member, value));
        rules.flatten().collect()
    }

    fn rule(&mut self, place: &str, member: &str, value: &Value) -> Option<Rule> {
        let table = match value {
            Value::String(path) => {
                let from = From::Path(self.parse_path(place, path)?);
                return Some(Rule { from, map: None, time: TimeForm::default() });
            }
            Value::Table(table) => table,
            _ => {
                self.fault(place, "expected a path in quotes or { path = …, map = … }");
                return None;
            }
        };
        let known = ["path", "template", "value", "map", "unit", "zone"];
        for name in table.keys().filter(|name| !known.contains(&name.as_str())) {
            self.fault(&format!("{place}.{name}"), format_args!("unknown; expected {known:?}"));
        }
        let text = |name: &str| table.get(name).and_then(Value::as_str);
        let from = match (text("path"), text("template"), text("value")) {
            (Some(path), None, None) => From::Path(self.parse_path(place, path)?),
            (None, Some(template), None) => From::Template(self.template(place, template)?),
            (None, None, Some(value)) => From::Value(value.to_owned()),
            _ => {
                self.fault(place, "expected one of path, template and value, as text");
                return None;
            }
        };
        let map = table.get("map").map(|map| self.map(place, map));
        let results = match (&from, &map) {
            (From::Value(value), _) => vec![value.as_str()],
            (_, Some(map)) => map.values().map(String::as_str).collect(),
            _ => Vec::new(),
        };
        self.check_results(place, member, &results);
        Some(Rule { from, time: self.time(place, member, table), map })
    }

    fn map(&mut self, place: &str, value: &Value) -> BTreeMap<String, String> {
        let mut map = BTreeMap::new();
        let Some(table) = value.as_table() else {
            self.fault(&format!("{place}.map"), "expected a table of text to text");
            return map;
        };
        for (from, to) in table {
            match to.as_str() {
                Some(to) => drop(map.insert(from.clone(), to.to_owned())),
                None => self.fault(&format!("{place}.map.{from}"), "expected text"),
            }
        }
        map
    }

    /// Enum members take only the values that exist.
    fn check_results(&mut self, place: &str, member: &str, results: &[&str]) {
        for result in results {
            let (fits, expected) = match member {
                "actor_type" => (ActorType::parse(result).is_some(), "user, device or system"),
                "result" => (Outcome::parse(result).is_some(), "success, failure or warning"),
                "sensitivity" => (Sensitivity::parse(result).is_some(), "low, medium or high"),
                "pii_flag" => (result.parse::<bool>().is_ok(), "true or false"),
                _ => (!result.is_empty(), "a text that is not empty"),
            };
            if !fits {
                self.fault(place, format_args!("expected {expected}, got {result:?}"));
            }
        }
    }

    fn time(&mut self, place: &str, member: &str, table: &Table) -> TimeForm {
        let (unit, zone) = (table.get("unit"), table.get("zone"));
        if member != "timestamp" && (unit.is_some() || zone.is_some()) {
            self.fault(place, "unit and zone belong to timestamp only");
        }
        match (unit.map(Value::as_str), zone.map(Value::as_str)) {
            (None, None) => TimeForm::Rfc3339,
            (Some(Some(unit)), None) => TimeForm::epoch(unit).unwrap_or_else(|| {
                self.fault(place, format_args!("unit {unit:?}: expected s, ms, us or ns"));
                TimeForm::default()
            }),
            (None, Some(Some(zone))) => {
                let form = TimeForm::Local(zone.to_owned());
                if form.parse("2000-01-01T00:00:00").is_err() {
                    self.fault(place, format_args!("zone {zone:?}: expected Z or like +09:00"));
                }
                form
            }
            _ => {
                self.fault(place, "expected either a unit or a zone, as text");
                TimeForm::default()
            }
        }
    }

    fn path(&mut self, place: &str, value: Option<&Value>) -> Option<Path> {
        let value = value?;
        match value.as_str() {
            Some(path) => self.parse_path(place, path),
            None => {
                self.fault(place, "expected a path in quotes");
                None
            }
        }
    }

    fn parse_path(&mut self, place: &str, path: &str) -> Option<Path> {
        path.parse().map_err(|error| self.fault(place, error)).ok()
    }

    fn template(&mut self, place: &str, template: &str) -> Option<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut rest = template;
        while let Some((text, tail)) = rest.split_once('{') {
            let Some((path, tail)) = tail.split_once('}') else {
                self.fault(place, "a { without its }");
                return None;
            };
            if !text.is_empty() {
                pieces.push(Piece::Text(text.to_owned()));
            }
            pieces.push(Piece::Place(self.parse_path(place, path)?));
            rest = tail;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Some(pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_file_is_reported_at_once() {
        let text = r#"
            typo = 1
            [input]
            item = "x"
            [fields]
            timestamp = { path = "t", unit = "weeks" }
            actor_type = { value = "robot" }
            actor_id = ["a..b", 5]
            result = { path = "r", map = { ok = "SUCCESS" }, default = "x" }
            who = "x"
            target_id = { template = "{a" }
            request_id = { path = "a", value = "b" }
            trace_id = { path = "a", zone = "Z" }
        "#;
        let faults = text.parse::<Mapping>().expect_err("faults").0;
        let places = [
            "typo",
            "input.item",
            "fields.who",
            "fields.action",
            "fields.timestamp",
            "fields.actor_type",
            "fields.actor_id[0]",
            "fields.actor_id[1]",
            "fields.result.default",
            "fields.result",
            "fields.target_id",
            "fields.request_id",
            "fields.trace_id",
        ];
        for place in places {
            let named = faults.iter().filter(|fault| fault.starts_with(&format!("{place}: ")));
            assert_eq!(named.count(), 1, "{place}\n{faults:#?}");
        }
        assert_eq!(faults.len(), places.len(), "{faults:#?}");
        assert!("[fields".parse::<Mapping>().is_err());
    }
}
