//! Addresses and networks to compare `source_ip` with.
//!
//! Invariant: an IPv4 address and its IPv4-mapped IPv6 form are the same address. What is no
//! address (host and service names stand in real trails) matches no pattern but its own text.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::ops::RangeInclusive;

/// An address or a network in CIDR form, or a name that is compared as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddressPattern(Kind);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Kind {
    /// The first `bits` of an address.
    Network(IpAddr, u8),
    Name(String),
}

/// A pattern as an index is asked for it.
pub(super) enum Source<'a> {
    V4(RangeInclusive<u32>),
    V6(Ipv6Addr, u8),
    Name(&'a str),
}

/// A network that can't be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{text:?} is not a network such as 192.0.2.0/24 or 2001:db8::/32")]
pub struct InvalidAddress {
    /// What was given.
    pub text: String,
}

impl AddressPattern {
    /// Parses an address, a network, or else takes the text for a name.
    ///
    /// # Errors
    /// [`InvalidAddress`] where there is an address before a `/` and no prefix length behind it, or
    /// something else of digits, dots and colons before a prefix length: `10.0/8` is no name.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let invalid = || InvalidAddress { text: text.to_owned() };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let Ok(parsed) = address.parse::<IpAddr>() else {
            return match bits.is_some_and(|bits| is_nearly_network(address, bits)) {
                true => Err(invalid()),
                false => Ok(Self(Kind::Name(text.to_owned()))),
            };
        };
        let longest = if parsed.is_ipv4() { 32 } else { 128 };
        let given: u8 = match bits {
            None => longest,
            Some(bits) if bits.bytes().all(|b| b.is_ascii_digit()) => {
                bits.parse().ok().filter(|bits| *bits <= longest).ok_or_else(invalid)?
            }
            Some(_) => return Err(invalid()),
        };
        // ::ffff:192.0.2.0/120 is 192.0.2.0/24.
        let address = parsed.to_canonical();
        let bits = if address.is_ipv4() && parsed.is_ipv6() {
            given.checked_sub(96).ok_or_else(invalid)?
        } else {
            given
        };
        Ok(Self(Kind::Network(address, bits)))
    }

    /// Whether a stored `source_ip` belongs here.
    #[must_use]
    pub fn matches(&self, source_ip: &str) -> bool {
        match &self.0 {
            Kind::Name(name) => name == source_ip,
            Kind::Network(network, bits) => source_ip
                .parse::<IpAddr>()
                .is_ok_and(|address| same_prefix(*network, address.to_canonical(), *bits)),
        }
    }
}

impl AddressPattern {
    pub(super) fn source(&self) -> Source<'_> {
        match &self.0 {
            Kind::Name(name) => Source::Name(name),
            Kind::Network(IpAddr::V6(network), bits) => Source::V6(*network, *bits),
            Kind::Network(IpAddr::V4(network), bits) => {
                let fixed = u32::MAX.checked_shl(u32::from(32 - bits)).unwrap_or(0);
                let first = network.to_bits() & fixed;
                Source::V4(first..=first | !fixed)
            }
        }
    }
}

impl fmt::Display for AddressPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Name(name) => f.write_str(name),
            Kind::Network(network, bits) => write!(f, "{network}/{bits}"),
        }
    }
}

/// Whether someone who wrote this meant a network, not a name.
fn is_nearly_network(address: &str, bits: &str) -> bool {
    let is_v6 = address.contains(':');
    let fits =
        |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b':') || is_v6 && b.is_ascii_hexdigit();
    address.contains(['.', ':'])
        && address.bytes().all(fits)
        && bits.bytes().all(|b| b.is_ascii_digit())
}

fn same_prefix(a: IpAddr, b: IpAddr, bits: u8) -> bool {
    let (a, b, unused) = match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits().into(), b.to_bits().into(), 32 - bits),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128 - bits),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    let shift = |n: u128| n.checked_shr(unused.into()).unwrap_or(0);
    shift(a) == shift(b)
}
