//! What ties a request, its answer, its log lines and its records together.
//!
//! [`layer()`] is the outermost layer of the router: it takes over or makes the ids, and writes
//! every error as one form. Invariant: every answer carries `x-request-id` and `traceparent`, every
//! 4xx and 5xx is a problem (RFC 9457), also after a panic.
//! Knows nothing about what is done with an error: [`Observer`]s are told.

mod exchange;
mod ids;
mod layer;
mod trace_context;

pub use exchange::{Exchange, Observer, Observers};
pub(crate) use ids::push_hex;
pub use ids::{Correlation, Peer};
pub use layer::{OwnBody, layer};
pub use trace_context::{TraceParent, parse_tracestate};
