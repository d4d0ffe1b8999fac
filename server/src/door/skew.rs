//! Clocks of clients that are off (SERVER.md 6).
//!
//! Invariant: what is noted never makes a record too long, and a repeat of a record stays one: the
//! engine leaves the note out of its comparison.

use shoseki_engine::record::{CLOCK_SKEW, Detail, Limits, Record, Timestamp};

/// So far ahead a client's clock may be.
const AHEAD_MAX_MS: i64 = 10 * 60 * 1000;
/// So long a record may be under way.
const BEHIND_MAX_MS: i64 = 24 * 60 * 60 * 1000;

/// How far a record's time is ahead of `now` (microseconds since 1970), in milliseconds, rounded
/// towards zero. `None` where it is at most 10 minutes ahead and at most 24 hours behind.
#[must_use]
pub fn clock_skew_ms(timestamp: Timestamp, now: i64) -> Option<i64> {
    let micros = timestamp.unix_micros().saturating_sub(now);
    let within = (-BEHIND_MAX_MS * 1000..=AHEAD_MAX_MS * 1000).contains(&micros);
    (!within).then_some(micros / 1000)
}

/// Notes the skew as the last member of `detail`. Left out where there is no room for it, or where
/// a member of this name was sent.
pub(super) fn note(record: &mut Record, now: i64, limits: &Limits) {
    let Some(skew) = clock_skew_ms(record.timestamp, now) else { return };
    let member = format!("\"{CLOCK_SKEW}\":{skew}");
    let before = record.detail.take();
    record.detail = with_member(before.as_ref(), &member, limits);
    if record.detail.is_none() || record.check(limits).is_err() {
        record.detail = before;
    }
}

/// The detail with one more member at its end; `None` where that breaks a rule.
pub(super) fn with_member(
    before: Option<&Detail>,
    member: &str,
    limits: &Limits,
) -> Option<Detail> {
    let head =
        before.map_or(&b"{"[..], |detail| detail.as_bytes().strip_suffix(b"}").unwrap_or_default());
    let comma: &[u8] = if head.len() > 1 { b"," } else { b"" };
    Detail::parse(&[head, comma, member.as_bytes(), b"}"].concat(), limits).ok()
}
