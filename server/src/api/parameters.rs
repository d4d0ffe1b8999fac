//! The parameters of questions: one table for the reader, the JSON form and the document.
//!
//! Invariant: what is not in the table is refused before it is looked at, so no parameter is taken
//! that the document does not name. Knows nothing about what a value means.

/// One parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// What a value is.
    pub kind: Kind,
    /// Whether it may be given more than once; any of the values is enough.
    pub many: bool,
    /// What it asks for.
    pub about: &'static str,
}

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A text of 1 to [`TEXT_LEN_MAX`] characters.
    Text,
    /// The same; in JSON an integer too, meant as its digits.
    Id,
    /// The same, with a letter or a digit in it.
    Word,
    /// An RFC 3339 time.
    Time,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// An integer of this range.
    Integer(u64, u64),
    /// A cursor that an earlier page gave.
    Cursor,
    /// An offset from UTC such as `+09:00`, or `Z`.
    Offset,
}

/// Longest text in characters.
pub const TEXT_LEN_MAX: usize = 1024;
/// Most records of a page.
pub const LIMIT_MAX: usize = 1000;
/// Most values of `top`.
pub const TOP_MAX: usize = crate::documents::ACTIONS_MAX;
/// Names behind it are paths into `detail`.
pub const DETAIL: &str = "detail.";

const fn one(name: &'static str, kind: Kind, about: &'static str) -> Known {
    Known { name, kind, many: false, about }
}

const fn many(name: &'static str, kind: Kind, about: &'static str) -> Known {
    Known { name, kind, many: true, about }
}

const FROM: Known = one("from", Kind::Time, "Happened at or after this time");
const TO: Known = one("to", Kind::Time, "Happened before this time; later than `from`");
const FACILITY: Known = many("facility_id", Kind::Text, "Where it happened");
const INCLUDE_SELF: &str = "include_self";

/// What a search takes, beside `detail.<path>`.
pub const SEARCH: &[Known] = &[
    FROM,
    TO,
    one("received_from", Kind::Time, "Received at or after this time"),
    one("received_to", Kind::Time, "Received before this time; later than `received_from`"),
    many("actor_id", Kind::Text, "Who acted"),
    many("actor_type", Kind::OneOf(&["user", "device", "system"]), "Who acted, by kind"),
    many("actor_role", Kind::Text, "In which role"),
    many("action", Kind::Text, "What was done; a `*` at the end stands for any rest"),
    many("result", Kind::OneOf(&["success", "failure", "warning"]), "How it ended"),
    many("target_type", Kind::Text, "To what, by kind"),
    many("target_id", Kind::Text, "To what"),
    FACILITY,
    many("patient_id", Kind::Id, "The patient, wherever a record names one"),
    many("appointment_id", Kind::Id, "The appointment, wherever a record names one"),
    many("claim_id", Kind::Id, "The claim, wherever a record names one"),
    many("document_id", Kind::Id, "The document, wherever a record names one"),
    many("run_id", Kind::Id, "The run, wherever a record names one"),
    many("request_id", Kind::Text, "The request that it belongs to"),
    many("trace_id", Kind::Text, "The trace; 32 hexadecimal digits in any case"),
    many("source_ip", Kind::Text, "An address, a network such as 192.0.2.0/24, or a name"),
    many("sensitivity", Kind::OneOf(&["low", "medium", "high"]), "How carefully it is handled"),
    one("pii_flag", Kind::Flag, "Whether personal data is in it"),
    many("word", Kind::Word, "A word of a text in `detail`"),
    many("ingested_by", Kind::Text, "The producer that sent it"),
    one("after_seq", Kind::Integer(0, u64::MAX), "Later in the log than this seq"),
    one(
        "order",
        Kind::OneOf(&["asc", "desc", "seq", "seq_desc"]),
        "By time, newest first where it is not \
        given; or by the order of the log, and the same newest first",
    ),
    one("limit", Kind::Integer(1, LIMIT_MAX as u64), "Records of a page; 100 if not given"),
    one("cursor", Kind::Cursor, "`next_cursor` of the page before, with the same other parameters"),
    one("explain", Kind::Flag, "Whether the answer says what was read to find it"),
    one(INCLUDE_SELF, Kind::Flag, "Whether the server's own records count; they do if not given"),
];

/// What statistics take.
pub const STATISTICS: &[Known] = &[
    FROM,
    TO,
    FACILITY,
    one("bucket", Kind::OneOf(&["minute", "hour", "day", "week", "month"]), "Counts over time too"),
    one("utc_offset", Kind::Offset, "Where days, weeks and months begin; UTC if not given"),
    one("top", Kind::Integer(1, TOP_MAX as u64), "How many frequent values; 10 if not given"),
    one(INCLUDE_SELF, Kind::Flag, "Whether the server's own records count; not if not given"),
];

/// Largest number in questions for proofs.
const NUMBER_MAX: u64 = i64::MAX as u64;

/// What a proof of inclusion takes.
pub const INCLUSION: [Known; 2] = [
    one("seq", Kind::Integer(0, NUMBER_MAX), "The record"),
    one(
        "size",
        Kind::Integer(1, NUMBER_MAX),
        "Records of the tree, more than `seq`; those of the \
        newest checkpoint if not given",
    ),
];

/// What a proof of consistency takes.
pub const CONSISTENCY: [Known; 2] = [
    one("old", Kind::Integer(1, NUMBER_MAX), "Records of the earlier tree"),
    one(
        "new",
        Kind::Integer(1, NUMBER_MAX),
        "Records of the later tree, at least `old`; all that \
        there are if not given",
    ),
];

/// The row of a name.
#[must_use]
pub fn find<'t>(table: &'t [Known], name: &str) -> Option<&'t Known> {
    table.iter().find(|known| known.name == name)
}
