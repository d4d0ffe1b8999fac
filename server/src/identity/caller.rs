//! A caller that was authenticated.
//!
//! Invariant: made only from a verified token or certificate.

use std::collections::BTreeSet;

use shoseki_engine::record::Producer;

use super::role::{Permission, Roles};
use crate::problem::{ErrorCode, Problem};

/// Somebody who may do something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// `sub` of the token, or what the subject of the certificate is mapped to; the producer of the
    /// records that it sends.
    pub producer: Producer,
    /// What it is.
    pub roles: Roles,
    /// Where it may do it.
    pub facilities: Facilities,
    /// How it was authenticated.
    pub means: Means,
    /// When its authority ends, in seconds since 1970.
    pub expires_at: Option<i64>,
}

/// How a caller was authenticated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Means {
    /// A bearer token.
    Token {
        /// Its `jti`.
        id: Option<String>,
        /// The key that signed it.
        key: String,
    },
    /// A client certificate.
    Certificate {
        /// SHA-256 of its DER form, in hex.
        fingerprint: String,
    },
}

/// Facilities of a caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Facilities {
    /// All of them, and what belongs to none (`*`).
    All,
    /// These.
    Only(BTreeSet<String>),
}

impl Caller {
    /// Its name in records and logs.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.producer.name()
    }

    /// Refuses what the caller may do nowhere.
    ///
    /// # Errors
    /// [`ErrorCode::ForbiddenRole`].
    pub fn need(&self, permission: Permission) -> Result<(), Problem> {
        if self.may(permission) {
            return Ok(());
        }
        Err(Problem::new(ErrorCode::ForbiddenRole, "none of your roles allows this"))
    }

    /// Refuses who may not see the log as a whole.
    ///
    /// # Errors
    /// [`ErrorCode::ForbiddenFacility`].
    pub fn need_all_facilities(&self) -> Result<(), Problem> {
        if self.facilities.is_all() {
            return Ok(());
        }
        let detail = "this concerns the whole log: it needs the facility *";
        Err(Problem::new(ErrorCode::ForbiddenFacility, detail))
    }

    /// Whether it may do this somewhere.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.roles.may(permission)
    }
}

impl Facilities {
    /// Whether a facility is among them; what has none belongs to `*` only.
    #[must_use]
    pub fn has(&self, facility: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => facility.is_some_and(|facility| names.contains(facility)),
        }
    }

    /// Whether these are all.
    #[must_use]
    pub fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }

    /// The facility, where there is exactly one.
    #[must_use]
    pub fn only_one(&self) -> Option<&str> {
        match self {
            Self::Only(names) if names.len() == 1 => names.first().map(String::as_str),
            Self::Only(_) | Self::All => None,
        }
    }
}
