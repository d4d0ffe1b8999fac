//! From the claims of a token to a caller.
//!
//! Invariant: a caller comes only out of claims whose signature holds; a claim that is there with
//! the wrong type refuses the token instead of counting as missing. Time is an argument.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value};
use shoseki_engine::record::Producer;

use super::caller::{Caller, Facilities, Means};
use super::json;
use super::jws::Signed;
use super::keys::KeySet;
use super::refusal::Refusal;
use super::role::{Role, Roles};
use crate::config::{Profile, Settings};

/// The producer name of the server's own records: no client has it.
const RESERVED: &str = "shoseki";
/// Longest `jti` in bytes.
const TOKEN_ID_LEN_MAX: usize = 256;
/// Seconds since 1970 that a time may be: beyond them it is no date that anybody means.
const TIME_MAX: i64 = 1 << 40;

/// What a token must be.
pub(super) struct Rules {
    issuer: String,
    audience: String,
    roles_claim: String,
    facilities_claim: String,
    lifetime_max: Option<i64>,
    leeway: i64,
    admin_may_audit: bool,
    /// Whether a token may come without `typ`.
    untyped: bool,
}

impl Rules {
    pub(super) fn of(settings: &Settings) -> Self {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let identity = &settings.identity;
        Self {
            issuer: identity.issuer.clone(),
            audience: identity.audience.clone(),
            roles_claim: identity.roles_claim.clone(),
            facilities_claim: identity.facilities_claim.clone(),
            lifetime_max: identity.lifetime_max.map(seconds),
            leeway: seconds(identity.leeway),
            admin_may_audit: identity.admin_may_audit,
            untyped: settings.profile == Profile::Development,
        }
    }

    /// The caller that a token stands for.
    pub(super) fn caller(
        &self,
        token: &[u8],
        keys: &KeySet,
        now_unix: i64,
    ) -> Result<Caller, Refusal> {
        let signed = Signed::open(token, keys)?;
        self.check_type(signed.kind.as_deref())?;
        let claims = json::object(&signed.payload).ok_or(Refusal::Form)?;
        if text(&claims, "iss")? != self.issuer {
            return Err(Refusal::Issuer);
        }
        if !is_audience(&claims, &self.audience)? {
            return Err(Refusal::Audience);
        }
        let expires_at = self.check_times(&claims, now_unix)?;
        let id = match claims.get("jti") {
            None => None,
            Some(_) => Some(text(&claims, "jti")?.to_owned()),
        };
        if id.as_ref().is_some_and(|id| id.is_empty() || id.len() > TOKEN_ID_LEN_MAX) {
            return Err(Refusal::Claims);
        }
        let roles = json::at_path(&claims, &self.roles_claim).ok_or(Refusal::Roles)?;
        let roles = check_roles(roles_of(roles)?, self.admin_may_audit)?;
        let facilities = json::at_path(&claims, &self.facilities_claim);
        Ok(Caller {
            producer: producer(text(&claims, "sub")?)?,
            roles,
            facilities: facilities_of(facilities.ok_or(Refusal::Facilities)?)?,
            means: Means::Token { id, key: signed.key.id().to_owned() },
            expires_at: Some(expires_at),
        })
    }

    /// Whether an authority that ends then has ended.
    pub(super) fn is_over(&self, expires_at: i64, now_unix: i64) -> bool {
        now_unix >= expires_at.saturating_add(self.leeway)
    }

    fn check_type(&self, kind: Option<&str>) -> Result<(), Refusal> {
        // RFC 7519 5.1 and RFC 9068 4; the prefix may be there or not (RFC 7515 4.1.9).
        let known = |kind: &str| {
            let kind = kind.to_ascii_lowercase();
            let short = kind.strip_prefix("application/").unwrap_or(&kind);
            matches!(short, "jwt" | "at+jwt")
        };
        if kind.map_or(self.untyped, known) { Ok(()) } else { Err(Refusal::Type) }
    }

    fn check_times(&self, claims: &Map<String, Value>, now: i64) -> Result<i64, Refusal> {
        let expires_at = time(claims, "exp")?.ok_or(Refusal::Claims)?;
        let (not_before, issued_at) = (time(claims, "nbf")?, time(claims, "iat")?);
        if self.is_over(expires_at, now) {
            return Err(Refusal::Expired);
        }
        let latest = now.saturating_add(self.leeway);
        if not_before.is_some_and(|at| at > latest) || issued_at.is_some_and(|at| at > latest) {
            return Err(Refusal::NotYet);
        }
        let lifetime = expires_at.saturating_sub(issued_at.unwrap_or(now));
        if self.lifetime_max.is_some_and(|longest| lifetime > longest) {
            return Err(Refusal::Lifetime);
        }
        Ok(expires_at)
    }
}

/// The producer that a subject is.
pub(super) fn producer(subject: &str) -> Result<Producer, Refusal> {
    if subject == RESERVED {
        return Err(Refusal::Subject);
    }
    Producer::new(subject).map_err(|_| Refusal::Subject)
}

/// The same roles, if one subject may hold them together.
pub(super) fn check_roles(roles: Roles, admin_may_audit: bool) -> Result<Roles, Refusal> {
    let both = roles.has(Role::Admin) && roles.has(Role::Auditor);
    if roles.is_empty() || (both && !admin_may_audit) {
        return Err(Refusal::Roles);
    }
    Ok(roles)
}

/// Facilities by name; `*` alone is all of them.
pub(super) fn facilities<'a>(
    names: impl IntoIterator<Item = &'a str>,
) -> Result<Facilities, Refusal> {
    let names: BTreeSet<String> = names.into_iter().map(str::to_owned).collect();
    let all = names.contains("*");
    match names.len() {
        0 => Err(Refusal::Facilities),
        1 if all => Ok(Facilities::All),
        // `-` marks the server's own records of no facility, which only `*` may see.
        _ if all || names.contains("") || names.contains("-") => Err(Refusal::Facilities),
        _ => Ok(Facilities::Only(names)),
    }
}

fn facilities_of(claim: &Value) -> Result<Facilities, Refusal> {
    match claim {
        Value::String(all) if all == "*" => Ok(Facilities::All),
        Value::Array(names) => {
            let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
            facilities(names.ok_or(Refusal::Facilities)?)
        }
        _ => Err(Refusal::Facilities),
    }
}

/// Known roles of an array of names, or of one name; others are passed over.
fn roles_of(claim: &Value) -> Result<Roles, Refusal> {
    let names = match claim {
        Value::String(name) => vec![name.as_str()],
        Value::Array(names) => {
            let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
            names.ok_or(Refusal::Roles)?
        }
        _ => return Err(Refusal::Roles),
    };
    let roles: Vec<Role> = names.into_iter().filter_map(Role::parse).collect();
    Ok(Roles::of(&roles))
}

fn is_audience(claims: &Map<String, Value>, audience: &str) -> Result<bool, Refusal> {
    match claims.get("aud") {
        Some(Value::String(name)) => Ok(name == audience),
        Some(Value::Array(names)) if names.iter().all(Value::is_string) => {
            Ok(names.iter().any(|name| name == audience))
        }
        _ => Err(Refusal::Claims),
    }
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Result<&'a str, Refusal> {
    claims.get(name).and_then(Value::as_str).ok_or(Refusal::Claims)
}

/// Whole seconds since 1970; fractions (RFC 7519 2) are cut off.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, Refusal> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_i64().or_else(|| value.as_f64().and_then(whole));
    match seconds {
        Some(seconds) if (0..=TIME_MAX).contains(&seconds) => Ok(Some(seconds)),
        _ => Err(Refusal::Claims),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the bounds stand before it")]
fn whole(seconds: f64) -> Option<i64> {
    // 2^40 fits a double exactly.
    (0.0..=1_099_511_627_776.0).contains(&seconds).then_some(seconds as i64)
}
