//! A well-formed input in its parts, for whoever knows other names than those of a body.
//!
//! Invariant: the parts are slices of the input, in the order sent, and the grammar is that of
//! [`super::parse_batch`]: one scanner reads both.
//! Knows nothing of limits, of duplicate names or of what the members mean.

use std::borrow::Cow;

use super::error::InputError;
use super::scan::{Container, Scanner, SyntaxError, Token, utf8};

/// A member of an object as it was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SentMember<'a> {
    /// Its name, unescaped. Lone surrogates become U+FFFD.
    pub name: Cow<'a, str>,
    /// The first lone surrogate escape of the name, which no record may have.
    pub name_lone: Option<&'a str>,
    /// The name as it was sent, with its quotes.
    pub name_token: &'a str,
    /// Its value.
    pub value: SentValue<'a>,
    /// The value as it was sent.
    pub token: &'a str,
}

/// What a value is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SentValue<'a> {
    /// An object.
    Object,
    /// An array.
    Array,
    /// A string, unescaped.
    Text(Cow<'a, str>),
    /// A string with a lone surrogate escape, which is given.
    LoneText(&'a str),
    /// A number, character by character.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

impl SentValue<'_> {
    /// The name of the JSON type.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::Text(_) | Self::LoneText(_) => "string",
            Self::Number(_) => "number",
            Self::Bool(_) => "boolean",
            Self::Null => "null",
        }
    }
}

/// The elements of an array, or the one value that stands alone; each as it was sent.
///
/// # Errors
/// [`InputError::Syntax`] where the input is not JSON.
pub fn split_batch(input: &[u8]) -> Result<Vec<&str>, InputError> {
    elements(input).map_err(|error| error.locate(input))
}

fn elements(input: &[u8]) -> Result<Vec<&str>, SyntaxError> {
    let text = utf8(input)?;
    let mut scanner = Scanner::new(text);
    let first = scanner.next_token()?;
    let mut parts = Vec::new();
    if first == Token::Begin(Container::Array) {
        loop {
            let before = scanner.offset();
            let token = scanner.next_token()?;
            if token == Token::End {
                break;
            }
            scanner.skip(&token)?;
            parts.push(part(scanner.since(before)));
        }
    } else {
        scanner.skip(&first)?;
        parts.push(part(scanner.since(0)));
    }
    scanner.next_token()?;
    Ok(parts)
}

/// The members of one object; `None` where the text is well-formed but no object.
///
/// # Errors
/// [`InputError::Syntax`] where the text is not JSON.
pub fn sent_members(object: &str) -> Result<Option<Vec<SentMember<'_>>>, InputError> {
    members(object).map_err(|error| error.locate(object.as_bytes()))
}

fn members(object: &str) -> Result<Option<Vec<SentMember<'_>>>, SyntaxError> {
    let mut scanner = Scanner::new(utf8(object.as_bytes())?);
    let first = scanner.next_token()?;
    if first != Token::Begin(Container::Object) {
        scanner.skip(&first)?;
        scanner.next_token()?;
        return Ok(None);
    }
    let mut found = Vec::new();
    loop {
        let start = scanner.offset();
        let Token::Name(name) = scanner.next_token()? else { break };
        let name_token = part(scanner.since(start)).strip_suffix(':').unwrap_or_default();
        let start = scanner.offset();
        let token = scanner.next_token()?;
        scanner.skip(&token)?;
        found.push(SentMember {
            name: name.unescape(),
            name_lone: name.lone_escape(),
            name_token: name_token.trim_end_matches(BLANK),
            value: value(&token),
            token: part(scanner.since(start)),
        });
    }
    scanner.next_token()?;
    Ok(Some(found))
}

fn value<'a>(token: &Token<'a>) -> SentValue<'a> {
    match token {
        Token::Begin(Container::Object) => SentValue::Object,
        Token::Begin(Container::Array) => SentValue::Array,
        Token::Str(text) | Token::Name(text) => match text.lone_escape() {
            Some(escape) => SentValue::LoneText(escape),
            None => SentValue::Text(text.unescape()),
        },
        Token::Number(number) => SentValue::Number(number),
        Token::Bool(value) => SentValue::Bool(*value),
        Token::Null | Token::End | Token::Eof => SentValue::Null,
    }
}

const BLANK: [char; 4] = [' ', '\t', '\n', '\r'];

/// A value without the comma and the white space before it.
fn part(text: &str) -> &str {
    text.trim_start_matches(BLANK).trim_start_matches(',').trim_matches(BLANK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_slices_of_the_input() {
        assert_eq!(
            split_batch(b" [ {\"a\":1 } ,\n2,[ 3 ,4]\t] "),
            Ok(vec!["{\"a\":1 }", "2", "[ 3 ,4]"])
        );
        assert_eq!(split_batch(b" {\"a\" : [1]} \n"), Ok(vec!["{\"a\" : [1]}"]));
        assert_eq!(split_batch(b"[]"), Ok(vec![]));
        assert!(split_batch(b"[1,]").is_err());
        assert!(split_batch(b"[1] 2").is_err());
        assert!(split_batch(b"\xef\xbb\xbf[]").is_err());
    }

    #[test]
    fn members_keep_their_order_and_their_tokens() {
        let sent = r#"{"b" : 1.10 ,"a\u0062":"x\ud800","c":{"d":[ 1]},"c":null,"\ud800":"é"}"#;
        let members = sent_members(sent).unwrap().unwrap();
        let shown: Vec<_> = members
            .iter()
            .map(|m| (m.name.as_ref(), m.name_token, m.token, m.value.type_name()))
            .collect();
        assert_eq!(
            shown,
            [
                ("b", r#""b""#, "1.10", "number"),
                ("ab", r#""a\u0062""#, r#""x\ud800""#, "string"),
                ("c", r#""c""#, r#"{"d":[ 1]}"#, "object"),
                ("c", r#""c""#, "null", "null"),
                ("\u{fffd}", r#""\ud800""#, r#""é""#, "string"),
            ]
        );
        let value = members.get(1).map(|member| member.value.clone());
        assert_eq!(value, Some(SentValue::LoneText(r"\ud800")));
        assert_eq!(members.last().unwrap().name_lone, Some(r"\ud800"));
        assert_eq!(sent_members("[1]"), Ok(None));
        assert!(sent_members("{").is_err());
    }
}
