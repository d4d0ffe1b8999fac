//! The log: files, threads and locks around the pure parts.

mod catalogue;
mod source;
mod view;

pub use catalogue::SegmentEntry;
