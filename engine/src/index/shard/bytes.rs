//! Where the bytes of an index come from: memory, or a mapped file that is checked page by page.
//!
//! Invariant: nobody gets a byte outside the source; what is not asked for is not touched.
//! Knows no structure's meaning.

use std::ops::Range;
use std::sync::Arc;

use super::bits;
use super::error::ShardError;

/// Bytes that can be asked for in pieces.
pub(crate) trait Source {
    /// How many bytes there are.
    fn len(&self) -> u64;

    /// The bytes `[at, at + len)`.
    ///
    /// # Errors
    /// [`ShardError::Structure`] where they are not all there, [`ShardError::Page`] where they are
    /// damaged.
    fn bytes(&self, at: u64, len: usize) -> Result<&[u8], ShardError>;
}

const OUTSIDE: ShardError = ShardError::Structure("length");

impl Source for [u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn bytes(&self, at: u64, len: usize) -> Result<&[u8], ShardError> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..));
        rest.and_then(|rest| rest.get(..len)).ok_or(OUTSIDE)
    }
}

impl Source for Vec<u8> {
    fn len(&self) -> u64 {
        Source::len(self.as_slice())
    }

    fn bytes(&self, at: u64, len: usize) -> Result<&[u8], ShardError> {
        Source::bytes(self.as_slice(), at, len)
    }
}

impl<S: Source + ?Sized> Source for &S {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn bytes(&self, at: u64, len: usize) -> Result<&[u8], ShardError> {
        (**self).bytes(at, len)
    }
}

impl<S: Source + ?Sized> Source for Arc<S> {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn bytes(&self, at: u64, len: usize) -> Result<&[u8], ShardError> {
        (**self).bytes(at, len)
    }
}

/// A piece of a source that is a source of its own.
#[derive(Clone, Debug)]
pub(crate) struct Part<S> {
    whole: S,
    at: u64,
    len: u64,
}

impl<S: Source> Part<S> {
    /// The bytes `range` of `whole`.
    ///
    /// # Errors
    /// [`ShardError::Structure`] where the range is not inside.
    pub(crate) fn new(whole: S, range: Range<u64>) -> Result<Self, ShardError> {
        let len = range.end.checked_sub(range.start).ok_or(OUTSIDE)?;
        if range.end > whole.len() {
            return Err(OUTSIDE);
        }
        Ok(Self { whole, at: range.start, len })
    }
}

impl<S: Source> Source for Part<S> {
    fn len(&self) -> u64 {
        self.len
    }

    fn bytes(&self, at: u64, len: usize) -> Result<&[u8], ShardError> {
        if at.checked_add(len as u64).is_none_or(|end| end > self.len) {
            return Err(OUTSIDE);
        }
        self.whole.bytes(self.at + at, len)
    }
}

/// Bytes asked for at once by a [`Cursor`] that needs fewer.
const WINDOW: usize = 256;

/// Reads a range of a source from its beginning, a window at a time.
pub(crate) struct Cursor<'a, S: ?Sized> {
    source: &'a S,
    window: &'a [u8],
    at: u64,
    end: u64,
    what: &'static str,
}

impl<'a, S: Source + ?Sized> Cursor<'a, S> {
    /// Over the bytes `[at, end)`; `what` names the structure in errors.
    pub(crate) fn new(source: &'a S, at: u64, end: u64, what: &'static str) -> Self {
        Self { source, window: &[], at, end, what }
    }

    /// Whether everything is read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.end
    }

    /// The next bytes.
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], ShardError> {
        if self.window.len() < len {
            self.refill(len)?;
        }
        let (taken, rest) = self.window.split_at_checked(len).ok_or(self.error())?;
        self.window = rest;
        self.at += len as u64;
        Ok(taken)
    }

    /// Goes on without looking at the next bytes.
    pub(crate) fn skip(&mut self, len: u64) -> Result<(), ShardError> {
        let left = self.end.saturating_sub(self.at);
        if len > left {
            return Err(self.error());
        }
        let in_window = usize::try_from(len).ok().and_then(|len| self.window.get(len..));
        self.window = in_window.unwrap_or_default();
        self.at += len;
        Ok(())
    }

    /// A number as [`bits::varint`] reads it.
    pub(crate) fn varint(&mut self) -> Result<u64, ShardError> {
        let mut rest = self.window;
        if let Some(value) = bits::varint(&mut rest) {
            self.at += (self.window.len() - rest.len()) as u64;
            self.window = rest;
            return Ok(value);
        }
        let mut value = Vec::with_capacity(bits::VARINT_LEN_MAX);
        loop {
            let [byte] = *self.take(1)? else { return Err(self.error()) };
            value.push(byte);
            if byte & 0x80 == 0 {
                return bits::varint(&mut value.as_slice()).ok_or(self.error());
            }
            if value.len() >= bits::VARINT_LEN_MAX {
                return Err(self.error());
            }
        }
    }

    fn refill(&mut self, len: usize) -> Result<(), ShardError> {
        let left = self.end.saturating_sub(self.at);
        if len as u64 > left {
            return Err(self.error());
        }
        let ahead = usize::try_from(left).map_or(WINDOW, |left| left.min(WINDOW));
        self.window = self.source.bytes(self.at, len.max(ahead))?;
        Ok(())
    }

    fn error(&self) -> ShardError {
        ShardError::Structure(self.what)
    }
}
