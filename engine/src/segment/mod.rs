//! Segments as values: scanning an active file, building a sealed one, reading a sealed one.
//!
//! Invariant: everything here works on a [`ByteSource`] or a writer that it is given; it decides
//! nothing about recovery and never opens, renames or removes a file. Reading a group verifies it.
#![deny(clippy::indexing_slicing)]

mod anchor;
mod builder;
mod compress;
mod id_time;
mod item_hashes;
mod lift;
mod pack;
mod scan;
mod sealed;
mod source;
#[cfg(test)]
mod tests;
mod unpack;

pub use builder::{BuiltSegment, SegmentBuilder, SegmentInput, SegmentParams};
pub(crate) use compress::Decoder;
pub use compress::train_dictionary;
pub(crate) use id_time::stored_part;
pub use item_hashes::item_hashes;
pub use pack::{PackedItem, sample_text};
pub use scan::{
    ActiveScan, FrameVisitor, Island, ScanError, ScanPosition, ScanTail, scan_active, scan_from,
};
pub(crate) use sealed::group_runs;
pub use sealed::{DecodedGroup, GroupPlace, SealedSegment, SegmentError, SegmentErrorKind};
pub use source::ByteSource;
pub use unpack::Unpacked;
pub(crate) use unpack::{split, unpack};
