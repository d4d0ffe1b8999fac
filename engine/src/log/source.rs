//! Files as [`ByteSource`]s.
//!
//! Invariant: a file that grows is seen at the length that was given; a map is only made of sealed
//! files.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use crate::io::{Map, StorageFile};
use crate::segment::ByteSource;

/// A file up to a fixed length, read with positioned reads.
#[derive(Clone)]
pub(crate) struct FileSource {
    file: Arc<dyn StorageFile>,
    len: u64,
}

impl FileSource {
    /// The file as long as it is now.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) fn new(file: Arc<dyn StorageFile>) -> io::Result<Self> {
        let len = file.len()?;
        Ok(Self { file, len })
    }

    /// The first `len` bytes of the file.
    #[must_use]
    pub(crate) fn with_len(file: Arc<dyn StorageFile>, len: u64) -> Self {
        Self { file, len }
    }
}

impl ByteSource for FileSource {
    fn len(&self) -> u64 {
        self.len
    }

    fn bytes(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        let end = offset.checked_add(len as u64).filter(|end| *end <= self.len);
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut buffer = vec![0; len];
        if self.file.read_at(offset, &mut buffer)? < len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Cow::Owned(buffer))
    }
}

/// A mapped file.
pub(crate) struct MapSource(pub Map);

impl ByteSource for MapSource {
    fn len(&self) -> u64 {
        ByteSource::len(&*self.0)
    }

    fn bytes(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        self.0.bytes(offset, len)
    }
}
