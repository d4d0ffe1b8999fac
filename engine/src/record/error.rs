//! What can be wrong with an input, a body or an export line.
//!
//! Invariant: a fault never carries more than 32 characters of the value it complains about.
//! Knows nothing of how the faults are shown.

/// Limits of one record; the defaults are those of CONTRACT 1.1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Longest body in bytes, counted without `ingested_by` (which the client can't know) and with
    /// `received_at` at its longest.
    pub record_len_max: usize,
    /// Most levels of `detail`, the outermost object being level 1.
    pub detail_depth_max: usize,
    /// Most object members in `detail`, over all levels.
    pub detail_members_max: usize,
    /// Longest number token in characters.
    pub number_len_max: usize,
    /// Most faults listed for one input. Where there are more, a last one says so.
    pub faults_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_len_max: 262_144,
            detail_depth_max: 64,
            detail_members_max: 10_000,
            number_len_max: 1_000,
            faults_max: 10_000,
        }
    }
}

impl Limits {
    /// Whether whatever keeps these limits keeps the others.
    pub(crate) fn implies(&self, others: &Self) -> bool {
        self.record_len_max <= others.record_len_max && self.implies_of_detail(others)
    }

    /// Whether a detail that keeps these limits keeps the others.
    pub(crate) fn implies_of_detail(&self, others: &Self) -> bool {
        self.detail_depth_max <= others.detail_depth_max
            && self.detail_members_max <= others.detail_members_max
            && self.number_len_max <= others.number_len_max
    }

    /// For reading what was accepted once: a log written under other limits stays readable.
    pub(super) const READ: Self = Self {
        record_len_max: usize::MAX,
        detail_depth_max: usize::MAX,
        detail_members_max: usize::MAX,
        number_len_max: usize::MAX,
        faults_max: 1,
    };
}

/// One thing that is wrong with one record of an input that is well-formed JSON.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("record {index}, {}: expected {expected}, got {}", self.place(), self.got.escape_debug())]
pub struct Fault {
    /// Position of the record in its batch, from 0.
    pub index: usize,
    /// JSON pointer (RFC 6901) into the record; empty for the record itself.
    pub pointer: String,
    /// What would have been right.
    pub expected: String,
    /// A type name, a count, or at most 32 characters of the value.
    pub got: String,
}

impl Fault {
    /// A terminal that shows the message must not obey what a client sent.
    fn place(&self) -> String {
        let pointer = &self.pointer;
        if pointer.is_empty() { "the record".to_owned() } else { pointer.escape_debug().collect() }
    }
}

/// Why an input was refused as a whole. Nothing of it may be stored as a record.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// Not JSON (RFC 8259) in UTF-8.
    #[error("not JSON: line {line}, column {column} (byte {offset}): {kind}")]
    Syntax {
        /// Byte position from 0.
        offset: usize,
        /// Line from 1; lines end with a line feed.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong there.
        kind: SyntaxKind,
    },
    /// JSON, but not valid records: every fault of every record.
    #[error("{}", summary(.0))]
    Invalid(Vec<Fault>),
    /// More records than the caller takes at once.
    #[error("more than {max} records in one batch")]
    TooMany {
        /// The most that are taken.
        max: usize,
    },
}

fn summary(faults: &[Fault]) -> String {
    match faults {
        [] => "no valid record".to_owned(),
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}

/// The kinds of syntax errors.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyntaxKind {
    /// The input begins with U+FEFF.
    #[error("a byte-order mark is not allowed")]
    ByteOrderMark,
    /// A byte that is not part of well-formed UTF-8.
    #[error("invalid UTF-8")]
    InvalidUtf8,
    /// The input stops inside a value.
    #[error("the input ends too early")]
    UnexpectedEnd,
    /// Something else stands where a value belongs.
    #[error("expected a value")]
    ExpectedValue,
    /// Something else stands where a member name belongs.
    #[error("expected a member name in double quotes")]
    ExpectedName,
    /// No colon behind a member name.
    #[error("expected a colon")]
    ExpectedColon,
    /// Neither a comma nor the closing bracket behind a value.
    #[error("expected a comma or the closing bracket")]
    ExpectedCommaOrEnd,
    /// A number outside the grammar of RFC 8259 section 6.
    #[error("invalid number")]
    InvalidNumber,
    /// A backslash followed by something else than RFC 8259 section 7 allows.
    #[error("invalid escape")]
    InvalidEscape,
    /// U+0000 to U+001F literally in a string.
    #[error("a control character must be escaped")]
    ControlCharacter,
    /// Bytes behind the value.
    #[error("something follows the value")]
    TrailingBytes,
    /// White space between tokens where the stored form has none.
    #[error("white space between tokens")]
    WhiteSpace,
}

/// Why bytes are not a body of CONTRACT 1.1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// Not compact JSON in UTF-8.
    #[error("not compact JSON at byte {offset}: {kind}")]
    Syntax {
        /// Byte position in the body.
        offset: usize,
        /// What is wrong there.
        kind: SyntaxKind,
    },
    /// The body is not an object.
    #[error("not an object")]
    NotAnObject,
    /// A member that is unknown, out of order or given twice.
    #[error("unexpected member name at byte {offset}")]
    Name {
        /// Byte position behind the name.
        offset: usize,
    },
    /// A value that the encoder would not have written for this member.
    #[error("{name} is not in its stored form (byte {offset})", name = member.name())]
    Value {
        /// The member.
        member: super::Member,
        /// Byte position behind the value's first token.
        offset: usize,
    },
    /// A member that is always present is not there.
    #[error("{member} is missing", member = member.name())]
    Missing {
        /// The member.
        member: super::Member,
    },
}

/// Why bytes are not an export line of CONTRACT 1.6.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The end of the line is not the fixed suffix of an export line.
    #[error("the line does not end with seq, hash, chain_hash and integrity_status")]
    Suffix,
    /// The seq is not a canonical decimal number.
    #[error("seq is not a number without leading zeros")]
    Seq,
    /// What stands before the suffix is not the start of an object.
    #[error("the record does not begin with an object")]
    Head,
}

/// Collects faults up to a bound, so that a hostile input can't make the answer huge.
pub(super) struct FaultSink {
    pub(super) index: usize,
    max: usize,
    faults: Vec<Fault>,
    cut: bool,
}

impl FaultSink {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { index: 0, max: limits.faults_max.max(1), faults: Vec::new(), cut: false }
    }

    pub(super) fn push(&mut self, pointer: impl Into<String>, expected: &str, got: &str) {
        if self.faults.len() < self.max {
            self.faults.push(Fault {
                index: self.index,
                pointer: pointer.into(),
                expected: expected.to_owned(),
                got: excerpt(got).to_owned(),
            });
        } else if !self.cut {
            self.cut = true;
            self.faults.push(Fault {
                index: self.index,
                pointer: String::new(),
                expected: format!("at most {} faults in one input", self.max),
                got: "more; they are not listed".to_owned(),
            });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.faults.len()
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }
}

/// Most characters of a value that a fault may show.
pub(super) const GOT_CHARS_MAX: usize = 32;

/// The first characters of a value.
fn excerpt(value: &str) -> &str {
    let end = value.char_indices().nth(GOT_CHARS_MAX).map_or(value.len(), |(at, _)| at);
    value.get(..end).unwrap_or_default()
}

/// Longest pointer; where a name would make it longer, the fault points at what encloses it.
const POINTER_LEN_MAX: usize = 1_024;

/// A JSON pointer (RFC 6901 section 3) being built.
pub(super) struct Pointer {
    text: String,
    full: bool,
}

impl Pointer {
    pub(super) fn new(base: &str) -> Self {
        Self { text: base.to_owned(), full: false }
    }

    /// Goes one level down. Once a name did not fit, everything deeper is left out too.
    pub(super) fn push(&mut self, name: &str) {
        let before = self.text.len();
        self.full |= before + name.len() >= POINTER_LEN_MAX;
        if self.full {
            return;
        }
        self.text.push('/');
        for c in name.chars() {
            match c {
                '~' => self.text.push_str("~0"),
                '/' => self.text.push_str("~1"),
                other => self.text.push(other),
            }
        }
        if self.text.len() > POINTER_LEN_MAX {
            self.full = true;
            self.text.truncate(before);
        }
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> Self {
        pointer.text
    }
}
