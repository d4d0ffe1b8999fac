//! A compact JWS (RFC 7515): its form and its signature.
//!
//! Invariant: the payload is handed out only behind a signature that holds, by a key of the set and
//! with that key's algorithm; what the header says about keys (`jku`, `x5u`, `jwk`, `x5c`) is never
//! looked at. Knows nothing about claims and clocks.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::json;
use super::keys::{Key, KeySet};
use super::refusal::Refusal;

/// Longest token in bytes.
pub const TOKEN_LEN_MAX: usize = 8 * 1024;

/// A token whose signature holds.
#[derive(Debug)]
pub struct Signed<'a> {
    /// The key that signed it.
    pub key: &'a Key,
    /// `typ` of its header.
    pub kind: Option<String>,
    /// The bytes that were signed with the header.
    pub payload: Vec<u8>,
}

impl<'a> Signed<'a> {
    /// Checks form and signature.
    ///
    /// # Errors
    /// [`Refusal`]: length, form, algorithm, critical, unknown key or signature.
    pub fn open(token: &[u8], keys: &'a KeySet) -> Result<Self, Refusal> {
        let Parts { message, header, payload, signature } = Parts::split(token)?;
        let header = json::object(&decode(header)?).ok_or(Refusal::Form)?;
        if header.contains_key("crit") {
            return Err(Refusal::Critical);
        }
        let key = keys.find(text(&header, "kid")?).ok_or(Refusal::UnknownKey)?;
        if text(&header, "alg")? != Some(key.algorithm()) {
            return Err(Refusal::Algorithm);
        }
        let kind = text(&header, "typ")?.map(str::to_owned);
        let (payload, signature) = (decode(payload)?, decode(signature)?);
        if !key.verifies(message, &signature) {
            return Err(Refusal::Signature);
        }
        Ok(Self { key, kind, payload })
    }
}

/// What a token says, without anybody having checked it.
#[derive(Clone, PartialEq, Debug)]
pub struct Peeked {
    /// Its header.
    pub header: Map<String, Value>,
    /// Its claims.
    pub claims: Map<String, Value>,
}

/// Header and claims of a token as they stand there; nothing is checked but their form.
///
/// # Errors
/// [`Refusal`]: length or form.
pub fn peek_token(token: &[u8]) -> Result<Peeked, Refusal> {
    let parts = Parts::split(token)?;
    let member = |part| json::object(&decode(part)?).ok_or(Refusal::Form);
    decode(parts.signature)?;
    Ok(Peeked { header: member(parts.header)?, claims: member(parts.payload)? })
}

/// The three parts, and the first two together with their dot.
struct Parts<'a> {
    message: &'a [u8],
    header: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Parts<'a> {
    fn split(token: &'a [u8]) -> Result<Self, Refusal> {
        if token.len() > TOKEN_LEN_MAX {
            return Err(Refusal::Length);
        }
        let mut dots = token.iter().enumerate().filter(|(_, byte)| **byte == b'.');
        let (Some((first, _)), Some((second, _)), None) = (dots.next(), dots.next(), dots.next())
        else {
            return Err(Refusal::Form);
        };
        let part = |range: std::ops::Range<usize>| token.get(range).ok_or(Refusal::Form);
        Ok(Self {
            message: part(0..second)?,
            header: part(0..first)?,
            payload: part(first + 1..second)?,
            signature: part(second + 1..token.len())?,
        })
    }
}

/// Strict: no padding, no white space, no spare bits that are set.
fn decode(part: &[u8]) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Form)
}

fn text<'a>(header: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Refusal> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::Form),
    }
}
