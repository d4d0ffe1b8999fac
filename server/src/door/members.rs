//! The members of the second dialect (REQUIREMENTS A2): one table.
//!
//! Invariant: [`MEMBERS`] is the only list of these names; `server/docs/records.md` shows it and
//! is tested against it.

/// A member of the second dialect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SecondMember {
    /// Its name.
    pub name: &'static str,
    /// When it must be there.
    pub need: Need,
    /// What it must be.
    pub shape: Shape,
    /// Where it goes.
    pub place: Place,
}

/// When a member must be there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// Always.
    Always,
    /// Where the record tells of a failure: `outcome` FAILURE, or `httpStatus` 400 or more.
    OnFailure,
    /// Where it applies.
    No,
}

/// What a value must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// A UUID.
    Uuid,
    /// An RFC 3339 time.
    Time,
    /// A string.
    Text,
    /// A string that is not empty.
    FullText,
    /// A string, or an integer as some systems send their keys.
    Id,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// A string of the producer's list.
    Source,
    /// An integer from 100 to 599.
    Status,
    /// An integer from 0.
    Count,
    /// `true` or `false`.
    Bool,
    /// An object.
    Object,
    /// Anything.
    Any,
}

/// Where a member goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// To the member of this name.
    Column(&'static str),
    /// To the member of this name, and as sent to `detail`.
    Both(&'static str),
    /// To `detail`.
    Detail,
    /// Its members are the first of `detail`.
    Members,
}

/// Values of `outcome`.
pub(super) const OUTCOMES: &[&str] = &["SUCCESS", "FAILURE", "PARTIAL"];
/// Values of `actorType`.
pub(super) const ACTOR_TYPES: &[&str] = &["USER", "SYSTEM"];
/// Values of `cause`.
pub(super) const CAUSES: &[&str] = &["internal", "external", "network"];

const fn row(name: &'static str, need: Need, shape: Shape, place: Place) -> SecondMember {
    SecondMember { name, need, shape, place }
}

/// All members that mean something. Any other goes to `detail` as it is.
pub const MEMBERS: &[SecondMember] = &[
    row("eventId", Need::Always, Shape::Uuid, Place::Column("audit_id")),
    row("occurredAt", Need::Always, Shape::Time, Place::Column("timestamp")),
    row("action", Need::Always, Shape::FullText, Place::Both("action")),
    row("eventType", Need::No, Shape::FullText, Place::Both("action")),
    row("outcome", Need::Always, Shape::OneOf(OUTCOMES), Place::Both("result")),
    row("actorId", Need::Always, Shape::FullText, Place::Column("actor_id")),
    row("actorType", Need::Always, Shape::OneOf(ACTOR_TYPES), Place::Both("actor_type")),
    row("facilityId", Need::Always, Shape::Text, Place::Column("facility_id")),
    row("traceId", Need::Always, Shape::Text, Place::Column("trace_id")),
    row("requestId", Need::Always, Shape::Text, Place::Column("request_id")),
    row("sourceSystem", Need::Always, Shape::Source, Place::Detail),
    row("requestPath", Need::Always, Shape::Text, Place::Detail),
    row("httpMethod", Need::Always, Shape::Text, Place::Detail),
    row("httpStatus", Need::Always, Shape::Status, Place::Detail),
    row("patientId", Need::No, Shape::Id, Place::Detail),
    row("appointmentId", Need::No, Shape::Id, Place::Detail),
    row("claimId", Need::No, Shape::Id, Place::Detail),
    row("documentId", Need::No, Shape::Id, Place::Detail),
    row("operation", Need::No, Shape::Text, Place::Detail),
    row("dataSource", Need::No, Shape::Text, Place::Detail),
    row("dataSourceTransition", Need::No, Shape::Text, Place::Detail),
    row("cacheHit", Need::No, Shape::Bool, Place::Detail),
    row("missingMaster", Need::No, Shape::Bool, Place::Detail),
    row("fallbackUsed", Need::No, Shape::Bool, Place::Detail),
    row("recordsReturned", Need::No, Shape::Count, Place::Detail),
    row("runId", Need::No, Shape::Id, Place::Detail),
    row("errorMessage", Need::OnFailure, Shape::Text, Place::Detail),
    row("errorCode", Need::OnFailure, Shape::Text, Place::Detail),
    row("errorDetails", Need::OnFailure, Shape::Any, Place::Detail),
    row("exceptionClass", Need::OnFailure, Shape::Text, Place::Detail),
    row("cause", Need::OnFailure, Shape::OneOf(CAUSES), Place::Detail),
    row("detail", Need::No, Shape::Object, Place::Members),
];

/// Names that no record of the first dialect has: one of them makes a record one of the second.
pub(super) const MARKS: [&str; 5] = ["eventId", "occurredAt", "outcome", "actorId", "actorType"];

/// Targets, the most specific first: its identifier, its name in the event type, `target_type`.
pub(super) const TARGETS: [(&str, &str, &str); 4] = [
    ("documentId", "DOCUMENT", "document"),
    ("claimId", "CLAIM", "claim"),
    ("appointmentId", "APPOINTMENT", "appointment"),
    ("patientId", "PATIENT", "patient"),
];

impl SecondMember {
    /// The member of this name.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        MEMBERS.iter().find(|member| member.name == name)
    }
}

impl Shape {
    /// What a value must be, in words.
    #[must_use]
    pub fn expected(self) -> String {
        match self {
            Self::Uuid => "a UUID such as 018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d14".to_owned(),
            Self::Time => "an RFC 3339 time with its zone, such as 2026-11-21T09:30:00Z".to_owned(),
            Self::Text => "a string".to_owned(),
            Self::FullText => "a non-empty string".to_owned(),
            Self::Id => "a string or an integer".to_owned(),
            Self::OneOf(names) => format!("one of {}", names.join(", ")),
            Self::Source => "a sourceSystem of this producer".to_owned(),
            Self::Status => "an integer from 100 to 599".to_owned(),
            Self::Count => "an integer from 0".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::Object => "an object".to_owned(),
            Self::Any => "a value".to_owned(),
        }
    }
}
