//! Hashes of the records of a group: computed from bodies, taken over from erased ones.
//!
//! Invariant: one hash per record, in their order.

use super::pack::PackedItem;
use crate::proof::record_hashes;
use crate::types::RecordHash;

/// The hash of each record; an erased one keeps the hash that is stored in its body's place.
#[must_use]
pub fn item_hashes(items: &[PackedItem<'_>]) -> Vec<RecordHash> {
    let bodies = items.iter().map(|item| match *item {
        PackedItem::Body(body) => body,
        PackedItem::Erased(..) => &[],
    });
    let bodies: Vec<&[u8]> = bodies.collect();
    let mut hashes = record_hashes(&bodies);
    for (hash, item) in hashes.iter_mut().zip(items) {
        if let PackedItem::Erased(_, stored) = item {
            *hash = *stored;
        }
    }
    hashes
}
