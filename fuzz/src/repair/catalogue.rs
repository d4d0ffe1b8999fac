//! `segments.cat`: the checksum of each entry.

use super::{number, put};

/// Entries follow each other behind twelve bytes of header.
pub(crate) fn catalogue(bytes: &[u8]) -> Vec<u8> {
    let mut file = bytes.to_vec();
    let mut at = 12;
    while let Some(len) = number(&file, at, 4) {
        let start = at + 8;
        let Some(end) = start.checked_add(len) else { break };
        let Some(entry) = file.get(start..end) else { break };
        let crc = crc32fast::hash(entry).to_le_bytes();
        put(&mut file, at + 4, &crc);
        at = end;
    }
    file
}
