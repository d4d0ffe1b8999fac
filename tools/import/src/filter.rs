//! `--filter`: which events to import.
//!
//! Invariant: several filters must all hold. Knows nothing about records: it looks at the event.

use std::str::FromStr;

use crate::path::Path;
use crate::raw::Object;

/// `path=value` or `path~prefix`, compared with the text in the event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filter {
    path: Path,
    test: Test,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Test {
    Equals(String),
    StartsWith(String),
}

/// Text that is not a filter.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected PATH=VALUE or PATH~PREFIX, such as eventName=ConsoleLogin or user.name~system:")]
pub struct FilterError;

impl Filter {
    /// Whether the event passes.
    pub(crate) fn passes(&self, event: &Object<'_>) -> bool {
        let found = self.path.text(event);
        match &self.test {
            Test::Equals(value) => found.unwrap_or_default() == *value,
            Test::StartsWith(prefix) => found.is_some_and(|text| text.starts_with(prefix)),
        }
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(written: &str) -> Result<Self, FilterError> {
        let at = operator(written).ok_or(FilterError)?;
        let (path, rest) = written.split_at(at);
        let path = path.parse().map_err(|_| FilterError)?;
        let test = match rest.split_at_checked(1) {
            Some(("=", value)) => Test::Equals(value.to_owned()),
            Some((_, prefix)) => Test::StartsWith(prefix.to_owned()),
            None => return Err(FilterError),
        };
        Ok(Self { path, test })
    }
}

/// Position of the first `=` or `~` that is not part of a selector or a quoted name.
fn operator(written: &str) -> Option<usize> {
    let (mut bracket, mut quote) = (false, false);
    written.char_indices().find_map(|(at, c)| {
        match c {
            '\'' if !bracket => quote = !quote,
            '[' if !quote => bracket = true,
            ']' if !quote => bracket = false,
            '=' | '~' if !bracket && !quote => return Some(at),
            _ => {}
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn filters_compare_values_and_prefixes() {
        let json = r#"{"name":"ConsoleLogin","n":5,"list":[{"k":"a","v":"x=y"}],"none":null}"#;
        let raw: &RawValue = serde_json::from_str(json).expect("JSON");
        let event = Object::of(raw).expect("an object");
        let passes = |filter: &str| filter.parse::<Filter>().expect("a filter").passes(&event);
        for yes in ["name=ConsoleLogin", "name~Console", "n=5", "list[k=a].v=x=y", "absent="] {
            assert!(passes(yes), "{yes}");
        }
        for no in ["name=Console", "name~login", "n=5.0", "list[k=b].v=x", "absent~", "none=null"] {
            assert!(!passes(no), "{no}");
        }
        for wrong in ["name", "=x", "a[0=x", ""] {
            assert!(wrong.parse::<Filter>().is_err(), "{wrong:?}");
        }
    }
}
