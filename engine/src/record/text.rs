//! JSON strings: finding their end, escapes, and the canonical form of CONTRACT 1.1.
//!
//! Invariant: `unescape(escape(s)) == s`, and a canonical string has exactly one form.
//! Knows nothing of objects or records.

use std::borrow::Cow;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// How many bytes from the start need no escape: no quote, no backslash, none below U+0020.
///
/// Eight bytes at a time. A borrow may mark bytes above the first one that stops, never below it,
/// so the lowest mark is exact.
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    let mut at = 0;
    for word in words {
        let marks = stops(u64::from_le_bytes(*word));
        if marks != 0 {
            return at + place(marks);
        }
        at += 8;
    }
    at + tail.iter().position(|b| is_stop(*b)).unwrap_or(tail.len())
}

/// Which byte the lowest mark is in.
fn place(marks: u64) -> usize {
    usize::try_from(marks.trailing_zeros() / 8).unwrap_or(8)
}

fn is_stop(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..=0x1f)
}

/// The high bit of each byte of a word that stops the run.
fn stops(word: u64) -> u64 {
    let quote = word ^ (ONES * 0x22);
    let backslash = word ^ (ONES * 0x5c);
    let marks = quote.wrapping_sub(ONES) & !quote
        | backslash.wrapping_sub(ONES) & !backslash
        | word.wrapping_sub(ONES * 0x20) & !word;
    marks & HIGHS
}

/// The content of a JSON string token, still escaped and without its quotes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Text<'a> {
    /// The characters between the quotes.
    pub(super) raw: &'a str,
    /// Whether there is a backslash in it.
    pub(super) escaped: bool,
    /// Where the first surrogate escape without its partner stands in `raw`.
    pub(super) lone: Option<usize>,
}

impl<'a> Text<'a> {
    /// The value. Lone surrogates, which no Rust string can hold, become U+FFFD.
    pub(super) fn unescape(&self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }

    /// Whether the value is this text.
    pub(super) fn is(&self, value: &str) -> bool {
        if self.escaped {
            self.lone.is_none() && self.unescape() == value
        } else {
            self.raw == value
        }
    }

    /// The first lone surrogate escape as it was written.
    pub(super) fn lone_escape(&self) -> Option<&'a str> {
        let start = self.lone?;
        self.raw.get(start..start + 6)
    }

    /// Whether these are exactly the characters that [`escape_into`] writes for the value.
    pub(super) fn is_canonical(&self) -> bool {
        if !self.escaped {
            return true;
        }
        let mut rest = self.raw;
        while let Some((_, tail)) = rest.split_once('\\') {
            let Some(len) = canonical_escape_len(tail) else { return false };
            rest = tail.get(len..).unwrap_or_default();
        }
        true
    }
}

/// Length behind the backslash of an escape that the canonical form uses.
fn canonical_escape_len(tail: &str) -> Option<usize> {
    match tail.as_bytes() {
        [b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Some(1),
        [b'u', b'0', b'0', high @ (b'0' | b'1'), low @ (b'0'..=b'9' | b'a'..=b'f'), ..] => {
            let code = hex_value(*high)? * 16 + hex_value(*low)?;
            (!matches!(code, 8 | 9 | 10 | 12 | 13)).then_some(5)
        }
        _ => None,
    }
}

pub(super) fn hex_value(digit: u8) -> Option<u16> {
    char::from(digit).to_digit(16).and_then(|value| u16::try_from(value).ok())
}

/// The code unit of four hexadecimal digits.
pub(super) fn code_unit(digits: &[u8]) -> Option<u16> {
    let [a, b, c, d, ..] = digits else { return None };
    Some(hex_value(*a)? << 12 | hex_value(*b)? << 8 | hex_value(*c)? << 4 | hex_value(*d)?)
}

pub(super) fn is_high_surrogate(unit: u16) -> bool {
    (0xd800..0xdc00).contains(&unit)
}

pub(super) fn is_low_surrogate(unit: u16) -> bool {
    (0xdc00..0xe000).contains(&unit)
}

fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, tail)) = rest.split_once('\\') {
        out.push_str(plain);
        let (value, used) = unescape_one(tail.as_bytes());
        out.push(value);
        rest = tail.get(used..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The character of one escape, and how many bytes behind the backslash it takes.
fn unescape_one(tail: &[u8]) -> (char, usize) {
    match tail {
        [b'b', ..] => ('\u{8}', 1),
        [b'f', ..] => ('\u{c}', 1),
        [b'n', ..] => ('\n', 1),
        [b'r', ..] => ('\r', 1),
        [b't', ..] => ('\t', 1),
        [b'u', digits @ ..] => {
            let Some(unit) = code_unit(digits) else { return (char::REPLACEMENT_CHARACTER, 1) };
            let pair = digits.get(4..).and_then(|behind| behind.strip_prefix(b"\\u"));
            if let Some(low) = pair.and_then(code_unit)
                && is_high_surrogate(unit)
                && is_low_surrogate(low)
            {
                let code = 0x1_0000 + (u32::from(unit - 0xd800) << 10) + u32::from(low - 0xdc00);
                return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 11);
            }
            (char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER), 5)
        }
        [other, ..] => (char::from(*other), 1),
        [] => (char::REPLACEMENT_CHARACTER, 0),
    }
}

/// Appends `value` as a JSON string with its quotes: only what RFC 8259 demands is escaped, with
/// the two-character escapes where they exist, otherwise `\u00xx` in lower case.
pub fn write_json_string(value: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape_into(value, out);
    out.push(b'"');
}

/// [`write_json_string`] without the quotes. Runs between escapes are copied whole.
pub(super) fn escape_into(value: &str, out: &mut Vec<u8>) {
    let mut rest = value.as_bytes();
    loop {
        let (plain, tail) = rest.split_at_checked(plain_run(rest)).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let Some((stop, behind)) = tail.split_first() else { return };
        match short_escape(*stop) {
            Some(letter) => out.extend_from_slice(&[b'\\', letter]),
            None => {
                let low = stop & 15;
                let digit = if low < 10 { b'0' + low } else { b'a' + low - 10 };
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', b'0' + (stop >> 4), digit]);
            }
        }
        rest = behind;
    }
}

/// Length of what [`write_json_string`] appends.
pub(super) fn json_string_len(value: &str) -> usize {
    let mut len = value.len() + 2;
    let mut rest = value.as_bytes();
    while let Some((stop, behind)) = rest.get(plain_run(rest)..).and_then(<[u8]>::split_first) {
        len += if short_escape(*stop).is_some() { 1 } else { 5 };
        rest = behind;
    }
    len
}

fn short_escape(byte: u8) -> Option<u8> {
    match byte {
        b'"' | b'\\' => Some(byte),
        8 => Some(b'b'),
        9 => Some(b't'),
        10 => Some(b'n'),
        12 => Some(b'f'),
        13 => Some(b'r'),
        _ => None,
    }
}

/// The value of a JSON string token, for comparing and searching. Lone surrogates become U+FFFD.
/// `None` where the token is not one well-formed JSON string.
#[must_use]
pub fn string_value(token: &[u8]) -> Option<Cow<'_, str>> {
    let mut scanner = super::scan::Scanner::new(core::str::from_utf8(token).ok()?);
    let super::scan::Token::Str(text) = scanner.next_token().ok()? else { return None };
    (scanner.offset() == token.len()).then(|| text.unescape())
}
