//! Puts checksums right after bytes were changed, as far as the bytes still say where they are.
//!
//! Invariant: only checks against accidents are put right (CRCs, lengths, the digest of a
//! dictionary): whatever comes out is something that a disk and a careless program could leave.
//! Offsets are those of format.md and index-format.md, written down here a second time on purpose.
//! Knows nothing about what the structures mean.

mod active;
mod catalogue;
mod index;
mod segment;

use shoseki_engine::format::WRITE_VERSION;

pub(crate) use active::active;
pub(crate) use catalogue::catalogue;
pub(crate) use index::{INDEX_TAIL_LEN, index, index_file};
pub(crate) use segment::{fixed_len, segment};

/// A little-endian number of up to eight bytes; `None` past the end.
fn number(bytes: &[u8], at: usize, len: usize) -> Option<usize> {
    let part = bytes.get(at..at.checked_add(len)?)?;
    let value = part.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    usize::try_from(value).ok()
}

/// Writes over what is there; past the end nothing happens.
fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = at.checked_add(value.len()).and_then(|end| bytes.get_mut(at..end)) {
        place.copy_from_slice(value);
    }
}

/// Puts the CRC-32 of `from..at` at `at`.
fn put_crc(bytes: &mut [u8], from: usize, at: usize) {
    if let Some(covered) = bytes.get(from..at) {
        let crc = crc32fast::hash(covered).to_le_bytes();
        put(bytes, at, &crc);
    }
}

/// A header or tail as this version writes it, whose write version stands at `at`: a later one that
/// this one may read differs in that number and its checksum alone.
pub(crate) fn of_this_version(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut own = bytes.to_vec();
    put(&mut own, at, &WRITE_VERSION.to_le_bytes());
    // The tail's checksum has its magic behind it.
    let crc = if bytes.ends_with(b"SHOSEKIZ") { bytes.len() - 12 } else { bytes.len() - 4 };
    put_crc(&mut own, 0, crc);
    own
}
