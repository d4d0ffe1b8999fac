//! The claims of a token that is made here.
//!
//! Invariant: nothing is issued that the rules for tokens would refuse for its subject, roles or
//! facilities. Time is an argument.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::caller::Facilities;
use super::refusal::Refusal;
use super::role::{Role, Roles};
use super::signing::SigningError;
use super::token;
use crate::config::IdentitySettings;

/// What a new token says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewToken {
    /// Whom it is for.
    pub subject: String,
    /// What that may be.
    pub roles: Vec<Role>,
    /// Where; `*` alone is everywhere.
    pub facilities: Vec<String>,
    /// Its id (`jti`), see [`new_token_id`].
    pub id: String,
    /// From when, in seconds since 1970.
    pub issued_at: i64,
    /// How long it lives, in seconds.
    pub lifetime: i64,
}

impl NewToken {
    /// The claims, under the names that the settings give them.
    ///
    /// # Errors
    /// [`Refusal`]: subject, roles, facilities or lifetime that no server would take.
    pub fn claims(&self, settings: &IdentitySettings) -> Result<Value, Refusal> {
        token::producer(&self.subject)?;
        token::check_roles(Roles::of(&self.roles), settings.admin_may_audit)?;
        let facilities = token::facilities(self.facilities.iter().map(String::as_str))?;
        if self.lifetime <= 0 {
            return Err(Refusal::Lifetime);
        }
        let facilities = match facilities {
            Facilities::All => json!("*"),
            Facilities::Only(names) => json!(names),
        };
        let roles: Vec<&str> = self.roles.iter().map(|role| role.as_str()).collect();
        let mut claims = json!({
            "iss": settings.issuer,
            "aud": settings.audience,
            "sub": self.subject,
            "iat": self.issued_at,
            "exp": self.issued_at.saturating_add(self.lifetime),
            "jti": self.id,
        });
        // A member of the very name of a path is found before the path is.
        if let Some(members) = claims.as_object_mut() {
            members.insert(settings.roles_claim.clone(), json!(roles));
            members.insert(settings.facilities_claim.clone(), facilities);
        }
        Ok(claims)
    }
}

/// 128 random bits as an id of a token.
///
/// # Errors
/// [`SigningError::Failed`] where the system gives no random numbers.
pub fn new_token_id() -> Result<String, SigningError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| SigningError::Failed)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
