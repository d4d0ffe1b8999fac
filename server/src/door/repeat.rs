//! Ids of the records of a request with an `Idempotency-Key` (SERVER.md 2).
//!
//! Invariant: the same producer, key and position give the same id, and no two different ones are
//! hashed as the same bytes. Knows nothing of headers and of what the records say.

use sha2::{Digest, Sha512};
use shoseki_engine::record::{AuditId, Prepared, Producer};

/// What is hashed begins with it, so that no other hash of the server is one of these.
const DOMAIN: &[u8] = b"shoseki/idempotency-key/v1\n";

/// A key that a client gave for all tries of one request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdempotencyKey(String);

/// A key of other characters, or of another length.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an Idempotency-Key is 1 to 255 visible ASCII characters")]
pub struct InvalidKey;

impl IdempotencyKey {
    /// Longest key in characters.
    pub const LEN_MAX: usize = 255;

    /// The key of these bytes.
    ///
    /// # Errors
    /// [`InvalidKey`] where they are not 1 to 255 visible ASCII characters.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidKey> {
        let text = std::str::from_utf8(bytes).map_err(|_| InvalidKey)?;
        let fits = (1..=Self::LEN_MAX).contains(&text.len());
        if fits && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidKey)
        }
    }

    /// The id of the record at this position: a `UUIDv8` (RFC 9562 section 5.8) of the first 122
    /// bits of a SHA-512.
    #[must_use]
    pub fn audit_id(&self, producer: &Producer, index: usize) -> AuditId {
        let mut hasher = Sha512::new_with_prefix(DOMAIN);
        for part in [producer.name(), &self.0, &index.to_string()] {
            // Its length before each part: "ab", "c" is not "a", "bc".
            hasher.update(format!("{}:", part.len()));
            hasher.update(part);
        }
        let digest: [u8; 64] = hasher.finalize().into();
        let (first, _) = digest.as_chunks::<16>();
        let mut id = first.first().copied().unwrap_or_default();
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut id;
        *version = 0x80 | (*version & 0x0f);
        *variant = 0x80 | (*variant & 0x3f);
        AuditId::from_bytes(id)
    }

    /// Gives every record that has no id of its own the one of its position.
    pub fn apply(&self, producer: &Producer, records: &mut Prepared) {
        for index in 0..records.len() {
            records.give_id(index, || self.audit_id(producer, index));
        }
    }
}
