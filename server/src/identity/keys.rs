//! The public keys of tokens: a JWK set (RFC 7517).
//!
//! Invariant: the algorithm is a property of the key, fixed when the set is read; a token's header
//! chooses among keys and nothing else. A set with one wrong key is refused as a whole, with the
//! reason. Knows nothing about tokens and files.

use std::collections::BTreeMap;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::{json, rsa};

/// Most keys of a set.
const KEYS_MAX: usize = 256;
/// Longest `kid` in bytes.
const KEY_ID_LEN_MAX: usize = 256;
/// Members that only a private or symmetric key has (RFC 7518 6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why a key set can't be used; names the key by its position, from 0.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct KeySetError(String);

/// One public key.
#[derive(Debug)]
pub struct Key {
    id: String,
    algorithm: &'static str,
    public: ParsedPublicKey,
}

impl Key {
    /// Its `kid`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The one value of `alg` that its tokens have: `EdDSA`, `Ed25519`, `ES256` or `RS256`.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    /// Whether `signature` is this key's signature of `message`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(message, signature).is_ok()
    }
}

/// Public keys by `kid`; at least one.
#[derive(Debug)]
pub struct KeySet(BTreeMap<String, Key>);

impl KeySet {
    /// Reads a JWK set. Keys for encryption (`use`, `key_ops`) are passed over, as sets of identity
    /// providers hold them beside the others.
    ///
    /// # Errors
    /// [`KeySetError`]: not a set, a key that can't be used, or none left.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        let set = json::object(bytes)
            .ok_or_else(|| error("not a JSON object, or one in which a name stands twice"))?;
        let keys = set.get("keys").and_then(Value::as_array);
        let keys = keys.ok_or_else(|| error("`keys` is missing or no array"))?;
        if keys.len() > KEYS_MAX {
            return Err(error(&format!("more than {KEYS_MAX} keys")));
        }
        let mut found = BTreeMap::new();
        for (index, key) in keys.iter().enumerate() {
            let at = |fault: String| error(&format!("key {index}: {fault}"));
            let members = key.as_object().ok_or_else(|| at("not an object".to_owned()))?;
            let Some(key) = read(members).map_err(at)? else { continue };
            let id = key.id.clone();
            if found.insert(id.clone(), key).is_some() {
                return Err(at(format!("`kid` {id:?} stands twice")));
            }
        }
        if found.is_empty() {
            return Err(error("holds no key for signatures"));
        }
        Ok(Self(found))
    }

    /// The key of this id; without an id the only one, if there is just one.
    #[must_use]
    pub fn find(&self, id: Option<&str>) -> Option<&Key> {
        match id {
            Some(id) => self.0.get(id),
            None if self.0.len() == 1 => self.0.values().next(),
            None => None,
        }
    }

    /// The keys in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.values()
    }
}

fn error(text: &str) -> KeySetError {
    KeySetError(text.to_owned())
}

/// Reads a key; `None` where it is not for signatures.
fn read(members: &Map<String, Value>) -> Result<Option<Key>, String> {
    if let Some(name) = PRIVATE.iter().find(|name| members.contains_key(**name)) {
        return Err(format!("`{name}` belongs to a private or symmetric key: keep it out"));
    }
    let kind = text(members, "kty")?;
    if kind == "oct" {
        return Err("symmetric keys are not taken".to_owned());
    }
    if !is_for_signatures(members)? {
        return Ok(None);
    }
    let id = text(members, "kid")?;
    if id.is_empty() || id.len() > KEY_ID_LEN_MAX {
        return Err(format!("`kid` has 1 to {KEY_ID_LEN_MAX} bytes"));
    }
    let (algorithm, public) = match kind {
        "OKP" => ed25519(members)?,
        "EC" => p256(members)?,
        "RSA" => rsa_key(members)?,
        other => return Err(format!("`kty` {other:?} is not known")),
    };
    Ok(Some(Key { id: id.to_owned(), algorithm, public }))
}

fn is_for_signatures(members: &Map<String, Value>) -> Result<bool, String> {
    if members.contains_key("use") && text(members, "use")? != "sig" {
        return Ok(false);
    }
    match members.get("key_ops") {
        None => Ok(true),
        Some(Value::Array(uses)) => Ok(uses.iter().any(|name| name == "verify")),
        Some(_) => Err("`key_ops` is no array".to_owned()),
    }
}

fn ed25519(members: &Map<String, Value>) -> Result<(&'static str, ParsedPublicKey), String> {
    curve(members, "Ed25519")?;
    let algorithm = algorithm(members, &["EdDSA", "Ed25519"])?;
    let x = coordinate(members, "x")?;
    let public = ParsedPublicKey::new(&ED25519, x);
    Ok((algorithm, public.map_err(|_| "`x` is no point of the curve".to_owned())?))
}

fn p256(members: &Map<String, Value>) -> Result<(&'static str, ParsedPublicKey), String> {
    curve(members, "P-256")?;
    let algorithm = algorithm(members, &["ES256"])?;
    // SEC 1 2.3.3: an uncompressed point.
    let mut point = vec![4];
    point.extend_from_slice(&coordinate(members, "x")?);
    point.extend_from_slice(&coordinate(members, "y")?);
    let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    Ok((algorithm, public.map_err(|_| "`x` and `y` are no point of the curve".to_owned())?))
}

fn rsa_key(members: &Map<String, Value>) -> Result<(&'static str, ParsedPublicKey), String> {
    let algorithm = algorithm(members, &["RS256"])?;
    let (n, e) = (number(members, "n")?, number(members, "e")?);
    if let Some(fault) = rsa::fault(&n, &e) {
        return Err(fault);
    }
    let public = RsaPublicKeyComponents { n, e };
    let public = public.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256);
    Ok((algorithm, public.map_err(|_| "`n` and `e` are no RSA key".to_owned())?))
}

fn curve(members: &Map<String, Value>, expected: &str) -> Result<(), String> {
    let curve = text(members, "crv")?;
    if curve == expected { Ok(()) } else { Err(format!("`crv` {curve:?} is not {expected}")) }
}

/// The algorithm that `alg` says, the first of the known ones where it says nothing.
fn algorithm(members: &Map<String, Value>, known: &[&'static str]) -> Result<&'static str, String> {
    let first = known.first().copied().unwrap_or_default();
    if !members.contains_key("alg") {
        return Ok(first);
    }
    let alg = text(members, "alg")?;
    let found = known.iter().find(|name| **name == alg);
    found.copied().ok_or_else(|| format!("`alg` {alg:?} does not go with this key: {first} does"))
}

fn coordinate(members: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    let bytes = number(members, name)?;
    if bytes.len() == 32 { Ok(bytes) } else { Err(format!("`{name}` has 32 bytes")) }
}

fn number(members: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    let bytes = URL_SAFE_NO_PAD.decode(text(members, name)?);
    bytes.map_err(|_| format!("`{name}` is not base64url without padding"))
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    let value = members.get(name).ok_or_else(|| format!("`{name}` is missing"))?;
    value.as_str().ok_or_else(|| format!("`{name}` is no string"))
}
