//! A log line for each answer.
//!
//! Invariant: a line names the route's template, never the path, and no caller.

use crate::correlation::{Exchange, Observer};

/// Writes a line at `debug` for each answer, at `warn` for each 5xx.
#[derive(Clone, Copy, Debug, Default)]
pub struct Access;

impl Observer for Access {
    fn answered(&self, exchange: &Exchange<'_>) {
        let route = exchange.route.unwrap_or("-");
        let status = exchange.status.as_u16();
        let method = exchange.method;
        let micros = u64::try_from(exchange.duration.as_micros()).unwrap_or(u64::MAX);
        let code = exchange.problem.map_or("-", |problem| problem.code.as_str());
        if exchange.status.is_server_error() {
            let problem = exchange.problem;
            let cause = problem.and_then(|problem| problem.cause.as_deref()).unwrap_or("-");
            tracing::warn!(
                target: "shoseki::access", method, route, status, micros, code, cause, "failed"
            );
        } else {
            tracing::debug!(
                target: "shoseki::access", method, route, status, micros, code, "answered"
            );
        }
    }
}
