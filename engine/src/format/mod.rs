//! On-disk structures, one file each: offsets, encoding, total decoding.
//!
//! Invariant: every byte of evidence is laid out by hand, little-endian, and is covered by a
//! checksum, a digest or an exact expectation; a decoder returns a value or a [`FormatError`] and
//! never panics. The byte tables of `engine/docs/format.md` are compared with [`LAYOUTS`] by a
//! test.
//! Knows nothing about files, compression, hashing of records or the tree.
#![deny(clippy::indexing_slicing, clippy::as_conversions)]

mod active;
mod block;
mod codec;
mod directory;
mod footer;
mod frame;
mod locator;
mod names;
mod segment;
mod tail;
#[cfg(test)]
mod tests;
mod version;

pub use active::{ACTIVE_HEADER_LEN, ActiveHeader};
pub use block::{
    BLOCK_HEAD_LEN, BLOCK_RECORDS_MAX, BlockHead, GROUP_ENTRY_LEN, GroupEncoding, GroupEntry,
};
pub use codec::{Field, FormatError, FormatErrorKind, Structure};
#[cfg(feature = "log")]
pub(crate) use codec::{Put, Reader, layout};
pub use directory::{Counts, DIRECTORY_ENTRY_LEN, DirectoryEntry, TimeRange};
pub use footer::{FOOTER_FIXED_LEN, Footer};
#[cfg(feature = "log")]
pub(crate) use frame::MAGIC as FRAME_MAGIC;
pub use frame::{
    FRAME_HEADER_LEN, FRAME_PAYLOAD_LEN_MAX, FrameHeader, FrameKind, FrameRecord,
    RECORD_PREFIX_LEN, RecordsPayload, encode_record_prefix,
};
pub use locator::{LOCATOR_LEN, locator};
pub use names::{
    active_name, index_name, parse_active_name, parse_index_name, parse_sealed_name, sealed_name,
};
pub use segment::{SEGMENT_HEADER_LEN, SegmentHeader};
pub use tail::{TAIL_LEN, Tail};
pub use version::{BODY_LEN_MAX, GROUP_RAW_LEN_MAX, LAYOUTS, READ_VERSION, WRITE_VERSION};
