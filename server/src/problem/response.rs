//! A problem on its way to the client.
//!
//! A handler knows what went wrong, only the outermost layer knows the request's ids: so a problem
//! travels in the extensions of an empty answer and becomes text in the correlation layer.
//! Invariant: the text is written in one place, [`Problem::to_json`].

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};
use shoseki_engine::record::Fault;

use super::code::ErrorCode;

/// What went wrong, for people and programs.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Which of the known errors.
    pub code: ErrorCode,
    /// This occurrence in one line, without content of records.
    pub detail: Cow<'static, str>,
    /// Every fault of the records, or every conflict.
    pub errors: Vec<FaultItem>,
    /// Whether there were more than are listed.
    pub truncated: bool,
    /// Seconds after which it may be tried again.
    pub retry_after: Option<u32>,
    /// Why, for the server's own log; never answered.
    pub cause: Option<String>,
    /// Where the cause lies: internal, external or network.
    pub origin: &'static str,
}

/// One fault of one record.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct FaultItem {
    /// Position of the record in the request, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// Name of the parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// JSON pointer (RFC 6901) into the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// What would have been right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// A type, or at most 32 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// Of a conflict: the id that was used before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_id: Option<String>,
}

impl From<Fault> for FaultItem {
    fn from(fault: Fault) -> Self {
        Self {
            index: Some(fault.index),
            pointer: Some(fault.pointer),
            expected: Some(fault.expected),
            got: Some(fault.got),
            ..Self::default()
        }
    }
}

impl Problem {
    /// Most faults that are listed.
    pub const ERRORS_MAX: usize = 500;

    /// A problem with one line that says what is wrong here.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            truncated: false,
            retry_after: None,
            cause: None,
            origin: "internal",
        }
    }

    /// The server is at fault; the cause stays in its log.
    #[must_use]
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        Self::new(ErrorCode::Internal, "the server failed; it is in its log").caused_by(cause)
    }

    /// With every fault; more than [`Self::ERRORS_MAX`] are cut.
    #[must_use]
    pub fn with_errors(mut self, mut errors: Vec<FaultItem>) -> Self {
        self.truncated = errors.len() > Self::ERRORS_MAX;
        errors.truncate(Self::ERRORS_MAX);
        self.errors = errors;
        self
    }

    /// With the seconds after which it may be tried again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// With a reason for the server's own log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl std::fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// The body of the answer.
    #[must_use]
    pub fn to_json(&self, instance: &str, trace_id: &str, request_id: &str) -> Vec<u8> {
        let mut body = Map::new();
        // Names that a client chose may stand in it; a message is one line all the same.
        let detail = self.detail.replace(char::is_control, " ");
        let kind = format!("urn:shoseki:error:{}", self.code.as_str());
        body.insert("type".to_owned(), json!(kind));
        body.insert("title".to_owned(), json!(self.code.title()));
        body.insert("status".to_owned(), json!(self.code.status().as_u16()));
        body.insert("detail".to_owned(), json!(detail));
        body.insert("instance".to_owned(), json!(instance));
        body.insert("errorCode".to_owned(), json!(self.code.as_str()));
        body.insert("errorMessage".to_owned(), json!(detail));
        body.insert("traceId".to_owned(), json!(trace_id));
        body.insert("requestId".to_owned(), json!(request_id));
        if !self.errors.is_empty() {
            body.insert("errors".to_owned(), json!(self.errors));
        }
        if self.truncated {
            body.insert("truncated".to_owned(), json!(true));
        }
        Value::Object(body).to_string().into_bytes()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
