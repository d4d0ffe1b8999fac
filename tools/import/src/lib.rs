//! Trails of other systems, mapped to records: CloudTrail, Kubernetes audit, and any JSON by a
//! mapping file.
//!
//! Invariant: the original event goes verbatim, token by token, into `detail.event`; a record's
//! `audit_id` depends on the event alone, so that importing twice stores once. An event that can't
//! be mapped is reported with its place and never stops the others. Knows nothing about the log.

mod cloudtrail;
mod cloudtrail_target;
mod error;
mod filter;
mod finish;
mod importer;
mod k8s;
mod mapping;
mod mapping_file;
mod path;
mod raw;
mod source;
mod split;
mod state;
mod time;

#[cfg(test)]
mod tests;

pub use cloudtrail::map_cloudtrail;
pub use error::{InputFault, Interrupted, MapError, ReadFault};
pub use filter::{Filter, FilterError};
pub use importer::{Dialect, Events, Importer, Item, Place};
pub use k8s::map_k8s;
pub use mapping::Mapping;
pub use mapping_file::MappingFaults;
pub use path::{Path, PathError};
pub use source::{Input, inputs};
pub use state::Finished;
