//! Roles, and what each of them may do.
//!
//! Invariant: the table of [`Role::permissions`] is the only place where a role means something.

/// What a caller is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// Sends records.
    Writer,
    /// Searches, reads, proves and verifies.
    Auditor,
    /// Keeps the log running: segments, health, integrity.
    Operator,
    /// Approves what needs two people; reads.
    Compliance,
    /// Changes the configuration; reads no record.
    Admin,
}

/// What can be done at the interface.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Permission {
    /// Send records.
    Append,
    /// Search and read records, with their proofs, and count them.
    Read,
    /// Have the log verified.
    Verify,
    /// See segments and anchors, and raw proofs by seq.
    Inspect,
    /// Seal what is active, and try out a write.
    Operate,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] =
        [Self::Writer, Self::Auditor, Self::Operator, Self::Compliance, Self::Admin];

    /// Its name in tokens and in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Writer => "writer",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
            Self::Compliance => "compliance",
            Self::Admin => "admin",
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// What it may do.
    #[must_use]
    pub fn permissions(self) -> &'static [Permission] {
        use Permission::{Append, Inspect, Operate, Read, Verify};
        match self {
            Self::Writer => &[Append],
            Self::Auditor => &[Read, Verify, Inspect],
            Self::Operator => &[Verify, Inspect, Operate],
            Self::Compliance => &[Read, Verify, Inspect],
            Self::Admin => &[Inspect],
        }
    }
}

/// Roles of one caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Roles(u8);

impl Roles {
    /// These roles.
    #[must_use]
    pub fn of(roles: &[Role]) -> Self {
        Self(roles.iter().fold(0, |all, role| all | 1 << (*role as u8)))
    }

    /// Whether this role is among them.
    #[must_use]
    pub fn has(self, role: Role) -> bool {
        self.0 & 1 << (role as u8) != 0
    }

    /// The roles, in order.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }

    /// Whether one of them may do it.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        self.iter().any(|role| role.permissions().contains(&permission))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}
