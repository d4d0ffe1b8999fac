//! A strict JSON scanner (RFC 8259): one pass, token by token, without recursion.
//!
//! Invariant: the tokens that it gives follow the grammar exactly, whatever their nesting; open
//! brackets cost one bit each. Numbers are never evaluated.
//! Knows nothing of records, limits or duplicate names.

use super::error::{InputError, SyntaxKind};
use super::text::{Text, code_unit, is_high_surrogate, is_low_surrogate, plain_run};

/// The two containers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Container {
    Object,
    Array,
}

/// One token; commas and colons are not shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Token<'a> {
    Begin(Container),
    End,
    Name(Text<'a>),
    Str(Text<'a>),
    Number(&'a str),
    Bool(bool),
    Null,
    /// The input ended behind its one value.
    Eof,
}

impl Token<'_> {
    /// The JSON type of the value that this token begins.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Token::Begin(Container::Object) => "object",
            Token::Begin(Container::Array) => "array",
            Token::Str(_) | Token::Name(_) => "string",
            Token::Number(_) => "number",
            Token::Bool(_) => "boolean",
            Token::Null => "null",
            Token::End | Token::Eof => "nothing",
        }
    }
}

/// A place and what is wrong there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SyntaxError {
    pub(super) offset: usize,
    pub(super) kind: SyntaxKind,
}

impl SyntaxError {
    /// Adds line and column.
    pub(super) fn locate(self, input: &[u8]) -> InputError {
        let before = input.get(..self.offset).unwrap_or(input);
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let last = before.rsplit(|b| *b == b'\n').next().unwrap_or_default();
        // Continuation bytes belong to the character before them.
        let column = last.iter().filter(|b| **b & 0xc0 != 0x80).count() + 1;
        InputError::Syntax { offset: self.offset, line, column, kind: self.kind }
    }
}

/// Checks what holds for the input as a whole: no byte-order mark, valid UTF-8.
pub(super) fn utf8(input: &[u8]) -> Result<&str, SyntaxError> {
    if input.starts_with(b"\xef\xbb\xbf") {
        return Err(SyntaxError { offset: 0, kind: SyntaxKind::ByteOrderMark });
    }
    core::str::from_utf8(input)
        .map_err(|error| SyntaxError { offset: error.valid_up_to(), kind: SyntaxKind::InvalidUtf8 })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    Name,
    NameOrEnd,
    CommaOrEnd,
}

/// The scanner over one input.
pub(super) struct Scanner<'a> {
    input: &'a str,
    at: usize,
    expect: Expect,
    open: BitStack,
    compact: bool,
    /// Bytes of white space skipped so far.
    blanks: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(input: &'a str) -> Self {
        let open = BitStack::default();
        Self { input, at: 0, expect: Expect::Value, open, compact: false, blanks: 0 }
    }

    /// A scanner that refuses white space between tokens.
    pub(super) fn compact(input: &'a str) -> Self {
        Self { compact: true, ..Self::new(input) }
    }

    /// Bytes consumed so far.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// Bytes of white space between tokens so far.
    pub(super) fn blanks(&self) -> usize {
        self.blanks
    }

    /// How many containers are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len
    }

    /// What was consumed since `start`.
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.input.get(start..self.at).unwrap_or_default()
    }

    /// The next token.
    pub(super) fn next_token(&mut self) -> Result<Token<'a>, SyntaxError> {
        let mut byte = self.peek_token()?;
        if self.expect == Expect::CommaOrEnd {
            let Some(container) = self.open.top() else {
                return if byte.is_some() {
                    self.fail(SyntaxKind::TrailingBytes)
                } else {
                    Ok(Token::Eof)
                };
            };
            match byte {
                Some(b',') => self.at += 1,
                Some(end) if end == closing(container) => return Ok(self.close()),
                Some(_) => return self.fail(SyntaxKind::ExpectedCommaOrEnd),
                None => return self.fail(SyntaxKind::UnexpectedEnd),
            }
            self.expect = if container == Container::Object { Expect::Name } else { Expect::Value };
            byte = self.peek_token()?;
        }
        let Some(byte) = byte else { return self.fail(SyntaxKind::UnexpectedEnd) };
        match (self.expect, byte) {
            (Expect::ValueOrEnd, b']') | (Expect::NameOrEnd, b'}') => Ok(self.close()),
            (Expect::Name | Expect::NameOrEnd, b'"') => self.name(),
            (Expect::Name | Expect::NameOrEnd, _) => self.fail(SyntaxKind::ExpectedName),
            _ => self.value(byte),
        }
    }

    /// Consumes the rest of the value whose first token was `first`.
    pub(super) fn skip(&mut self, first: &Token<'a>) -> Result<(), SyntaxError> {
        if let Token::Begin(_) = first {
            let outside = self.depth().saturating_sub(1);
            while self.depth() > outside {
                self.next_token()?;
            }
        }
        Ok(())
    }

    fn name(&mut self) -> Result<Token<'a>, SyntaxError> {
        let text = self.string()?;
        match self.peek_token()? {
            Some(b':') => self.at += 1,
            Some(_) => return self.fail(SyntaxKind::ExpectedColon),
            None => return self.fail(SyntaxKind::UnexpectedEnd),
        }
        self.expect = Expect::Value;
        Ok(Token::Name(text))
    }

    fn value(&mut self, byte: u8) -> Result<Token<'a>, SyntaxError> {
        let token = match byte {
            b'{' => return Ok(self.begin(Container::Object, Expect::NameOrEnd)),
            b'[' => return Ok(self.begin(Container::Array, Expect::ValueOrEnd)),
            b'"' => Token::Str(self.string()?),
            b'-' | b'0'..=b'9' => Token::Number(self.number()?),
            b't' => self.literal("true", Token::Bool(true))?,
            b'f' => self.literal("false", Token::Bool(false))?,
            b'n' => self.literal("null", Token::Null)?,
            _ => return self.fail(SyntaxKind::ExpectedValue),
        };
        self.expect = Expect::CommaOrEnd;
        Ok(token)
    }

    fn begin(&mut self, container: Container, expect: Expect) -> Token<'a> {
        self.at += 1;
        self.open.push(container);
        self.expect = expect;
        Token::Begin(container)
    }

    fn close(&mut self) -> Token<'a> {
        self.at += 1;
        self.open.pop();
        self.expect = Expect::CommaOrEnd;
        Token::End
    }

    fn literal(&mut self, word: &str, token: Token<'a>) -> Result<Token<'a>, SyntaxError> {
        let matching = word.bytes().zip(self.rest()).take_while(|(a, b)| a == *b).count();
        self.at += matching;
        if matching == word.len() {
            Ok(token)
        } else if self.byte().is_none() {
            self.fail(SyntaxKind::UnexpectedEnd)
        } else {
            self.fail(SyntaxKind::ExpectedValue)
        }
    }

    fn number(&mut self) -> Result<&'a str, SyntaxError> {
        let start = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        if self.byte() == Some(b'0') {
            self.at += 1;
            if self.byte().is_some_and(|b| b.is_ascii_digit()) {
                return self.fail(SyntaxKind::InvalidNumber);
            }
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(self.since(start))
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), SyntaxError> {
        let count = self.rest().iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        match (count, self.byte()) {
            (0, None) => self.fail(SyntaxKind::UnexpectedEnd),
            (0, Some(_)) => self.fail(SyntaxKind::InvalidNumber),
            _ => Ok(()),
        }
    }

    fn string(&mut self) -> Result<Text<'a>, SyntaxError> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        let mut lone = None;
        loop {
            self.at += plain_run(self.rest());
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => {
                    let escape = self.at;
                    escaped = true;
                    if !self.escape()? {
                        lone = lone.or(Some(escape - start));
                    }
                }
                Some(_) => return self.fail(SyntaxKind::ControlCharacter),
                None => return self.fail(SyntaxKind::UnexpectedEnd),
            }
        }
        let raw = self.since(start);
        self.at += 1;
        Ok(Text { raw, escaped, lone })
    }

    /// One escape, or a pair of them for one character. False for a surrogate without partner.
    fn escape(&mut self) -> Result<bool, SyntaxError> {
        match self.rest().get(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(true)
            }
            Some(b'u') => self.unicode_escape(),
            Some(_) => self.fail(SyntaxKind::InvalidEscape),
            None => {
                self.at += 1;
                self.fail(SyntaxKind::UnexpectedEnd)
            }
        }
    }

    fn unicode_escape(&mut self) -> Result<bool, SyntaxError> {
        let Some(unit) = self.rest().get(2..).and_then(code_unit) else {
            return self.fail(SyntaxKind::InvalidEscape);
        };
        self.at += 6;
        if is_high_surrogate(unit)
            && let Some(low) = self.rest().strip_prefix(b"\\u").and_then(code_unit)
            && is_low_surrogate(low)
        {
            self.at += 6;
            return Ok(true);
        }
        Ok(!is_high_surrogate(unit) && !is_low_surrogate(unit))
    }

    /// Skips white space and shows the byte behind it.
    fn peek_token(&mut self) -> Result<Option<u8>, SyntaxError> {
        let byte = self.byte();
        if !matches!(byte, Some(b' ' | b'\t' | b'\n' | b'\r')) {
            return Ok(byte);
        }
        if self.compact {
            return self.fail(SyntaxKind::WhiteSpace);
        }
        self.skip_blanks();
        Ok(self.byte())
    }

    #[cold]
    fn skip_blanks(&mut self) {
        let blank = |b: &&u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
        let count = self.rest().iter().take_while(blank).count();
        self.blanks += count;
        self.at += count;
    }

    fn byte(&self) -> Option<u8> {
        self.input.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.input.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn fail<T>(&self, kind: SyntaxKind) -> Result<T, SyntaxError> {
        Err(SyntaxError { offset: self.at, kind })
    }
}

fn closing(container: Container) -> u8 {
    match container {
        Container::Object => b'}',
        Container::Array => b']',
    }
}

/// The open containers, one bit each: a bomb of a million brackets takes 125 kB. The outermost lie
/// in a word of their own, so that a usual detail costs no allocation.
#[derive(Default)]
struct BitStack {
    outer: u64,
    words: Vec<u64>,
    len: usize,
}

impl BitStack {
    fn push(&mut self, container: Container) {
        let (word, bit) = (self.len / 64, self.len % 64);
        if word > self.words.len() {
            self.words.push(0);
        }
        let word = match word.checked_sub(1) {
            None => Some(&mut self.outer),
            Some(word) => self.words.get_mut(word),
        };
        if let Some(word) = word {
            *word = *word & !(1 << bit) | u64::from(container == Container::Array) << bit;
        }
        self.len += 1;
    }

    fn pop(&mut self) {
        self.len = self.len.saturating_sub(1);
    }

    fn top(&self) -> Option<Container> {
        let last = self.len.checked_sub(1)?;
        let word = match (last / 64).checked_sub(1) {
            None => self.outer,
            Some(word) => *self.words.get(word)?,
        };
        Some(if word >> (last % 64) & 1 == 1 { Container::Array } else { Container::Object })
    }
}
