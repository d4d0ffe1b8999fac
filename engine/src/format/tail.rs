//! The last bytes of a sealed segment, from which everything else is found.
//!
//! Invariant: fixed length and magic at the very end of the file; versions stand here too, so that
//! a reader knows whether it may read on. Byte table: format.md.

use super::codec::{FormatError, FormatErrorKind, Put, Reader, Structure, layout};

layout!(pub(crate) LAYOUT, TAIL_LEN = 48, {
    footer_offset: 8, footer_len: 4, seal_len: 4, file_len: 8, write_version: 2, read_version: 2,
    reserved: 8, crc32: 4, magic: 8,
});

const MAGIC: &[u8; 8] = b"SHOSEKIZ";

/// Where footer and file seal lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tail {
    /// Where the footer begins.
    pub footer_offset: u64,
    /// Bytes of the footer.
    pub footer_len: u32,
    /// Bytes of the file seal (a signed note) behind the footer.
    pub seal_len: u32,
    /// Bytes of the whole file, tail included.
    pub file_len: u64,
}

impl Tail {
    /// Its bytes on disk.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(TAIL_LEN);
        out.u64(self.footer_offset).u32(self.footer_len).u32(self.seal_len).u64(self.file_len);
        out.versions().zeros(8).crc_since(0).bytes(MAGIC);
        debug_assert_eq!(out.len(), TAIL_LEN);
        out
    }

    /// Reads exactly [`TAIL_LEN`] bytes, the last of a file of `file_len` bytes.
    ///
    /// # Errors
    /// [`FormatError`] where they are no tail of such a file.
    pub fn decode(bytes: &[u8], file_len: u64) -> Result<Self, FormatError> {
        const S: Structure = Structure::Tail;
        let mut r = Reader::new(S, bytes);
        let fields = r.take(TAIL_LEN - 12)?;
        let at = r.error(FormatErrorKind::Checksum);
        let crc = r.u32()?;
        r.magic(MAGIC)?;
        r.end()?;
        if crc32fast::hash(fields) != crc {
            return Err(at);
        }
        let mut r = Reader::new(S, fields);
        let tail = Self {
            footer_offset: r.u64()?,
            footer_len: r.u32()?,
            seal_len: r.u32()?,
            file_len: r.u64()?,
        };
        r.versions()?;
        r.zeros(8)?;
        let end = tail
            .footer_offset
            .checked_add(tail.footer_len.into())
            .and_then(|end| end.checked_add(tail.seal_len.into()))
            .and_then(|end| end.checked_add(48));
        if end == Some(file_len) && tail.file_len == file_len {
            Ok(tail)
        } else {
            Err(r.error(FormatErrorKind::Value))
        }
    }

    /// Where the file seal begins: everything before it is what the seal covers.
    #[must_use]
    pub fn seal_offset(&self) -> u64 {
        self.footer_offset + u64::from(self.footer_len)
    }
}

const _: () = assert!(TAIL_LEN == 48, "decode() counts on it");
