//! Search index files: page checksums, the tail, and totals that fill the room they have.

use super::{number, put};

const HEADER_LEN: usize = 104;
const SHARD_LEN: usize = 96;
const FIELDS: usize = 10;
const PAGE_LEN: usize = 4096;
/// Bytes of the tail.
pub(crate) const INDEX_TAIL_LEN: usize = 32;

/// The file whose covered part is this and which has so many shards.
pub(crate) fn index(covered: &[u8], shard_count: u32) -> Vec<u8> {
    let mut file = covered.to_vec();
    fill(&mut file, usize::try_from(shard_count).unwrap_or(usize::MAX));
    let crcs: Vec<u8> =
        file.chunks(PAGE_LEN).flat_map(|page| crc32fast::hash(page).to_le_bytes()).collect();
    let mut tail = Vec::with_capacity(INDEX_TAIL_LEN);
    tail.extend_from_slice(&(file.len() as u64).to_le_bytes());
    tail.extend_from_slice(&shard_count.to_le_bytes());
    tail.extend_from_slice(&crc32fast::hash(&crcs).to_le_bytes());
    tail.extend_from_slice(&[0, 0]);
    // The version stands at both ends.
    tail.extend_from_slice(covered.get(8..10).unwrap_or(&[0, 0]));
    let crc = crc32fast::hash(&tail);
    tail.extend_from_slice(&crc.to_le_bytes());
    tail.extend_from_slice(b"SHOSEKIJ");
    file.extend_from_slice(&crcs);
    file.extend_from_slice(&tail);
    file
}

/// A whole file, by what its tail says.
pub(crate) fn index_file(file: &[u8]) -> Vec<u8> {
    let Some(tail) = file.len().checked_sub(INDEX_TAIL_LEN) else { return file.to_vec() };
    let (len, count) = (number(file, tail, 8), number(file, tail + 8, 4));
    match (len.and_then(|len| file.get(..len)), count.and_then(|count| count.try_into().ok())) {
        (Some(covered), Some(count)) => index(covered, count),
        _ => file.to_vec(),
    }
}

/// Makes the last field's totals as long as what is left between the others and the table.
fn fill(file: &mut [u8], shards: usize) {
    let table_len = shards.checked_mul(SHARD_LEN).and_then(|len| len.checked_add(8 * FIELDS));
    let Some(table) = table_len.and_then(|len| file.len().checked_sub(len)) else { return };
    let mut used = Some(HEADER_LEN);
    for shard in 0..shards {
        let header = table + 8 * FIELDS + shard * SHARD_LEN;
        used = used.and_then(|used| used.checked_add(SHARD_LEN));
        for section in 0..FIELDS + 6 {
            let len = number(file, header + 32 + section * 4, 4);
            used = used.and_then(|used| used.checked_add(len?));
        }
    }
    for field in 0..FIELDS - 1 {
        let len = number(file, table + field * 8, 8);
        used = used.and_then(|used| used.checked_add(len?));
    }
    if let Some(left) = used.and_then(|used| table.checked_sub(used)) {
        put(file, table + (FIELDS - 1) * 8, &(left as u64).to_le_bytes());
    }
}
