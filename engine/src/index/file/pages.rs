//! Bytes that are checked page by page, each on first use.
//!
//! Invariant: nobody gets a byte of a page that has not matched its checksum since the file was
//! opened. Many threads may ask at once; the same page may then be checked twice.

use std::sync::atomic::{AtomicU64, Ordering};

use super::layout::{INDEX_TAIL_LEN, PAGE_LEN, Tail};
use crate::index::shard::{ShardError, Source};

const DAMAGED: ShardError = ShardError::Structure("length");

/// The part of an index file that page checksums cover.
pub(super) struct Pages {
    file: Box<dyn AsRef<[u8]> + Send + Sync>,
    covered_len: usize,
    /// A bit for each page that has matched.
    checked: Box<[AtomicU64]>,
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages").field("covered_len", &self.covered_len).finish_non_exhaustive()
    }
}

impl Pages {
    /// Compares the length of the file and the checksum of the checksums.
    pub(super) fn open(
        file: Box<dyn AsRef<[u8]> + Send + Sync>,
        tail: &Tail,
    ) -> Result<Self, ShardError> {
        let bytes = (*file).as_ref();
        let covered_len = usize::try_from(tail.covered_len).map_err(|_| DAMAGED)?;
        let checksums = bytes.get(covered_len..).ok_or(DAMAGED)?;
        let pages = covered_len.div_ceil(PAGE_LEN);
        let len = pages.checked_mul(4).ok_or(DAMAGED)?;
        let (checksums, rest) = checksums.split_at_checked(len).ok_or(DAMAGED)?;
        if rest.len() != INDEX_TAIL_LEN || crc32fast::hash(checksums) != tail.checksums_crc32 {
            return Err(DAMAGED);
        }
        let checked = (0..pages.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Ok(Self { file, covered_len, checked })
    }

    /// Bytes of the whole file.
    pub(super) fn file_len(&self) -> u64 {
        self.file().len() as u64
    }

    /// Compares every page, those that have matched before too.
    pub(super) fn check_all(&self) -> Result<(), ShardError> {
        (0..self.covered_len.div_ceil(PAGE_LEN)).try_for_each(|page| self.check(page))
    }

    /// All bytes, none of them checked.
    pub(super) fn file(&self) -> &[u8] {
        (*self.file).as_ref()
    }

    fn check(&self, page: usize) -> Result<(), ShardError> {
        let file = self.file();
        let start = page * PAGE_LEN;
        let bytes = file.get(start..self.covered_len.min(start + PAGE_LEN));
        let checksum = file.get(self.covered_len + page * 4..).and_then(<[u8]>::first_chunk);
        let same = bytes.zip(checksum).is_some_and(|(bytes, checksum)| {
            crc32fast::hash(bytes) == u32::from_le_bytes(*checksum)
        });
        if same { Ok(()) } else { Err(ShardError::Page { page: page as u64 }) }
    }

    #[cold]
    fn check_first(&self, page: usize) -> Result<(), ShardError> {
        self.check(page)?;
        if let Some(word) = self.checked.get(page / 64) {
            word.fetch_or(1 << (page % 64), Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Source for Pages {
    fn len(&self) -> u64 {
        self.covered_len as u64
    }

    fn bytes(&self, at: u64, len: usize) -> Result<&[u8], ShardError> {
        let at = usize::try_from(at).map_err(|_| DAMAGED)?;
        let end = at.checked_add(len).filter(|end| *end <= self.covered_len).ok_or(DAMAGED)?;
        if len > 0 {
            for page in at / PAGE_LEN..=(end - 1) / PAGE_LEN {
                // The bytes never change, so no order of memory is needed.
                let word = self.checked.get(page / 64).map_or(0, |w| w.load(Ordering::Relaxed));
                if word >> (page % 64) & 1 == 0 {
                    self.check_first(page)?;
                }
            }
        }
        self.file().get(at..end).ok_or(DAMAGED)
    }
}
