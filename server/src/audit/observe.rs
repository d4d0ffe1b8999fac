//! From answers to events: what is written, and what is only counted.
//!
//! Invariant: an event never changes the answer that it describes. Errors that anybody can cause
//! without authentication make no record each.

use http::StatusCode;

use super::event::{Event, NOTHING};
use super::events::details_of;
use super::handle::SelfAudit;
use super::summary::Source;
use crate::correlation::{Exchange, Observer};
use crate::problem::{ErrorCode, Problem};

/// Routes that are not audited, with everything below them.
const EXEMPT: [&str; 5] = ["/healthz", "/readyz", "/metrics", "/checkpoint", "/tile"];

impl Observer for SelfAudit {
    fn answered(&self, exchange: &Exchange<'_>) {
        let Some(problem) = exchange.problem else { return };
        if exchange.route.is_some_and(is_exempt) {
            return;
        }
        let (code, now) = (problem.code, self.shared().now());
        let caller = exchange.correlation.caller();
        let counted = exchange.route.is_none()
            || (caller.is_none() && exchange.status.is_client_error())
            || exchange.status == StatusCode::TOO_MANY_REQUESTS
            || exchange.status == StatusCode::SERVICE_UNAVAILABLE;
        let subject = caller.map_or(NOTHING, |caller| caller.subject());
        let mut summary = self.shared().summary.lock();
        if counted || !summary.may_write(code, subject, now) {
            let source = Source::of(exchange.correlation.peer());
            return summary.count(code, source, now);
        }
        drop(summary);
        if is_denial(code) {
            self.note(Event::deny(exchange, code));
        }
        self.note(self.error_of(exchange, problem));
    }
}

impl SelfAudit {
    fn error_of(&self, exchange: &Exchange<'_>, problem: &Problem) -> Event {
        let message = self.shared().mask(&problem.detail);
        let details = self.shared().mask(&details_of(&problem.errors));
        Event::error(exchange, &message, details)
    }
}

fn is_exempt(route: &str) -> bool {
    EXEMPT.iter().any(|exempt| {
        route.strip_prefix(exempt).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

fn is_denial(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::ForbiddenRole
            | ErrorCode::ForbiddenFacility
            | ErrorCode::ForbiddenNetwork
            | ErrorCode::ReservedName
    )
}
