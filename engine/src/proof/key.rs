//! Ed25519 keys of a log: the signing key and its verifier key (C2SP signed-note).
//!
//! Invariant: a key's id is that of its name and public key; signatures are checked with the
//! strict rules (canonical encodings, no key or nonce point of small order), so that two
//! verifiers never disagree. Makes no random numbers: the seed comes from outside.

use core::fmt;

use ed25519_dalek::pkcs8::{
    DecodePrivateKey, EncodePrivateKey, EncodePublicKey, KeypairBytes, spki::der::pem::LineEnding,
};
use ed25519_dalek::{Signature, Signer};
use sha2::{Digest, Sha256};

use super::note::{NoteError, check_text, signature_line};
use super::text::{base64_array, base64_encode};
use crate::types::{Origin, from_hex, to_hex};

pub use ed25519_dalek::pkcs8::spki::der::zeroize::Zeroizing;

/// Length of an Ed25519 signature in bytes.
pub const SIGNATURE_LEN: usize = 64;

/// C2SP signature type of plain Ed25519 note signatures.
const ED25519: u8 = 1;

/// A key that can't be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// Not `name+hash+base64` with strict hex and base64.
    #[error("not a verifier key of the form name+hash+base64")]
    Syntax,
    /// The name is empty or has a plus, a space or a control character.
    #[error("a key name is not empty and has no plus, space or control character")]
    Name,
    /// A signature algorithm other than Ed25519.
    #[error("signature type {0:#04x} is not supported, only Ed25519 (0x01)")]
    Algorithm(u8),
    /// The hash in the key is not that of its name and key.
    #[error("the key's hash is {found}, its name and key give {computed}", found = to_hex(found),
        computed = to_hex(computed))]
    Hash {
        /// What the text says.
        found: [u8; 4],
        /// What follows from name and key.
        computed: [u8; 4],
    },
    /// The bytes are no usable point of the curve.
    #[error("the public key is no point of the curve, or one of small order")]
    Point,
    /// Not a PKCS#8 PEM Ed25519 private key.
    #[error("not an Ed25519 private key in PKCS#8 PEM")]
    Pem,
}

/// The public half: name and key that signatures are checked with.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: ed25519_dalek::VerifyingKey,
}

impl VerifierKey {
    /// A key from its name and 32 public bytes.
    ///
    /// # Errors
    /// [`KeyError::Name`] and [`KeyError::Point`].
    pub fn new(name: &str, public: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_key_name(name) {
            return Err(KeyError::Name);
        }
        let key = ed25519_dalek::VerifyingKey::from_bytes(public).map_err(|_| KeyError::Point)?;
        if key.is_weak() {
            return Err(KeyError::Point);
        }
        Ok(Self { name: name.to_owned(), id: key_id(name, public), key })
    }

    /// Parses `name+hash+base64`, the form that [`fmt::Display`] writes.
    ///
    /// # Errors
    /// [`KeyError`]; only Ed25519 keys are taken.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let (name, rest) = text.split_once('+').ok_or(KeyError::Syntax)?;
        let (hash, material) = rest.split_once('+').ok_or(KeyError::Syntax)?;
        let found = from_hex::<4>(hash.as_bytes()).ok_or(KeyError::Syntax)?;
        let material = super::text::base64_decode(material).ok_or(KeyError::Syntax)?;
        let (algorithm, public) = material.split_first().ok_or(KeyError::Syntax)?;
        if *algorithm != ED25519 {
            return Err(KeyError::Algorithm(*algorithm));
        }
        let public = public.try_into().map_err(|_| KeyError::Syntax)?;
        let key = Self::new(name, public)?;
        if key.id == found { Ok(key) } else { Err(KeyError::Hash { found, computed: key.id }) }
    }

    /// Parses a file that holds one key and a newline, such as `log.vkey`.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_line(bytes: &[u8]) -> Result<Self, KeyError> {
        let text = core::str::from_utf8(bytes).map_err(|_| KeyError::Syntax)?;
        Self::parse(text.strip_suffix('\n').ok_or(KeyError::Syntax)?)
    }

    /// Inverse of [`Self::parse_line`]: the bytes of `log.vkey`.
    #[must_use]
    pub fn to_line(&self) -> String {
        format!("{self}\n")
    }

    /// The key's name; for a log of ours its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id that signatures name, a hash of name and key.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The 32 public bytes (RFC 8032).
    #[must_use]
    pub fn public_bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// The public key as `openssl pkeyutl -verify -pubin -rawin` reads it.
    ///
    /// # Errors
    /// [`KeyError::Pem`] where it can't be encoded, which no valid key leads to.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.key.to_public_key_pem(LineEnding::LF).map_err(|_| KeyError::Pem)
    }

    /// Whether `signature` is this key's signature of `message`, by the strict rules.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.id;
        let material: Vec<u8> = [ED25519].into_iter().chain(self.public_bytes()).collect();
        write!(f, "{}+{a:02x}{b:02x}{c:02x}{d:02x}+{}", self.name, base64_encode(&material))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

/// The private half. Its bytes are wiped when it is dropped; nothing prints them.
#[derive(Clone)]
pub struct SigningKey {
    origin: Origin,
    id: [u8; 4],
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// The key of 32 random bytes, which the caller takes from the operating system and wipes.
    #[must_use]
    pub fn generate(origin: Origin, seed: &[u8; 32]) -> Self {
        Self::new(origin, ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// Reads a PKCS#8 PEM private key, as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    /// [`KeyError::Pem`].
    pub fn from_pem(origin: Origin, pem: &str) -> Result<Self, KeyError> {
        let key = ed25519_dalek::SigningKey::from_pkcs8_pem(pem).map_err(|_| KeyError::Pem)?;
        Ok(Self::new(origin, key))
    }

    fn new(origin: Origin, key: ed25519_dalek::SigningKey) -> Self {
        let id = key_id(origin.as_str(), key.verifying_key().as_bytes());
        Self { origin, id, key }
    }

    /// The key as PKCS#8 PEM. The text is wiped when it is dropped.
    ///
    /// # Errors
    /// [`KeyError::Pem`] where it can't be encoded, which no valid key leads to.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        // Without the public key: openssl 3.0 refuses the newer form that carries both.
        let pair = KeypairBytes { secret_key: self.key.to_bytes(), public_key: None };
        pair.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Pem)
    }

    /// The log that the key signs for.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> VerifierKey {
        let key = self.key.verifying_key();
        VerifierKey { name: self.origin.as_str().to_owned(), id: self.id, key }
    }

    /// The bare signature of any bytes (CONTRACT 1.8).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        self.key.sign(message).to_bytes()
    }

    /// A signed note with this key's signature.
    ///
    /// # Errors
    /// [`NoteError`] where the text can't be that of a note.
    pub fn sign_note(&self, text: &str) -> Result<String, NoteError> {
        check_text(text)?;
        Ok(self.sign_checked(text))
    }

    /// A signed note about the key's own log; `text` was composed and is that of a note.
    pub(super) fn sign_for(&self, origin: &Origin, text: &str) -> Result<String, NoteError> {
        if *origin == self.origin {
            Ok(self.sign_checked(text))
        } else {
            Err(NoteError::OtherOrigin)
        }
    }

    fn sign_checked(&self, text: &str) -> String {
        let signature = self.sign(text.as_bytes());
        format!("{text}\n{}", signature_line(self.origin.as_str(), self.id, &signature))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier())
    }
}

/// First four bytes of SHA-256(name ‖ newline ‖ type ‖ public key).
fn key_id(name: &str, public: &[u8; 32]) -> [u8; 4] {
    let hasher = Sha256::new().chain_update(name).chain_update(b"\n").chain_update([ED25519]);
    let digest: [u8; 32] = hasher.chain_update(public).finalize().into();
    let [a, b, c, d, ..] = digest;
    [a, b, c, d]
}

/// C2SP: not empty, no Unicode space, no plus; and nothing that a note can't hold.
pub(super) fn is_key_name(name: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && c != '+' && c >= ' ';
    !name.is_empty() && name.chars().all(plain)
}

/// Ed25519 signature with the key id before it, in base64.
pub(super) fn signature_decode(text: &str) -> Option<([u8; 4], [u8; SIGNATURE_LEN])> {
    let bytes = base64_array::<{ 4 + SIGNATURE_LEN }>(text)?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    Some((*id, signature.try_into().ok()?))
}
