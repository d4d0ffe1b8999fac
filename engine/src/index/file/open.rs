//! An index file that is open for questions.
//!
//! Invariant: opening reads the header, the shard table, the page checksums and the tail; the
//! shards and the totals only when they are asked.

use std::ops::Range;
use std::sync::Arc;

use super::layout::{INDEX_HEADER_LEN, IndexIdentity, TOTALS_LENS_LEN, Tail};
use super::pages::Pages;
use super::totals::merge;
use crate::format::TimeRange;
use crate::index::shard::{
    EachCount, EncodedShard, Keyword, Part, SHARD_HEADER_LEN, Section, ShardError, ShardHeader,
    ShardLookup, Source, Strings, array,
};

const DAMAGED: ShardError = ShardError::Structure("shard table");

/// The search index of one sealed segment.
#[derive(Debug)]
pub struct IndexFile {
    pages: Arc<Pages>,
    identity: IndexIdentity,
    shards: Vec<EncodedShard<Part<Arc<Pages>>>>,
    /// Where the totals of each field are; empty for those that are not kept.
    totals: [Range<u64>; Keyword::COUNT],
}

impl IndexFile {
    /// Opens the bytes of a file, which must not change any more.
    ///
    /// # Errors
    /// [`ShardError::Stale`] where they were made for other records than `expected`; any other
    /// [`ShardError`] where they can't be used. In each case: build it again.
    pub fn open(
        bytes: impl AsRef<[u8]> + Send + Sync + 'static,
        expected: &IndexIdentity,
    ) -> Result<Self, ShardError> {
        let tail = Tail::decode(bytes.as_ref())?;
        let pages = Arc::new(Pages::open(Box::new(bytes), &tail)?);
        let identity = IndexIdentity::decode(pages.bytes(0, INDEX_HEADER_LEN)?)?;
        if identity != *expected {
            return Err(ShardError::Stale);
        }
        let table_len = usize::try_from(tail.shard_count)
            .ok()
            .and_then(|count| count.checked_mul(SHARD_HEADER_LEN)?.checked_add(TOTALS_LENS_LEN))
            .ok_or(DAMAGED)?;
        let table_at = tail.covered_len.checked_sub(table_len as u64).ok_or(DAMAGED)?;
        let rest = &mut pages.bytes(table_at, table_len)?;
        let mut totals_lens = [0; Keyword::COUNT];
        for len in &mut totals_lens {
            *len = array(rest).map(u64::from_le_bytes).ok_or(DAMAGED)?;
        }
        let (shards, mut at) = shards(&pages, rest, &identity)?;
        let mut totals: [Range<u64>; Keyword::COUNT] = Default::default();
        for (place, len) in totals.iter_mut().zip(totals_lens) {
            let end = at.checked_add(len).ok_or(DAMAGED)?;
            *place = at..end;
            at = end;
        }
        if at != table_at {
            return Err(DAMAGED);
        }
        Ok(Self { pages, identity, shards, totals })
    }

    /// The records for which it was made.
    #[must_use]
    pub fn identity(&self) -> &IndexIdentity {
        &self.identity
    }

    /// Bytes of the file.
    #[must_use]
    pub fn file_len(&self) -> u64 {
        self.pages.file_len()
    }

    /// Which parts the file has and how many bytes each takes; they add up to
    /// [`Self::file_len`].
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let sections = Section::all().map(|section| {
            let lens = self.shards.iter().map(|shard| {
                let place = shard.header().section(section);
                place.end - place.start
            });
            (section.name(), lens.sum::<u64>())
        });
        let totals = self.totals.iter().map(|place| place.end - place.start).sum::<u64>();
        let in_sections: u64 = sections.clone().map(|(_, len)| len).sum();
        let rest = self.file_len() - in_sections - totals;
        sections.chain([("totals", totals), ("headers and checksums", rest)])
    }

    /// All bytes of the file as they are, whatever their checksums say.
    #[must_use]
    pub fn raw_bytes(&self) -> &[u8] {
        self.pages.file()
    }

    /// How many shards there are: one for each window that the records touch.
    #[must_use]
    pub fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// One of the shards, in order of seq.
    #[must_use]
    pub fn shard(&self, index: usize) -> Option<&dyn ShardLookup> {
        self.shards.get(index).map(|shard| shard as _)
    }

    /// The bytes of a shard, as they were given to [`super::IndexFileWriter::push`]; nothing where
    /// there is no such shard.
    ///
    /// # Errors
    /// [`ShardError::Page`] where a page of them is damaged.
    pub fn shard_bytes(&self, index: usize) -> Result<&[u8], ShardError> {
        let lens = || self.shards.iter().map(|shard| shard.header().shard_len());
        let at = lens().take(index).fold(INDEX_HEADER_LEN as u64, u64::saturating_add);
        let len = usize::try_from(lens().nth(index).unwrap_or(0)).map_err(|_| DAMAGED)?;
        self.pages.bytes(at, len)
    }

    /// All shards, in order of seq.
    pub fn shards(&self) -> impl Iterator<Item = &dyn ShardLookup> {
        self.shards.iter().map(|shard| shard as _)
    }

    /// The seqs of each shard; touches no byte of the file.
    pub fn shard_ranges(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.shards.iter().map(|shard| {
            let first = shard.first_seq();
            first..first + u64::from(shard.record_count())
        })
    }

    /// The times of a shard; touches no byte of the file. Empty where it has none.
    #[must_use]
    pub fn times(&self, index: usize) -> TimeRange {
        self.shards.get(index).map_or(TimeRange::EMPTY, ShardLookup::times)
    }

    /// Each value of a field with its number of records in the file, ascending by the bytes of the
    /// value.
    ///
    /// # Errors
    /// [`ShardError`] where the bytes are damaged; values may have been given before.
    pub fn totals(&self, field: Keyword, each: EachCount<'_>) -> Result<(), ShardError> {
        let place = self.totals.get(field.place()).cloned().unwrap_or_default();
        if place.is_empty() {
            let dictionaries: Result<Vec<_>, _> =
                self.shards.iter().map(|shard| Ok(shard.values(field)?.strings)).collect();
            return merge(&dictionaries?, each);
        }
        let totals = Strings::open(Part::new(&*self.pages, place)?)?;
        merge(&[totals], each)
    }

    /// Compares every page with its checksum, the ones that have matched before too.
    ///
    /// # Errors
    /// [`ShardError::Page`]: the first one that does not match.
    pub fn verify_all(&self) -> Result<(), ShardError> {
        self.pages.check_all()
    }
}

/// The shards by their headers in the table, and where they end.
#[expect(clippy::type_complexity, reason = "used once")]
fn shards(
    pages: &Arc<Pages>,
    mut headers: &[u8],
    identity: &IndexIdentity,
) -> Result<(Vec<EncodedShard<Part<Arc<Pages>>>>, u64), ShardError> {
    let mut shards = Vec::with_capacity(headers.len() / SHARD_HEADER_LEN);
    let mut at = INDEX_HEADER_LEN as u64;
    let mut next_seq = identity.first_seq;
    while let Some((header, rest)) = headers.split_first_chunk::<SHARD_HEADER_LEN>() {
        let header = ShardHeader::decode(header)?;
        if header.first_seq != next_seq {
            return Err(DAMAGED);
        }
        let end = at.checked_add(header.shard_len()).ok_or(DAMAGED)?;
        let part = Part::new(Arc::clone(pages), at..end)?;
        shards.push(EncodedShard::with_header(part, header)?);
        next_seq = header.first_seq + u64::from(header.count);
        at = end;
        headers = rest;
    }
    if next_seq == identity.end_seq() { Ok((shards, at)) } else { Err(DAMAGED) }
}
