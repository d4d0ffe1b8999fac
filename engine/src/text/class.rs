//! What a character is to a text: part of a word, a unit of its own, or nothing.
//!
//! Invariant: characters are judged after compatibility composition (NFKC) and in lower case.
//! Knows nothing of the characters around.

use unicode_normalization::char::is_combining_mark;

/// The part that a character plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    /// A letter or digit of a word.
    Word,
    /// A unit of its own, in a script without spaces.
    Character,
    /// A mark on the word before it; nothing elsewhere.
    Mark,
    /// Invisible: as if it were not there.
    Ignored,
    /// It ends a word, and may join the parts of a UUID.
    Hyphen,
    /// It ends a word.
    Gap,
}

impl Class {
    pub(super) fn of(c: char) -> Self {
        match c {
            '0'..='9' | 'a'..='z' | 'A'..='Z' => Self::Word,
            '-' => Self::Hyphen,
            '\0'..='\x7f' => Self::Gap,
            // Soft hyphen, joiners and variation selectors change a look, not a word.
            '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{2060}' => Self::Ignored,
            '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => Self::Ignored,
            _ if is_east_asian(c) && c.is_alphanumeric() => Self::Character,
            // Their vowels and tones are marks, some of them before the consonant.
            _ if is_south_east_asian(c) && !c.is_numeric() => match c.is_alphabetic() {
                true => Self::Character,
                false if is_combining_mark(c) => Self::Character,
                false => Self::Gap,
            },
            _ if c.is_alphanumeric() => Self::Word,
            _ if is_combining_mark(c) => Self::Mark,
            _ => Self::Gap,
        }
    }
}

/// Whether composition leaves the character alone whatever stands before it, and nothing but what
/// is not plain itself can change it from behind.
pub(super) fn is_plain(c: char) -> bool {
    matches!(c,
        '\0'..='\x7f'
        | '\u{3001}' | '\u{3002}' | '\u{3005}' | '\u{300c}' | '\u{300d}'
        | '\u{3041}'..='\u{3096}'
        | '\u{30a1}'..='\u{30fc}'
        | '\u{4e00}'..='\u{9fff}')
}

/// Han, Hiragana and Katakana, with their marks of length and repetition.
fn is_east_asian(c: char) -> bool {
    matches!(c,
        '\u{2e80}'..='\u{2fdf}'
        | '\u{3005}'..='\u{3007}'
        | '\u{3021}'..='\u{3029}'
        | '\u{3031}'..='\u{303c}'
        | '\u{3041}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{1aff0}'..='\u{1b16f}'
        | '\u{20000}'..='\u{3fffd}')
}

/// Thai, Lao, Myanmar and Khmer.
fn is_south_east_asian(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{a9e0}'..='\u{a9ff}'
        | '\u{aa60}'..='\u{aa7f}')
}
