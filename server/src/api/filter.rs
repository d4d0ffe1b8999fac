//! What a question asks for: parameters of a URL or members of a JSON object, as a filter.
//!
//! Invariant: an unknown, empty or impossible parameter is a fault, never ignored; all faults are
//! told at once. Knows nothing about who asks.

use shoseki_engine::query::{
    ActionPattern, AddressPattern, DetailFilter, DetailPath, Filter, Order, SortBy, Word,
};
use shoseki_engine::record::{ActorType, Outcome, Sensitivity, Timestamp};
use shoseki_engine::types::Seq;

use super::parameters::{self, DETAIL, Kind, LIMIT_MAX, SEARCH, TEXT_LEN_MAX};
use crate::audit::SERVER as PRODUCER;
use crate::problem::{ErrorCode, FaultItem, Problem};

/// Records of a page where nothing is said.
pub const LIMIT_DEFAULT: usize = 100;
/// Most values of all parameters together.
const VALUES_MAX: usize = 1000;

/// A question.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Question {
    /// Which records.
    pub filter: Filter,
    /// Which end first.
    pub order: Order,
    /// Whether time decides, or the order of the log.
    pub sort_by: SortBy,
    /// Records of a page.
    pub limit: usize,
    /// Where the page before ended, as it was given.
    pub cursor: Option<String>,
    /// Whether to say what was read.
    pub explain: bool,
    /// The filter as it was asked, for the self-audit: names and values.
    pub asked: Vec<(String, String)>,
}

/// One parameter: its name and a value.
pub type Parameter = (String, String);

/// The parameters of a query string.
#[must_use]
pub fn of_query(query: Option<&str>) -> Vec<Parameter> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}

/// The members of a JSON object, each a value or, where several may be given, an array of them.
///
/// # Errors
/// [`ErrorCode::RequestNotJson`], or [`ErrorCode::InvalidRequest`] with every member that is
/// unknown or of another type.
pub fn of_json(body: &[u8]) -> Result<Vec<Parameter>, Problem> {
    use serde_json::Value;
    let mut parameters = Vec::new();
    let mut faults = Vec::new();
    for (name, value) in super::json::object(body)? {
        let Some((kind, many)) = place_of(&name) else {
            faults.push(item(&name, "no member of this name", ""));
            continue;
        };
        let values = match value {
            Value::Null => continue,
            Value::Array(values) if many && !values.is_empty() => values,
            one => vec![one],
        };
        for value in values {
            match text_of(kind, value) {
                Some(text) => parameters.push((name.clone(), text)),
                None => faults.push(item(&name, kind.in_json(), "")),
            }
        }
    }
    if faults.is_empty() { Ok(parameters) } else { Err(fault(ErrorCode::InvalidRequest, faults)) }
}

/// What the values of a parameter of this name are, and whether there may be several.
fn place_of(name: &str) -> Option<(Kind, bool)> {
    let known = parameters::find(SEARCH, name).map(|known| (known.kind, known.many));
    known.or_else(|| name.starts_with(DETAIL).then_some((Kind::Id, true)))
}

/// A value as a URL has it; numbers that lose nothing only.
fn text_of(kind: Kind, value: serde_json::Value) -> Option<String> {
    use serde_json::Value;
    match (kind, value) {
        (Kind::Flag, Value::Bool(flag)) => Some(flag.to_string()),
        (Kind::Flag | Kind::Integer(..), Value::String(_)) => None,
        (_, Value::String(text)) => Some(text),
        (Kind::Id | Kind::Integer(..), Value::Number(number)) if !number.is_f64() => {
            Some(number.to_string())
        }
        _ => None,
    }
}

impl Kind {
    fn in_json(self) -> &'static str {
        match self {
            Self::Flag => "true or false",
            Self::Integer(..) => "an integer",
            Self::Id => "a text or an integer of at most 64 bits",
            _ => "a text",
        }
    }
}

/// Reads the parameters of a search.
///
/// # Errors
/// [`ErrorCode::RequestParameter`] with every fault.
pub fn question(parameters: Vec<Parameter>) -> Result<Question, Problem> {
    let mut reader = Reader::new(parameters.len());
    let mut question = Question { order: Order::Descending, ..Question::default() };
    let (mut order, mut limit, mut explain, mut include_self) = (None, None, None, None);
    for (name, value) in parameters {
        if place_of(&name).is_none() {
            reader.fault(&name, "no parameter of this name", "");
            continue;
        }
        match name.as_str() {
            "order" => {
                let known = ["asc", "desc", "seq", "seq_desc"].contains(&value.as_str());
                let given = known.then(|| value.clone());
                reader.once(&name, &mut order, given, "asc, desc, seq or seq_desc", &value);
            }
            "limit" => {
                let number = value.parse().ok().filter(|n| (1..=LIMIT_MAX).contains(n));
                reader.once(&name, &mut limit, number, "a number from 1 to 1000", &value);
            }
            "cursor" => {
                let given = (!value.is_empty()).then(|| value.clone());
                reader.once(&name, &mut question.cursor, given, "a cursor of a page before", "");
            }
            "explain" => {
                reader.once(&name, &mut explain, flag(&value), "true or false", &value);
            }
            "include_self" => {
                reader.once(&name, &mut include_self, flag(&value), "true or false", &value);
            }
            _ => {
                reader.filter(&name, &value, &mut question.filter);
                question.asked.push((name, value));
            }
        }
    }
    match order.as_deref() {
        Some("asc") => question.order = Order::Ascending,
        Some("seq_desc") => question.sort_by = SortBy::Seq,
        Some("seq") => (question.order, question.sort_by) = (Order::Ascending, SortBy::Seq),
        _ => {}
    }
    question.limit = limit.unwrap_or(LIMIT_DEFAULT);
    question.explain = explain.unwrap_or_default();
    if include_self == Some(false) {
        question.filter.not_ingested_by.push(PRODUCER.to_owned());
    }
    reader.finish(&question.filter)?;
    Ok(question)
}

/// Reads `name=value` pairs into filters and keeps what is wrong with them.
pub struct Reader {
    faults: Vec<FaultItem>,
    received: usize,
}

impl Reader {
    /// A reader of so many parameters.
    #[must_use]
    pub fn new(received: usize) -> Self {
        Self { faults: Vec::new(), received }
    }

    /// Keeps a value that may be given once.
    pub fn once<T>(
        &mut self,
        name: &str,
        place: &mut Option<T>,
        value: Option<T>,
        expected: &str,
        got: &str,
    ) {
        match (value, place.is_some()) {
            (Some(_), true) => self.fault(name, "one value", "more than one"),
            (Some(value), false) => *place = Some(value),
            (None, _) => self.fault(name, expected, got),
        }
    }

    /// Says that a parameter is wrong.
    pub fn fault(&mut self, name: &str, expected: &str, got: &str) {
        self.faults.push(item(name, expected, got));
    }

    /// One condition.
    pub fn filter(&mut self, name: &str, value: &str, filter: &mut Filter) {
        if value.is_empty() {
            return self.fault(name, "a value", "nothing");
        }
        if value.chars().count() > TEXT_LEN_MAX {
            return self.fault(name, "at most 1024 characters", "more");
        }
        let text = value.to_owned();
        match name {
            "from" => self.time(name, value, &mut filter.from),
            "to" => self.time(name, value, &mut filter.to),
            "received_from" => self.time(name, value, &mut filter.received_from),
            "received_to" => self.time(name, value, &mut filter.received_to),
            "actor_id" => filter.actor_id.push(text),
            "actor_role" => filter.actor_role.push(text),
            "action" => filter.action.push(ActionPattern::parse(value)),
            "target_type" => filter.target_type.push(text),
            "target_id" => filter.target_id.push(text),
            "facility_id" => filter.facility_id.push(text),
            "request_id" => filter.request_id.push(text),
            "trace_id" => filter.trace_id.push(text),
            "ingested_by" => filter.ingested_by.push(text),
            "actor_type" => {
                let expected = "user, device or system";
                self.one_of(name, value, ActorType::parse, expected, &mut filter.actor_type);
            }
            "result" => {
                let expected = "success, failure or warning";
                self.one_of(name, value, Outcome::parse, expected, &mut filter.result);
            }
            "sensitivity" => {
                let expected = "low, medium or high";
                self.one_of(name, value, Sensitivity::parse, expected, &mut filter.sensitivity);
            }
            "source_ip" => {
                let parse = |text: &str| AddressPattern::parse(text).ok();
                let expected = "an address, a network such as 192.0.2.0/24, or a name";
                self.one_of(name, value, parse, expected, &mut filter.source_ip);
            }
            "word" => {
                let parse = |text: &str| Some(Word::new(text)).filter(|word| !word.is_empty());
                self.one_of(name, value, parse, "letters or digits", &mut filter.words);
            }
            "pii_flag" => {
                self.once(name, &mut filter.pii_flag, flag(value), "true or false", value);
            }
            "after_seq" => {
                let seq = value.parse().ok().map(Seq);
                self.once(name, &mut filter.after_seq, seq, "a seq", value);
            }
            "patient_id" => add(&mut filter.detail, DetailFilter::patient(vec![text])),
            "appointment_id" => add(&mut filter.detail, DetailFilter::appointment(vec![text])),
            "claim_id" => add(&mut filter.detail, DetailFilter::claim(vec![text])),
            "document_id" => add(&mut filter.detail, DetailFilter::document(vec![text])),
            "run_id" => add(&mut filter.detail, DetailFilter::run(vec![text])),
            _ => match name.strip_prefix(DETAIL).map(DetailPath::parse) {
                Some(Ok(path)) => {
                    let given =
                        DetailFilter { paths: vec![path], ..DetailFilter::member("", vec![text]) };
                    add(&mut filter.detail, given);
                }
                Some(Err(_)) => self.fault(name, "detail. and a path such as after.inDays", ""),
                None => self.fault(name, "no parameter of this name", ""),
            },
        }
    }

    fn one_of<T>(
        &mut self,
        name: &str,
        value: &str,
        parse: impl Fn(&str) -> Option<T>,
        expected: &str,
        values: &mut Vec<T>,
    ) {
        match parse(value) {
            Some(value) => values.push(value),
            None => self.fault(name, expected, value),
        }
    }

    /// A time; where a `+` became a space on its way, it is one again.
    fn time(&mut self, name: &str, value: &str, place: &mut Option<Timestamp>) {
        match Timestamp::parse(&value.replace(' ', "+")) {
            Ok(time) => self.once(name, place, Some(time), "", ""),
            Err(error) => self.fault(name, &error.to_string(), value),
        }
    }

    /// What does not go together, and everything that was wrong.
    ///
    /// # Errors
    /// [`ErrorCode::RequestParameter`].
    pub fn finish(mut self, filter: &Filter) -> Result<(), Problem> {
        let periods = [
            ("from", filter.from, filter.to),
            ("received_from", filter.received_from, filter.received_to),
        ];
        for (name, from, to) in periods {
            if let (Some(from), Some(to)) = (from, to)
                && from >= to
            {
                self.fault(name, "a time before the end of the period", &from.to_string());
            }
        }
        if self.received > VALUES_MAX {
            self.fault("", "at most 1000 values", "more");
        }
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(fault(ErrorCode::RequestParameter, self.faults))
        }
    }
}

/// `true` or `false`.
#[must_use]
pub fn flag(value: &str) -> Option<bool> {
    match value {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Several values of one path are alternatives.
fn add(filters: &mut Vec<DetailFilter>, given: DetailFilter) {
    match filters.iter_mut().find(|other| other.paths == given.paths) {
        Some(same) => same.values.extend(given.values),
        None => filters.push(given),
    }
}

fn item(name: &str, expected: &str, got: &str) -> FaultItem {
    let got: String = got.chars().take(32).collect();
    FaultItem {
        parameter: Some(name.chars().take(64).collect()),
        expected: Some(expected.to_owned()),
        got: (!got.is_empty()).then_some(got),
        ..FaultItem::default()
    }
}

fn fault(code: ErrorCode, faults: Vec<FaultItem>) -> Problem {
    let first = faults.first();
    let name = first.and_then(|item| item.parameter.as_deref()).unwrap_or_default();
    let expected = first.and_then(|item| item.expected.as_deref()).unwrap_or_default();
    let detail = format!("{name}: expected {expected}");
    Problem::new(code, detail).with_errors(faults)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a value that is missing is the test's failure")]

    use super::super::parameters::STATISTICS;
    use super::*;

    fn sample(kind: Kind) -> String {
        match kind {
            Kind::Text | Kind::Id | Kind::Word | Kind::Cursor => "x".to_owned(),
            Kind::Time => "2026-11-21T09:30:00Z".to_owned(),
            Kind::OneOf(names) => names.first().copied().unwrap_or_default().to_owned(),
            Kind::Flag => "true".to_owned(),
            Kind::Integer(_, max) => max.to_string(),
            Kind::Offset => "+09:00".to_owned(),
        }
    }

    #[test]
    fn every_parameter_of_the_table_is_read_and_no_other() {
        for known in SEARCH {
            // What is not the default, so that it makes a difference.
            let value =
                if known.name == "include_self" { "false".into() } else { sample(known.kind) };
            let given = (known.name.to_owned(), value);
            let twice = vec![given.clone(), given.clone()];
            assert_ne!(question(vec![given]).unwrap(), question(Vec::new()).unwrap(), "{known:?}");
            assert_eq!(question(twice).is_ok(), known.many, "{known:?}");
            let empty = vec![(known.name.to_owned(), String::new())];
            assert!(question(empty).is_err(), "{known:?}");
        }
        let path = vec![("detail.after.inDays".to_owned(), "1".to_owned())];
        assert_eq!(question(path).unwrap().filter.detail.len(), 1);
        for unknown in STATISTICS.iter().filter(|known| place_of(known.name).is_none()) {
            let given = vec![(unknown.name.to_owned(), sample(unknown.kind))];
            assert!(question(given).is_err(), "{unknown:?}");
        }
    }

    #[test]
    fn members_of_a_question_have_types() {
        let all = br#"{"patient_id":["7",18446744073709551615],"limit":5,"pii_flag":true,
            "word":null,"detail.after":-3}"#;
        let read = of_json(all).unwrap();
        let read: Vec<_> =
            read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected = [
            ("detail.after", "-3"),
            ("limit", "5"),
            ("patient_id", "7"),
            ("patient_id", "18446744073709551615"),
            ("pii_flag", "true"),
        ];
        assert_eq!(read, expected);
        for wrong in [
            r#"{"actor_id":5}"#,
            r#"{"actor_id":[]}"#,
            r#"{"limit":"5"}"#,
            r#"{"limit":[5]}"#,
            r#"{"pii_flag":"true"}"#,
            r#"{"patient_id":1.10}"#,
            r#"{"patient_id":18446744073709551616}"#,
            r#"{"bucket":"day"}"#,
        ] {
            let problem = of_json(wrong.as_bytes()).unwrap_err();
            assert_eq!(
                (problem.code, problem.errors.len()),
                (ErrorCode::InvalidRequest, 1),
                "{wrong}"
            );
        }
    }
}
