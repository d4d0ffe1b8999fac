//! Whether two bodies say the same (CONTRACT 1.9).
//!
//! Invariant: what the server added on its own never makes a repeat into a conflict: neither the
//! last three members nor `detail._clock_skew_ms`, which is another one at every try.
//! Knows nothing of producers and of where the bodies come from.

use super::body::content_of;
use super::scan::{Container, Scanner, Token};
use super::split::sent_members;

/// Member of `detail` in which the server notes that the client's clock is off, in milliseconds.
pub const CLOCK_SKEW: &str = "_clock_skew_ms";

/// Whether two bodies have the same content: they are equal but for `received_at`, `ingested_by`,
/// `salt` and [`CLOCK_SKEW`]. What is no body is the same as nothing.
#[must_use]
pub fn same_content(a: &[u8], b: &[u8]) -> bool {
    let (Some(a), Some(b)) = (content_of(a), content_of(b)) else { return false };
    if a == b {
        return true;
    }
    match (Skewed::of(a), Skewed::of(b)) {
        (None, None) => false,
        (Some(a), None) => a.is(b),
        (None, Some(b)) => b.is(a),
        (Some(x), Some(y)) => x.without == y.without,
    }
}

/// A content without the skew that the server put at the end of its `detail`.
struct Skewed {
    without: Vec<u8>,
    /// Where `,"detail":{}` begins, if nothing else was in it: then none may have been sent.
    empty: Option<usize>,
}

const EMPTY: &[u8] = b",\"detail\":{}";

impl Skewed {
    fn of(content: &[u8]) -> Option<Self> {
        let name = b"\"_clock_skew_ms\":";
        // Most contents that differ have none: they are told apart without being read.
        content.windows(name.len()).any(|window| window == name).then_some(())?;
        // A content is a body that was cut before a member.
        let text = core::str::from_utf8(content).ok()?;
        let (start, end) = detail_place(text)?;
        let last = sent_members(text.get(start..end)?).ok()??.pop()?;
        let is_skew = last.name_token.as_bytes() == name.strip_suffix(b":")?
            && !last.token.contains(['.', 'e', 'E', '"', '{', '[', 'l', 's']);
        is_skew.then_some(())?;
        let len = name.len() + last.token.len();
        let from = end.checked_sub(len + 1)?;
        let (before, rest) = (content.get(..from)?, content.get(end - 1..)?);
        let before = before.strip_suffix(b",").unwrap_or(before);
        let empty = (before.len() == start + 1).then(|| start - (EMPTY.len() - 2));
        Some(Self { without: [before, rest].concat(), empty })
    }

    fn is(&self, content: &[u8]) -> bool {
        let absent = || {
            let at = self.empty?;
            let (head, tail) = self.without.split_at_checked(at)?;
            let tail = tail.strip_prefix(EMPTY)?;
            content.strip_prefix(head).map(|rest| rest == tail)
        };
        self.without == content || absent().unwrap_or(false)
    }
}

/// Where the value of `detail` begins and ends.
fn detail_place(content: &str) -> Option<(usize, usize)> {
    let mut scanner = Scanner::new(content);
    if scanner.next_token().ok()? != Token::Begin(Container::Object) {
        return None;
    }
    while let Token::Name(name) = scanner.next_token().ok()? {
        let start = scanner.offset();
        let token = scanner.next_token().ok()?;
        scanner.skip(&token).ok()?;
        if name.is("detail") {
            return Some((start, scanner.offset()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(detail: &str, salt: &str) -> Vec<u8> {
        let id = "018f4e9a-7c3b-7d2e-9a51-3c6f0b8e2d14";
        format!(
            "{{\"audit_id\":\"{id}\",\"action\":\"A\",\"result\":\"success\"{detail},\
             \"pii_flag\":false,\"received_at\":\"2026-11-21T09:30:00Z\",\"salt\":\"{salt}\"}}"
        )
        .into_bytes()
    }

    fn same(a: &str, b: &str) -> bool {
        let answer = same_content(&body(a, "a"), &body(b, "b"));
        assert_eq!(answer, same_content(&body(b, "b"), &body(a, "a")), "{a} {b}");
        answer
    }

    #[test]
    fn a_skew_at_the_end_is_no_difference() {
        let late = r#","detail":{"_clock_skew_ms":-90000000}"#;
        assert!(same("", late));
        assert!(same(r#","detail":{}"#, late));
        assert!(same(r#","detail":{"_clock_skew_ms":700001}"#, late));
        let more = r#","detail":{"a":[1,2],"_clock_skew_ms":-90000000}"#;
        assert!(same(r#","detail":{"a":[1,2]}"#, more));
        assert!(same(r#","detail":{"a":[1,2],"_clock_skew_ms":5}"#, more));
    }

    #[test]
    fn any_other_difference_is_one() {
        let late = r#","detail":{"a":1,"_clock_skew_ms":-90000000}"#;
        assert!(!same("", late));
        assert!(!same(r#","detail":{}"#, late));
        assert!(!same(r#","detail":{"a":2}"#, late));
        assert!(!same(r#","detail":{"a":2,"_clock_skew_ms":1}"#, late));
        assert!(!same(r#","detail":{"a":1,"_clock_skew_ms":"x"}"#, late));
        assert!(!same(r#","detail":{"b":{"_clock_skew_ms":1}}"#, r#","detail":{"b":{}}"#));
        assert!(!same(r#","detail":{"_clock_skew_ms":1,"b":2}"#, r#","detail":{"b":2}"#));
        assert!(!same("", r#","detail":{}"#));
        assert!(!same_content(b"", b""));
    }
}
