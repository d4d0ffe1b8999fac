//! Writes an index file from encoded shards, front to back.
//!
//! Invariant: the same identity and shards give the same bytes. What was written is no index before
//! [`IndexFileWriter::finish`]; making it durable and giving it its name is the caller's.
//! Heap: the page checksums and the totals.

use std::io::{self, Write};

use super::layout::{IndexIdentity, PAGE_LEN, Tail};
use super::totals::TotalsWriter;
use crate::format::Put;
use crate::index::shard::{EncodedShard, Keyword, ShardError, ShardHeader};

/// An index file under way.
#[derive(Debug)]
pub struct IndexFileWriter<W> {
    pages: PageWriter<W>,
    identity: IndexIdentity,
    next_seq: u64,
    headers: Vec<u8>,
    shard_count: u32,
    totals: TotalsWriter,
}

impl<W: Write> IndexFileWriter<W> {
    /// Begins the index of these records. Writes are small: give it a buffered writer.
    ///
    /// # Errors
    /// The writer's.
    pub fn new(out: W, identity: IndexIdentity) -> io::Result<Self> {
        Self::with_totals(out, identity, TotalsWriter::new())
    }

    pub(super) fn with_totals(
        out: W,
        identity: IndexIdentity,
        totals: TotalsWriter,
    ) -> io::Result<Self> {
        let mut pages =
            PageWriter { out, page: crc32fast::Hasher::new(), len: 0, crcs: Vec::new() };
        pages.write(&identity.encode())?;
        let next_seq = identity.first_seq;
        Ok(Self { pages, identity, next_seq, headers: Vec::new(), shard_count: 0, totals })
    }

    /// Adds what [`crate::index::shard::ShardBuilder::encode`] gave for the records that follow.
    ///
    /// # Errors
    /// The writer's; [`io::ErrorKind::InvalidInput`] where this is no shard or not the next one.
    pub fn push(&mut self, shard: &[u8]) -> io::Result<()> {
        let encoded = EncodedShard::open(shard).map_err(invalid)?;
        let header: &ShardHeader = encoded.header();
        let end = header.first_seq.saturating_add(u64::from(header.count));
        if header.first_seq != self.next_seq || end > self.identity.end_seq() {
            return Err(invalid(ShardError::Stale));
        }
        for field in Keyword::ALL {
            let dictionary = encoded.values(field).map_err(invalid)?.strings;
            self.totals.add(field, dictionary).map_err(invalid)?;
        }
        header.encode(&mut self.headers);
        self.next_seq = end;
        self.shard_count += 1;
        self.pages.write(shard)
    }

    /// Writes the rest and gives the writer back, unflushed.
    ///
    /// # Errors
    /// The writer's; [`io::ErrorKind::InvalidInput`] where shards are missing.
    pub fn finish(mut self) -> io::Result<W> {
        if self.next_seq != self.identity.end_seq() {
            return Err(invalid(ShardError::Stale));
        }
        let totals = self.totals.finish().map_err(invalid)?;
        let mut table = Vec::new();
        for total in &totals {
            self.pages.write(total)?;
            table.u64(total.len() as u64);
        }
        table.extend_from_slice(&self.headers);
        self.pages.write(&table)?;
        self.pages.finish(self.shard_count)
    }
}

fn invalid(error: ShardError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

/// Counts bytes and takes the checksum of each page.
#[derive(Debug)]
struct PageWriter<W> {
    out: W,
    page: crc32fast::Hasher,
    len: u64,
    crcs: Vec<u8>,
}

impl<W: Write> PageWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let filled = usize::try_from(self.len % PAGE_LEN as u64).unwrap_or_default();
            let (now, later) = rest.split_at(rest.len().min(PAGE_LEN - filled));
            self.page.update(now);
            self.len += now.len() as u64;
            rest = later;
            if filled + now.len() == PAGE_LEN {
                self.end_page();
            }
        }
        Ok(())
    }

    fn end_page(&mut self) {
        let page = std::mem::take(&mut self.page);
        self.crcs.u32(page.finalize());
    }

    fn finish(mut self, shard_count: u32) -> io::Result<W> {
        if !self.len.is_multiple_of(PAGE_LEN as u64) {
            self.end_page();
        }
        let checksums_crc32 = crc32fast::hash(&self.crcs);
        let tail = Tail { covered_len: self.len, shard_count, checksums_crc32 };
        self.out.write_all(&self.crcs)?;
        self.out.write_all(&tail.encode())?;
        Ok(self.out)
    }
}
