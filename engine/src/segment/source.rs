//! Where segment bytes come from: a slice, a map, a file.
//!
//! Invariant: a source never returns fewer bytes than asked; reading past its end is an
//! `UnexpectedEof`.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

/// Random access to bytes.
pub trait ByteSource {
    /// Bytes that can be read now.
    fn len(&self) -> u64;

    /// Whether there is nothing to read.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Exactly `len` bytes from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` past the end, otherwise what the medium says.
    fn bytes(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>>;

    /// Where the next byte from `offset` on is that may be other than zero; `None` where none is.
    /// A source that knows of no holes says `offset`.
    fn next_data(&self, offset: u64) -> Option<u64> {
        (offset < self.len()).then_some(offset)
    }
}

impl ByteSource for [u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn bytes(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        usize::try_from(offset)
            .ok()
            .and_then(|start| self.get(start..start.checked_add(len)?))
            .map(Cow::Borrowed)
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl ByteSource for Vec<u8> {
    fn len(&self) -> u64 {
        ByteSource::len(self.as_slice())
    }

    fn bytes(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        self.as_slice().bytes(offset, len)
    }
}

impl<S: ByteSource + ?Sized> ByteSource for &S {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn bytes(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        (**self).bytes(offset, len)
    }

    fn next_data(&self, offset: u64) -> Option<u64> {
        (**self).next_data(offset)
    }
}

impl<S: ByteSource + ?Sized> ByteSource for Arc<S> {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn bytes(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        (**self).bytes(offset, len)
    }

    fn next_data(&self, offset: u64) -> Option<u64> {
        (**self).next_data(offset)
    }
}
