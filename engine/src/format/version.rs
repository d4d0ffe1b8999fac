//! Versions and bounds of the format as a whole.
//!
//! Invariant: a reader refuses what asks for a newer reader, and takes no length beyond these
//! bounds.

use super::codec::Field;
use super::{active, block, directory, footer, frame, segment, tail};

/// Format version written by this code (CONTRACT: 0 until it is declared 1).
pub const WRITE_VERSION: u16 = 0;
/// The oldest reader that understands what this code writes.
pub const READ_VERSION: u16 = 0;
/// Longest body that a decoder accepts, whatever the writer's configured limit.
pub const BODY_LEN_MAX: usize = 16 << 20;
/// Longest text part of a group: the largest body and what stands beside it.
pub const GROUP_RAW_LEN_MAX: usize = BODY_LEN_MAX + (1 << 20);

/// Every fixed structure with its heading in `engine/docs/format.md`.
pub const LAYOUTS: &[(&str, &[Field])] = &[
    ("Active file header", active::LAYOUT),
    ("Frame header", frame::LAYOUT),
    ("Segment header", segment::LAYOUT),
    ("Block head", block::HEAD_LAYOUT),
    ("Group entry", block::GROUP_LAYOUT),
    ("Directory entry", directory::LAYOUT),
    ("Footer", footer::LAYOUT),
    ("Tail", tail::LAYOUT),
];
