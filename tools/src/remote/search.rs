//! Records of a server: searched, page by page, as entries whose hashes were checked here.
//!
//! Invariant: what is asked stands in the body of the request. A filter that the server does not
//! have is refused, never left out.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use shoseki_engine::log::Entry;
use shoseki_engine::query::Explain;

use super::client::{Answer, Ask, Client};
use crate::commands::show::RecordName;
use crate::failure::{Failure, Stop};
use crate::filter_args::FilterArgs;

pub(super) const SEARCH: &str = "/v1/audit-logs/search";
/// Name under which the server's own records stand.
const SERVER: &str = "shoseki";
/// Longest export line: a record and its proof values.
const LINE_LEN_MAX: usize = 32 << 20;

/// The filters as the server takes them.
///
/// # Errors
/// A filter that only a data directory can be asked with.
pub(crate) fn filter(args: &FilterArgs) -> Result<Map<String, Value>, Failure> {
    // What is wrong with them is the same fault as of a data directory.
    args.filter()?;
    let mut asked = Map::new();
    let mut put = |name: &str, value: Value| asked.insert(name.to_owned(), value);
    let lists: [(&str, &[String]); 14] = [
        ("actor_id", &args.actor_id),
        ("actor_role", &args.actor_role),
        ("action", &args.action),
        ("target_type", &args.target_type),
        ("target_id", &args.target_id),
        ("facility_id", &args.facility),
        ("patient_id", &args.patient_id),
        ("appointment_id", &args.appointment_id),
        ("claim_id", &args.claim_id),
        ("document_id", &args.document_id),
        ("run_id", &args.run_id),
        ("request_id", &args.request_id),
        ("trace_id", &args.trace_id),
        ("ingested_by", &args.ingested_by),
    ];
    for (name, values) in lists.into_iter().filter(|(_, values)| !values.is_empty()) {
        put(name, json!(values));
    }
    fn texts<T>(values: &[T], text: impl Fn(&T) -> String) -> Option<Value> {
        (!values.is_empty()).then(|| values.iter().map(text).collect())
    }
    let times = [
        ("from", args.from),
        ("to", args.to),
        ("received_from", args.received_from),
        ("received_to", args.received_to),
    ];
    let times = times.map(|(name, time)| (name, time.map(|time| json!(time.to_string()))));
    let others = [
        ("actor_type", texts(&args.actor_type, |v| v.as_str().to_owned())),
        ("result", texts(&args.result, |v| v.as_str().to_owned())),
        ("sensitivity", texts(&args.sensitivity, |v| v.as_str().to_owned())),
        ("source_ip", texts(&args.source_ip, ToString::to_string)),
        ("word", texts(&args.word, |word| word.text.clone())),
        ("pii_flag", args.pii_flag.map(Value::from)),
        ("after_seq", args.after_seq.map(Value::from)),
    ];
    for (name, value) in times.into_iter().chain(others) {
        if let Some(value) = value {
            put(name, value);
        }
    }
    for given in &args.detail {
        for path in &given.paths {
            let name = format!("detail.{}", path.names().join("."));
            put(&name, json!(given.values));
        }
    }
    match args.not_ingested_by.as_slice() {
        [] => {}
        [own] if own == SERVER => {
            put("include_self", json!(false));
        }
        _ => return Err(only_for_directories("--not-ingested-by with another name than shoseki")),
    }
    Ok(asked)
}

/// Something that a server can't be asked.
pub(crate) fn only_for_directories(what: &str) -> Failure {
    Failure::invalid(format_args!("{what} does not go with --url"))
        .next("leave it out, or run the command on the data directory")
}

/// Pages of one question.
pub(crate) struct Pages {
    client: Client,
    asked: Map<String, Value>,
}

/// One page.
pub(crate) struct Found {
    pub(crate) entries: Vec<Entry>,
    pub(crate) explain: Explain,
    pub(crate) next: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Page<'a> {
    #[serde(borrow)]
    pub(super) records: Vec<&'a RawValue>,
    pub(super) next_cursor: Option<String>,
    #[serde(default)]
    explain: Map<String, Value>,
}

impl Pages {
    pub(crate) fn new(client: Client, asked: Map<String, Value>) -> Self {
        Self { client, asked }
    }

    /// The page behind `cursor`.
    pub(crate) fn page(&mut self, limit: usize, cursor: Option<&str>) -> Result<Found, Failure> {
        self.asked.insert("limit".to_owned(), json!(limit));
        self.asked.insert("cursor".to_owned(), json!(cursor));
        let text = self.client.text(&Ask::post(SEARCH, &Value::Object(self.asked.clone())))?;
        let page: Page<'_> =
            serde_json::from_slice(&text).map_err(|error| self.client.strange(&error))?;
        let entries = page.records.iter().map(|raw| entry(raw.get().as_bytes(), &self.client));
        Ok(Found {
            entries: entries.collect::<Result<_, _>>()?,
            explain: explain(&page.explain),
            next: page.next_cursor,
        })
    }
}

fn entry(line: &[u8], client: &Client) -> Result<Entry, Failure> {
    Entry::from_export_line(line).map_err(|error| client.strange(&error))
}

fn explain(said: &Map<String, Value>) -> Explain {
    let number = |name: &str| said.get(name).and_then(Value::as_u64).unwrap_or_default();
    Explain {
        segments: number("segments"),
        segments_pruned: number("segments_pruned"),
        shards: number("shards"),
        shards_pruned: number("shards_pruned"),
        shards_asked: number("shards_asked"),
        shards_damaged: number("shards_damaged"),
        candidates: number("candidates"),
        groups_read: number("groups_read"),
        groups_cached: number("groups_cached"),
        records_read: number("records_read"),
        scanned: number("scanned"),
        matched: number("matched"),
        damaged: number("damaged"),
        elapsed: Duration::from_micros(number("elapsed_us")),
    }
}

/// Every record that matches, in the order of the log, as one answer that is read as it comes.
pub(crate) fn entries_of(
    client: &mut Client,
    mut asked: Map<String, Value>,
    mut each: impl FnMut(Entry) -> Result<(), Stop>,
) -> Result<(), Stop> {
    asked.insert("order".to_owned(), json!("seq"));
    let ask = Ask::post(SEARCH, &Value::Object(asked)).accept("application/x-ndjson");
    let lost = |client: &Client, error: super::RemoteError| error.failure(client.base());
    let mut answer: Answer = client.ask(&ask).map_err(|error| lost(client, error))?;
    let mut buffer: Vec<u8> = Vec::new();
    while let Some(part) = client.part(&mut answer).map_err(|error| lost(client, error))? {
        let old = buffer.len();
        buffer.extend_from_slice(&part);
        let Some(end) = buffer.iter().skip(old).rposition(|byte| *byte == b'\n') else {
            if buffer.len() > LINE_LEN_MAX {
                return Err(client.strange(&"a line without end").into());
            }
            continue;
        };
        let rest = buffer.split_off(old + end + 1);
        let lines = std::mem::replace(&mut buffer, rest);
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            each(entry(line, client)?)?;
        }
    }
    if buffer.is_empty() { Ok(()) } else { Err(client.strange(&"a line without end").into()) }
}

/// One record by its name; several where several producers gave the same identifier.
pub(crate) fn record(client: &mut Client, name: RecordName) -> Result<Vec<Entry>, Failure> {
    let id = match name {
        RecordName::Seq(seq) => return Ok(vec![at(client, seq.0)?]),
        RecordName::AuditId(id) => id,
    };
    #[derive(Deserialize)]
    struct Detail<'a> {
        #[serde(borrow)]
        record: &'a RawValue,
        #[serde(default)]
        others: Vec<u64>,
    }
    let text = client.text(&Ask::get(format!("/v1/audit-logs/{id}")))?;
    let detail: Detail<'_> =
        serde_json::from_slice(&text).map_err(|error| client.strange(&error))?;
    let first = entry(detail.record.get().as_bytes(), client)?;
    if first.audit_id().is_some_and(|found| found != id) {
        return Err(client.strange(&"the record has another audit_id"));
    }
    let mut found = vec![first];
    for seq in detail.others {
        found.push(at(client, seq)?);
    }
    found.sort_by_key(|entry| std::cmp::Reverse(entry.seq()));
    Ok(found)
}

/// The record in this place.
pub(super) fn at(client: &mut Client, seq: u64) -> Result<Entry, Failure> {
    let before = seq.checked_sub(1);
    let asked = json!({"order": "seq", "limit": 1, "after_seq": before});
    let text = client.text(&Ask::post(SEARCH, &asked))?;
    let page: Page<'_> = serde_json::from_slice(&text).map_err(|error| client.strange(&error))?;
    let found = page.records.first().map(|raw| entry(raw.get().as_bytes(), client)).transpose()?;
    found.filter(|entry| entry.seq().0 == seq).ok_or_else(|| {
        Failure::invalid(format_args!("there is no record {seq}, or not for this token"))
            .at(client.base())
            .next("look for it with `shoseki query --url`")
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        filter: FilterArgs,
    }

    fn asked(args: &[&str]) -> Result<Map<String, Value>, Failure> {
        let args = std::iter::once("query").chain(args.iter().copied());
        filter(&Line::try_parse_from(args).expect("good").filter)
    }

    #[test]
    fn every_filter_reaches_the_server() {
        let pairs = [
            ("--from", "2026-01-01T00:00:00Z", "from"),
            ("--to", "2026-02-01T00:00:00Z", "to"),
            ("--actor-id", "a", "actor_id"),
            ("--actor-type", "user", "actor_type"),
            ("--actor-role", "r", "actor_role"),
            ("--action", "READ_*", "action"),
            ("--result", "failure", "result"),
            ("--target-type", "t", "target_type"),
            ("--target-id", "i", "target_id"),
            ("--facility", "F", "facility_id"),
            ("--patient-id", "P", "patient_id"),
            ("--appointment-id", "A", "appointment_id"),
            ("--claim-id", "C", "claim_id"),
            ("--document-id", "D", "document_id"),
            ("--run-id", "R", "run_id"),
            ("--request-id", "q", "request_id"),
            ("--trace-id", "t", "trace_id"),
            ("--source-ip", "192.0.2.0/24", "source_ip"),
            ("--sensitivity", "high", "sensitivity"),
            ("--pii-flag", "true", "pii_flag"),
            ("--ingested-by", "p", "ingested_by"),
            ("--not-ingested-by", "shoseki", "include_self"),
            ("--received-from", "2026-01-01T00:00:00Z", "received_from"),
            ("--received-to", "2026-01-02T00:00:00Z", "received_to"),
            ("--after-seq", "7", "after_seq"),
            ("--detail", "after.inDays=7", "detail.after.inDays"),
            ("--word", "佐藤", "word"),
        ];
        let args: Vec<&str> = pairs.iter().flat_map(|(name, value, _)| [*name, *value]).collect();
        let all = asked(&args).expect("good");
        let mut names: Vec<&str> = pairs.iter().map(|(_, _, name)| *name).collect();
        names.sort_unstable();
        let mut known: Vec<&str> = all.keys().map(String::as_str).collect();
        known.sort_unstable();
        assert_eq!(known, names);
        assert_eq!(all["source_ip"], json!(["192.0.2.0/24"]));
        assert_eq!(all["detail.after.inDays"], json!(["7"]));
        assert_eq!(all["include_self"], json!(false));
        // Each option of the command is among them.
        let command = <Line as clap::CommandFactory>::command();
        let options = command.get_arguments().filter(|arg| arg.get_id() != "help").count();
        assert_eq!(options, pairs.len());
    }

    #[test]
    fn what_the_server_has_no_filter_for_is_refused() {
        assert!(asked(&["--not-ingested-by", "other"]).is_err());
        assert!(
            asked(&["--from", "2026-01-02T00:00:00Z", "--to", "2026-01-01T00:00:00Z"]).is_err()
        );
    }
}
