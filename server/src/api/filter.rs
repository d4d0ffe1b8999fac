//! What a question asks for: parameters of a URL or members of a JSON object, as a filter.
//!
//! Invariant: an unknown, empty or impossible parameter is a fault, never ignored; all faults are
//! told at once. Knows nothing about who asks.

use shoseki_engine::query::{
    ActionPattern, AddressPattern, DetailFilter, DetailPath, Filter, Order, SortBy, Word,
};
use shoseki_engine::record::{ActorType, Outcome, Sensitivity, Timestamp};
use shoseki_engine::types::Seq;

use crate::audit::SERVER as PRODUCER;
use crate::problem::{ErrorCode, FaultItem, Problem};

/// Most records of a page.
pub const LIMIT_MAX: usize = 1000;
/// Records of a page where nothing is said.
pub const LIMIT_DEFAULT: usize = 100;
/// Longest value of a parameter in bytes.
const VALUE_LEN_MAX: usize = 1024;
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

/// The members of a JSON object, each a value or an array of values.
///
/// # Errors
/// [`ErrorCode::RequestNotJson`], or [`ErrorCode::InvalidRequest`] where a value is no text,
/// number or truth value.
pub fn of_json(body: &[u8]) -> Result<Vec<Parameter>, Problem> {
    use serde_json::Value;
    let object: std::collections::BTreeMap<String, Value> = super::json::object(body)?;
    let mut parameters = Vec::new();
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    };
    for (name, value) in object {
        let values = match value {
            Value::Null => continue,
            Value::Array(values) => values,
            one => vec![one],
        };
        for value in values {
            let value = text(value).ok_or_else(|| {
                let expected = "a text, a number, true or false, or an array of these";
                fault(ErrorCode::InvalidRequest, vec![item(&name, expected, "")])
            })?;
            parameters.push((name.clone(), value));
        }
    }
    Ok(parameters)
}

/// Reads the parameters of a search.
///
/// # Errors
/// [`ErrorCode::RequestParameter`] with every fault.
pub fn question(parameters: Vec<Parameter>) -> Result<Question, Problem> {
    let mut reader = Reader::new(parameters.len());
    let mut question = Question { order: Order::Descending, ..Question::default() };
    let (mut order, mut limit, mut include_self) = (None, None, None);
    for (name, value) in parameters {
        match name.as_str() {
            "order" => {
                let known = ["asc", "desc", "seq"].contains(&value.as_str());
                let given = known.then(|| value.clone());
                reader.once(&name, &mut order, given, "asc, desc or seq", &value);
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
                let mut explain = None;
                reader.once(&name, &mut explain, flag(&value), "true or false", &value);
                question.explain = explain.unwrap_or_default();
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
        Some("seq") => (question.order, question.sort_by) = (Order::Ascending, SortBy::Seq),
        _ => {}
    }
    question.limit = limit.unwrap_or(LIMIT_DEFAULT);
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
        if value.len() > VALUE_LEN_MAX {
            return self.fault(name, "at most 1024 bytes", "more");
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
            _ => match name.strip_prefix("detail.").map(DetailPath::parse) {
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
