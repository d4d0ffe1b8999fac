//! Identifiers inside a record: `audit_id`, the producer, the salt.
//!
//! Invariant: each value has exactly one stored text form.
//! Makes no randomness of its own; it arrives as an argument.

use core::fmt;

/// A UUID. Its text form is lower case, 8-4-4-4-12.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AuditId([u8; 16]);

/// The form of a UUID: `x` is a hexadecimal digit.
const UUID_FORM: &[u8; AuditId::TEXT_LEN] = b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

impl AuditId {
    /// Length of the text form.
    pub const TEXT_LEN: usize = 36;

    /// The identifier of these 16 bytes; any version and variant.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// A UUIDv7 (RFC 9562 section 5.7) of milliseconds since 1970 and 74 bits of `random`.
    #[must_use]
    pub fn v7(unix_ms: u64, random: [u8; 10]) -> Self {
        // Most significant byte first; 48 bits last until the year 10889.
        let [t5, t4, t3, t2, t1, t0, _, _] = unix_ms.to_le_bytes();
        let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9] = random;
        let version = 0x70 | (r0 & 0x0f);
        let variant = 0x80 | (r2 & 0x3f);
        Self([t0, t1, t2, t3, t4, t5, version, r1, variant, r3, r4, r5, r6, r7, r8, r9])
    }

    /// Parses 8-4-4-4-12 hexadecimal digits of any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != Self::TEXT_LEN {
            return None;
        }
        let mut out = [0; 16];
        let mut nibbles = 0;
        for (form, byte) in UUID_FORM.iter().zip(text.bytes()) {
            if *form == b'-' {
                if byte != b'-' {
                    return None;
                }
                continue;
            }
            let digit = char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())?;
            let place = out.get_mut(nibbles / 2)?;
            *place = *place << 4 | digit;
            nibbles += 1;
        }
        Some(Self(out))
    }

    /// Parses the stored form only: lower case.
    #[must_use]
    pub fn parse_canonical(text: &str) -> Option<Self> {
        let upper = text.bytes().any(|b| b.is_ascii_uppercase());
        if upper { None } else { Self::parse(text) }
    }

    /// Appends the text form.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let mut text = *UUID_FORM;
        // The hyphens stand where they belong; each byte takes the next two other places.
        let mut digits = text.iter_mut().filter(|place| **place == b'x');
        for byte in self.0 {
            for nibble in [byte >> 4, byte & 15] {
                if let Some(place) = digits.next() {
                    *place = hex_digit(nibble);
                }
            }
        }
        out.extend_from_slice(&text);
    }
}

impl fmt::Display for AuditId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(Self::TEXT_LEN);
        self.encode_into(&mut out);
        f.write_str(core::str::from_utf8(&out).unwrap_or_default())
    }
}

fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

/// The 96 random bits that keep the published hash of a regular record from being guessed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Salt([u8; 12]);

const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Salt {
    /// Length of the text form.
    pub const TEXT_LEN: usize = 16;

    /// The salt of 12 random bytes.
    #[must_use]
    pub fn from_bytes(random: [u8; 12]) -> Self {
        Self(random)
    }

    /// The 12 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }

    /// Parses exactly 16 base64url characters (RFC 4648 section 5).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (quads, rest) = text.as_bytes().as_chunks::<4>();
        if quads.len() != 4 || !rest.is_empty() {
            return None;
        }
        let mut out = [0; 12];
        for (triple, quad) in out.as_chunks_mut::<3>().0.iter_mut().zip(quads) {
            let mut bits = 0_u32;
            for letter in quad {
                let value = BASE64URL.iter().position(|known| known == letter)?;
                bits = bits << 6 | u32::try_from(value).ok()?;
            }
            let [low, middle, high, _] = bits.to_le_bytes();
            *triple = [high, middle, low];
        }
        Some(Self(out))
    }

    /// Appends the 16 characters.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let mut text = [0; Self::TEXT_LEN];
        let triples = self.0.as_chunks::<3>().0.iter();
        for (quad, [a, b, c]) in text.as_chunks_mut::<4>().0.iter_mut().zip(triples) {
            let bits = u32::from(*a) << 16 | u32::from(*b) << 8 | u32::from(*c);
            for (place, shift) in quad.iter_mut().zip([18, 12, 6, 0]) {
                let value = usize::try_from(bits >> shift & 63).unwrap_or(0);
                *place = BASE64URL.get(value).copied().unwrap_or(b'A');
            }
        }
        out.extend_from_slice(&text);
    }
}

/// A salt is a secret of its record: it does not show up in debug output.
impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

/// Who handed a record in (`ingested_by`): a name, and the key id where the request was signed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Producer {
    text: String,
    name_len: usize,
}

/// Longest name and longest key id of a producer, in bytes each.
pub const PRODUCER_PART_LEN_MAX: usize = 256;

/// A text that can't be a producer's name or key id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a producer's name and key id are 1 to 256 bytes without '#' and control characters")]
pub struct InvalidProducer;

impl Producer {
    /// A producer without a key id.
    ///
    /// # Errors
    /// [`InvalidProducer`] where the name is empty, too long, or holds `#` or control characters.
    pub fn new(name: &str) -> Result<Self, InvalidProducer> {
        check_part(name)?;
        Ok(Self { text: name.to_owned(), name_len: name.len() })
    }

    /// A producer that signed its request with the key `key_id`.
    ///
    /// # Errors
    /// [`InvalidProducer`] where either part breaks the rules of [`Producer::new`].
    pub fn with_key(name: &str, key_id: &str) -> Result<Self, InvalidProducer> {
        check_part(name)?;
        check_part(key_id)?;
        Ok(Self { text: format!("{name}#{key_id}"), name_len: name.len() })
    }

    /// Parses the stored form: `name` or `name#key_id`.
    ///
    /// # Errors
    /// [`InvalidProducer`] as above.
    pub fn parse(ingested_by: &str) -> Result<Self, InvalidProducer> {
        match ingested_by.split_once('#') {
            Some((name, key_id)) => Self::with_key(name, key_id),
            None => Self::new(ingested_by),
        }
    }

    /// The name, without a key id: one half of the idempotency key.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text.get(..self.name_len).unwrap_or(&self.text)
    }

    /// The stored form, with the key id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether a stored `ingested_by` could have come from a [`Producer`].
pub(super) fn is_producer(text: &str) -> bool {
    match text.split_once('#') {
        Some((name, key_id)) => check_part(name).is_ok() && check_part(key_id).is_ok(),
        None => check_part(text).is_ok(),
    }
}

fn check_part(text: &str) -> Result<(), InvalidProducer> {
    let fits = (1..=PRODUCER_PART_LEN_MAX).contains(&text.len());
    if fits && !text.chars().any(|c| c == '#' || c.is_control()) {
        Ok(())
    } else {
        Err(InvalidProducer)
    }
}
