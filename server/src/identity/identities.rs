//! Authentication of a request: token, client certificate, or both.
//!
//! Invariant: a source that failed too often is turned away before any signature is computed; a
//! refusal says nothing to the client. Time and peer are arguments.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderValue;
use ipnet::IpNet;

use super::caller::{Caller, Means};
use super::certificate::{Client, Presented};
use super::deny::DenyList;
use super::keys::KeySet;
use super::limiter::Limiter;
use super::logins::Logins;
use super::refusal::Refusal;
use super::role::{Role, Roles};
use super::signing::SigningError;
use super::token::Rules;
use super::verified::Verified;
use super::watched::{FileError, Watched};
use crate::config::{ClientAuth, Settings};

/// Failures that one source may have in a minute.
pub const FAILURES_PER_MINUTE: u32 = 30;

/// Why the server can't know who calls.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The public keys of tokens.
    #[error("keys of tokens: {0}")]
    Keys(#[source] FileError),
    /// The deny list.
    #[error("deny list: {0}")]
    DenyList(#[source] FileError),
    /// A rule for client certificates.
    #[error("client certificate rule {index} ({certificate}): not a valid {fault}")]
    Client {
        /// Its position, from 0.
        index: usize,
        /// The name that it is for.
        certificate: String,
        /// What in it can't be.
        fault: &'static str,
    },
    /// Making or reading the keys of the development profile.
    #[error("{what}: {source}")]
    Development {
        /// What was tried, with the path.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The private key of the development profile.
    #[error("{path}: {source}")]
    Signing {
        /// The file that holds it.
        path: String,
        /// Why it can't be used.
        source: SigningError,
    },
    /// The token of the development profile does not hold although it was just made.
    #[error("the development token does not verify ({0}): remove {1} or the private key beside it")]
    DevelopmentKeys(Refusal, String),
}

/// Everybody who is known, and how.
pub struct Identities {
    rules: Rules,
    /// `None` where no key file is configured: there are no tokens then.
    keys: Option<Watched<KeySet>>,
    deny_list: Option<Watched<DenyList>>,
    clients: Vec<Client>,
    client_auth: ClientAuth,
    allow_networks: BTreeMap<Role, Vec<IpNet>>,
    limiter: Limiter,
    logins: Logins,
    verified: Verified,
}

impl Identities {
    /// Reads keys, deny list and rules.
    ///
    /// # Errors
    /// [`IdentityError`]: a file that can't be used, or a rule that can't be.
    pub fn open(settings: &Settings) -> Result<Self, IdentityError> {
        let identity = &settings.identity;
        let keys = (!identity.keys.as_os_str().is_empty()).then(|| {
            Watched::open(&identity.keys, |bytes| {
                KeySet::parse(bytes).map_err(|error| error.to_string())
            })
        });
        let deny_list =
            identity.deny_list.as_deref().map(|path| Watched::open(path, DenyList::parse));
        let mut clients = Vec::with_capacity(identity.clients.len());
        for (index, rule) in identity.clients.iter().enumerate() {
            let client = Client::of(rule, identity.admin_may_audit).map_err(|refusal| {
                let certificate = rule.certificate.clone();
                IdentityError::Client { index, certificate, fault: refusal.reason() }
            });
            clients.push(client?);
        }
        Ok(Self {
            rules: Rules::of(settings),
            keys: keys.transpose().map_err(IdentityError::Keys)?,
            deny_list: deny_list.transpose().map_err(IdentityError::DenyList)?,
            clients,
            client_auth: settings.tls.as_ref().map_or(ClientAuth::Off, |tls| tls.client_auth),
            allow_networks: identity.allow_networks.clone(),
            limiter: Limiter::new(FAILURES_PER_MINUTE),
            logins: Logins::default(),
            verified: Verified::default(),
        })
    }

    /// Who calls. `authorization` is every `Authorization` header of the request,
    /// `peer_certificate` the DER form that TLS verified, `peer` the client's address, `now_unix`
    /// seconds since 1970.
    ///
    /// With a token and a certificate it is the token's caller.
    ///
    /// # Errors
    /// [`Refusal`]; [`Refusal::Missing`] does not count as a failure.
    pub fn authenticate<'a>(
        &self,
        authorization: impl IntoIterator<Item = &'a HeaderValue>,
        peer_certificate: Option<&[u8]>,
        peer: IpAddr,
        now_unix: i64,
    ) -> Result<Arc<Caller>, Refusal> {
        let mut headers = authorization.into_iter();
        let header = headers.next();
        if header.is_none() && peer_certificate.is_none() {
            return Err(Refusal::Missing);
        }
        let several = headers.next().is_some();
        let known = header.filter(|_| !several && !self.certificate_required());
        if let Some(caller) = known.and_then(|header| self.verified_before(header, now_unix)) {
            return self.used_from(caller, peer);
        }
        if let Some(retry_after) = self.limiter.wait(peer, now_unix) {
            return Err(Refusal::Limited { retry_after });
        }
        let found = if several {
            Err(Refusal::Header)
        } else {
            self.caller(header, peer_certificate, now_unix)
                .and_then(|caller| self.used_from(caller, peer))
        };
        if matches!(found, Err(refusal) if refusal != Refusal::Missing) {
            self.limiter.failed(peer, now_unix);
        }
        found
    }

    /// Whether a caller of before still has its authority: for each group of a stream, the start of
    /// a job and a download.
    ///
    /// # Errors
    /// [`Refusal::Expired`], [`Refusal::Denied`], or [`Refusal::UnknownKey`] where its key is gone.
    pub fn still(&self, caller: &Caller, now_unix: i64) -> Result<(), Refusal> {
        match &caller.means {
            Means::Token { key, .. } => {
                if caller.expires_at.is_some_and(|end| self.rules.is_over(end, now_unix)) {
                    return Err(Refusal::Expired);
                }
                let keys = self.keys.as_ref().ok_or(Refusal::UnknownKey)?.get(now_unix);
                keys.find(Some(key)).ok_or(Refusal::UnknownKey)?;
            }
            Means::Certificate { .. } => {
                if caller.expires_at.is_some_and(|end| now_unix > end) {
                    return Err(Refusal::Expired);
                }
            }
        }
        self.check_denied(caller, now_unix)
    }

    /// Whether these credentials come for the first time (as far as is remembered): a login.
    #[must_use]
    pub fn first_use(&self, caller: &Caller) -> bool {
        self.logins.first_use(caller)
    }

    /// What is wrong with files that changed since they were read; the old content stands.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let keys = self.keys.as_ref().and_then(Watched::fault);
        let deny_list = self.deny_list.as_ref().and_then(Watched::fault);
        keys.into_iter().chain(deny_list).collect()
    }

    fn caller(
        &self,
        header: Option<&HeaderValue>,
        peer_certificate: Option<&[u8]>,
        now_unix: i64,
    ) -> Result<Arc<Caller>, Refusal> {
        let Some(header) = header else {
            let presented = self.presented(peer_certificate, now_unix)?;
            let caller = self.clients.iter().find_map(|client| client.caller(&presented));
            let caller = caller.ok_or(Refusal::Missing)?;
            self.check_denied(&caller, now_unix)?;
            return Ok(Arc::new(caller));
        };
        if self.certificate_required() {
            self.presented(peer_certificate, now_unix)?;
        }
        let keys = self.keys.as_ref().ok_or(Refusal::UnknownKey)?.get(now_unix);
        let token = bearer(header)?;
        let caller = Arc::new(self.rules.caller(token, &keys, now_unix)?);
        self.verified.put(token, &keys, &caller);
        self.check_denied(&caller, now_unix)?;
        Ok(caller)
    }

    fn certificate_required(&self) -> bool {
        self.client_auth == ClientAuth::Required
    }

    /// The caller of a token whose signature was verified before; a source with failures of others
    /// behind it costs such a one nothing.
    fn verified_before(&self, header: &HeaderValue, now_unix: i64) -> Option<Arc<Caller>> {
        let keys = self.keys.as_ref()?.get(now_unix);
        let caller = self.verified.get(bearer(header).ok()?, &keys)?;
        let over = caller.expires_at.is_some_and(|end| self.rules.is_over(end, now_unix));
        (!over && self.check_denied(&caller, now_unix).is_ok()).then_some(caller)
    }

    /// The certificate, if it is there, valid now and not denied.
    fn presented(&self, der: Option<&[u8]>, now_unix: i64) -> Result<Presented, Refusal> {
        let presented = Presented::read(der.ok_or(Refusal::Certificate)?)?;
        presented.check_time(now_unix)?;
        let denied = self.deny_list.as_ref().map(|list| list.get(now_unix));
        if denied.is_some_and(|list| list.has_certificate(&presented.fingerprint)) {
            return Err(Refusal::Denied);
        }
        Ok(presented)
    }

    fn check_denied(&self, caller: &Caller, now_unix: i64) -> Result<(), Refusal> {
        let Some(list) = self.deny_list.as_ref().map(|list| list.get(now_unix)) else {
            return Ok(());
        };
        let by_means = match &caller.means {
            Means::Token { id, key } => {
                list.has_key(key) || id.as_ref().is_some_and(|id| list.has_token(id))
            }
            Means::Certificate { fingerprint } => list.has_certificate(fingerprint),
        };
        if by_means || list.has_subject(caller.subject()) {
            return Err(Refusal::Denied);
        }
        Ok(())
    }

    /// The caller with the roles that may be used from there.
    fn used_from(&self, caller: Arc<Caller>, peer: IpAddr) -> Result<Arc<Caller>, Refusal> {
        if self.allow_networks.is_empty() {
            return Ok(caller);
        }
        let peer = peer.to_canonical();
        let allowed = |role: &Role| {
            let networks = self.allow_networks.get(role);
            networks.is_none_or(|networks| networks.iter().any(|network| network.contains(&peer)))
        };
        let roles: Vec<Role> = caller.roles.iter().filter(allowed).collect();
        let roles = Roles::of(&roles);
        if roles.is_empty() {
            return Err(Refusal::Network);
        }
        Ok(Arc::new(Caller { roles, ..Caller::clone(&caller) }))
    }
}

/// The token of a `Bearer` header (RFC 6750 2.1).
fn bearer(header: &HeaderValue) -> Result<&[u8], Refusal> {
    let bytes = header.as_bytes();
    let (scheme, rest) = bytes.split_at_checked(6).ok_or(Refusal::Header)?;
    if !scheme.eq_ignore_ascii_case(b"bearer") || rest.first() != Some(&b' ') {
        return Err(Refusal::Header);
    }
    let token = rest.trim_ascii_start();
    if token.is_empty() { Err(Refusal::Header) } else { Ok(token) }
}
