//! The log: files, threads and locks around the pure parts.
//!
//! Knows nothing about HTTP, command lines and verification.

mod active_read;
mod active_write;
mod anchor_notes;
mod anchors;
mod backup;
mod batch;
mod cache;
mod catalogue;
mod commit;
mod core;
mod dedup;
mod entry;
mod error;
mod find;
mod fork;
mod group;
mod handle;
mod health;
mod identity;
mod ids;
mod indexes;
mod intake;
mod keeper;
mod nodes;
mod open;
mod open_active;
mod open_read;
mod options;
mod parts;
mod publish;
mod read_error;
mod reader;
mod received;
mod rotate;
mod scan;
mod seal;
mod sealed_found;
mod search;
mod sequencer;
mod source;
mod stats;
mod stop_on_panic;
#[cfg(test)]
pub(crate) mod tests;
mod tiles;
mod tree;
mod view;

pub use anchor_notes::{AnchorInfo, AnchorOf};
pub use backup::{BackupKey, BackupReport};
pub use catalogue::SegmentEntry;
pub use entry::{Entry, StoredRecord};
pub use error::{AppendError, Conflict, ErrorClass, LogError, OpenError};
pub use fork::{ForkError, Forked, LOG_FORKED};
pub use handle::{Appended, Log, OpenReport, Quarantined, Receipt};
pub use health::{Health, Observer};
pub use indexes::{IndexFault, IndexFaultKind, IndexInfo, IndexState};
pub use nodes::{ConsistencyProof, InclusionProof};
pub use options::LogOptions;
pub use publish::PublishReport;
pub use read_error::{CopyError, OpenReadError, ReadError};
pub use reader::{Reader, SegmentInfo, SignedCheckpoint};
pub use scan::Scan;
pub use search::{Cancel, Page, Query, Select};
