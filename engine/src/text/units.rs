//! Cutting a text into units.
//!
//! Invariant: the units of a text depend on nothing but the text; a UUID in its usual form
//! (8-4-4-4-12) and the same 32 digits without hyphens are the same single word.
//! Knows nothing of records or indexes.

use unicode_normalization::UnicodeNormalization;

use super::class::{Class, is_plain};

/// Stands between units, which never contain it.
const BORDER: char = '\n';

/// Of the small letter for a capital with a dot, which has its own already.
const DOT_ABOVE: char = '\u{307}';

/// Lengths of the parts of a UUID, and of all of it.
const UUID_PARTS: [usize; 5] = [8, 4, 4, 4, 12];
const UUID_LEN: usize = 32;
/// Where the borders inside stand, from the last to the first.
const UUID_BORDERS: [usize; 4] = [23, 18, 13, 8];

/// One unit, in the form in which it is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit<'a> {
    /// Letters and digits in a row.
    Word(&'a str),
    /// One character of a script that writes no spaces.
    Character(&'a str),
}

impl<'a> Unit<'a> {
    /// Its characters.
    #[must_use]
    pub fn text(self) -> &'a str {
        match self {
            Self::Word(text) | Self::Character(text) => text,
        }
    }
}

/// The units of a text in their order; its buffer can be used again.
///
/// They lie in one string, each between two borders, so that units in a row are a substring.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Units(String);

impl Default for Units {
    fn default() -> Self {
        Self(BORDER.into())
    }
}

impl Units {
    /// The units of no text.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The units of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut units = Self::new();
        units.fill(text);
        units
    }

    /// Takes the units of another text in place of those it has.
    pub fn fill(&mut self, text: &str) {
        self.0.clear();
        self.0.push(BORDER);
        if let Some(parts) = uuid(text) {
            parts.iter().for_each(|part| self.0.push_str(part));
            self.0.make_ascii_lowercase();
            self.0.push(BORDER);
            return;
        }
        let mut cut = Cut { out: &mut self.0, start: None, gap: Gap::Other, joined: 0 };
        if text.is_ascii() {
            cut.ascii_text(text);
        } else {
            cut.mixed(text);
        }
        cut.end_word();
    }

    /// Whether there is no unit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.len() == BORDER.len_utf8()
    }

    /// The units in their order.
    pub fn iter(&self) -> impl Iterator<Item = Unit<'_>> {
        // Behind the first border; each unit ends with one.
        let mut rest = self.0.get(BORDER.len_utf8()..).unwrap_or_default();
        std::iter::from_fn(move || {
            let (text, behind) = rest.split_once(BORDER)?;
            rest = behind;
            let first = text.chars().next();
            Some(match first.map(Class::of) {
                Some(Class::Character) => Unit::Character(text),
                _ => Unit::Word(text),
            })
        })
    }

    /// Whether the units of `phrase` stand here in a row; those of no text stand anywhere.
    #[must_use]
    pub fn contain(&self, phrase: &Self) -> bool {
        self.0.len() >= phrase.0.len() && self.0.contains(phrase.0.as_str())
    }

    /// The units in one string, with line feeds before, between and behind: equal for equal units.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The parts of a text that is a UUID and nothing else: what [`Cut`] makes of it, but at once.
fn uuid(text: &str) -> Option<[&str; UUID_PARTS.len()]> {
    if text.len() != UUID_LEN + UUID_PARTS.len() - 1 {
        return None;
    }
    let mut parts = text.split('-');
    let found = UUID_PARTS.map(|len| {
        let part = parts.next().unwrap_or_default();
        let fits = part.len() == len && part.bytes().all(|b| b.is_ascii_hexdigit());
        if fits { part } else { "" }
    });
    found.iter().all(|part| !part.is_empty()).then_some(found)
}

/// What stands between the last unit and here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    None,
    Hyphen,
    Other,
}

/// The state of a cut.
struct Cut<'a> {
    out: &'a mut String,
    /// Where the word at hand begins.
    start: Option<usize>,
    gap: Gap,
    /// How many words in a row a single hyphen joins to the one before, up to the last.
    joined: usize,
}

impl Cut<'_> {
    /// [`Self::ascii`] for each byte, whole words at a time.
    fn ascii_text(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let len = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
            let (word, behind) = rest.split_at_checked(len).unwrap_or((rest, ""));
            if !word.is_empty() {
                self.begin_word();
                let start = self.out.len();
                self.out.push_str(word);
                if let Some(word) = self.out.get_mut(start..) {
                    word.make_ascii_lowercase();
                }
            }
            let mut gap = behind.chars();
            match gap.next() {
                Some('-') => self.hyphen(),
                Some(_) => self.gap(),
                None => {}
            }
            rest = gap.as_str();
        }
    }

    fn ascii(&mut self, byte: u8) {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'A'..=b'Z' => {
                self.begin_word();
                self.out.push(char::from(byte.to_ascii_lowercase()));
            }
            b'-' => self.hyphen(),
            _ => self.gap(),
        }
    }

    /// Composes only what is not plain, with the one character before it that a mark may change.
    fn mixed(&mut self, text: &str) {
        let mut rest = text;
        while let Some(odd) = rest.find(|c| !is_plain(c)) {
            let (plain, tail) = rest.split_at_checked(odd).unwrap_or((rest, ""));
            let alone = plain.char_indices().next_back().map_or(0, |(at, _)| at);
            let end = tail.find(is_plain).map_or(rest.len(), |at| odd + at);
            plain.get(..alone).unwrap_or_default().chars().for_each(|c| self.lower(c));
            composed(rest.get(alone..end).unwrap_or_default()).for_each(|c| self.lower(c));
            rest = rest.get(end..).unwrap_or_default();
        }
        rest.chars().for_each(|c| self.lower(c));
    }

    fn lower(&mut self, c: char) {
        if let Ok(byte) = u8::try_from(c)
            && byte.is_ascii()
        {
            return self.ascii(byte);
        }
        for lower in c.to_lowercase() {
            // A sigma at the end of a word is written otherwise, and only in lower case.
            self.put(if lower == 'ς' { 'σ' } else { lower });
        }
    }

    fn put(&mut self, c: char) {
        match Class::of(c) {
            Class::Word => {
                self.begin_word();
                self.out.push(c);
            }
            Class::Character => {
                self.end_word();
                self.out.push(c);
                self.out.push(BORDER);
                (self.gap, self.joined) = (Gap::Other, 0);
            }
            Class::Mark if c == DOT_ABOVE && self.out.ends_with('i') => {}
            Class::Mark if self.start.is_some() => self.out.push(c),
            Class::Mark | Class::Ignored => {}
            Class::Hyphen => self.hyphen(),
            Class::Gap => self.gap(),
        }
    }

    fn begin_word(&mut self) {
        if self.start.is_none() {
            self.start = Some(self.out.len());
            self.joined = if self.gap == Gap::Hyphen { self.joined + 1 } else { 0 };
        }
    }

    fn hyphen(&mut self) {
        self.end_word();
        self.gap = if self.gap == Gap::None { Gap::Hyphen } else { Gap::Other };
    }

    fn gap(&mut self) {
        self.end_word();
        self.gap = Gap::Other;
    }

    fn end_word(&mut self) {
        let Some(start) = self.start.take() else { return };
        self.out.push(BORDER);
        self.gap = Gap::None;
        if self.joined + 1 >= UUID_PARTS.len() && self.out.len() - start == 13 {
            self.join_uuid();
        }
    }

    /// Makes the last five words one where they are the parts of a UUID.
    fn join_uuid(&mut self) {
        let len = UUID_LEN + UUID_PARTS.len();
        let Some(start) = self.out.len().checked_sub(len) else { return };
        let Some(parts) = self.out.get(start..) else { return };
        let is_hex = |part: &str| part.bytes().all(|b| b.is_ascii_hexdigit());
        let mut words = parts.split_terminator(BORDER);
        let fits = UUID_PARTS
            .iter()
            .all(|len| words.next().is_some_and(|word| word.len() == *len && is_hex(word)));
        // What stands before must end there, or the first part is longer than it seems.
        if fits && self.out.get(..start).is_some_and(|before| before.ends_with(BORDER)) {
            for border in UUID_BORDERS {
                self.out.remove(start + border);
            }
            self.joined = 0;
        }
    }
}

/// The characters of a text in lower case and composed, without those that are as if not there:
/// taken out later, they would have kept others apart.
fn composed(text: &str) -> impl Iterator<Item = char> {
    let mut dotted = false;
    text.chars()
        .filter(|c| Class::of(*c) != Class::Ignored)
        .flat_map(char::to_lowercase)
        .filter(move |c| {
            let doubled = dotted && *c == DOT_ABOVE;
            dotted = *c == 'i' || doubled;
            !doubled
        })
        .nfkc()
}
