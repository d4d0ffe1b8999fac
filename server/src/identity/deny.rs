//! Who is refused although the signature holds: a list of `jti`, `sub`, `kid` and certificates.
//!
//! Invariant: a list with a name that is not known is refused, so that a slip of the pen doesn't
//! leave somebody in. Knows nothing about files.

use std::collections::HashSet;

use serde::Deserialize;

/// The list, as TOML or JSON: arrays of texts under these names, each of which may be missing.
#[derive(Default, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DenyList {
    /// Ids of tokens.
    jti: HashSet<String>,
    /// Subjects, of tokens and certificates.
    sub: HashSet<String>,
    /// Ids of keys.
    kid: HashSet<String>,
    /// SHA-256 of client certificates, in lower-case hex.
    certificate: HashSet<String>,
}

impl DenyList {
    /// Reads a list: JSON where it begins with `{`, otherwise TOML.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
        if text.trim_start().starts_with('{') {
            return serde_json::from_str(text).map_err(|error| error.to_string());
        }
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
    }

    pub(super) fn has_token(&self, id: &str) -> bool {
        self.jti.contains(id)
    }

    pub(super) fn has_subject(&self, subject: &str) -> bool {
        self.sub.contains(subject)
    }

    pub(super) fn has_key(&self, id: &str) -> bool {
        self.kid.contains(id)
    }

    pub(super) fn has_certificate(&self, fingerprint: &str) -> bool {
        self.certificate.contains(fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_unknown_names_refused() {
        for text in [
            "jti = ['a']\nsub = ['b']\nkid = ['c']\ncertificate = ['d']\n",
            r#" {"jti":["a"],"sub":["b"],"kid":["c"],"certificate":["d"]}"#,
        ] {
            let list = DenyList::parse(text.as_bytes()).unwrap();
            let found = [list.has_token("a"), list.has_subject("b"), list.has_key("c")];
            assert_eq!(found, [true; 3], "{text}");
            assert!(list.has_certificate("d"));
            assert!(!list.has_token("b") && !list.has_subject("a") && !list.has_key("a"));
        }
        assert!(DenyList::parse(b"").is_ok(), "nobody");
        for text in ["subs = ['b']", "sub = 'b'", r#"{"sub":[1]}"#, "{", "sub = ["] {
            assert!(DenyList::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
