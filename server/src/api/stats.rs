//! `GET /v1/audit-logs/stats`: counts of a period.
//!
//! Invariant: a caller counts what it may see; the server's own records are left out unless they
//! are asked for.

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use shoseki_engine::query::{Bucket, BucketUnit, StatsQuery};

use super::filter::{self, Parameter, Reader};
use super::parameters::{self, STATISTICS, TOP_MAX};
use super::{json, scope};
use crate::app::Shared;
use crate::audit::{PageSeen, Question, SERVER, TimeRange};
use crate::authenticated::{May, Reads};
use crate::correlation::Correlation;
use crate::documents::{ACTIONS_MAX, Statistics};
use crate::problem::Problem;

/// Most frequent values where nothing is said.
const TOP_DEFAULT: usize = 10;

/// Counts.
#[utoipa::path(
    get, path = "/v1/audit-logs/stats", operation_id = "countRecords", tag = "records",
    responses((status = 200, description = "Done"))
)]
pub async fn stats(
    State(app): State<Shared>,
    May { caller, .. }: May<Reads>,
    request: Request,
) -> Result<Response, Problem> {
    let correlation = Correlation::of(request.extensions());
    let parameters = filter::of_query(request.uri().query());
    let Asked { mut query, top, asked } = read(parameters)?;
    scope::narrow(&caller, &mut query.filter)?;
    let reader = app.reader.clone();
    let (from, to) = (query.filter.from, query.filter.to);
    let counted = app.queries.run(move |cancel| reader.stats(&query, Some(cancel))).await?;
    let text = |time: Option<shoseki_engine::record::Timestamp>| time.map(|time| time.to_string());
    let range = TimeRange { from: text(from), to: text(to) };
    let resource = "/v1/audit-logs/stats".to_owned();
    let asked = Question { resource, range, parameters: asked };
    let page = PageSeen { session: None, last: true, records: 0 };
    app.audit.query(&correlation, &asked, page).await?;
    let statistics = Statistics::new(&counted, top);
    let body = serde_json::to_vec(&statistics).map_err(|error| Problem::internal(&error))?;
    Ok(json::answer(StatusCode::OK, body))
}

struct Asked {
    query: StatsQuery,
    top: usize,
    asked: Vec<Parameter>,
}

fn read(parameters: Vec<Parameter>) -> Result<Asked, Problem> {
    let mut reader = Reader::new(parameters.len());
    let mut query = StatsQuery::default();
    let (mut top, mut unit, mut offset, mut include_self) = (None, None, None, None);
    let mut asked = Vec::new();
    for (name, value) in parameters {
        if parameters::find(STATISTICS, &name).is_none() {
            reader.fault(&name, "no parameter of this name", "");
            continue;
        }
        match name.as_str() {
            "top" => {
                let number = value.parse().ok().filter(|n| (1..=TOP_MAX).contains(n));
                reader.once(&name, &mut top, number, "a number from 1 to 1000", &value);
            }
            "bucket" => {
                let expected = "minute, hour, day, week or month";
                reader.once(&name, &mut unit, bucket_unit(&value), expected, &value);
            }
            "utc_offset" => {
                let expected = "an offset such as +09:00";
                reader.once(&name, &mut offset, minutes(&value), expected, &value);
            }
            "include_self" => {
                let given = filter::flag(&value);
                reader.once(&name, &mut include_self, given, "true or false", &value);
            }
            _ => {
                reader.filter(&name, &value, &mut query.filter);
                asked.push((name, value));
            }
        }
    }
    if !include_self.unwrap_or(false) {
        query.filter.not_ingested_by.push(SERVER.to_owned());
    }
    reader.finish(&query.filter)?;
    let utc_offset_minutes = offset.unwrap_or(0);
    query.buckets = unit.map(|unit| Bucket { unit, utc_offset_minutes });
    query.top = ACTIONS_MAX;
    Ok(Asked { query, top: top.unwrap_or(TOP_DEFAULT), asked })
}

fn bucket_unit(name: &str) -> Option<BucketUnit> {
    Some(match name {
        "minute" => BucketUnit::Minute,
        "hour" => BucketUnit::Hour,
        "day" => BucketUnit::Day,
        "week" => BucketUnit::Week,
        "month" => BucketUnit::Month,
        _ => return None,
    })
}

/// Minutes of `+09:00`, `-03:30`, `Z`; a `+` that became a space on its way is one again.
fn minutes(text: &str) -> Option<i32> {
    if text == "Z" || text == "z" {
        return Some(0);
    }
    let text = text.replace(' ', "+");
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let two = |part: &str| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<i32>().ok()).flatten()
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_of_the_table_is_read_and_no_other() {
        let samples = [
            ("from", "2026-11-21T09:30:00Z"),
            ("to", "2026-11-21T09:30:00Z"),
            ("facility_id", "f"),
            ("bucket", "day"),
            ("utc_offset", "+09:00"),
            ("top", "1000"),
            ("include_self", "true"),
        ];
        assert!(samples.iter().map(|sample| sample.0).eq(STATISTICS.iter().map(|row| row.name)));
        let given = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        for (name, value) in samples {
            assert!(read(given(name, value)).is_ok(), "{name}");
            assert!(read(given(name, "")).is_err(), "{name}");
        }
        for name in ["actor_id", "detail.a", "limit", ""] {
            assert!(read(given(name, "1")).is_err(), "{name}");
        }
    }

    #[test]
    fn offsets_are_read_as_rfc_3339_writes_them() {
        for (text, expected) in [
            ("+09:00", Some(540)),
            (" 09:00", Some(540)),
            ("-03:30", Some(-210)),
            ("Z", Some(0)),
            ("9", None),
            ("+9:00", None),
            ("+24:00", None),
            ("+09:60", None),
            ("+é9:00", None),
            ("", None),
        ] {
            assert_eq!(minutes(text), expected, "{text:?}");
        }
    }
}
