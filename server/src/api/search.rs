//! `GET /v1/audit-logs` and `POST /v1/audit-logs/search`: records by what they say.
//!
//! Invariant: the bytes of a record in an answer are those that were hashed (CONTRACT 1.6); the
//! access is recorded before the answer goes out.

use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use shoseki_engine::log::{Page, Query};
use shoseki_engine::query::Explain;

use super::filter::{self, Question};
use super::{all_pages, body, json as answers, scope};
use crate::app::Shared;
use crate::audit::{self, PageSeen, TimeRange};
use crate::authenticated::{May, Reads};
use crate::correlation::Correlation;
use crate::identity::Caller;
use crate::problem::{ErrorCode, Problem};

/// Longest query string in bytes.
const QUERY_LEN_MAX: usize = 16 << 10;
/// Longest JSON of a question in bytes.
const BODY_LEN_MAX: usize = 256 << 10;

/// The forms of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// A page as one JSON object.
    Page,
    /// All pages, a record per line.
    Lines,
    /// All pages as CSV.
    Csv,
}

/// Searches by the parameters of the URL.
#[utoipa::path(
    get, path = "/v1/audit-logs", operation_id = "searchRecords", tag = "records",
    responses((status = 200, description = "Done"))
)]
pub async fn list(
    State(app): State<Shared>,
    May { caller, .. }: May<Reads>,
    request: Request,
) -> Result<Response, Problem> {
    let query = request.uri().query();
    if query.is_some_and(|query| query.len() > QUERY_LEN_MAX) {
        let detail = "the query has more than 16384 bytes: POST it to /v1/audit-logs/search";
        return Err(Problem::new(ErrorCode::UriTooLong, detail));
    }
    let question = filter::question(filter::of_query(query))?;
    let correlation = Correlation::of(request.extensions());
    let form = Form::of(request.headers())?;
    let next = Next { path: request.uri().path().to_owned(), query: query.map(str::to_owned) };
    Ask { app, caller, correlation, form }.answer(question, Some(next)).await
}

/// Searches by a JSON object, so that names stay out of URLs.
#[utoipa::path(
    post, path = "/v1/audit-logs/search", operation_id = "searchRecordsByBody", tag = "records",
    responses((status = 200, description = "Done"))
)]
pub async fn search(
    State(app): State<Shared>,
    May { caller, .. }: May<Reads>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, given) = request.into_parts();
    let form = Form::of(&parts.headers)?;
    let question =
        filter::question(filter::of_json(&json_body(&app, &parts.headers, given).await?)?)?;
    let correlation = Correlation::of(&parts.extensions);
    Ask { app, caller, correlation, form }.answer(question, None).await
}

/// The body of a question.
pub(super) async fn json_body(
    app: &Shared,
    headers: &HeaderMap,
    given: axum::body::Body,
) -> Result<bytes::Bytes, Problem> {
    if body::kind(headers)? != body::BodyKind::Json {
        return Err(Problem::new(ErrorCode::MediaType, "expected application/json"));
    }
    let pause = app.settings.ingest.body_timeout;
    let (bytes, _) = body::collect(headers, given, BODY_LEN_MAX, pause, &app.budget).await?;
    Ok(bytes)
}

impl Form {
    /// What the client takes; JSON where it does not say.
    ///
    /// # Errors
    /// [`ErrorCode::NotAcceptable`].
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut given = false;
        for value in headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok()) {
            for range in value.split(',') {
                let mut parts = range.split(';').map(str::trim);
                let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
                let refused =
                    parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
                given |= !kind.is_empty();
                match kind.as_str() {
                    _ if refused => {}
                    "*/*" | "application/*" | "application/json" => return Ok(Self::Page),
                    "application/x-ndjson" => return Ok(Self::Lines),
                    "text/csv" => return Ok(Self::Csv),
                    _ => {}
                }
            }
        }
        if given {
            let detail = "expected application/json, application/x-ndjson or text/csv in Accept";
            return Err(Problem::new(ErrorCode::NotAcceptable, detail));
        }
        Ok(Self::Page)
    }
}

struct Ask {
    app: Shared,
    caller: std::sync::Arc<Caller>,
    correlation: Correlation,
    form: Form,
}

/// Where the next page is.
struct Next {
    path: String,
    query: Option<String>,
}

impl Ask {
    async fn answer(self, mut question: Question, next: Option<Next>) -> Result<Response, Problem> {
        scope::narrow(&self.caller, &mut question.filter)?;
        if question.explain {
            // It says how much of the log, of others too, there was to look at.
            self.caller.need_all_facilities()?;
        }
        let cursor = question.cursor.as_deref();
        let opened = cursor.map(|text| self.app.cursors.open(text, &self.caller)).transpose()?;
        let (cursor, session) = match opened {
            Some((cursor, session)) => (Some(cursor), session),
            None => (None, new_session()?),
        };
        let query = Query {
            filter: question.filter.clone(),
            order: question.order,
            sort_by: question.sort_by,
            limit: question.limit,
            cursor,
            cancel: None,
        };
        if self.form != Form::Page {
            let Self { app, correlation, form, .. } = self;
            let asked = asked(&question);
            return all_pages::answer(app, correlation, form, asked, query).await;
        }
        let page = page(&self.app, query).await?;
        let seal = |next| self.app.cursors.seal(next, session, &self.caller);
        let next_cursor = page.next.as_ref().map(seal);
        let seen = PageSeen {
            session: Some(session),
            last: next_cursor.is_none(),
            records: page.entries.len() as u64,
        };
        self.app.audit.query(&self.correlation, &asked(&question), seen).await?;
        let bytes = write_page(&page, next_cursor.as_deref(), question.explain);
        let mut response = answers::answer(StatusCode::OK, bytes);
        if let (Some(next), Some(cursor)) = (next, &next_cursor)
            && let Ok(link) = HeaderValue::from_str(&next.link(&self.app, cursor))
        {
            response.headers_mut().insert(header::LINK, link);
        }
        Ok(response)
    }
}

/// A name for the pages of one question.
pub(super) fn new_session() -> Result<u128, Problem> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| Problem::internal(&error))?;
    Ok(u128::from_le_bytes(random))
}

/// The question as the self-audit keeps it.
fn asked(question: &Question) -> audit::Question {
    let text = |time: Option<shoseki_engine::record::Timestamp>| time.map(|time| time.to_string());
    let range = TimeRange { from: text(question.filter.from), to: text(question.filter.to) };
    let resource = "/v1/audit-logs".to_owned();
    audit::Question { resource, range, parameters: question.asked.clone() }
}

/// One page.
pub(super) async fn page(app: &Shared, mut query: Query) -> Result<Page, Problem> {
    let reader = app.reader.clone();
    app.queries
        .run(move |cancel| {
            query.cancel = Some(cancel.clone());
            reader.search(&query)
        })
        .await
}

impl Next {
    fn link(&self, app: &Shared, cursor: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in filter::of_query(self.query.as_deref()) {
            if name != "cursor" {
                query.append_pair(&name, &value);
            }
        }
        query.append_pair("cursor", cursor);
        let base = app.settings.public_url.as_deref().unwrap_or_default();
        format!("<{base}{}?{}>; rel=\"next\"", self.path, query.finish())
    }
}

fn write_page(page: &Page, next_cursor: Option<&str>, explain: bool) -> Vec<u8> {
    let bodies: usize =
        page.entries.iter().filter_map(|e| e.record()).map(|r| r.body().len()).sum();
    let mut out = Vec::with_capacity(256 + bodies + page.entries.len() * 340);
    out.extend_from_slice(b"{\"records\":[");
    for (index, entry) in page.entries.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        entry.write_export_line(&mut out);
    }
    let next = next_cursor.map_or(Value::Null, Value::from);
    out.extend_from_slice(format!("],\"next_cursor\":{next}").as_bytes());
    if page.damaged > 0 {
        out.extend_from_slice(format!(",\"damaged\":{}", page.damaged).as_bytes());
    }
    if explain {
        out.extend_from_slice(format!(",\"explain\":{}", explained(&page.explain)).as_bytes());
    }
    out.push(b'}');
    out
}

fn explained(explain: &Explain) -> Value {
    json!({
        "segments": explain.segments, "segments_pruned": explain.segments_pruned,
        "shards": explain.shards, "shards_pruned": explain.shards_pruned,
        "shards_asked": explain.shards_asked, "shards_damaged": explain.shards_damaged,
        "candidates": explain.candidates, "groups_read": explain.groups_read,
        "groups_cached": explain.groups_cached, "records_read": explain.records_read,
        "scanned": explain.scanned, "matched": explain.matched, "damaged": explain.damaged,
        "elapsed_us": u64::try_from(explain.elapsed.as_micros()).unwrap_or(u64::MAX),
    })
}
