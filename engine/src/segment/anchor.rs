//! The anchor that goes with a sealed segment.
//!
//! Invariant: it says of the segment what the footer says. Here and not beside [`Anchor`], which
//! knows no files.

use crate::format::Footer;
use crate::proof::{Anchor, UtcTime};
use crate::types::Origin;

impl Anchor {
    /// The anchor of a sealed segment of the log `origin`, to be signed at `time`.
    #[must_use]
    pub fn of(footer: &Footer, origin: Origin, time: UtcTime) -> Self {
        Self {
            origin,
            first_seq: footer.first_seq,
            count: footer.count,
            chain_before: footer.chain_before,
            chain_after: footer.chain_after,
            segment_root: footer.segment_root,
            log_size: footer.log_size,
            log_root: footer.log_root,
            time,
        }
    }
}
