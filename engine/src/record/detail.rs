//! `detail`: a JSON object that is kept token by token.
//!
//! Invariant: a [`Detail`] holds an object without white space between tokens, without a name
//! given twice at any level, with every number and string exactly as it was sent.
//! Knows nothing of what the members mean.

use std::borrow::Cow;

use super::check::oversize;
use super::error::{FaultSink, InputError, Limits, Pointer};
use super::scan::{Container, Scanner, SyntaxError, Token, utf8};
use super::text::Text;

/// A compact, token-exact JSON object.
#[derive(Clone)]
pub struct Detail {
    bytes: Box<[u8]>,
    within: Within,
}

/// The limits that a detail is known to keep; under these and wider ones it need not be walked
/// again.
#[derive(Clone, Copy)]
struct Within {
    depth: usize,
    members: usize,
    number_len: usize,
}

impl Within {
    fn of(limits: &Limits) -> Self {
        Self {
            depth: limits.detail_depth_max,
            members: limits.detail_members_max,
            number_len: limits.number_len_max,
        }
    }

    fn implies(self, limits: &Limits) -> bool {
        self.depth <= limits.detail_depth_max
            && self.members <= limits.detail_members_max
            && self.number_len <= limits.number_len_max
    }
}

impl PartialEq for Detail {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Detail {}

impl core::fmt::Debug for Detail {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Detail({})", String::from_utf8_lossy(&self.bytes))
    }
}

impl Detail {
    /// Parses one JSON object.
    ///
    /// # Errors
    /// [`InputError::Syntax`] where it is not JSON, [`InputError::Invalid`] with every fault; the
    /// pointers start at the detail itself.
    pub fn parse(input: &[u8], limits: &Limits) -> Result<Self, InputError> {
        let mut sink = FaultSink::new(limits);
        let parsed = Self::parse_into(input, limits, &mut sink).map_err(|e| e.locate(input))?;
        match parsed {
            Some(detail) if sink.is_empty() => Ok(detail),
            _ => Err(InputError::Invalid(sink.into_faults())),
        }
    }

    fn parse_into(
        input: &[u8],
        limits: &Limits,
        sink: &mut FaultSink,
    ) -> Result<Option<Self>, SyntaxError> {
        let mut scanner = Scanner::new(utf8(input)?);
        let first = scanner.next_token()?;
        let detail = if first == Token::Begin(Container::Object) {
            copy_detail(&mut scanner, "", limits, sink)?
        } else {
            sink.push("", "an object", first.type_name());
            scanner.skip(&first)?;
            None
        };
        scanner.next_token()?;
        Ok(detail)
    }

    /// The bytes that go into the body.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes that were checked before.
    pub(super) fn from_checked(bytes: &[u8]) -> Self {
        Self { bytes: bytes.into(), within: Within::of(&Limits::READ) }
    }

    /// Reports what breaks these limits; it may have been parsed under others.
    pub(super) fn check(&self, limits: &Limits, sink: &mut FaultSink) {
        if self.within.implies(limits) {
            return;
        }
        let Ok(input) = utf8(&self.bytes) else { return };
        let mut scanner = Scanner::new(input);
        if scanner.next_token().is_ok() {
            let walk = Walk::new("/detail", limits, None);
            // It was well-formed when it was made, and nothing has changed it since.
            let _ = walk.run(&mut scanner, sink);
        }
    }
}

/// Copies the object whose opening brace was just consumed. `None` where a fault was reported.
pub(super) fn copy_detail(
    scanner: &mut Scanner<'_>,
    base: &str,
    limits: &Limits,
    sink: &mut FaultSink,
) -> Result<Option<Detail>, SyntaxError> {
    let before = sink.len();
    let mut out = Vec::new();
    Walk::new(base, limits, Some(&mut out)).run(scanner, sink)?;
    let within = Within::of(limits);
    Ok((sink.len() == before).then(|| Detail { bytes: out.into_boxed_slice(), within }))
}

/// Checks the object whose opening brace was just consumed, without limits. False at a fault.
pub(super) fn check_stored(scanner: &mut Scanner<'_>) -> Result<bool, SyntaxError> {
    let mut sink = FaultSink::new(&Limits::READ);
    Walk::new("", &Limits::READ, None).run(scanner, &mut sink)?;
    Ok(sink.is_empty())
}

/// An open container: where its names begin, and for an array the index of the next element.
struct Frame {
    names: usize,
    element: Option<usize>,
}

/// One walk over a detail. The names of all open objects lie in one list, so that a deep detail
/// costs no list per level; the last name of each object is the path to where the walk is.
struct Walk<'a, 'l> {
    base: &'l str,
    limits: &'l Limits,
    out: Option<&'l mut Vec<u8>>,
    frames: Vec<Frame>,
    names: Vec<Cow<'a, str>>,
    members: usize,
}

impl<'a, 'l> Walk<'a, 'l> {
    fn new(base: &'l str, limits: &'l Limits, out: Option<&'l mut Vec<u8>>) -> Self {
        Self { base, limits, out, frames: Vec::new(), names: Vec::new(), members: 0 }
    }

    fn run(mut self, scanner: &mut Scanner<'a>, sink: &mut FaultSink) -> Result<(), SyntaxError> {
        self.open(Container::Object);
        while !self.frames.is_empty() {
            let token = scanner.next_token()?;
            match token {
                Token::End => self.close(sink),
                Token::Name(text) => self.name(text, sink),
                _ => self.value(&token, scanner, sink)?,
            }
            if self.over_limit(sink) {
                return finish(scanner, self.frames.len());
            }
        }
        Ok(())
    }

    fn value(
        &mut self,
        token: &Token<'a>,
        scanner: &mut Scanner<'a>,
        sink: &mut FaultSink,
    ) -> Result<(), SyntaxError> {
        self.separate();
        match token {
            Token::Begin(container) if self.frames.len() < self.limits.detail_depth_max => {
                // The element is counted when its container closes.
                self.open(*container);
                return Ok(());
            }
            Token::Begin(_) => {
                let expected = format!("at most {} levels", self.limits.detail_depth_max);
                sink.push(self.pointer(), &expected, "a deeper one");
                scanner.skip(token)?;
            }
            Token::Number(number) => {
                if number.len() > self.limits.number_len_max {
                    let max = self.limits.number_len_max;
                    let expected = format!("a number of at most {max} characters");
                    sink.push(self.pointer(), &expected, &format!("{} characters", number.len()));
                }
                self.write(&[number]);
            }
            Token::Str(text) => self.write(&["\"", text.raw, "\""]),
            Token::Bool(value) => self.write(&[if *value { "true" } else { "false" }]),
            _ => self.write(&["null"]),
        }
        self.count_element();
        Ok(())
    }

    fn name(&mut self, text: Text<'a>, sink: &mut FaultSink) {
        self.separate();
        self.write(&["\"", text.raw, "\":"]);
        self.members += 1;
        if let Some(escape) = text.lone_escape() {
            sink.push(self.enclosing(), "names without lone surrogate escapes", escape);
        }
        self.names.push(text.unescape());
    }

    fn open(&mut self, container: Container) {
        let element = (container == Container::Array).then_some(0);
        self.write(&[if element.is_some() { "[" } else { "{" }]);
        self.frames.push(Frame { names: self.names.len(), element });
    }

    fn close(&mut self, sink: &mut FaultSink) {
        let Some(frame) = self.frames.pop() else { return };
        self.write(&[if frame.element.is_some() { "]" } else { "}" }]);
        let mut twice = Vec::new();
        let own = self.names.get_mut(frame.names..).unwrap_or_default();
        for_each_duplicate(own, |name| twice.push(name.to_owned()));
        self.names.truncate(frame.names);
        for name in twice {
            let mut pointer = self.pointer();
            pointer.push(&name);
            sink.push(pointer, "each name once", "a name that is given twice");
        }
        self.count_element();
    }

    /// Limits behind which the rest of the detail is only checked for its grammar.
    fn over_limit(&self, sink: &mut FaultSink) -> bool {
        if self.members > self.limits.detail_members_max {
            let max = self.limits.detail_members_max;
            sink.push(self.base, &format!("at most {max} members in all levels"), "more");
            return true;
        }
        let written = self.out.as_ref().map_or(0, |out| out.len());
        if written > self.limits.record_len_max {
            oversize(self.limits, "more", sink);
            return true;
        }
        false
    }

    /// A comma, unless the container was just opened: only an opening bracket ends in one.
    fn separate(&mut self) {
        if let Some(out) = &mut self.out
            && !matches!(out.last(), Some(b'{' | b'[' | b':'))
        {
            out.push(b',');
        }
    }

    fn write(&mut self, parts: &[&str]) {
        if let Some(out) = &mut self.out {
            for part in parts {
                out.extend_from_slice(part.as_bytes());
            }
        }
    }

    fn count_element(&mut self) {
        if let Some(Frame { element: Some(index), .. }) = self.frames.last_mut() {
            *index += 1;
        }
    }

    /// The pointer of the value that the walk is at.
    fn pointer(&self) -> Pointer {
        self.pointer_of(self.frames.len())
    }

    /// The pointer of the container that the walk is in.
    fn enclosing(&self) -> Pointer {
        self.pointer_of(self.frames.len().saturating_sub(1))
    }

    fn pointer_of(&self, levels: usize) -> Pointer {
        let mut pointer = Pointer::new(self.base);
        for (level, frame) in self.frames.iter().enumerate().take(levels) {
            // The last name of an object stands before the first name of what it holds.
            let end = self.frames.get(level + 1).map_or(self.names.len(), |inner| inner.names);
            let own = self.names.get(frame.names..end).unwrap_or_default();
            match (frame.element, own.last()) {
                (Some(index), _) => pointer.push(&index.to_string()),
                (None, Some(name)) => pointer.push(name),
                (None, None) => {}
            }
        }
        pointer
    }
}

/// Consumes the rest of a detail, `levels` of which are open.
fn finish(scanner: &mut Scanner<'_>, levels: usize) -> Result<(), SyntaxError> {
    let outside = scanner.depth().saturating_sub(levels);
    while scanner.depth() > outside {
        scanner.next_token()?;
    }
    Ok(())
}

/// Objects up to this many members are compared pair by pair.
const PAIRWISE_MAX: usize = 24;

/// Calls back for every name that an equal one precedes. May reorder the names.
pub(super) fn for_each_duplicate(names: &mut [Cow<'_, str>], mut found: impl FnMut(&str)) {
    if names.len() <= PAIRWISE_MAX {
        let mut earlier: &[Cow<'_, str>] = &[];
        for (at, name) in names.iter().enumerate() {
            if earlier.contains(name) {
                found(name);
            }
            earlier = names.get(..=at).unwrap_or_default();
        }
        return;
    }
    names.sort_unstable();
    for pair in names.windows(2) {
        if let [a, b] = pair
            && a == b
        {
            found(b);
        }
    }
}
