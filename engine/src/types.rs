//! The small types that every layer shares: positions, sizes and digests.
//!
//! Invariant: an index ([`Seq`]), a count of leaves ([`TreeSize`]) and the digests never mix.
//! Knows nothing about records, files or trees.

use core::fmt;

/// Position of a record in the log, from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Seq(pub u64);

/// Number of records (leaves) that something covers: the seqs `[0, size)`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct TreeSize(pub u64);

impl Seq {
    /// The seq behind this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The smallest tree that covers this record.
    #[must_use]
    pub fn covered_by(self) -> TreeSize {
        TreeSize(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TreeSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// Lower-case hexadecimal form.
            #[must_use]
            pub fn to_hex(&self) -> String {
                to_hex(&self.0)
            }

            /// Parses exactly `2 * LEN` lower-case hexadecimal digits.
            #[must_use]
            pub fn from_hex(text: &[u8]) -> Option<Self> {
                from_hex(text).map(Self)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.to_hex())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.to_hex())
            }
        }
    };
}

digest!(
    /// `hash` of CONTRACT 1.2: SHA-512 of a record's body; also the data of its Merkle leaf.
    RecordHash,
    64
);
digest!(
    /// `chain_hash` of CONTRACT 1.2: SHA-512(previous chain hash ‖ record hash).
    ChainHash,
    64
);
digest!(
    /// A SHA-256 node of the Merkle tree (RFC 6962): leaf hash, inner node or root.
    NodeHash,
    32
);
digest!(
    /// The 16 random bytes that make a log unique.
    LogId,
    16
);

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Lower-case hexadecimal of any bytes.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for b in bytes {
        out.push(char::from(HEX[usize::from(b >> 4)]));
        out.push(char::from(HEX[usize::from(b & 15)]));
    }
    out
}

/// Strict inverse of [`to_hex`]: lower case only, exactly `2 * N` digits.
#[must_use]
pub fn from_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut out = [0; N];
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in out.iter_mut().zip(pairs) {
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(out)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// A number and what it counts, for a message: `1 record`, `2 records`.
pub fn counted(n: impl fmt::Display + PartialEq + From<u8> + Copy, noun: &str) -> String {
    let plural = if n == 1.into() { "" } else { "s" };
    format!("{n} {noun}{plural}")
}

/// The log's name: 1–200 characters of `[A-Za-z0-9./_-]` (CONTRACT 1.2).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Origin(String);

/// Longest origin, in bytes.
pub const ORIGIN_LEN_MAX: usize = 200;

/// A name that can't be an [`Origin`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("origin {name:?} is not 1 to 200 characters of A-Z a-z 0-9 . / _ -")]
pub struct InvalidOrigin {
    /// What was given.
    pub name: String,
}

impl Origin {
    /// Checks a name.
    ///
    /// # Errors
    /// [`InvalidOrigin`] where a character or the length is outside the contract.
    pub fn new(name: &str) -> Result<Self, InvalidOrigin> {
        let fits = (1..=ORIGIN_LEN_MAX).contains(&name.len());
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/' | b'_' | b'-');
        if fits && name.bytes().all(plain) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidOrigin { name: name.to_owned() })
        }
    }

    /// The default origin of a log: `shoseki.local/<log_id in hex>`.
    #[must_use]
    pub fn local(log_id: &LogId) -> Self {
        Self(format!("shoseki.local/{log_id}"))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_not_many() {
        let said = [0_u64, 1, 2].map(|n| counted(n, "record"));
        assert_eq!(said, ["0 records", "1 record", "2 records"]);
    }

    #[test]
    fn hex_is_strict() {
        assert_eq!(from_hex::<2>(b"0aff"), Some([10, 255]));
        for wrong in [&b"0aF0"[..], b"0af", b"0af0a", b"0ag0", b""] {
            assert_eq!(from_hex::<2>(wrong), None);
        }
    }

    #[test]
    fn origin_allows_exactly_the_contract() {
        assert!(Origin::new("shoseki.example/a_b-C9").is_ok());
        assert!(Origin::new(&"x".repeat(200)).is_ok());
        for wrong in ["", "a b", "a\n", "a+b", "é", &"x".repeat(201)] {
            assert!(Origin::new(wrong).is_err(), "{wrong:?}");
        }
    }
}
