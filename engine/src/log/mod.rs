//! The log: files, threads and locks around the pure parts.

mod active_read;
mod cache;
mod catalogue;
mod entry;
mod group;
mod open_read;
mod parts;
mod read_error;
mod reader;
mod scan;
mod source;
mod view;

pub use catalogue::SegmentEntry;
pub use entry::{Entry, StoredRecord};
pub use read_error::{CopyError, OpenReadError, ReadError};
pub use reader::{Reader, SegmentInfo, SignedCheckpoint};
pub use scan::Scan;
