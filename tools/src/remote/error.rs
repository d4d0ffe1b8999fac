//! Why an exchange with a server failed, and what that is to a person.
//!
//! Invariant: what may pass by itself is told from what will not; nothing is judged by a text.

use std::time::Duration;

use serde::Deserialize;

use super::args::Base;
use crate::failure::{Failure, Status};
use crate::table::printable;

/// Longest pause that a server can ask for.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// First pause where the server asks for none; it doubles.
const WAIT_FIRST: Duration = Duration::from_millis(200);

/// Why an exchange failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoteError {
    /// There was never a connection.
    #[error("connecting to the server: {0}")]
    Connect(String),
    /// The connection broke before the answer was whole.
    #[error("the connection to the server broke: {0}")]
    Lost(String),
    /// Nothing came for too long.
    #[error("the server was silent for {} s", .0.as_secs())]
    Silent(Duration),
    /// The server said no.
    #[error("{}", .0.text())]
    Refused(Box<Refusal>),
    /// It speaks, but not as this server does.
    #[error("this is not an answer of a log server: {0}")]
    Strange(String),
}

/// What a server said instead of an answer (`application/problem+json`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Refusal {
    /// Status of HTTP.
    pub(super) status: u16,
    #[serde(rename = "errorCode")]
    pub(super) code: String,
    #[serde(rename = "errorMessage")]
    pub(super) message: String,
    #[serde(rename = "requestId")]
    request_id: String,
    pub(super) errors: Vec<Item>,
    /// From the header `Retry-After`.
    #[serde(skip)]
    pub(super) retry_after: Option<Duration>,
}

/// One fault of one record or parameter.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Item {
    parameter: Option<String>,
    pointer: Option<String>,
    expected: Option<String>,
    got: Option<String>,
    audit_id: Option<String>,
}

impl Refusal {
    fn text(&self) -> String {
        let Self { status, code, message, .. } = self;
        let code = if code.is_empty() { String::new() } else { format!(" {code}") };
        printable(&format!("the server refused ({status}{code}): {message}{}", self.listed()))
    }

    /// The parameters that were wrong.
    fn listed(&self) -> String {
        let items = self.errors.iter().filter(|item| item.parameter.is_some());
        let texts: Vec<String> = items.map(|item| format!("\n  {}", item.text())).collect();
        texts.concat()
    }

    /// Why a record was refused, as the command says it of a data directory.
    pub(super) fn of_record(&self) -> String {
        let items: Vec<String> = self.errors.iter().map(Item::text).collect();
        let conflict = self.errors.iter().find_map(|item| item.audit_id.as_ref());
        let text = match conflict {
            Some(id) if self.status == 409 => {
                format!("conflict: an earlier record has the audit_id {id} and other content")
            }
            _ if self.status == 422 && !items.is_empty() => items.join("; "),
            // A record has one line: its number is the line's, which is told.
            _ => self.message.replacen("line 1, ", "", 1),
        };
        printable(&text)
    }
}

impl Item {
    fn text(&self) -> String {
        let place = match (self.parameter.as_deref(), self.pointer.as_deref()) {
            (Some(name), _) => name,
            (None, None | Some("")) => "the record",
            (None, Some(pointer)) => pointer,
        };
        let expected = self.expected.as_deref().unwrap_or("something else");
        match &self.got {
            Some(got) => format!("{place}: expected {expected}, got {got}"),
            None => format!("{place}: expected {expected}"),
        }
    }
}

impl RemoteError {
    /// Whether another try may go better.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Lost(_) | Self::Silent(_) => true,
            Self::Refused(refusal) => matches!(refusal.status, 408 | 429 | 502 | 503 | 504),
            Self::Connect(_) | Self::Strange(_) => false,
        }
    }

    /// How long to wait before try number `next`, from 1.
    pub(crate) fn wait(&self, next: u32) -> Duration {
        let asked = match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        };
        let own = WAIT_FIRST.saturating_mul(1 << next.saturating_sub(1).min(8));
        asked.unwrap_or(own).min(WAIT_MAX)
    }

    /// Its status of HTTP, where it has one.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            _ => None,
        }
    }

    /// The same for a person.
    pub(crate) fn failure(&self, base: &Base) -> Failure {
        let failure = Failure::caused(self.exit(), self);
        let place = match self {
            Self::Refused(refusal) if !refusal.request_id.is_empty() => {
                format!("{base} (request {})", printable(&refusal.request_id))
            }
            _ => base.to_string(),
        };
        failure.at(place).next(self.advice())
    }

    fn exit(&self) -> Status {
        match self {
            Self::Refused(refusal) if refusal.code == "LOG-500-damaged" => Status::Found,
            Self::Refused(refusal) => match refusal.status {
                400 | 404..=406 | 409..=422 => Status::Invalid,
                _ => Status::CouldNot,
            },
            _ => Status::CouldNot,
        }
    }

    fn advice(&self) -> &'static str {
        let status = match self {
            Self::Connect(_) => return "check the address, and whether the server runs",
            Self::Lost(_) | Self::Silent(_) => return "run the command again",
            Self::Strange(_) => return "check the address: something else answers there",
            Self::Refused(refusal) if refusal.code == "LOG-500-damaged" => {
                return "run `shoseki verify` on the data directory of the server";
            }
            Self::Refused(refusal) => refusal.status,
        };
        match status {
            401 => "give a token that the server knows: --token-file FILE, or SHOSEKI_TOKEN",
            403 => "ask for a token with the role and the facility that this needs",
            404 => "look for it with `shoseki query --url`",
            410 => "begin again without --cursor",
            400..500 if status != 408 && status != 429 => "correct it and run the command again",
            507 => "free some space on the server, then run the command again",
            _ => "run the command again later; the server's log says more",
        }
    }
}
