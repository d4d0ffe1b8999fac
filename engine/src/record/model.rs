//! The record as a program holds it: a client's part ([`Record`]) and the server's ([`Stamp`]).
//!
//! Invariant: the enums' names are those of CONTRACT 1.1, lower case exactly.

use super::detail::Detail;
use super::error::{Fault, FaultSink, InputError, Limits};
use super::ident::{AuditId, Producer, Salt};
use super::time::Timestamp;

macro_rules! names {
    ($(#[$doc:meta])* $type:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $name:literal),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $type { $($(#[$variant_doc])* $variant),+ }

        impl $type {
            /// All values, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The stored name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The value of exactly this name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }

        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(super) use names;

names! {
    /// Who acted.
    ActorType {
        /// A person.
        User = "user",
        /// A machine outside the system.
        Device = "device",
        /// The system itself.
        System = "system",
    }
}

names! {
    /// How the action ended (`result`).
    Outcome {
        /// It was done.
        Success = "success",
        /// It was not done.
        Failure = "failure",
        /// It was done, but not as it should be.
        Warning = "warning",
    }
}

names! {
    /// How carefully a record is to be handled.
    Sensitivity {
        /// The default.
        Low = "low",
        /// In between.
        Medium = "medium",
        /// Most carefully.
        High = "high",
    }
}

/// A client's part of a record, checked by the rules of CONTRACT 1.1 ([`Record::from_json`]), or
/// built in code and checked by [`Record::check`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// The client's identifier; one is made at ingest where there is none.
    pub audit_id: Option<AuditId>,
    /// When it happened.
    pub timestamp: Timestamp,
    /// Who acted, by kind.
    pub actor_type: ActorType,
    /// Who acted; non-empty.
    pub actor_id: String,
    /// In which role.
    pub actor_role: Option<String>,
    /// What was done; non-empty, for example `WORK_EVENT_CREATE`.
    pub action: String,
    /// To what, by kind.
    pub target_type: Option<String>,
    /// To what.
    pub target_id: Option<String>,
    /// The request that it belongs to.
    pub request_id: Option<String>,
    /// The trace that it belongs to.
    pub trace_id: Option<String>,
    /// Where.
    pub facility_id: Option<String>,
    /// An address, host or service name of at most [`Record::SOURCE_IP_LEN_MAX`] bytes.
    pub source_ip: Option<String>,
    /// How it ended.
    pub result: Outcome,
    /// Anything more, token-exact.
    pub detail: Option<Detail>,
    /// Whether personal data is in it.
    pub pii_flag: bool,
    /// How carefully it is to be handled.
    pub sensitivity: Sensitivity,
}

impl Record {
    /// Longest `source_ip` in bytes.
    pub const SOURCE_IP_LEN_MAX: usize = 255;

    /// A record of the required members; the others are absent or have their defaults.
    #[must_use]
    pub fn new(
        timestamp: Timestamp,
        actor_type: ActorType,
        actor_id: impl Into<String>,
        action: impl Into<String>,
        result: Outcome,
    ) -> Self {
        Self {
            audit_id: None,
            timestamp,
            actor_type,
            actor_id: actor_id.into(),
            actor_role: None,
            action: action.into(),
            target_type: None,
            target_id: None,
            request_id: None,
            trace_id: None,
            facility_id: None,
            source_ip: None,
            result,
            detail: None,
            pii_flag: false,
            sensitivity: Sensitivity::Low,
        }
    }

    /// Parses and checks one JSON object.
    ///
    /// # Errors
    /// [`InputError::Syntax`] where it is not JSON, [`InputError::Invalid`] with every fault.
    pub fn from_json(input: &[u8], limits: &Limits) -> Result<Self, InputError> {
        super::input::parse_one(input, limits)
    }

    /// Checks a record that was built in code: what the types don't already rule out.
    ///
    /// # Errors
    /// Every fault, with `index` 0.
    pub fn check(&self, limits: &Limits) -> Result<(), Vec<Fault>> {
        let mut sink = FaultSink::new(limits);
        super::check::check(self, limits, &mut sink);
        if let Some(detail) = &self.detail {
            detail.check(limits, &mut sink);
        }
        if sink.is_empty() { Ok(()) } else { Err(sink.into_faults()) }
    }
}

/// The server's part of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp<'a> {
    /// The record's identifier: the client's where it gave one.
    pub audit_id: AuditId,
    /// When it came in; stored in microseconds.
    pub received_at: Timestamp,
    /// The authenticated producer, if there is one.
    pub ingested_by: Option<&'a Producer>,
    /// Made anew for every record.
    pub salt: Salt,
}
