//! URLs as the configuration takes them: a base of links, and origins of pages.
//!
//! Invariant: what is taken has a scheme and a host, and neither user, query nor fragment.

use http::Uri;

fn parts(text: &str) -> Option<Uri> {
    let uri: Uri = text.parse().ok()?;
    let scheme = uri.scheme_str()?;
    let authority = uri.authority()?;
    let fits = (scheme == "https" || scheme == "http")
        && !authority.host().is_empty()
        && !authority.as_str().contains('@')
        && uri.query().is_none()
        && !text.contains(['#', '?']);
    fits.then_some(uri)
}

/// `https://host[:port][/path]`, or the same with `http`.
pub fn is_base_url(text: &str) -> bool {
    parts(text).is_some()
}

/// `https://host[:port]`, or the same with `http`: never `*`, no path.
pub fn is_web_origin(text: &str) -> bool {
    parts(text).is_some() && text.matches('/').count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_origins() {
        for text in ["https://a.example", "http://127.0.0.1:8080", "https://[::1]:443"] {
            assert!(is_base_url(text) && is_web_origin(text), "{text}");
        }
        for text in ["https://a.example/", "https://a.example/audit"] {
            assert!(is_base_url(text) && !is_web_origin(text), "{text}");
        }
        for text in ["*", "", "a.example", "ftp://a", "https://", "https://u@a", "https://a?x"] {
            assert!(!is_base_url(text) && !is_web_origin(text), "{text}");
        }
    }
}
