//! Points in time: RFC 3339 in, one canonical form out (CONTRACT 1.1).
//!
//! Invariant: a [`Timestamp`] lies in the years 1970 to 2199 UTC, and has exactly one text form.
//! Knows nothing of clocks or zones by name.

use core::fmt;

/// Nanoseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(i64);

/// Why a text is not a time of CONTRACT 1.1. The message says what is expected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// Not of the form of RFC 3339.
    #[error("an RFC 3339 time such as 2026-11-21T09:30:00Z or 2026-11-21T18:30:00.123+09:00")]
    Format,
    /// No offset.
    #[error("an RFC 3339 time with its zone: Z, or an offset such as +09:00, at the end")]
    NoZone,
    /// More than nine fractional digits.
    #[error("an RFC 3339 time with at most 9 fractional digits")]
    TooPrecise,
    /// Second 60.
    #[error("an RFC 3339 time with a second of 00 to 59 (leap seconds are not taken)")]
    LeapSecond,
    /// Hour 24.
    #[error("an RFC 3339 time with an hour of 00 to 23")]
    Hour24,
    /// A month, day, hour, minute, second or offset that does not exist.
    #[error("an RFC 3339 time that exists in the calendar")]
    NoSuchTime,
    /// Before 1970 or after 2199, in UTC.
    #[error("a time from 1970-01-01T00:00:00Z to the end of 2199 (UTC)")]
    OutOfRange,
}

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// 2200-01-01T00:00:00Z, the first second that is out of range.
const SECONDS_END: i64 = 7_258_118_400;

impl Timestamp {
    /// The earliest time: 1970-01-01T00:00:00Z.
    pub const MIN: Self = Self(0);
    /// The latest time: 2199-12-31T23:59:59.999999999Z.
    pub const MAX: Self = Self(SECONDS_END * NANOS_PER_SECOND - 1);
    /// Longest text form in bytes.
    pub const TEXT_LEN_MAX: usize = 30;

    /// Nanoseconds since 1970. `None` outside the years 1970 to 2199.
    #[must_use]
    pub fn from_unix_nanos(nanos: i64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&nanos).then_some(Self(nanos))
    }

    /// Microseconds since 1970. `None` outside the years 1970 to 2199.
    #[must_use]
    pub fn from_unix_micros(micros: i64) -> Option<Self> {
        micros.checked_mul(1_000).and_then(Self::from_unix_nanos)
    }

    /// Nanoseconds since 1970.
    #[must_use]
    pub fn unix_nanos(self) -> i64 {
        self.0
    }

    /// Microseconds since 1970, rounded down.
    #[must_use]
    pub fn unix_micros(self) -> i64 {
        self.0 / 1_000
    }

    /// The same time without what is finer than a microsecond.
    #[must_use]
    pub fn to_micros(self) -> Self {
        Self(self.0 - self.0 % 1_000)
    }

    /// Days since 1970-01-01 (UTC).
    #[must_use]
    pub fn unix_day(self) -> i64 {
        self.0 / (NANOS_PER_SECOND * SECONDS_PER_DAY)
    }

    /// Parses RFC 3339 by the rules of CONTRACT 1.1: any offset, `t` and `z` allowed, at most nine
    /// fractional digits, no second 60, no hour 24, a zone, year 1970 to 2199 after conversion.
    ///
    /// # Errors
    /// [`TimeError`]; its message says what is expected.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let bytes = text.as_bytes();
        let (date_time, rest) = bytes.split_at_checked(19).ok_or(TimeError::Format)?;
        let fields = Fields::parse(date_time).ok_or(TimeError::Format)?;
        let (nanos, zone) = fraction(rest)?;
        let offset = offset_seconds(zone)?;
        fields.check()?;
        let local = fields.days() * SECONDS_PER_DAY + fields.second_of_day();
        let seconds = local - offset;
        if !(0..SECONDS_END).contains(&seconds) {
            return Err(TimeError::OutOfRange);
        }
        Ok(Self(seconds * NANOS_PER_SECOND + nanos))
    }

    /// Parses the canonical form only: what [`Self::encode_into`] writes.
    #[must_use]
    pub fn parse_canonical(text: &str) -> Option<Self> {
        is_canonical(text.as_bytes()).then(|| Self::parse(text).ok())?
    }

    /// Appends the canonical form: UTC with `Z` and the fewest of 0, 3, 6 or 9 fractional digits
    /// that lose nothing.
    pub fn encode_into(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.form().as_bytes());
    }

    /// Length of the canonical form.
    #[must_use]
    pub fn text_len(self) -> usize {
        match self.0 % NANOS_PER_SECOND {
            0 => 20,
            nanos if nanos % 1_000_000 == 0 => 24,
            nanos if nanos % 1_000 == 0 => 27,
            _ => Self::TEXT_LEN_MAX,
        }
    }

    /// The canonical form of any moment, also of one that no record may have: a week or a month of
    /// the calendar may begin before 1970.
    #[must_use]
    pub fn text_of(unix_nanos: i64) -> String {
        Self(unix_nanos).to_string()
    }

    fn form(self) -> Form {
        let seconds = self.0.div_euclid(NANOS_PER_SECOND);
        let nanos = self.0.rem_euclid(NANOS_PER_SECOND);
        let (year, month, day) = civil(seconds.div_euclid(SECONDS_PER_DAY));
        let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let mut form = Form::default();
        form.number(year, 4);
        form.byte(b'-');
        form.number(month, 2);
        form.byte(b'-');
        form.number(day, 2);
        form.byte(b'T');
        form.number(of_day / 3_600, 2);
        form.byte(b':');
        form.number(of_day / 60 % 60, 2);
        form.byte(b':');
        form.number(of_day % 60, 2);
        if nanos != 0 {
            form.byte(b'.');
            if nanos % 1_000_000 == 0 {
                form.number(nanos / 1_000_000, 3);
            } else if nanos % 1_000 == 0 {
                form.number(nanos / 1_000, 6);
            } else {
                form.number(nanos, 9);
            }
        }
        form.byte(b'Z');
        form
    }
}

/// Whether a text is in the canonical form, if it is a time at all: fields of a fixed number of
/// digits have one spelling; the letters, the zone and the end of the fraction have more.
fn is_canonical(text: &[u8]) -> bool {
    let Some((date_time, rest)) = text.split_at_checked(19) else { return false };
    let fraction = match rest {
        b"Z" => true,
        [b'.', digits @ .., b'Z'] => matches!(digits.len(), 3 | 6 | 9) && !digits.ends_with(b"000"),
        _ => false,
    };
    fraction && date_time.get(10) == Some(&b'T')
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = self.form();
        f.write_str(core::str::from_utf8(form.as_bytes()).unwrap_or_default())
    }
}

/// The text form being built, without an allocation.
#[derive(Default)]
struct Form {
    bytes: [u8; Timestamp::TEXT_LEN_MAX],
    len: usize,
}

impl Form {
    fn byte(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
        }
        self.len += 1;
    }

    /// Exactly `width` decimal digits.
    fn number(&mut self, value: i64, width: usize) {
        let end = self.len + width;
        let mut rest = value;
        for place in self.bytes.get_mut(self.len..end).unwrap_or_default().iter_mut().rev() {
            *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        self.len = end;
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// The fields of `YYYY-MM-DDThh:mm:ss`.
struct Fields {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Fields {
    fn parse(text: &[u8]) -> Option<Self> {
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't', time @ ..] = text else {
            return None;
        };
        let [h1, h2, b':', n1, n2, b':', s1, s2] = time else { return None };
        Some(Self {
            year: two(*y1, *y2)? * 100 + two(*y3, *y4)?,
            month: two(*m1, *m2)?,
            day: two(*d1, *d2)?,
            hour: two(*h1, *h2)?,
            minute: two(*n1, *n2)?,
            second: two(*s1, *s2)?,
        })
    }

    fn check(&self) -> Result<(), TimeError> {
        if self.hour == 24 {
            return Err(TimeError::Hour24);
        }
        if self.second == 60 {
            return Err(TimeError::LeapSecond);
        }
        let exists = (1..=12).contains(&self.month)
            && (1..=days_in_month(self.year, self.month)).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60;
        if exists { Ok(()) } else { Err(TimeError::NoSuchTime) }
    }

    /// Days since 1970-01-01 in the proleptic Gregorian calendar.
    ///
    /// Years are counted from March, so that the leap day is the last day of its year.
    fn days(&self) -> i64 {
        let year = if self.month > 2 { self.year } else { self.year - 1 };
        let month_from_march = (self.month + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + self.day - 1;
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        year * 365 + leap_days + day_of_year - DAYS_TO_1970
    }

    fn second_of_day(&self) -> i64 {
        (self.hour * 60 + self.minute) * 60 + self.second
    }
}

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;
/// Days in 400, 100 and 4 Gregorian years.
const DAYS_400_YEARS: i64 = 146_097;
const DAYS_100_YEARS: i64 = 36_524;
const DAYS_4_YEARS: i64 = 1_461;

/// Year, month and day of a day since 1970, or before it down to the year 0.
fn civil(days: i64) -> (i64, i64, i64) {
    let from_march = days + DAYS_TO_1970;
    let (eras, in_era) = (from_march / DAYS_400_YEARS, from_march % DAYS_400_YEARS);
    // The last day of 400 years is a leap day that would otherwise open a fifth century.
    let centuries = (in_era / DAYS_100_YEARS).min(3);
    let in_century = in_era - centuries * DAYS_100_YEARS;
    let (fours, in_four) = (in_century / DAYS_4_YEARS, in_century % DAYS_4_YEARS);
    let years = (in_four / 365).min(3);
    let day_of_year = in_four - years * 365;
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = eras * 400 + centuries * 100 + fours * 4 + years + i64::from(month <= 2);
    (year, month, day)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    let both = tens.is_ascii_digit() && ones.is_ascii_digit();
    both.then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

/// Nanoseconds of an optional fraction, and what follows it.
fn fraction(text: &[u8]) -> Result<(i64, &[u8]), TimeError> {
    let Some(digits) = text.strip_prefix(b".") else { return Ok((0, text)) };
    let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = digits.split_at_checked(count).ok_or(TimeError::Format)?;
    match count {
        0 => Err(TimeError::Format),
        1..=9 => {
            let value = digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
            Ok(((count..9).fold(value, |sum, _| sum * 10), rest))
        }
        _ => Err(TimeError::TooPrecise),
    }
}

/// Seconds east of UTC.
fn offset_seconds(zone: &[u8]) -> Result<i64, TimeError> {
    match zone {
        [b'Z' | b'z'] => Ok(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let hours = two(*h1, *h2).ok_or(TimeError::Format)?;
            let minutes = two(*m1, *m2).ok_or(TimeError::Format)?;
            if hours > 23 || minutes > 59 {
                return Err(TimeError::NoSuchTime);
            }
            let seconds = (hours * 60 + minutes) * 60;
            Ok(if *sign == b'-' { -seconds } else { seconds })
        }
        [] => Err(TimeError::NoZone),
        _ => Err(TimeError::Format),
    }
}
