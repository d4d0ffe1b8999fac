//! The log: files, threads and locks around the pure parts.

mod active_read;
mod backup;
mod cache;
mod catalogue;
mod entry;
mod find;
mod group;
mod nodes;
mod open_read;
mod parts;
mod publish;
mod read_error;
mod reader;
mod scan;
mod search;
mod source;
mod view;

pub use backup::{BackupKey, BackupReport};
pub use catalogue::SegmentEntry;
pub use entry::{Entry, StoredRecord};
pub use nodes::{ConsistencyProof, InclusionProof};
pub use publish::PublishReport;
pub use read_error::{CopyError, OpenReadError, ReadError};
pub use reader::{Reader, SegmentInfo, SignedCheckpoint};
pub use scan::Scan;
pub use search::{QueryResult, Select};
