//! From a client certificate to what it is called, and to the caller that this stands for.
//!
//! The chain was verified by TLS; here only names and times are read.
//! Invariant: a name is one text for one meaning: values are escaped as RFC 4514 says, so that no
//! value can pass for two. Knows nothing about TLS and authorities.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use shoseki_engine::record::Producer;
use x509_parser::asn1_rs::ToDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::caller::{Caller, Facilities, Means};
use super::refusal::Refusal;
use super::role::Roles;
use super::token;
use crate::config::ClientRule;

/// Attribute types with a short name (RFC 4514 3).
const SHORT_NAMES: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
];

/// A certificate that a client showed and TLS accepted.
#[derive(Debug)]
pub(super) struct Presented {
    /// SHA-256 of its DER form, in hex.
    pub(super) fingerprint: String,
    /// Its subject, then its alternative names with their prefixes.
    names: Vec<String>,
    not_before: i64,
    not_after: i64,
}

impl Presented {
    /// Reads the DER form; nothing may follow it.
    pub(super) fn read(der: &[u8]) -> Result<Self, Refusal> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|_| Refusal::Certificate)?;
        if !rest.is_empty() {
            return Err(Refusal::Certificate);
        }
        let mut names: Vec<String> = subject(certificate.subject()).into_iter().collect();
        let alternatives = certificate.subject_alternative_name();
        if let Some(found) = alternatives.map_err(|_| Refusal::Certificate)? {
            names.extend(found.value.general_names.iter().filter_map(alternative));
        }
        let mut fingerprint = String::with_capacity(64);
        for byte in Sha256::digest(der) {
            // Writing into a String can't fail.
            let _ = write!(fingerprint, "{byte:02x}");
        }
        let validity = certificate.validity();
        let (not_before, not_after) =
            (validity.not_before.timestamp(), validity.not_after.timestamp());
        Ok(Self { fingerprint, names, not_before, not_after })
    }

    /// Refuses a certificate that is not valid at this time.
    pub(super) fn check_time(&self, now_unix: i64) -> Result<(), Refusal> {
        let valid = (self.not_before..=self.not_after).contains(&now_unix);
        if valid { Ok(()) } else { Err(Refusal::Certificate) }
    }
}

/// A rule of the configuration, checked.
#[derive(Debug)]
pub(super) struct Client {
    certificate: String,
    producer: Producer,
    roles: Roles,
    facilities: Facilities,
}

impl Client {
    /// Checks a rule.
    pub(super) fn of(rule: &ClientRule, admin_may_audit: bool) -> Result<Self, Refusal> {
        if rule.certificate.is_empty() {
            return Err(Refusal::Certificate);
        }
        Ok(Self {
            certificate: folded(&rule.certificate),
            producer: token::producer(&rule.subject)?,
            roles: token::check_roles(Roles::of(&rule.roles), admin_may_audit)?,
            facilities: token::facilities(rule.facilities.iter().map(String::as_str))?,
        })
    }

    /// The caller, if the rule is about this certificate.
    pub(super) fn caller(&self, presented: &Presented) -> Option<Caller> {
        presented.names.contains(&self.certificate).then(|| Caller {
            producer: self.producer.clone(),
            roles: self.roles,
            facilities: self.facilities.clone(),
            means: Means::Certificate { fingerprint: presented.fingerprint.clone() },
            expires_at: Some(presented.not_after),
        })
    }
}

/// Names of hosts are the same in capitals and small letters; nothing else is.
fn folded(name: &str) -> String {
    if name.starts_with("dns:") { name.to_ascii_lowercase() } else { name.to_owned() }
}

fn alternative(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(host) => Some(folded(&format!("dns:{host}"))),
        GeneralName::URI(uri) => Some(format!("uri:{uri}")),
        GeneralName::RFC822Name(address) => Some(format!("email:{address}")),
        _ => None,
    }
}

/// RFC 4514: the last part first. `None` for an empty name and for one that can't be written.
fn subject(name: &X509Name<'_>) -> Option<String> {
    let mut parts = Vec::new();
    for part in name.iter_rdn() {
        let attributes: Option<Vec<String>> = part.iter().map(attribute).collect();
        parts.push(attributes?.join("+"));
    }
    parts.reverse();
    Some(parts.join(",")).filter(|text| !text.is_empty())
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    let kind = attribute.attr_type().to_id_string();
    let short = SHORT_NAMES.iter().find(|(oid, _)| *oid == kind).map(|(_, short)| *short);
    match (short, attribute.as_str()) {
        (Some(short), Ok(text)) => Some(format!("{short}={}", escaped(text))),
        (short, _) => {
            let mut out = format!("{}=#", short.unwrap_or(&kind));
            for byte in attribute.attr_value().to_der_vec().ok()? {
                // Writing into a String can't fail.
                let _ = write!(out, "{byte:02x}");
            }
            Some(out)
        }
    }
}

fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (i, c) in value.chars().enumerate() {
        match c {
            '\0' => out.push_str("\\00"),
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => out.extend(['\\', c]),
            '#' | ' ' if i == 0 => out.extend(['\\', c]),
            ' ' if i == last => out.push_str("\\ "),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_as_rfc_4514_says() {
        for (value, text) in [
            ("plain value", "plain value"),
            ("a,CN=admin", "a\\,CN=admin"),
            ("#1", "\\#1"),
            ("a#1", "a#1"),
            (" both ", "\\ both\\ "),
            ("\"+;<>\\", "\\\"\\+\\;\\<\\>\\\\"),
            ("nul\0", "nul\\00"),
            ("", ""),
        ] {
            assert_eq!(escaped(value), text);
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        for bytes in [&b""[..], b"text", &[0x30, 0x80], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(Presented::read(bytes).unwrap_err(), Refusal::Certificate);
        }
    }
}
