//! The members of a body: their names, their order and their place.
//!
//! Invariant: [`Member::ALL`] is the order of CONTRACT 1.1, the only list of names there is.

/// A top-level member of a body.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "each variant is the member of the same name")]
pub enum Member {
    AuditId,
    Timestamp,
    ActorType,
    ActorId,
    ActorRole,
    Action,
    TargetType,
    TargetId,
    RequestId,
    TraceId,
    FacilityId,
    SourceIp,
    Result,
    Detail,
    PiiFlag,
    Sensitivity,
    ReceivedAt,
    IngestedBy,
    Salt,
}

/// Names that only the server may give, besides the last three members.
pub(super) const SERVER_NAMES: [&str; 4] = ["seq", "hash", "chain_hash", "integrity_status"];

impl Member {
    /// How many there are.
    pub const COUNT: usize = 19;

    /// All members in the order of a body.
    pub const ALL: [Self; Self::COUNT] = [
        Self::AuditId,
        Self::Timestamp,
        Self::ActorType,
        Self::ActorId,
        Self::ActorRole,
        Self::Action,
        Self::TargetType,
        Self::TargetId,
        Self::RequestId,
        Self::TraceId,
        Self::FacilityId,
        Self::SourceIp,
        Self::Result,
        Self::Detail,
        Self::PiiFlag,
        Self::Sensitivity,
        Self::ReceivedAt,
        Self::IngestedBy,
        Self::Salt,
    ];

    /// Position in [`Self::ALL`].
    pub(super) const fn place(self) -> usize {
        self as usize
    }

    /// The member's name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AuditId => "audit_id",
            Self::Timestamp => "timestamp",
            Self::ActorType => "actor_type",
            Self::ActorId => "actor_id",
            Self::ActorRole => "actor_role",
            Self::Action => "action",
            Self::TargetType => "target_type",
            Self::TargetId => "target_id",
            Self::RequestId => "request_id",
            Self::TraceId => "trace_id",
            Self::FacilityId => "facility_id",
            Self::SourceIp => "source_ip",
            Self::Result => "result",
            Self::Detail => "detail",
            Self::PiiFlag => "pii_flag",
            Self::Sensitivity => "sensitivity",
            Self::ReceivedAt => "received_at",
            Self::IngestedBy => "ingested_by",
            Self::Salt => "salt",
        }
    }

    /// The member of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "audit_id" => Self::AuditId,
            "timestamp" => Self::Timestamp,
            "actor_type" => Self::ActorType,
            "actor_id" => Self::ActorId,
            "actor_role" => Self::ActorRole,
            "action" => Self::Action,
            "target_type" => Self::TargetType,
            "target_id" => Self::TargetId,
            "request_id" => Self::RequestId,
            "trace_id" => Self::TraceId,
            "facility_id" => Self::FacilityId,
            "source_ip" => Self::SourceIp,
            "result" => Self::Result,
            "detail" => Self::Detail,
            "pii_flag" => Self::PiiFlag,
            "sensitivity" => Self::Sensitivity,
            "received_at" => Self::ReceivedAt,
            "ingested_by" => Self::IngestedBy,
            "salt" => Self::Salt,
            _ => return None,
        })
    }

    /// Whether only the server gives it.
    #[must_use]
    pub fn is_server_only(self) -> bool {
        matches!(self, Self::ReceivedAt | Self::IngestedBy | Self::Salt)
    }

    /// Whether every body holds it.
    #[must_use]
    pub fn is_always_present(self) -> bool {
        self.is_required()
            || matches!(
                self,
                Self::AuditId | Self::PiiFlag | Self::Sensitivity | Self::ReceivedAt | Self::Salt
            )
    }

    /// Whether a client must give it.
    #[must_use]
    pub fn is_required(self) -> bool {
        matches!(
            self,
            Self::Timestamp | Self::ActorType | Self::ActorId | Self::Action | Self::Result
        )
    }

    /// What a client's value must be, in words.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::AuditId => "a UUID such as 018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d14",
            Self::Timestamp => "an RFC 3339 time with its zone, such as 2026-11-21T09:30:00Z",
            Self::ActorType => "one of user, device, system",
            Self::ActorId | Self::Action => "a non-empty string",
            Self::Result => "one of success, failure, warning",
            Self::Detail => "an object",
            Self::PiiFlag => "true or false",
            Self::Sensitivity => "one of low, medium, high",
            Self::SourceIp => "a string of at most 255 bytes",
            _ => "a string",
        }
    }
}
