//! A request and its answer, for whoever watches.
//!
//! Invariant: what is seen here holds no query, no body, no token and no path that was not a route.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};

use super::ids::Correlation;
use crate::problem::Problem;

/// A request that was answered, up to the head of the answer.
pub struct Exchange<'a> {
    /// Its ids, and its caller where that is verified.
    pub correlation: &'a Correlation,
    /// Its method; `-` for one that HTTP does not know.
    pub method: &'static str,
    /// The template of its route; `None` for an unknown path.
    pub route: Option<&'a str>,
    /// The status of the answer.
    pub status: StatusCode,
    /// What went wrong.
    pub problem: Option<&'a Problem>,
    /// From the head of the request to the head of the answer.
    pub duration: Duration,
}

/// Sees every answer before it goes out. It may not wait.
pub trait Observer: Send + Sync {
    /// Called once for each request.
    fn answered(&self, exchange: &Exchange<'_>);
}

/// All who see the answers; copies share them.
#[derive(Clone)]
pub struct Observers(Arc<[Arc<dyn Observer>]>);

impl Observers {
    /// These observers, called in this order.
    #[must_use]
    pub fn new(observers: Vec<Arc<dyn Observer>>) -> Self {
        Self(observers.into())
    }

    pub(super) fn answered(&self, exchange: &Exchange<'_>) {
        for observer in self.0.iter() {
            observer.answered(exchange);
        }
    }
}

/// A method's name out of a fixed set: a client can't make names for metrics and records.
pub(super) fn method_name(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] =
        ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"];
    KNOWN.into_iter().find(|name| *name == method.as_str()).unwrap_or("-")
}
