//! The time of an anchor: a UTC moment as text.
//!
//! Invariant: the form of CONTRACT 1.1: RFC 3339 with `Z` and the fewest of 0, 3, 6 or 9
//! fractional digits that lose nothing, of the years 1970 to 2199. Knows no clock.

use core::fmt;

/// A moment such as `2026-11-21T10:00:00.250Z`. Sorts by time only within one precision.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct UtcTime(String);

impl UtcTime {
    /// Takes exactly the canonical form; `None` for any other spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_canonical(text.as_bytes()).then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for UtcTime {
    /// The earliest moment that there is.
    fn default() -> Self {
        Self("1970-01-01T00:00:00Z".to_owned())
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_canonical(text: &[u8]) -> bool {
    let Some((whole, rest)) = text.split_first_chunk::<19>() else { return false };
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1] =
        *whole
    else {
        return false;
    };
    let fields = (|| {
        let year = number(&[y0, y1, y2, y3])?;
        let (month, day) = (number(&[m0, m1])?, number(&[d0, d1])?);
        let (hour, minute) = (number(&[h0, h1])?, number(&[n0, n1])?);
        Some((year, month, day, hour, minute, number(&[s0, s1])?))
    })();
    let Some((year, month, day, hour, minute, second)) = fields else { return false };
    (1970..=2199).contains(&year)
        && (1..=days(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
        && is_canonical_rest(rest)
}

/// `Z`, or a point, 3, 6 or 9 digits whose last three are not all zero, and `Z`.
fn is_canonical_rest(rest: &[u8]) -> bool {
    match rest {
        [b'Z'] => true,
        [b'.', digits @ .., b'Z'] => {
            matches!(digits.len(), 3 | 6 | 9)
                && digits.iter().all(u8::is_ascii_digit)
                && !digits.ends_with(b"000")
        }
        _ => false,
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    let digit = |b: &u8| b.is_ascii_digit().then(|| u32::from(b - b'0'));
    digits.iter().try_fold(0, |sum, b| Some(sum * 10 + digit(b)?))
}

/// Days of a month; 0 for a month that isn't one.
fn days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}
