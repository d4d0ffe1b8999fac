//! The server's own records: who asked, who was refused, what failed.
//!
//! Invariant: a question is answered only when its record is durable, or is noted beside a log that
//! takes none; what an attacker can cause is bounded in memory and in records, and what is not
//! written is counted.
//! Knows nothing about HTTP beyond an [`crate::correlation::Exchange`].

mod event;
mod events;
mod handle;
mod observe;
mod pending;
mod sessions;
mod summary;

pub use event::{Event, EventKind, SERVER};
pub use events::{Refusal, TimeRange};
pub use handle::{Clock, SelfAudit, SelfAuditOptions, StartError};
pub use pending::{PENDING_FILE, PendingError};
pub use sessions::{PageSeen, Question};
