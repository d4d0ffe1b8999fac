//! The log: files, threads and locks around the pure parts.

mod active_read;
mod active_write;
mod anchors;
mod batch;
mod cache;
mod catalogue;
mod commit;
mod core;
mod dedup;
mod entry;
mod error;
mod group;
mod handle;
mod identity;
mod ids;
mod intake;
mod keeper;
mod open;
mod open_read;
mod options;
mod parts;
mod read_error;
mod reader;
mod scan;
mod seal;
mod sequencer;
mod source;
mod tree;
mod view;

#[cfg(test)]
mod tests;

pub use catalogue::SegmentEntry;
pub use entry::{Entry, StoredRecord};
pub use error::{AppendError, Conflict, ErrorClass, LogError, OpenError};
pub use handle::{Appended, Log, OpenReport, Quarantined, Receipt};
pub use options::LogOptions;
pub use read_error::{CopyError, OpenReadError, ReadError};
pub use reader::{Reader, SegmentInfo, SignedCheckpoint};
pub use scan::Scan;
