//! The head of a block, read even where its checksum is wrong.
//!
//! Invariant: a head that is not as it was written comes with a fault.

use super::report::FindingKind;
use super::source::Bytes;
use crate::format::{BLOCK_HEAD_LEN, BlockHead, FormatErrorKind, GROUP_ENTRY_LEN, LOCATOR_LEN};
use crate::types::Seq;

/// Kind and message.
pub(super) type HeadFault = (FindingKind, String);

/// Head, group table and locators of a block. Where only the checksum is wrong the head comes all
/// the same, with the fault, so that the records behind it can be looked at.
pub(super) fn read_head(
    source: &Bytes,
    at: u64,
    first: u64,
    end: u64,
    len: Option<u64>,
) -> (Option<BlockHead>, Option<HeadFault>) {
    let most = BLOCK_HEAD_LEN + 256 * (GROUP_ENTRY_LEN + LOCATOR_LEN);
    let there = source.len().saturating_sub(at).min(len.unwrap_or(u64::MAX));
    let read = usize::try_from(there).unwrap_or(most).min(most);
    let bytes = match source.bytes(at, read) {
        Ok(bytes) => bytes,
        Err(e) => return (None, Some((FindingKind::Corrupt, e.to_string()))),
    };
    let fits = |head: &BlockHead| {
        let own = head.encoded_len() as u64 + head.data_len();
        head.first_seq == Seq(first)
            && head.locators.len() as u64 <= end - first + 1
            && len.is_none_or(|len| len == own)
    };
    match BlockHead::decode(&bytes) {
        Ok(head) if fits(&head) => (Some(head), None),
        Ok(_) => {
            let what = "it is not the one that the directory speaks of".to_owned();
            (None, Some((FindingKind::Changed, what)))
        }
        Err(e) => {
            let head = mend_head(&bytes).filter(fits);
            let kind = if e.kind == FormatErrorKind::Value && head.is_none() {
                FindingKind::Changed
            } else {
                FindingKind::Corrupt
            };
            (head, Some((kind, e.to_string())))
        }
    }
}

/// The head as it is with the checksum that its bytes have.
fn mend_head(bytes: &[u8]) -> Option<BlockHead> {
    let mut copy = bytes.to_vec();
    let word = |at: usize| Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let (records, groups) = (usize::from(word(4)?), usize::from(word(6)?));
    let table = groups * GROUP_ENTRY_LEN + records * LOCATOR_LEN;
    let mut crc = crc32fast::Hasher::new();
    crc.update(bytes.get(..BLOCK_HEAD_LEN - 4)?);
    crc.update(bytes.get(BLOCK_HEAD_LEN..BLOCK_HEAD_LEN.checked_add(table)?)?);
    let sum = crc.finalize().to_le_bytes();
    copy.get_mut(BLOCK_HEAD_LEN - 4..BLOCK_HEAD_LEN)?.copy_from_slice(&sum);
    BlockHead::decode(&copy).ok()
}
