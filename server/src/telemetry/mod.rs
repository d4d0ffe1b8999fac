//! What the server says about itself: log lines and metrics.
//!
//! Invariant: no payload, no query, no token, and no label with the id of a person; every name of a
//! metric stands in [`names`].
//! Knows nothing about the audit log's own records.

mod access;
mod json_lines;
mod logging;
mod metrics;
pub mod names;

pub use access::Access;
pub use logging::{LogForm, LoggingError, start_logging, subscriber};
pub use metrics::{Intake, LogState, Metrics, Refused, self_audit_dropped, self_audit_pending};
