//! The header `Prefer` (RFC 7240).
//!
//! Invariant: what is not known is ignored, as the RFC asks; what was applied is answered.

use http::HeaderMap;

/// What the client would like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Preferences {
    /// `return=minimal`: no receipts of what went well.
    pub minimal: bool,
    /// `handling=lenient` or `strict`: record by record, or all or nothing.
    pub lenient: Option<bool>,
}

impl Preferences {
    /// The preferences of a request; the first of each counts.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let mut all = Self::default();
        let mut returned = false;
        let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        for preference in values.flat_map(|value| value.split(',')) {
            let token = preference.split(';').next().unwrap_or_default();
            let (name, value) = token.split_once('=').unwrap_or((token, ""));
            let name = name.trim().to_ascii_lowercase();
            let value = value.trim().trim_matches('"').to_ascii_lowercase();
            match (name.as_str(), value.as_str()) {
                ("return", value) if !returned => {
                    returned = true;
                    all.minimal = value == "minimal";
                }
                ("handling", "lenient") => all.lenient = all.lenient.or(Some(true)),
                ("handling", "strict") => all.lenient = all.lenient.or(Some(false)),
                _ => {}
            }
        }
        all
    }

    /// `Preference-Applied`.
    #[must_use]
    pub fn applied(self) -> Option<&'static str> {
        match (self.minimal, self.lenient) {
            (true, Some(true)) => Some("return=minimal, handling=lenient"),
            (true, Some(false)) => Some("return=minimal, handling=strict"),
            (true, None) => Some("return=minimal"),
            (false, Some(true)) => Some("handling=lenient"),
            (false, Some(false)) => Some("handling=strict"),
            (false, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(values: &[&'static str]) -> Preferences {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("prefer", HeaderValue::from_static(value));
        }
        Preferences::of(&headers)
    }

    #[test]
    fn the_first_of_each_counts_and_the_unknown_is_ignored() {
        assert_eq!(of(&[]), Preferences::default());
        let both = of(&["respond-async, return=minimal", "handling=lenient; wait=1"]);
        assert_eq!(both, Preferences { minimal: true, lenient: Some(true) });
        assert_eq!(both.applied(), Some("return=minimal, handling=lenient"));
        assert!(!of(&["return=representation", "return=minimal"]).minimal);
        assert_eq!(of(&["Handling=\"Strict\", handling=lenient"]).lenient, Some(false));
    }
}
