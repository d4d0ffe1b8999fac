//! Strict pieces of text that notes, keys and lists are made of: lines, decimals, base64.
//!
//! Invariant: for every value there is one accepted spelling, so that no byte of evidence can be
//! changed without changing its meaning. Knows nothing about what the lines say.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A line of a note or list that is not what its format calls for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: expected {expected}")]
pub struct TextError {
    /// Line of the text, from 1.
    pub line: usize,
    /// What the format calls for there.
    pub expected: &'static str,
}

/// Base64 of RFC 4648 section 4, padded.
#[must_use]
pub fn base64_encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Strict inverse of [`base64_encode`]: padding is required, unused bits are zero.
#[must_use]
pub fn base64_decode(text: &str) -> Option<Vec<u8>> {
    // The STANDARD engine requires canonical padding and refuses trailing bits.
    STANDARD.decode(text).ok()
}

/// Base64 of exactly `N` bytes.
pub(super) fn base64_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    base64_decode(text)?.try_into().ok()
}

/// A decimal number without sign and leading zeros.
#[must_use]
pub fn decimal_parse(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if digits && !leading_zero { text.parse().ok() } else { None }
}

/// Lines of a text, each of which must end with a newline.
pub(super) struct Lines<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, line: 0 }
    }

    /// The next line without its newline.
    fn next(&mut self, expected: &'static str) -> Result<&'a str, TextError> {
        self.line += 1;
        let (line, rest) = self.rest.split_once('\n').ok_or(self.error(expected))?;
        self.rest = rest;
        Ok(line)
    }

    /// The next line, read by `parse`.
    pub(super) fn parse<T>(
        &mut self,
        expected: &'static str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, TextError> {
        let line = self.next(expected)?;
        parse(line).ok_or(self.error(expected))
    }

    /// What follows `prefix` on the next line, read by `parse`.
    pub(super) fn value<T>(
        &mut self,
        prefix: &'static str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, TextError> {
        self.parse(prefix, |line| parse(line.strip_prefix(prefix)?))
    }

    /// Nothing may follow.
    pub(super) fn end(self) -> Result<(), TextError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(TextError { line: self.line + 1, expected: "the end of the text" })
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// An error at the line read last.
    fn error(&self, expected: &'static str) -> TextError {
        TextError { line: self.line, expected }
    }
}
