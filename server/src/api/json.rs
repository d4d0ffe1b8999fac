//! JSON of requests that are no records, and of answers.
//!
//! Invariant: a member that is given twice is a fault; nothing is parsed deeper than it is needed.

use std::collections::BTreeMap;
use std::fmt;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::problem::{ErrorCode, Problem};

/// The members of an object.
struct Members(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;
        impl<'de> Visitor<'de> for Once {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(serde::de::Error::custom("a member that is given twice"));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Once)
    }
}

/// The members of a body that is one object.
///
/// # Errors
/// [`ErrorCode::RequestNotJson`] with line and column, [`ErrorCode::InvalidRequest`] where it is
/// something else.
pub fn object(body: &[u8]) -> Result<BTreeMap<String, Value>, Problem> {
    match serde_json::from_slice::<Members>(body) {
        Ok(Members(members)) => Ok(members),
        Err(error) if error.is_data() => {
            let detail = "expected one JSON object with each member once";
            Err(Problem::new(ErrorCode::InvalidRequest, detail))
        }
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let detail = format!("not JSON at line {line}, column {column}");
            Err(Problem::new(ErrorCode::RequestNotJson, detail))
        }
    }
}

/// An answer that no cache may keep.
#[must_use]
pub fn answer(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The same of a value.
#[must_use]
pub fn ok(value: &Value) -> Response {
    answer(StatusCode::OK, value.to_string().into_bytes())
}
