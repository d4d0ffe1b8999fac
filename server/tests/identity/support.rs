//! A server's identities in a directory of their own, and tokens of every kind for them.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use serde_json::{Value, json};
use shoseki_server::config::{Profile, Settings};
use shoseki_server::identity::{Caller, Identities, KeySet, Refusal, SigningKey};
use tempfile::TempDir;

/// The time at which all tokens here are looked at.
pub(crate) const NOW: i64 = 1_800_000_000;

/// Settings of production with one Ed25519 key named `k1`.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
    pub(crate) settings: Settings,
    pub(crate) key: SigningKey,
    peers: Cell<u32>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = ed25519("k1");
        let mut settings = Settings::development(dir.path());
        settings.profile = Profile::Production;
        settings.identity.issuer = "https://id.example".to_owned();
        settings.identity.audience = "shoseki".to_owned();
        settings.identity.keys = dir.path().join("keys.jwks");
        settings.identity.lifetime_max = Some(Duration::from_hours(24));
        settings.identity.admin_may_audit = false;
        let place = Self { dir, settings, key, peers: Cell::new(1) };
        place.write("keys.jwks", &place.key.public_set().to_string());
        place
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn identities(&self) -> Identities {
        Identities::open(&self.settings).unwrap()
    }

    /// Another peer each time, so that failures don't add up.
    pub(crate) fn peer(&self) -> IpAddr {
        self.peers.set(self.peers.get() + 1);
        IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + self.peers.get()))
    }

    /// What comes of a token at [`NOW`] in identities opened for it.
    pub(crate) fn judge(&self, token: &str) -> Result<Arc<Caller>, Refusal> {
        self.ask(&self.identities(), token, NOW)
    }

    pub(crate) fn ask(
        &self,
        identities: &Identities,
        token: &str,
        now: i64,
    ) -> Result<Arc<Caller>, Refusal> {
        identities.authenticate([&bearer(token)], None, self.peer(), now)
    }

    /// What comes of good claims with these members changed; `null` takes a member away.
    pub(crate) fn judge_claims(&self, changes: &Value) -> Result<Arc<Caller>, Refusal> {
        self.judge(&self.key.token(&claims(changes)).unwrap())
    }
}

pub(crate) fn bearer(token: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("Bearer {token}")).unwrap()
}

/// Claims that every rule takes, but for the changes.
pub(crate) fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "iss": "https://id.example", "aud": "shoseki", "sub": "clinic-app", "jti": "t1",
        "iat": NOW - 10, "exp": NOW + 3600, "roles": ["writer"], "facilities": ["F1"],
    });
    let members = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    claims
}

pub(crate) fn part(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// A token of exactly these texts, rightly signed.
pub(crate) fn signed(key: &SigningKey, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let signature = key.sign(message.as_bytes()).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

pub(crate) fn ed25519(id: &str) -> SigningKey {
    let (_, pem) = SigningKey::generate().unwrap();
    SigningKey::from_pem(pem.as_bytes(), Some(id)).unwrap()
}

pub(crate) fn p256(id: &str) -> SigningKey {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    SigningKey::from_pem(pair.serialize_pem().as_bytes(), Some(id)).unwrap()
}

pub(crate) fn rsa(id: &str) -> SigningKey {
    let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048);
    SigningKey::from_pem(pair.unwrap().serialize_pem().as_bytes(), Some(id)).unwrap()
}

/// A set of the public halves.
pub(crate) fn set(keys: &[&SigningKey]) -> KeySet {
    KeySet::parse(set_text(keys).as_bytes()).unwrap()
}

pub(crate) fn set_text(keys: &[&SigningKey]) -> String {
    let keys: Vec<Value> = keys.iter().map(|key| key.public_jwk()).collect();
    json!({ "keys": keys }).to_string()
}
