//! Stand-in for the index file, until that is there.

use std::io::{self, Write};

use super::shard::{EncodedShard, Keyword, ShardError, ShardLookup};
use crate::format::TimeRange;
use crate::types::ChainHash;

/// Which records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IndexIdentity {
    /// First.
    pub first_seq: u64,
    /// How many.
    pub count: u64,
    /// Behind the last.
    pub chain_after: ChainHash,
    /// Erased.
    pub erased: u64,
}

impl IndexIdentity {
    fn bytes(&self) -> Vec<u8> {
        let head = [self.first_seq, self.count, self.erased].map(u64::to_le_bytes).concat();
        [head, self.chain_after.0.to_vec()].concat()
    }
}

const IDENTITY_LEN: usize = 88;

/// Writes.
pub struct IndexFileWriter<W> {
    out: W,
}

impl<W: Write> IndexFileWriter<W> {
    /// Begins.
    ///
    /// # Errors
    /// The writer's.
    pub fn new(mut out: W, identity: IndexIdentity) -> io::Result<Self> {
        let bytes = identity.bytes();
        out.write_all(&bytes)?;
        out.write_all(&crc32fast::hash(&bytes).to_le_bytes())?;
        Ok(Self { out })
    }

    /// Adds a shard.
    ///
    /// # Errors
    /// The writer's.
    pub fn push(&mut self, shard: &[u8]) -> io::Result<()> {
        let len = u32::try_from(shard.len()).unwrap_or(0);
        self.out.write_all(&len.to_le_bytes())?;
        self.out.write_all(shard)
    }

    /// Ends.
    ///
    /// # Errors
    /// The writer's.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(b"end.")?;
        Ok(self.out)
    }
}

/// An index.
pub struct IndexFile {
    identity: IndexIdentity,
    shards: Vec<EncodedShard<Vec<u8>>>,
}

impl IndexFile {
    /// Opens.
    ///
    /// # Errors
    /// Bad bytes or other records.
    pub fn open(
        bytes: impl AsRef<[u8]> + Send + Sync + 'static,
        expected: &IndexIdentity,
    ) -> Result<Self, ShardError> {
        let bad = ShardError::Structure("file");
        let (head, rest) = bytes.as_ref().split_at_checked(IDENTITY_LEN).ok_or(bad)?;
        let (crc, rest) = rest.split_first_chunk().ok_or(bad)?;
        let mut rest = rest.strip_suffix(b"end.").ok_or(bad)?;
        if u32::from_le_bytes(*crc) != crc32fast::hash(head) {
            return Err(bad);
        }
        if head != expected.bytes() {
            return Err(ShardError::Stale);
        }
        let mut shards = Vec::new();
        while let Some((len, behind)) = rest.split_first_chunk() {
            let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
            let (shard, behind) = behind.split_at_checked(len).ok_or(bad)?;
            shards.push(EncodedShard::open(shard.to_vec())?);
            rest = behind;
        }
        let count: u64 = shards.iter().map(|s| u64::from(s.record_count())).sum();
        if count != expected.count {
            return Err(bad);
        }
        Ok(Self { identity: *expected, shards })
    }

    /// Whose.
    #[must_use]
    pub fn identity(&self) -> &IndexIdentity {
        &self.identity
    }

    /// One of them.
    #[must_use]
    pub fn shard(&self, index: usize) -> Option<&EncodedShard<Vec<u8>>> {
        self.shards.get(index)
    }

    /// All of them.
    pub fn shards(&self) -> impl Iterator<Item = &EncodedShard<Vec<u8>>> {
        self.shards.iter()
    }

    /// Times of one.
    #[must_use]
    pub fn times(&self, index: usize) -> TimeRange {
        self.shards.get(index).map_or(TimeRange::EMPTY, |s| s.times())
    }

    /// Counts.
    ///
    /// # Errors
    /// Bad bytes.
    pub fn totals(
        &self,
        field: Keyword,
        each: &mut dyn FnMut(&str, u64),
    ) -> Result<(), ShardError> {
        let mut counts = std::collections::BTreeMap::<String, u64>::new();
        for shard in &self.shards {
            shard
                .counts(field, &mut |value, n| *counts.entry(value.to_owned()).or_default() += n)?;
        }
        counts.iter().for_each(|(value, count)| each(value, *count));
        Ok(())
    }
}
