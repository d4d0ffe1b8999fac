//! Values that are asked for inside `detail`.
//!
//! Invariant: a path names members from the first level down; arrays on the way are passed through,
//! so any element will do. Strings are compared by their text, numbers by their characters;
//! nothing is evaluated.

use crate::record::{Body, DetailToken};

/// The names that lead to a value in `detail`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct DetailPath(Vec<String>);

/// A condition on `detail` that can't be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{text:?} is no condition on detail such as kind=visit or after.inDays=7")]
pub struct InvalidDetail {
    /// What was given.
    pub text: String,
}

/// Strings or numbers at some places of `detail`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DetailFilter {
    /// Where it may stand; any of them will do.
    pub paths: Vec<DetailPath>,
    /// Its value, any of them: of a string its text, of a number its characters as they were sent.
    pub values: Vec<String>,
    /// The value may as well be the `target_id` of a record with this `target_type`, in any case of
    /// its ASCII letters.
    pub target_type: Option<String>,
}

impl DetailPath {
    /// The path of these names, outermost first.
    #[must_use]
    pub fn new(names: Vec<String>) -> Self {
        Self(names)
    }

    /// The names, outermost first.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// Parses `a.b.c`; a backslash takes the character behind it as it is.
    ///
    /// # Errors
    /// [`InvalidDetail`] where a name is empty or a backslash stands at the end.
    pub fn parse(text: &str) -> Result<Self, InvalidDetail> {
        let invalid = || InvalidDetail { text: text.to_owned() };
        let mut names = vec![String::new()];
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            let c = match c {
                '.' => {
                    names.push(String::new());
                    continue;
                }
                '\\' => chars.next().ok_or_else(invalid)?,
                other => other,
            };
            names.iter_mut().next_back().ok_or_else(invalid)?.push(c);
        }
        match names.iter().any(String::is_empty) {
            true => Err(invalid()),
            false => Ok(Self(names)),
        }
    }

    /// Whether some string or number here is one that `is_value` takes.
    fn leads_to(&self, body: &Body<'_>, values: &[String]) -> bool {
        let mut open: Vec<Level> = Vec::new();
        // How many names lead to the value that comes next; `None` where it is beside the path.
        let mut next = Some(0);
        for token in body.detail_tokens() {
            let text = match &token {
                DetailToken::Name(name) => {
                    let level = open.last().and_then(|level| level.names);
                    let goes_on = |at: &usize| self.0.get(*at).is_some_and(|own| own == name);
                    next = level.filter(goes_on).map(|at| at + 1);
                    continue;
                }
                DetailToken::Object => {
                    open.push(Level { names: next, is_array: false });
                    continue;
                }
                DetailToken::Array => {
                    open.push(Level { names: next, is_array: true });
                    continue;
                }
                DetailToken::Text(text) => Some(text.as_ref()),
                DetailToken::Number(number) => Some(*number),
                DetailToken::Other => None,
                DetailToken::End => {
                    open.pop();
                    None
                }
            };
            let here = next == Some(self.0.len());
            if here && text.is_some_and(|text| values.iter().any(|value| value == text)) {
                return true;
            }
            // Behind a value comes the next element, or a name that says where.
            next = open.last().filter(|level| level.is_array).and_then(|level| level.names);
        }
        false
    }
}

/// An object or array that is open.
struct Level {
    /// How many names lead here.
    names: Option<usize>,
    is_array: bool,
}

impl DetailFilter {
    /// A member of one name on the first level.
    #[must_use]
    pub fn member(name: &str, values: Vec<String>) -> Self {
        Self { paths: vec![DetailPath(vec![name.to_owned()])], values, target_type: None }
    }

    /// Parses `path=value`; a `=` in a name is written `\=`.
    ///
    /// # Errors
    /// [`InvalidDetail`] where there is no `=` or the path can't be read.
    pub fn parse(text: &str) -> Result<Self, InvalidDetail> {
        let invalid = || InvalidDetail { text: text.to_owned() };
        let mut escaped = false;
        let at = text.find(|c| {
            let found = c == '=' && !escaped;
            escaped = c == '\\' && !escaped;
            found
        });
        let (path, value) = at.and_then(|at| text.split_at_checked(at)).ok_or_else(invalid)?;
        let path = DetailPath::parse(path).map_err(|_| invalid())?;
        let value = value.strip_prefix('=').unwrap_or_default().to_owned();
        Ok(Self { paths: vec![path], values: vec![value], target_type: None })
    }

    /// A patient: `patientId`, also as `patient_id`; one of `patientIds` or `patient_ids`; or the
    /// target, where that is a `patient`.
    #[must_use]
    pub fn patient(values: Vec<String>) -> Self {
        Self::id("patient", values)
    }

    /// An appointment, in the same places.
    #[must_use]
    pub fn appointment(values: Vec<String>) -> Self {
        Self::id("appointment", values)
    }

    /// A claim, in the same places.
    #[must_use]
    pub fn claim(values: Vec<String>) -> Self {
        Self::id("claim", values)
    }

    /// A document, in the same places.
    #[must_use]
    pub fn document(values: Vec<String>) -> Self {
        Self::id("document", values)
    }

    /// A run, in the same places.
    #[must_use]
    pub fn run(values: Vec<String>) -> Self {
        Self::id("run", values)
    }

    fn id(of: &str, values: Vec<String>) -> Self {
        let path = |end| DetailPath(vec![format!("{of}{end}")]);
        let paths = ["Id", "_id", "Ids", "_ids"].map(path).to_vec();
        Self { paths, values, target_type: Some(of.to_owned()) }
    }

    pub(super) fn matches(&self, body: &Body<'_>) -> bool {
        self.values.is_empty()
            || self.paths.iter().any(|path| path.leads_to(body, &self.values))
            || self.is_target(body)
    }

    fn is_target(&self, body: &Body<'_>) -> bool {
        let Some(wanted) = &self.target_type else { return false };
        body.target_type().is_some_and(|kind| kind.eq_ignore_ascii_case(wanted))
            && body.target_id().is_some_and(|id| self.values.iter().any(|value| *value == id))
    }
}
