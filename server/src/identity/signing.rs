//! Private keys, and the tokens that they sign.
//!
//! Only the development profile and `token issue` sign; a server in production holds public keys.
//! Invariant: what is signed here, [`super::Signed::open`] takes with the public half.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::RSAPublicKey;

use super::rsa;

/// Why a private key can't be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SigningError {
    /// No `BEGIN PRIVATE KEY` in it.
    #[error("not a private key in PKCS#8 PEM (BEGIN PRIVATE KEY)")]
    Pem,
    /// Another algorithm, or damaged.
    #[error("neither an Ed25519, a P-256 nor an RSA private key of at least 2048 bits")]
    Key,
    /// The system gave no random numbers, or signing failed.
    #[error("the key could not be made or did not sign")]
    Failed,
}

/// A private key with its public half and name.
pub struct SigningKey {
    pair: Pair,
    id: String,
    /// Members of its JWK that make its thumbprint (RFC 7638).
    required: Map<String, Value>,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl SigningKey {
    /// Makes an Ed25519 key; answers it with its PKCS#8 PEM form.
    ///
    /// # Errors
    /// [`SigningError::Failed`].
    pub fn generate() -> Result<(Self, String), SigningError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| SigningError::Failed)?;
        let der = pair.to_pkcs8v1().map_err(|_| SigningError::Failed)?;
        let text = STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        Ok((Self::of(Pair::Ed25519(pair), None)?, pem))
    }

    /// Reads a key from PKCS#8 PEM. Without a name it is called by its thumbprint (RFC 7638).
    ///
    /// # Errors
    /// [`SigningError`].
    pub fn from_pem(pem: &[u8], id: Option<&str>) -> Result<Self, SigningError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| SigningError::Pem)?;
        let der = der.secret_pkcs8_der();
        let pair = if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            Pair::Ed25519(pair)
        } else if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
            Pair::P256(pair)
        } else {
            Pair::Rsa(RsaKeyPair::from_pkcs8(der).map_err(|_| SigningError::Key)?)
        };
        Self::of(pair, id)
    }

    /// Its `kid`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its public half as a JWK.
    #[must_use]
    pub fn public_jwk(&self) -> Value {
        let mut members = self.required.clone();
        for (name, value) in [("kid", self.id.as_str()), ("alg", self.algorithm()), ("use", "sig")]
        {
            members.insert(name.to_owned(), value.into());
        }
        Value::Object(members)
    }

    /// A JWK set of it alone.
    #[must_use]
    pub fn public_set(&self) -> Value {
        json!({ "keys": [self.public_jwk()] })
    }

    /// Signs claims as a token of type `JWT`.
    ///
    /// # Errors
    /// [`SigningError::Failed`].
    pub fn token(&self, claims: &Value) -> Result<String, SigningError> {
        let header = json!({ "alg": self.algorithm(), "kid": self.id, "typ": "JWT" });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let mut token = format!("{}.{}", part(&header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.sign(token.as_bytes())?);
        token.push('.');
        token.push_str(&signature);
        Ok(token)
    }

    /// The value of `alg` in its tokens.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Ed25519(_) => "EdDSA",
            Pair::P256(_) => "ES256",
            Pair::Rsa(_) => "RS256",
        }
    }

    /// Signs bytes: what a JWS signs is the first two parts with their dot.
    ///
    /// # Errors
    /// [`SigningError::Failed`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let failed = |_| SigningError::Failed;
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ed25519(pair) => Ok(pair.try_sign(message).map_err(failed)?.as_ref().to_vec()),
            Pair::P256(pair) => Ok(pair.sign(&random, message).map_err(failed)?.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let signed = pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature);
                signed.map_err(failed)?;
                Ok(signature)
            }
        }
    }

    fn of(pair: Pair, id: Option<&str>) -> Result<Self, SigningError> {
        let required = required(&pair).ok_or(SigningError::Key)?;
        let id = id.map_or_else(|| thumbprint(&required), str::to_owned);
        Ok(Self { pair, id, required })
    }
}

/// The members of the JWK that are needed to name the key; `None` for a key we would not trust.
fn required(pair: &Pair) -> Option<Map<String, Value>> {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let members = match pair {
        Pair::Ed25519(pair) => {
            json!({ "crv": "Ed25519", "kty": "OKP", "x": text(pair.public_key().as_ref()) })
        }
        Pair::P256(pair) => {
            // SEC 1 2.3.3: 4, then both coordinates.
            let (x, y) = pair.public_key().as_ref().get(1..65)?.split_at_checked(32)?;
            json!({ "crv": "P-256", "kty": "EC", "x": text(x), "y": text(y) })
        }
        Pair::Rsa(pair) => {
            let (_, public) = RSAPublicKey::from_der(pair.public_key().as_ref()).ok()?;
            let number = |bytes: &'_ [u8]| {
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                bytes.get(zeros..).unwrap_or_default().to_vec()
            };
            let (n, e) = (number(public.modulus), number(public.exponent));
            if rsa::fault(&n, &e).is_some() {
                return None;
            }
            json!({ "e": text(&e), "kty": "RSA", "n": text(&n) })
        }
    };
    match members {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// RFC 7638: SHA-256 of the required members in the order of their names.
fn thumbprint(required: &Map<String, Value>) -> String {
    let mut members: Vec<String> = required
        .iter()
        .map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())))
        .collect();
    members.sort();
    let text = format!("{{{}}}", members.join(","));
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_rfc_8037() {
        let members = json!({
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "crv": "Ed25519", "kty": "OKP",
        });
        // RFC 8037 A.3.
        let expected = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(thumbprint(members.as_object().unwrap()), expected);
    }
}
