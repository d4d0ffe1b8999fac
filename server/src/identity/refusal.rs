//! Why somebody was not authenticated.
//!
//! Invariant: the reason goes to the server's own log; every refusal is answered alike, but for the
//! one that says to come back later. Holds nothing that a client sent.

/// Why somebody was not authenticated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, thiserror::Error)]
#[error("{}", self.reason())]
pub enum Refusal {
    /// Neither a token nor a certificate that stands for somebody.
    Missing,
    /// More than one `Authorization` header, or another scheme than `Bearer`.
    Header,
    /// Longer than a token may be.
    Length,
    /// Not a compact JWS of strict base64url and JSON without duplicate names.
    Form,
    /// `typ` is missing or another than `JWT` and `at+jwt`.
    Type,
    /// `alg` is not the algorithm of the key.
    Algorithm,
    /// `crit` asks for something that must be understood.
    Critical,
    /// No key of this `kid`, or no `kid` where there is more than one key.
    UnknownKey,
    /// The signature does not hold.
    Signature,
    /// A claim is missing or has the wrong type.
    Claims,
    /// `iss` is another issuer.
    Issuer,
    /// `aud` does not name this server.
    Audience,
    /// `exp` has passed.
    Expired,
    /// `nbf` or `iat` lies ahead.
    NotYet,
    /// It lives longer than a token may.
    Lifetime,
    /// `sub` can't be the name of a producer.
    Subject,
    /// No known role, or roles that one subject may not hold together.
    Roles,
    /// No facilities, or something else than names.
    Facilities,
    /// On the deny list.
    Denied,
    /// None of its roles may be used from this network.
    Network,
    /// The client certificate is needed and missing, not valid now, or not readable.
    Certificate,
    /// Too many failures from this source.
    Limited {
        /// Seconds after which the next try is heard, at least 1.
        retry_after: u32,
    },
}

impl Refusal {
    /// A stable word for logs and counters.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Header => "header",
            Self::Length => "length",
            Self::Form => "form",
            Self::Type => "type",
            Self::Algorithm => "algorithm",
            Self::Critical => "critical",
            Self::UnknownKey => "unknown-key",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYet => "not-yet",
            Self::Lifetime => "lifetime",
            Self::Subject => "subject",
            Self::Roles => "roles",
            Self::Facilities => "facilities",
            Self::Denied => "denied",
            Self::Network => "network",
            Self::Certificate => "certificate",
            Self::Limited { .. } => "limited",
        }
    }

    /// Seconds to wait, where that is the answer.
    #[must_use]
    pub fn retry_after(self) -> Option<u32> {
        match self {
            Self::Limited { retry_after } => Some(retry_after),
            _ => None,
        }
    }
}
