//! Who calls, and what they may do.
//!
//! Invariant: authority comes from a verified token or certificate and from nothing else that a
//! client sends. Knows nothing about routes, records and the log.

mod caller;
mod certificate;
mod deny;
mod development;
mod identities;
mod issue;
mod json;
mod jws;
mod keys;
mod limiter;
mod logins;
mod refusal;
mod role;
mod rsa;
mod signing;
mod token;
mod verified;
mod watched;

pub use caller::{Caller, Facilities, Means};
pub use development::{DevelopmentToken, PRIVATE_KEY, SUBJECT, TOKEN_FILE, prepare_development};
pub use identities::{FAILURES_PER_MINUTE, Identities, IdentityError};
pub use issue::{NewToken, new_token_id};
pub use jws::{Peeked, Signed, TOKEN_LEN_MAX, peek_token};
pub use keys::{Key, KeySet, KeySetError};
pub use refusal::Refusal;
pub use role::{Permission, Role, Roles};
pub use signing::{SigningError, SigningKey};
pub use watched::FileError;
