//! From an id to the 48 bits that stand for it.
//!
//! Invariant: the same key and id give the same fingerprint on every machine and in every release
//! (SipHash-2-4). Without the key nobody can choose ids that meet in one bucket or share a
//! fingerprint.

use std::fmt;
use std::hash::Hasher;

use siphasher::sip::SipHasher24;

/// Bits of a fingerprint. At 10^9 ids one question in 280,000 meets a stranger with the same bits.
pub(super) const FINGERPRINT_BITS: u32 = 48;

/// Random secret of one index; it lives in the header of every run.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdKey([u8; 16]);

impl IdKey {
    /// Takes 16 random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for IdKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdKey(..)")
    }
}

/// Stands for an id; uniform over 48 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fingerprint(u64);

impl Fingerprint {
    pub(super) const fn get(self) -> u64 {
        self.0
    }

    pub(super) const fn from_low_bits(bits: u64) -> Self {
        Self(bits & ((1 << FINGERPRINT_BITS) - 1))
    }
}

/// The fingerprint of an `audit_id` under `key`.
#[must_use]
pub fn fingerprint(key: &IdKey, id: &[u8; 16]) -> Fingerprint {
    Fingerprint(SipHasher24::new_with_key(&key.0).hash(id) >> (u64::BITS - FINGERPRINT_BITS))
}

/// Hashes a fingerprint for a hash map: its bits are random already, they only have to reach the
/// top.
#[derive(Clone, Default)]
pub(super) struct FingerprintHasher(u64);

impl Hasher for FingerprintHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, bits: u64) {
        self.0 = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
