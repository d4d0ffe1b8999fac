//! A text as the detectors see it: full-width letters and digits like ASCII, one kind of hyphen.
//!
//! Invariant: one character here is one character of the text.

use std::ops::Range;

/// Characters on each side in which a word says what a number is.
const CONTEXT_CHARS: usize = 20;

/// Longest ARN, so that a long word is not read again for every number in it.
const ARN_CHARS_MAX: usize = 512;

pub(super) struct Folded {
    pub(super) chars: Vec<char>,
    /// Where each character begins in the text, and where the text ends.
    offsets: Vec<usize>,
}

impl Folded {
    pub(super) fn new(text: &str) -> Self {
        let mut offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        offsets.push(text.len());
        Self { chars: text.chars().map(fold).collect(), offsets }
    }

    pub(super) fn get(&self, at: usize) -> Option<char> {
        self.chars.get(at).copied()
    }

    pub(super) fn before(&self, at: usize) -> Option<char> {
        self.get(at.checked_sub(1)?)
    }

    pub(super) fn bytes(&self, chars: &Range<usize>) -> Range<usize> {
        let end = self.offsets.last().copied().unwrap_or(0);
        let at = |place| self.offsets.get(place).copied().unwrap_or(end);
        at(chars.start)..at(chars.end)
    }

    /// The text around these characters, in lower case, and a blank in their place.
    pub(super) fn around(&self, chars: &Range<usize>) -> String {
        let start = chars.start.saturating_sub(CONTEXT_CHARS);
        let end = chars.end.saturating_add(CONTEXT_CHARS).min(self.chars.len());
        let before = self.chars.get(start..chars.start).unwrap_or_default();
        let behind = self.chars.get(chars.end..end).unwrap_or_default();
        let all = before.iter().chain(&[' ']).chain(behind);
        all.flat_map(|c| c.to_lowercase()).collect()
    }

    /// Whether this character stands in an ARN, whose account and path are evidence.
    pub(super) fn in_arn(&self, at: usize) -> bool {
        let is_end =
            |c: &char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '(' | '[' | ',');
        let from = at.saturating_sub(ARN_CHARS_MAX);
        let head = self.chars.get(from..at).unwrap_or_default();
        let start = from + head.iter().rposition(is_end).map_or(0, |place| place + 1);
        self.chars.get(start..).is_some_and(|word| word.starts_with(&['a', 'r', 'n', ':']))
    }
}

fn fold(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' | '\u{a0}' => ' ',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}' => '-',
        other => other,
    }
}
