//! The header of an active file: which log it belongs to, where it begins and what binds its
//! frames.
//!
//! Invariant: 256 bytes, CRC over all of them; `file_tag` is random per file, so that a frame of a
//! recycled or copied file never passes for one of this file. Byte table: format.md.

use super::codec::{FormatError, Put, Reader, Structure, check_crc, layout};
use crate::types::{ChainHash, Seq};

layout!(pub(crate) LAYOUT, ACTIVE_HEADER_LEN = 256, {
    magic: 8, write_version: 2, read_version: 2, reserved_1: 4, first_seq: 8, file_tag: 8,
    identity_sha256: 32, chain_before: 64, first_commit: 8, reserved_2: 116, crc32: 4,
});

const MAGIC: &[u8; 8] = b"SHOSEKIA";

/// First 256 bytes of `active/<first-seq>.log`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActiveHeader {
    /// Seq of the first record that the file may hold.
    pub first_seq: Seq,
    /// Random; repeated in every frame of this file.
    pub file_tag: u64,
    /// SHA-256 of `log.json`.
    pub identity_sha256: [u8; 32],
    /// Chain hash before `first_seq`.
    pub chain_before: ChainHash,
    /// Number of the commit that made the file; its first frame has this number or the next.
    pub first_commit: u64,
}

impl ActiveHeader {
    /// Its bytes on disk.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(ACTIVE_HEADER_LEN);
        out.bytes(MAGIC).versions().zeros(4).u64(self.first_seq.0).u64(self.file_tag);
        out.bytes(&self.identity_sha256).bytes(&self.chain_before.0).u64(self.first_commit);
        out.zeros(116).crc_since(0);
        debug_assert_eq!(out.len(), ACTIVE_HEADER_LEN);
        out
    }

    /// Reads exactly [`ACTIVE_HEADER_LEN`] bytes.
    ///
    /// # Errors
    /// [`FormatError`]: not such a header, a newer format, or damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut magic = Reader::new(Structure::ActiveHeader, bytes);
        magic.magic(MAGIC)?;
        magic.versions()?;
        let mut r =
            Reader::new(Structure::ActiveHeader, check_crc(Structure::ActiveHeader, bytes)?);
        r.take(12)?;
        r.zeros(4)?;
        let header = Self {
            first_seq: Seq(r.u64()?),
            file_tag: r.u64()?,
            identity_sha256: r.array()?,
            chain_before: ChainHash(r.array()?),
            first_commit: r.u64()?,
        };
        r.zeros(116)?;
        r.end()?;
        Ok(header)
    }
}
