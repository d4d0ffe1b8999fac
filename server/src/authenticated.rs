//! Who calls, as an argument of a handler.
//!
//! Invariant: extraction runs behind routing and the method, and before anything else of the
//! request is looked at (SERVER.md 1). A refusal says nothing but that authentication is needed.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::app::Shared;
use crate::audit::Event;
use crate::correlation::Correlation;
use crate::identity::{Caller, Permission, Refusal};
use crate::problem::{ErrorCode, Problem};

/// The DER form of the client certificate that TLS verified.
#[derive(Clone, Debug)]
pub struct PeerCertificate(pub Arc<[u8]>);

/// A caller that was authenticated.
pub struct Authenticated(pub Arc<Caller>);

/// What a handler does, and so what its caller must be allowed.
pub trait Act: Send {
    /// What must be allowed somewhere.
    const PERMISSION: Permission;
    /// Whether it concerns the whole log, and so needs the facility `*`.
    const WHOLE_LOG: bool;
}

macro_rules! acts {
    ($($(#[$words:meta])* $name:ident: $permission:ident, $whole:literal;)*) => {$(
        $(#[$words])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Act for $name {
            const PERMISSION: Permission = Permission::$permission;
            const WHOLE_LOG: bool = $whole;
        }
    )*};
}

acts! {
    /// Reads records.
    Reads: Read, false;
    /// Verifies the log.
    Verifies: Verify, true;
    /// Looks after a verification: whose it is decides before the facility does.
    Follows: Verify, false;
    /// Looks at the log as a whole.
    Inspects: Inspect, true;
    /// Operates the log.
    Operates: Operate, true;
    /// Tries whether the log takes records.
    Tries: Operate, false;
}

/// A caller that was authenticated and may do what the handler does.
pub struct May<A> {
    /// Who it is.
    pub caller: Arc<Caller>,
    act: PhantomData<A>,
}

impl<A: Act> FromRequestParts<Shared> for May<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Problem> {
        let caller = authenticate(parts, app)?;
        caller.need(A::PERMISSION)?;
        if A::WHOLE_LOG {
            caller.need_all_facilities()?;
        }
        Ok(Self { caller, act: PhantomData })
    }
}

/// The same where a route may be public.
pub struct MaybeAuthenticated(Result<Arc<Caller>, Problem>);

impl MaybeAuthenticated {
    /// The caller.
    ///
    /// # Errors
    /// Why there is none.
    pub fn need(&self) -> Result<&Arc<Caller>, Problem> {
        self.0.as_ref().map_err(Clone::clone)
    }
}

impl FromRequestParts<Shared> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Problem> {
        authenticate(parts, app).map(Self)
    }
}

impl FromRequestParts<Shared> for MaybeAuthenticated {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &Shared,
    ) -> Result<Self, std::convert::Infallible> {
        let public = app.settings.public_tiles;
        let found = match public {
            true => Err(Problem::new(ErrorCode::Unauthenticated, "authentication is needed")),
            false => authenticate(parts, app),
        };
        Ok(Self(found))
    }
}

fn authenticate(parts: &Parts, app: &Shared) -> Result<Arc<Caller>, Problem> {
    let correlation = parts.extensions.get::<Correlation>();
    let certificate = parts.extensions.get::<PeerCertificate>();
    let certificate = certificate.map(|certificate| &*certificate.0);
    let peer = correlation.and_then(Correlation::peer);
    let peer = peer.ok_or_else(|| Problem::internal(&"a request without an address"))?;
    let headers = parts.headers.get_all(AUTHORIZATION).iter();
    let found = app.identities.authenticate(headers, certificate, peer, app.now_seconds());
    match found {
        Ok(caller) => {
            if let Some(correlation) = correlation {
                correlation.set_caller(Arc::clone(&caller));
                if app.identities.first_use(&caller) {
                    app.audit.note(Event::login(correlation, &caller));
                }
            }
            Ok(caller)
        }
        Err(refusal) => {
            app.metrics.auth_failure(refusal.reason());
            if refusal != Refusal::Missing {
                tracing::info!(reason = refusal.reason(), "authentication refused");
            }
            Err(refused(refusal))
        }
    }
}

/// What a refusal is to the client.
#[must_use]
pub fn refused(refusal: Refusal) -> Problem {
    match refusal.retry_after() {
        Some(seconds) => {
            let detail = "too many failed authentications from your address: try again later";
            Problem::new(ErrorCode::AuthLimited, detail).retry_after(seconds)
        }
        None if refusal == Refusal::Network => {
            let detail = "none of your roles may be used from this network";
            Problem::new(ErrorCode::ForbiddenNetwork, detail)
        }
        None => Problem::new(
            ErrorCode::Unauthenticated,
            "a valid bearer token or client certificate is needed",
        ),
    }
}
