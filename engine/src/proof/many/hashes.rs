//! The way in: hashes of many bodies, by whatever the processor has.
//!
//! Invariant: one hash per body, in their order.

use crate::proof::record_hash;
use crate::types::RecordHash;

#[cfg(target_arch = "x86_64")]
/// Fewer than this many bodies are hashed one after the other: a vector of idle lanes is slower.
const WORTHWHILE: usize = 3;
/// `hash` of each body, in order: SHA-512, as [`record_hash`] gives it for one.
#[must_use]
pub fn record_hashes(bodies: &[&[u8]]) -> Vec<RecordHash> {
    #[cfg(target_arch = "x86_64")]
    if bodies.len() >= WORTHWHILE {
        let mut hashes = vec![RecordHash([0; RecordHash::LEN]); bodies.len()];
        let mut each = |index: usize, hash| {
            if let Some(place) = hashes.get_mut(index) {
                *place = hash;
            }
        };
        if super::x86::hash_side_by_side(bodies, &mut each) {
            return hashes;
        }
    }
    bodies.iter().map(|body| record_hash(body)).collect()
}
