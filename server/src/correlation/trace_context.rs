//! W3C trace context, level 2: `traceparent` and `tracestate` as bytes.
//!
//! Invariant: what is not well-formed is treated as absent, as a whole; nothing that a client sent
//! is passed on unchecked. Knows nothing about requests and headers.

/// Most members of a `tracestate`.
const STATE_MEMBERS_MAX: usize = 32;
/// Longest key or value of a member.
const STATE_PART_LEN_MAX: usize = 256;
/// Longest `tracestate` that is passed on; the recommendation asks for at least 512.
const STATE_LEN_MAX: usize = 8192;
/// Characters of a `traceparent` of version 00.
const PARENT_LEN: usize = 55;
/// Flags that mean something: sampled (1) and random trace id (2).
const FLAGS_KNOWN: u8 = 0b11;

/// A parsed `traceparent`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceParent {
    /// The trace; never zero.
    pub trace_id: [u8; 16],
    /// The span of whoever called; never zero.
    pub parent_id: [u8; 8],
    /// Sampled (1) and random (2); others are cleared.
    pub flags: u8,
}

impl TraceParent {
    /// Parses a header value; `None` where a new trace has to begin.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let value = trim(value);
        let (head, rest) = value.split_at_checked(PARENT_LEN)?;
        let mut parts = head.split(|byte| *byte == b'-');
        let version = hex::<1>(parts.next()?)?;
        let trace_id = hex::<16>(parts.next()?)?;
        let parent_id = hex::<8>(parts.next()?)?;
        let [flags] = hex::<1>(parts.next()?)?;
        // A later version may go on behind a dash; version 00 ends here, ff is none.
        let ends = match version {
            [0xff] => false,
            [0x00] => rest.is_empty(),
            _ => rest.first().is_none_or(|byte| *byte == b'-'),
        };
        let well = ends && parts.next().is_none() && trace_id != [0; 16] && parent_id != [0; 8];
        well.then_some(Self { trace_id, parent_id, flags: flags & FLAGS_KNOWN })
    }
}

/// Checks and joins the values of all `tracestate` headers; `None` where there is nothing to pass
/// on. Of members with the same key the first stays.
#[must_use]
pub fn parse_tracestate<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<String> {
    let mut members: Vec<(&[u8], &[u8])> = Vec::new();
    for member in values.into_iter().flat_map(|value| value.split(|byte| *byte == b',')) {
        let member = trim(member);
        if member.is_empty() {
            continue;
        }
        let at = member.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (member.get(..at)?, member.get(at + 1..)?);
        if !is_key(key) || !is_value(value) {
            return None;
        }
        if members.len() == STATE_MEMBERS_MAX {
            return None;
        }
        if !members.iter().any(|(known, _)| *known == key) {
            members.push((key, value));
        }
    }
    let mut joined = Vec::new();
    for (key, value) in members {
        if !joined.is_empty() {
            joined.push(b',');
        }
        joined.extend_from_slice(key);
        joined.push(b'=');
        joined.extend_from_slice(value);
    }
    if joined.is_empty() || joined.len() > STATE_LEN_MAX {
        return None;
    }
    String::from_utf8(joined).ok()
}

fn is_key(key: &[u8]) -> bool {
    let first = key.first().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let rest =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(byte);
    first && key.len() <= STATE_PART_LEN_MAX && key.iter().all(rest)
}

/// Printable ASCII but for comma and equals sign; trailing blanks were cut before.
fn is_value(value: &[u8]) -> bool {
    let allowed = |byte: &u8| (b' '..=b'~').contains(byte) && !b",=".contains(byte);
    !value.is_empty() && value.len() <= STATE_PART_LEN_MAX && value.iter().all(allowed)
}

/// Cuts blanks and tabs, which HTTP allows around values.
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Exactly `N` bytes in lower-case hex.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}
