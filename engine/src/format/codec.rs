//! Little-endian reading and writing shared by the structures, and their error type.
//!
//! Invariant: reading past the end is an error with its place, never a panic; reserved bytes are
//! zero.
//! Knows no structure's meaning.

use core::fmt;

/// One field of a fixed structure, for the comparison with the byte tables of format.md.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// Bytes from the start of the structure.
    pub offset: usize,
    /// Bytes.
    pub size: usize,
    /// Name in code and document.
    pub name: &'static str,
}

/// Which structure a [`FormatError`] speaks of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub enum Structure {
    ActiveHeader,
    FrameHeader,
    FramePayload,
    SegmentHeader,
    BlockHead,
    GroupTable,
    Group,
    Directory,
    Footer,
    Tail,
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ActiveHeader => "active file header",
            Self::FrameHeader => "frame header",
            Self::FramePayload => "frame payload",
            Self::SegmentHeader => "segment header",
            Self::BlockHead => "block head",
            Self::GroupTable => "group table",
            Self::Group => "group",
            Self::Directory => "directory",
            Self::Footer => "footer",
            Self::Tail => "tail",
        })
    }
}

/// What is wrong with the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatErrorKind {
    /// Fewer bytes than the structure needs.
    #[error("too short")]
    TooShort,
    /// Bytes behind the structure where none may be.
    #[error("trailing bytes")]
    TrailingBytes,
    /// The magic bytes differ: not this structure.
    #[error("wrong magic")]
    Magic,
    /// Written for a newer reader.
    #[error("read version {0} is newer than this program")]
    Version(u16),
    /// A reserved byte is not zero.
    #[error("reserved bytes are not zero")]
    Reserved,
    /// The CRC-32 does not match.
    #[error("checksum does not match")]
    Checksum,
    /// A value outside its range or in contradiction to another.
    #[error("impossible value")]
    Value,
}

/// A structure that can't be decoded, and where inside it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{structure}, byte {offset}: {kind}")]
pub struct FormatError {
    /// The structure.
    pub structure: Structure,
    /// Bytes from the start of the structure.
    pub offset: usize,
    /// What is wrong there.
    pub kind: FormatErrorKind,
}

/// Consumes a slice from the front.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    consumed: usize,
    structure: Structure,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(structure: Structure, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, consumed: 0, structure }
    }

    pub(crate) fn error(&self, kind: FormatErrorKind) -> FormatError {
        FormatError { structure: self.structure, offset: self.consumed, kind }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], FormatError> {
        let (taken, rest) =
            self.rest.split_at_checked(len).ok_or(self.error(FormatErrorKind::TooShort))?;
        self.rest = rest;
        self.consumed += len;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let (taken, rest) =
            self.rest.split_first_chunk().ok_or(self.error(FormatErrorKind::TooShort))?;
        self.rest = rest;
        self.consumed += N;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, FormatError> {
        self.array::<1>().map(|[b]| b)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, FormatError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, FormatError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, FormatError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, FormatError> {
        self.array().map(i64::from_le_bytes)
    }

    /// A 32-bit length or count as `usize`.
    pub(crate) fn len32(&mut self) -> Result<usize, FormatError> {
        let at = self.error(FormatErrorKind::Value);
        usize::try_from(self.u32()?).map_err(|_| at)
    }

    /// LEB128, at most 64 bits, shortest form only.
    #[cfg(any(test, feature = "log"))]
    pub(crate) fn varint(&mut self) -> Result<u64, FormatError> {
        let at = self.error(FormatErrorKind::Value);
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits || (byte == 0 && shift > 0) {
                return Err(at);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(at)
    }

    pub(crate) fn magic(&mut self, want: &[u8]) -> Result<(), FormatError> {
        let at = self.error(FormatErrorKind::Magic);
        if self.take(want.len())? == want { Ok(()) } else { Err(at) }
    }

    /// Write version (ignored) and read version (must be known).
    pub(crate) fn versions(&mut self) -> Result<(), FormatError> {
        let _write = self.u16()?;
        let at = self.error(FormatErrorKind::Value);
        match self.u16()? {
            super::READ_VERSION => Ok(()),
            found => Err(FormatError { kind: FormatErrorKind::Version(found), ..at }),
        }
    }

    pub(crate) fn zeros(&mut self, len: usize) -> Result<(), FormatError> {
        let at = self.error(FormatErrorKind::Reserved);
        if self.take(len)?.iter().all(|b| *b == 0) { Ok(()) } else { Err(at) }
    }

    pub(crate) fn end(&self) -> Result<(), FormatError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.error(FormatErrorKind::TrailingBytes)) }
    }
}

/// Checks the CRC-32 that stands in the last four bytes of `bytes`.
pub(crate) fn check_crc(structure: Structure, bytes: &[u8]) -> Result<&[u8], FormatError> {
    let short = FormatError { structure, offset: bytes.len(), kind: FormatErrorKind::TooShort };
    let (body, crc) = bytes.split_last_chunk::<4>().ok_or(short)?;
    if crc32fast::hash(body) == u32::from_le_bytes(*crc) {
        Ok(body)
    } else {
        Err(FormatError { structure, offset: body.len(), kind: FormatErrorKind::Checksum })
    }
}

/// Appends little-endian values to a buffer.
pub(crate) trait Put {
    fn bytes(&mut self, bytes: &[u8]) -> &mut Self;
    fn crc_since(&mut self, start: usize) -> &mut Self;

    fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }
    fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }
    fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }
    fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }
    fn i64(&mut self, value: i64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }
    fn versions(&mut self) -> &mut Self {
        self.u16(super::WRITE_VERSION).u16(super::READ_VERSION)
    }
    #[cfg(any(test, feature = "log"))]
    fn varint(&mut self, mut value: u64) -> &mut Self {
        while value >= 0x80 {
            self.u8(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.u8(value.to_le_bytes()[0])
    }
    fn zeros(&mut self, len: usize) -> &mut Self {
        for _ in 0..len {
            self.u8(0);
        }
        self
    }
}

impl Put for Vec<u8> {
    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.extend_from_slice(bytes);
        self
    }

    /// CRC-32 of everything from `start` on, appended.
    fn crc_since(&mut self, start: usize) -> &mut Self {
        let crc = crc32fast::hash(self.get(start..).unwrap_or_default());
        self.u32(crc)
    }
}

/// Declares the fields of a fixed structure in disk order: their offsets follow from the sizes.
macro_rules! layout {
    (
        $vis:vis $table:ident, $len:ident = $want:literal,
        { $($name:ident : $size:expr),+ $(,)? }
    ) => {
        /// Length of the structure in bytes.
        pub const $len: usize = $want;
        $vis const $table: &[$crate::format::Field] = &{
            let sizes = [$(($size, stringify!($name))),+];
            const COUNT: usize = [$(stringify!($name)),+].len();
            let mut fields = [$crate::format::Field { offset: 0, size: 0, name: "" }; COUNT];
            let mut offset = 0;
            let mut i = 0;
            #[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
            while i < fields.len() {
                fields[i] = $crate::format::Field { offset, size: sizes[i].0, name: sizes[i].1 };
                offset += sizes[i].0;
                i += 1;
            }
            assert!(offset == $want);
            fields
        };
    };
}
pub(crate) use layout;
