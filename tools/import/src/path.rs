//! Places inside an event: `actor.id`, `targets[0].id`, `agent[requestor=true].name`, `'a.b'.x`.
//!
//! Invariant: a path that parses has at least one step. Knows nothing about records.

use std::fmt;
use std::str::FromStr;

use serde_json::value::RawValue;

use crate::raw::{Object, elements, text};

/// A place inside a JSON value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Path {
    steps: Vec<Step>,
    written: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Step {
    /// Member of an object.
    Name(String),
    /// Element of an array, from 0.
    Index(usize),
    /// First element of an array whose member has this text.
    Where { name: String, value: String },
}

/// Text that is not a path.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{written:?} is not a path like actor.id, targets[0].id, agent[kind=user].name or 'a.b'.c")]
pub struct PathError {
    written: String,
}

impl Path {
    /// The value at this place.
    pub(crate) fn find<'a>(&self, event: &Object<'a>) -> Option<&'a RawValue> {
        let (first, rest) = self.steps.split_first()?;
        let Step::Name(name) = first else { return None };
        rest.iter().try_fold(event.get(name)?, |value, step| step.of(value))
    }

    /// The text at this place: a non-empty string, a number's token or a boolean.
    pub(crate) fn text(&self, event: &Object<'_>) -> Option<String> {
        self.find(event).and_then(text)
    }
}

impl Step {
    fn of<'a>(&self, value: &'a RawValue) -> Option<&'a RawValue> {
        match self {
            Self::Name(name) => Object::of(value)?.get(name),
            Self::Index(index) => elements(value)?.get(*index).copied(),
            Self::Where { name, value: wanted } => elements(value)?.into_iter().find(|element| {
                let found = Object::of(element).and_then(|object| object.text(name));
                found.as_ref() == Some(wanted)
            }),
        }
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(written: &str) -> Result<Self, PathError> {
        let steps = parse(written).ok_or_else(|| PathError { written: written.to_owned() })?;
        Ok(Self { steps, written: written.to_owned() })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

fn parse(written: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = written;
    loop {
        let (name, tail) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'')?,
            None => rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len())),
        };
        if name.is_empty() {
            return None;
        }
        steps.push(Step::Name(name.to_owned()));
        rest = tail;
        while let Some(selector) = rest.strip_prefix('[') {
            let (inside, tail) = selector.split_once(']')?;
            steps.push(selector_step(inside)?);
            rest = tail;
        }
        if rest.is_empty() {
            return Some(steps);
        }
        rest = rest.strip_prefix('.')?;
    }
}

fn selector_step(inside: &str) -> Option<Step> {
    match inside.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            Some(Step::Where { name: name.to_owned(), value: value.to_owned() })
        }
        Some(_) => None,
        None => inside.parse().ok().map(Step::Index),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"a":{"b":"x","odd.name":7},"list":[{"kind":"one","v":1},
        {"kind":"two","v":1.10,"deep":[[true]]}],"nothing":null,"empty":""}"#;

    fn at(path: &str) -> Option<String> {
        let raw: &RawValue = serde_json::from_str(EVENT).expect("JSON");
        path.parse::<Path>().expect("a path").text(&Object::of(raw).expect("an object"))
    }

    #[test]
    fn a_path_finds_members_elements_and_selected_elements() {
        assert_eq!(at("a.b").as_deref(), Some("x"));
        assert_eq!(at("a.'odd.name'").as_deref(), Some("7"));
        assert_eq!(at("list[1].v").as_deref(), Some("1.10"));
        assert_eq!(at("list[kind=two].deep[0]").as_deref(), None);
        assert_eq!(at("list[v=1].kind").as_deref(), Some("one"));
        for nothing in ["a", "nothing", "empty", "list[2].v", "list[kind=x].v", "a.b.c", "a[0]"] {
            assert_eq!(at(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn text_that_is_no_path_is_refused() {
        for wrong in ["", ".", "a.", ".a", "a..b", "a[", "a[x]", "a[-1]", "a[=x]", "'a", "[0]"] {
            assert!(wrong.parse::<Path>().is_err(), "{wrong:?}");
        }
    }
}
