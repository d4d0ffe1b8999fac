//! `shoseki stats`: how many records, how they ended, who did most, and when.
//!
//! Invariant: everything is counted over the records that the filters take; what can't be read is
//! said and never counted.

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;
use shoseki_engine::log::Reader;
use shoseki_engine::query::{Bucket, BucketUnit, Stats as Counted, StatsQuery, ValueCount};
use shoseki_engine::record::{ActorType, Outcome, Sensitivity, Timestamp};

use crate::explain;
use crate::failure::{Failure, Status, Stop};
use crate::filter_args::FilterArgs;
use crate::logs;
use crate::output::{Form, Results, Session};
use crate::remote::{self, Ask, Client, RemoteArgs, Statistics, TOP_MAX};
use crate::table::{Align, Table};

/// Arguments of `stats`.
#[derive(Args, Debug)]
#[command(after_help = "Without filters everything is counted. --from and --to give the period.")]
pub struct Stats {
    /// What to count
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Count over time too, by this part of the calendar
    #[arg(long, value_enum, value_name = "UNIT")]
    pub by: Option<Unit>,
    /// The offset of the calendar, such as +09:00
    #[arg(long, value_name = "OFFSET", value_parser = offset, default_value = "+00:00",
          allow_hyphen_values = true, requires = "by")]
    pub utc_offset: i32,
    /// How many of the most frequent actions, actors and facilities
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// The server to ask; it filters by time and facility only.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// A part of the calendar.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Unit {
    /// Minutes
    Minute,
    /// Hours
    Hour,
    /// Days
    Day,
    /// Weeks from Monday on
    Week,
    /// Months
    Month,
}

impl Unit {
    /// As the server calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

impl From<Unit> for BucketUnit {
    fn from(unit: Unit) -> Self {
        match unit {
            Unit::Minute => Self::Minute,
            Unit::Hour => Self::Hour,
            Unit::Day => Self::Day,
            Unit::Week => Self::Week,
            Unit::Month => Self::Month,
        }
    }
}

/// The counts as they are printed for a program.
#[derive(Serialize)]
struct Report<'a> {
    total: u64,
    failures: u64,
    failure_rate: f64,
    erased: u64,
    unreadable: u64,
    by_result: Named,
    by_sensitivity: Named,
    by_actor_type: Named,
    actions: Vec<Entry<'a>>,
    facilities: Vec<Entry<'a>>,
    actors: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    buckets: Option<Vec<Span>>,
}

type Named = serde_json::Map<String, serde_json::Value>;

#[derive(Serialize)]
struct Entry<'a> {
    value: &'a str,
    count: u64,
}

#[derive(Serialize)]
struct Span {
    start: String,
    total: u64,
    failures: u64,
}

impl Stats {
    /// Counts, or has them counted, and prints.
    ///
    /// # Errors
    /// The log can't be read or the results can't be written.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        let remote = self.remote.client(session)?;
        let reader = if remote.is_none() { Some(logs::reader(session)?) } else { None };
        let counted = match (remote, &reader) {
            (Some(mut client), _) => self.asked(&mut client)?,
            (None, Some(reader)) => self.counted(reader, session)?,
            (None, None) => return Ok(Status::Done),
        };
        let Session { out, notes, .. } = session;
        match out.form() {
            Form::Json => out.json(&self.report(&counted))?,
            Form::Text => self.text(&counted, out)?,
        }
        let status = match counted.unreadable {
            0 => Status::Done,
            count => {
                notes.fault(format_args!(
                    "shoseki: {count} of the records that may match can't be read and are not \
                     counted\n  next:  run `shoseki verify` on the data directory"
                ));
                Status::Found
            }
        };
        Ok(reader.map_or(status, |reader| logs::whole(&reader, status)))
    }

    fn counted(&self, reader: &Reader, session: &Session<'_>) -> Result<Counted, Failure> {
        let unit = self.by.map(BucketUnit::from);
        let buckets = unit.map(|unit| Bucket { unit, utc_offset_minutes: self.utc_offset });
        let query = StatsQuery { filter: self.filter.filter()?, buckets, top: self.top };
        let counted = reader.stats(&query, None);
        counted.map_err(|error| explain::read(&error, session.shared.data_dir()))
    }

    /// The counts of a server.
    fn asked(&self, client: &mut Client) -> Result<Counted, Failure> {
        let mut asked = form_urlencoded::Serializer::new(String::new());
        let mut include_self = "true".to_owned();
        for (name, value) in remote::filter(&self.filter)? {
            let texts: Vec<String> = match value {
                Value::Array(values) => values.iter().map(plain).collect(),
                one => vec![plain(&one)],
            };
            match name.as_str() {
                "from" | "to" | "facility_id" => {
                    asked.extend_pairs(texts.iter().map(|text| (&name, text)));
                }
                "include_self" => include_self = texts.concat(),
                // Names and texts would stand in a URL.
                other => return Err(remote::only_for_directories(&format!("a filter ({other})"))),
            }
        }
        asked.append_pair("include_self", &include_self);
        asked.append_pair("top", &self.top.clamp(1, TOP_MAX).to_string());
        if let Some(unit) = self.by {
            let (sign, minutes) =
                if self.utc_offset < 0 { ('-', -self.utc_offset) } else { ('+', self.utc_offset) };
            asked.append_pair("bucket", unit.name());
            let offset = format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60);
            asked.append_pair("utc_offset", &offset);
        }
        let path = format!("/v1/audit-logs/stats?{}", asked.finish());
        let said: Statistics = client.json(&Ask::get(path))?;
        said.counted(self.top).ok_or_else(|| client.strange(&"a bucket without a time"))
    }

    fn report<'a>(&self, counted: &'a Counted) -> Report<'a> {
        let values = |of: &'a [ValueCount]| {
            of.iter().map(|v| Entry { value: &v.value, count: v.count }).collect()
        };
        let spans = counted.buckets.iter().map(|bucket| Span {
            start: Timestamp::text_of(bucket.start),
            total: bucket.total,
            failures: bucket.failures,
        });
        Report {
            total: counted.total,
            failures: counted.failures(),
            failure_rate: counted.failure_rate(),
            erased: counted.erased,
            unreadable: counted.unreadable,
            by_result: named(&results(counted)),
            by_sensitivity: named(&sensitivities(counted)),
            by_actor_type: named(&actor_types(counted)),
            actions: values(&counted.actions),
            facilities: values(&counted.facilities),
            actors: values(&counted.actors),
            buckets: self.by.map(|_| spans.collect()),
        }
    }

    fn text(&self, counted: &Counted, out: &mut Results<'_>) -> Result<(), Stop> {
        let rate = counted.failure_rate() * 100.0;
        out.line(format_args!("records   {}", counted.total))?;
        out.line(format_args!("failures  {} ({rate:.2} %)", counted.failures()))?;
        if counted.erased > 0 {
            out.line(format_args!("erased    {}", counted.erased))?;
        }
        let fixed: [(&str, Vec<(&str, u64)>); 3] = [
            ("result", results(counted)),
            ("sensitivity", sensitivities(counted)),
            ("actor type", actor_types(counted)),
        ];
        for (name, rows) in fixed {
            table(name, rows, out)?;
        }
        let lists = [
            ("action", &counted.actions),
            ("facility", &counted.facilities),
            ("actor", &counted.actors),
        ];
        for (name, values) in lists {
            let rows = values.iter().map(|v| (v.value.as_str(), v.count)).collect::<Vec<_>>();
            if !rows.is_empty() {
                table(name, rows, out)?;
            }
        }
        if self.by.is_some() {
            self.over_time(counted, out)?;
        }
        Ok(())
    }

    fn over_time(&self, counted: &Counted, out: &mut Results<'_>) -> Result<(), Stop> {
        let columns =
            [("from", Align::Left), ("records", Align::Right), ("failures", Align::Right)];
        let mut table = Table::new(&columns);
        for bucket in &counted.buckets {
            let numbers = [bucket.total.to_string(), bucket.failures.to_string()];
            table.row([Timestamp::text_of(bucket.start)].into_iter().chain(numbers));
        }
        out.line("")?;
        out.table(&table)
    }
}

/// A value of a filter as text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn table<S: AsRef<str>>(
    name: &str,
    rows: impl IntoIterator<Item = (S, u64)>,
    out: &mut Results<'_>,
) -> Result<(), Stop> {
    let mut table = Table::new(&[(name, Align::Left), ("records", Align::Right)]);
    for (value, count) in rows {
        table.row([value.as_ref(), &count.to_string()]);
    }
    out.line("")?;
    out.table(&table)
}

fn results(counted: &Counted) -> Vec<(&'static str, u64)> {
    let names = [Outcome::Success, Outcome::Failure, Outcome::Warning].map(Outcome::as_str);
    names.into_iter().zip(counted.by_result).collect()
}

fn sensitivities(counted: &Counted) -> Vec<(&'static str, u64)> {
    let names = [Sensitivity::Low, Sensitivity::Medium, Sensitivity::High].map(Sensitivity::as_str);
    names.into_iter().zip(counted.by_sensitivity).collect()
}

fn actor_types(counted: &Counted) -> Vec<(&'static str, u64)> {
    let names = [ActorType::User, ActorType::Device, ActorType::System].map(ActorType::as_str);
    names.into_iter().zip(counted.by_actor_type).collect()
}

fn named(rows: &[(&str, u64)]) -> Named {
    rows.iter().map(|(name, count)| ((*name).to_owned(), (*count).into())).collect()
}

/// Minutes of an offset such as `+09:00`, `-0330` or `Z`.
fn offset(text: &str) -> Result<i32, String> {
    let wrong = || format!("{text:?} is no offset; write it like +09:00");
    if matches!(text, "Z" | "z") {
        return Ok(0);
    }
    let (sign, digits) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => return Err(wrong()),
    };
    let digits = digits.replace(':', "");
    let number = |range: std::ops::Range<usize>| -> Option<i32> {
        let part = digits.get(range)?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok()).flatten()
    };
    let (hours, minutes) = (number(0..2), number(2..4));
    match (hours, minutes, digits.len()) {
        (Some(hours @ 0..=23), Some(minutes @ 0..=59), 4) => Ok(sign * (hours * 60 + minutes)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets() {
        for (text, minutes) in
            [("+09:00", 540), ("-03:30", -210), ("Z", 0), ("+0530", 330), ("-00:00", 0)]
        {
            assert_eq!(offset(text), Ok(minutes), "{text}");
        }
        for text in ["", "9", "09:00", "+9", "+24:00", "+09:60", "+09:00:00", "+０9:00", "é"] {
            assert!(offset(text).unwrap_err().contains("+09:00"), "{text}");
        }
    }
}
