//! The tokens of a stored detail, for whoever looks for values in it.
//!
//! Invariant: names and strings come unescaped, numbers as they were sent; names are told from
//! values. Knows nothing of what is looked for.

use std::borrow::Cow;

use super::scan::{Container, Scanner, Token};

/// A step of the walk through a detail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DetailToken<'a> {
    /// An object begins.
    Object,
    /// An array begins.
    Array,
    /// The innermost object or array ends.
    End,
    /// The name of the value that follows.
    Name(Cow<'a, str>),
    /// A string.
    Text(Cow<'a, str>),
    /// A number, character by character as it was sent.
    Number(&'a str),
    /// `true`, `false` or `null`.
    Other,
}

/// The tokens of one detail in their order, ending with it.
pub struct DetailTokens<'a>(Scanner<'a>);

impl<'a> DetailTokens<'a> {
    pub(super) fn new(detail: &'a str) -> Self {
        Self(Scanner::new(detail))
    }
}

impl<'a> Iterator for DetailTokens<'a> {
    type Item = DetailToken<'a>;

    fn next(&mut self) -> Option<DetailToken<'a>> {
        Some(match self.0.next_token().ok()? {
            Token::Begin(Container::Object) => DetailToken::Object,
            Token::Begin(Container::Array) => DetailToken::Array,
            Token::End => DetailToken::End,
            Token::Name(text) => DetailToken::Name(text.unescape()),
            Token::Str(text) => DetailToken::Text(text.unescape()),
            Token::Number(number) => DetailToken::Number(number),
            Token::Bool(_) | Token::Null => DetailToken::Other,
            Token::Eof => return None,
        })
    }
}
