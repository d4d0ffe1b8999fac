//! The 4-byte locator of a record.
//!
//! Invariant: it helps to name the first bad record and to tell changed from removed, inserted and
//! reordered; it is never evidence, because whoever can change a body can change it too.

use crate::types::RecordHash;

/// Bytes of a locator.
pub const LOCATOR_LEN: usize = 4;

/// The first four bytes of a record's hash.
#[must_use]
pub fn locator(hash: &RecordHash) -> [u8; LOCATOR_LEN] {
    let [a, b, c, d, ..] = hash.0;
    [a, b, c, d]
}
