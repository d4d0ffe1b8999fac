//! Sealed segments: lengths in the tail, checksums of footer, directory, heads and groups, and the
//! digest of the dictionary.

use sha2::{Digest, Sha256};

use super::{number, put, put_crc};

const HEADER_LEN: usize = 256;
const TAIL_LEN: usize = 48;
const ENTRY_LEN: usize = 100;
const HEAD_LEN: usize = 24;
const GROUP_LEN: usize = 80;

pub(crate) fn segment(bytes: &[u8]) -> Vec<u8> {
    let mut file = bytes.to_vec();
    header(&mut file);
    if parts(&mut file).is_none() {
        return file;
    }
    if let Some(tail) = file.len().checked_sub(TAIL_LEN) {
        put_crc(&mut file, tail, tail + 36);
    }
    file
}

fn header(file: &mut [u8]) {
    let dictionary = number(file, 12, 4)
        .and_then(|len| file.get(HEADER_LEN..HEADER_LEN.checked_add(len)?))
        .map(|dictionary| <[u8; 32]>::from(Sha256::digest(dictionary)));
    if let Some(digest) = dictionary {
        put(file, 128, &digest);
    }
    put_crc(file, 0, HEADER_LEN - 4);
}

fn parts(file: &mut [u8]) -> Option<()> {
    let tail = file.len().checked_sub(TAIL_LEN)?;
    let (footer_len, seal_len) = (number(file, tail + 8, 4)?, number(file, tail + 12, 4)?);
    let footer = tail.checked_sub(seal_len)?.checked_sub(footer_len)?;
    put(file, tail, &(footer as u64).to_le_bytes());
    put(file, tail + 16, &(file.len() as u64).to_le_bytes());
    let blocks = number(file, footer + 360, 4)?;
    let directory = footer.checked_sub(blocks.checked_mul(ENTRY_LEN)?)?;
    for entry in (directory..footer).step_by(ENTRY_LEN) {
        let (start, len) = (number(file, entry, 8)?, number(file, entry + 8, 4)?);
        if let Some(block) = start.checked_add(len).and_then(|end| file.get_mut(start..end)) {
            head(block);
        }
    }
    let crc = crc32fast::hash(file.get(directory..footer)?).to_le_bytes();
    let length = u32::try_from(footer_len).ok()?.to_le_bytes();
    put(file, footer + 4, &length);
    put(file, footer + 352, &(directory as u64).to_le_bytes());
    put(file, footer + 364, &crc);
    put_crc(file, footer, (footer + footer_len).checked_sub(4)?);
    Some(())
}

fn head(block: &mut [u8]) {
    let (Some(records), Some(groups)) = (number(block, 4, 2), number(block, 6, 2)) else { return };
    let table_end = HEAD_LEN + groups * GROUP_LEN + records * 4;
    let mut data = table_end;
    for group in 0..groups {
        let entry = HEAD_LEN + group * GROUP_LEN;
        let Some(len) = number(block, entry, 4) else { return };
        let Some(end) = data.checked_add(len) else { return };
        if let Some(stored) = block.get(data..end) {
            let crc = crc32fast::hash(stored).to_le_bytes();
            put(block, entry + 12, &crc);
        }
        data = end;
    }
    if let Some(len) = data.checked_sub(table_end).and_then(|len| u32::try_from(len).ok()) {
        put(block, 16, &len.to_le_bytes());
    }
    if let (Some(fixed), Some(table)) = (block.get(..HEAD_LEN - 4), block.get(HEAD_LEN..table_end))
    {
        let crc = crc32fast::hash(&[fixed, table].concat()).to_le_bytes();
        put(block, HEAD_LEN - 4, &crc);
    }
}

/// Bytes of the fixed part of a group of so many records; `None` where the kinds are none.
pub(crate) fn fixed_len(stored: &[u8], count: usize) -> Option<usize> {
    let mut at = 0;
    for _ in 0..count {
        let kind = *stored.get(at)?;
        let bits = |mask: u8| usize::try_from((kind & mask).count_ones()).unwrap_or_default();
        at += 1 + match kind & 0x0f {
            0 => 28 + bits(0x30) * 16 - bits(0xc0) * 6,
            1 => 0,
            2 => 80,
            _ => return None,
        };
    }
    (at <= stored.len()).then_some(at)
}
