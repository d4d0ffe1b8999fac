//! What is wrong with the configuration: where, what was expected, what came, what to do.
//!
//! Invariant: a fault is one line, and shows at most a short piece of what came, never the content
//! of a key. Knows nothing about which settings there are.

use std::fmt;
use std::path::PathBuf;

/// Characters of a value that a fault shows.
const SHOWN_MAX: usize = 60;

/// Where a value stands, or would.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Place {
    /// In the file; line and column from 1, the column in characters.
    Line(PathBuf, usize, usize),
    /// The file as a whole.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
    /// An option of the command line.
    Argument(&'static str),
    /// Nowhere: there is no file.
    Nowhere,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(path, line, column) => write!(f, "{}:{line}:{column}", path.display()),
            Self::File(path) => path.display().fmt(f),
            Self::Variable(name) => f.write_str(name),
            Self::Argument(name) => f.write_str(name),
            Self::Nowhere => f.write_str("no configuration file"),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ConfigFault {
    /// Where.
    pub place: Place,
    /// Which key; empty where the file as a whole is meant.
    pub key: String,
    /// What was expected.
    pub expected: String,
    /// What came, shortened.
    pub got: String,
    /// What to do about it; empty where the rest says it.
    pub remedy: String,
    /// Whether the file itself could not be read, so that nothing is known of what it says.
    pub is_unreadable: bool,
}

impl ConfigFault {
    /// A fault without a remedy yet. `got` is shown as it is: see [`shown`] and [`NOTHING`].
    pub(super) fn new(
        place: &Place,
        key: &str,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        Self {
            place: place.clone(),
            key: key.escape_debug().to_string(),
            expected: expected.into(),
            got: got.into(),
            remedy: String::new(),
            is_unreadable: false,
        }
    }

    /// Adds what to do about it.
    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// Says that the file itself could not be read.
    pub(super) fn unreadable(mut self) -> Self {
        self.is_unreadable = true;
        self
    }
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "expected {}, got {}", self.expected, self.got)?;
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        Ok(())
    }
}

/// What came where nothing came.
pub(super) const NOTHING: &str = "nothing";

/// A text as faults show it: quoted, escaped, short; of a key in PEM nothing but that it is one.
pub(super) fn shown(text: &str) -> String {
    if text.contains("-----BEGIN") {
        return "the content of a PEM file".to_owned();
    }
    let mut start: String = text.chars().take(SHOWN_MAX).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    format!("{start:?}")
}

/// The nearest of some names, where one is near enough to be a slip; otherwise the shortest that
/// the name only leaves something out of.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Shorter ones are a part of too much.
    const PART_LEN_MIN: usize = 4;
    const NAME_LEN_MAX: usize = 64;
    if name.len() > NAME_LEN_MAX {
        return None;
    }
    let known: Vec<&str> = known.into_iter().collect();
    let allowed = (name.chars().count() / 3).max(1);
    let near = known.iter().map(|candidate| (distance(name, candidate), *candidate)).min();
    if let Some((_, candidate)) = near.filter(|(distance, _)| *distance <= allowed) {
        return Some(candidate);
    }
    let is_part = |candidate: &&&str| {
        let mut rest = candidate.chars();
        name.len() >= PART_LEN_MIN && name.chars().all(|wanted| rest.any(|it| it == wanted))
    };
    known.iter().filter(is_part).min_by_key(|candidate| candidate.len()).copied()
}

/// Characters to change, insert or leave out (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (number, a) in from.chars().enumerate() {
        let mut diagonal = number;
        let mut left = number + 1;
        let mut next = vec![left];
        for (b, above) in to.iter().zip(row.iter().skip(1)) {
            let changed = diagonal + usize::from(a != *b);
            left = changed.min(above + 1).min(left + 1);
            next.push(left);
            diagonal = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_counted() {
        let cases = [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3)];
        for (from, to, expected) in cases {
            assert_eq!(distance(from, to), expected, "{from} {to}");
            assert_eq!(distance(to, from), expected, "{to} {from}");
        }
    }

    #[test]
    fn only_what_is_near_is_named() {
        assert_eq!(nearest("lisen", ["listen", "tls"]), Some("listen"));
        assert_eq!(nearest("something", ["listen", "tls"]), None);
        assert_eq!(nearest("segment_len", ["segment_raw_len_max", "x"]).map(str::len), Some(19));
        assert_eq!(nearest("seg", ["segment_raw_len_max", "x"]), None);
        assert_eq!(nearest(&"x".repeat(65), ["x"]), None);
    }

    #[test]
    fn a_key_is_not_shown() {
        assert_eq!(shown("-----BEGIN PRIVATE KEY-----\nabc"), "the content of a PEM file");
        assert_eq!(shown("a\nb"), "\"a\\nb\"");
        assert_eq!(shown(&"x".repeat(61)), format!("\"{}…\"", "x".repeat(60)));
    }
}
