//! `detail`: a JSON object that is kept token by token.
//!
//! Invariant: a [`Detail`] holds an object without white space between tokens, without a name
//! given twice at any level, with every number and string exactly as it was sent.
//! Knows nothing of what the members mean.

use std::borrow::Cow;

use super::check::oversize;
use super::error::{FaultSink, InputError, Limits, Pointer};
use super::same::CLOCK_SKEW;
use super::scan::{Container, Scanner, SyntaxError, Token, utf8};
use super::sent::SentDetail;
use super::text::Text;

/// A compact, token-exact JSON object.
#[derive(Clone)]
pub struct Detail {
    bytes: Box<[u8]>,
    /// Limits that it is known to keep: under these and wider ones it need not be walked again.
    within: Limits,
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
            let mut space = WalkSpace::default();
            let detail = read_detail(&mut scanner, "", limits, sink, &mut space)?;
            detail.map(SentDetail::into_detail)
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
        Self { bytes: bytes.into(), within: Limits::READ }
    }

    /// Bytes that were found to keep some limits.
    pub(super) fn kept(bytes: Box<[u8]>, within: Limits) -> Self {
        Self { bytes, within }
    }

    /// The limits that it is known to keep.
    pub(super) fn within(&self) -> Limits {
        self.within
    }

    /// Reports what breaks these limits; it may have been parsed under others.
    pub(super) fn check(&self, limits: &Limits, sink: &mut FaultSink) {
        if self.within.implies_of_detail(limits) {
            return;
        }
        let Ok(input) = utf8(&self.bytes) else { return };
        let mut scanner = Scanner::new(input);
        if scanner.next_token().is_ok() {
            let mut space = WalkSpace::default();
            let walk = Walk::new("/detail", limits, &scanner, &mut space);
            // It was well-formed when it was made, and nothing has changed it since.
            let _ = walk.unbounded().run(&mut scanner, sink);
        }
    }
}

/// Reads the object whose opening brace was just consumed; its outermost names stay in `space`.
/// `None` where a fault was reported.
pub(super) fn read_detail<'a>(
    scanner: &mut Scanner<'a>,
    base: &str,
    limits: &Limits,
    sink: &mut FaultSink,
    space: &mut WalkSpace<'a>,
) -> Result<Option<SentDetail<'a>>, SyntaxError> {
    let (faults, start, blanks) = (sink.len(), scanner.offset() - 1, scanner.blanks());
    let members = Walk::new(base, limits, scanner, space).run(scanner, sink)?;
    if sink.len() > faults {
        return Ok(None);
    }
    let sent = scanner.since(start);
    let bytes = if scanner.blanks() == blanks {
        Cow::Borrowed(sent.as_bytes())
    } else {
        Cow::Owned(without_blanks(sent))
    };
    let says_skew = space.names.iter().any(|name| name == CLOCK_SKEW);
    Ok(Some(SentDetail::parsed(bytes, members, says_skew, *limits)))
}

/// A well-formed value without white space between its tokens.
fn without_blanks(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            continue;
        } else {
            in_string = byte == b'"';
        }
        out.push(byte);
    }
    out
}

/// Checks the object whose opening brace was just consumed, without limits. False at a fault.
pub(super) fn check_stored(scanner: &mut Scanner<'_>) -> Result<bool, SyntaxError> {
    let mut sink = FaultSink::new(&Limits::READ);
    let mut space = WalkSpace::default();
    Walk::new("", &Limits::READ, scanner, &mut space).unbounded().run(scanner, &mut sink)?;
    Ok(sink.is_empty())
}

/// An open container: where its names begin, and for an array the index of the next element.
struct Frame {
    names: usize,
    element: Option<usize>,
}

/// What a walk remembers. Kept from record to record, it costs a batch a few allocations in all.
///
/// The names of all open objects lie in one list, so that a deep detail costs no list per level;
/// the last name of each object is the path to where the walk is.
#[derive(Default)]
pub(super) struct WalkSpace<'a> {
    frames: Vec<Frame>,
    names: Vec<Cow<'a, str>>,
}

impl<'a> WalkSpace<'a> {
    /// The outermost names of the detail that was walked last, in any order.
    pub(super) fn names(&self) -> &[Cow<'a, str>] {
        &self.names
    }

    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.names.clear();
    }
}

/// One walk over a detail.
struct Walk<'a, 'l> {
    base: &'l str,
    limits: &'l Limits,
    space: &'l mut WalkSpace<'a>,
    members: usize,
    /// What was consumed and is no part of the detail: everything before it, and all white space.
    apart: usize,
    /// Whether the length is limited here.
    bounded: bool,
}

impl<'a, 'l> Walk<'a, 'l> {
    /// A walk over the object whose opening brace the scanner just consumed.
    fn new(
        base: &'l str,
        limits: &'l Limits,
        scanner: &Scanner<'a>,
        space: &'l mut WalkSpace<'a>,
    ) -> Self {
        space.clear();
        let apart = scanner.offset() - 1 - scanner.blanks();
        Self { base, limits, space, members: 0, apart, bounded: true }
    }

    /// The same for a detail that was taken before.
    fn unbounded(self) -> Self {
        Self { bounded: false, ..self }
    }

    /// Walks to the end; gives the number of members of all levels.
    fn run(
        mut self,
        scanner: &mut Scanner<'a>,
        sink: &mut FaultSink,
    ) -> Result<usize, SyntaxError> {
        self.open(Container::Object);
        while !self.space.frames.is_empty() {
            let token = scanner.next_token()?;
            match token {
                Token::End => self.close(sink),
                Token::Name(text) => self.name(text, sink),
                _ => self.value(&token, scanner, sink)?,
            }
            if self.over_limit(scanner, sink) {
                finish(scanner, self.space.frames.len())?;
                break;
            }
        }
        Ok(self.members)
    }

    fn value(
        &mut self,
        token: &Token<'a>,
        scanner: &mut Scanner<'a>,
        sink: &mut FaultSink,
    ) -> Result<(), SyntaxError> {
        match token {
            Token::Begin(container) if self.space.frames.len() < self.limits.detail_depth_max => {
                // The element is counted when its container closes.
                self.open(*container);
                return Ok(());
            }
            Token::Begin(_) => {
                let expected = format!("at most {} levels", self.limits.detail_depth_max);
                sink.push(self.pointer(), &expected, "a deeper one");
                let before = scanner.offset() - scanner.blanks();
                scanner.skip(token)?;
                self.apart += scanner.offset() - scanner.blanks() - before;
            }
            Token::Number(number) if number.len() > self.limits.number_len_max => {
                let expected =
                    format!("a number of at most {} characters", self.limits.number_len_max);
                sink.push(self.pointer(), &expected, &format!("{} characters", number.len()));
            }
            _ => {}
        }
        self.count_element();
        Ok(())
    }

    fn name(&mut self, text: Text<'a>, sink: &mut FaultSink) {
        self.members += 1;
        if let Some(escape) = text.lone_escape() {
            sink.push(self.enclosing(), "names without lone surrogate escapes", escape);
        }
        self.space.names.push(text.unescape());
    }

    fn open(&mut self, container: Container) {
        let element = (container == Container::Array).then_some(0);
        self.space.frames.push(Frame { names: self.space.names.len(), element });
    }

    fn close(&mut self, sink: &mut FaultSink) {
        let Some(frame) = self.space.frames.pop() else { return };
        let mut twice = Vec::new();
        let own = self.space.names.get_mut(frame.names..).unwrap_or_default();
        for_each_duplicate(own, |name| twice.push(name.to_owned()));
        if !self.space.frames.is_empty() {
            self.space.names.truncate(frame.names);
        }
        for name in twice {
            let mut pointer = self.pointer();
            pointer.push(&name);
            sink.push(pointer, "each name once", "a name that is given twice");
        }
        self.count_element();
    }

    /// Limits behind which the rest of the detail is only checked for its grammar.
    fn over_limit(&self, scanner: &Scanner<'a>, sink: &mut FaultSink) -> bool {
        if self.members > self.limits.detail_members_max {
            let max = self.limits.detail_members_max;
            sink.push(self.base, &format!("at most {max} members in all levels"), "more");
            return true;
        }
        let len = scanner.offset() - scanner.blanks() - self.apart;
        if self.bounded && len > self.limits.record_len_max {
            oversize(self.limits, "more", sink);
            return true;
        }
        false
    }

    fn count_element(&mut self) {
        if let Some(Frame { element: Some(index), .. }) = self.space.frames.last_mut() {
            *index += 1;
        }
    }

    /// The pointer of the value that the walk is at.
    fn pointer(&self) -> Pointer {
        self.pointer_of(self.space.frames.len())
    }

    /// The pointer of the container that the walk is in.
    fn enclosing(&self) -> Pointer {
        self.pointer_of(self.space.frames.len().saturating_sub(1))
    }

    fn pointer_of(&self, levels: usize) -> Pointer {
        let mut pointer = Pointer::new(self.base);
        let WalkSpace { frames, names } = &*self.space;
        for (level, frame) in frames.iter().enumerate().take(levels) {
            // The last name of an object stands before the first name of what it holds.
            let end = frames.get(level + 1).map_or(names.len(), |inner| inner.names);
            let own = names.get(frame.names..end).unwrap_or_default();
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
