//! Times as other systems write them.
//!
//! Invariant: nothing is rounded and no zone is guessed: a text without a zone is a fault unless
//! the mapping says which zone is meant. Knows nothing about clocks.

use shoseki_engine::record::{TimeError, Timestamp};

use crate::error::MapError;

/// How a time is written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum TimeForm {
    /// RFC 3339; a blank may stand for the `T`.
    #[default]
    Rfc3339,
    /// The same without a zone; this one is meant (`Z`, `+09:00`).
    Local(String),
    /// A number since 1970; the value is the nanoseconds of its unit.
    Epoch(i64),
}

impl TimeForm {
    /// Unit names of mapping files.
    pub(crate) fn epoch(unit: &str) -> Option<Self> {
        let nanos = match unit {
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "us" => 1_000,
            "ns" => 1,
            _ => return None,
        };
        Some(Self::Epoch(nanos))
    }

    /// The time that `text` says.
    pub(crate) fn parse(&self, text: &str) -> Result<Timestamp, MapError> {
        let fault =
            |expected: &dyn ToString| MapError::value("timestamp", &expected.to_string(), text);
        match self {
            Self::Epoch(nanos) => epoch(text, *nanos)
                .and_then(Timestamp::from_unix_nanos)
                .ok_or_else(|| fault(&"a number of seconds (or its parts) since 1970")),
            Self::Rfc3339 => calendar(text).map_err(|error| fault(&error)),
            Self::Local(zone) => match calendar(text) {
                Err(TimeError::NoZone) => {
                    calendar(&format!("{text}{zone}")).map_err(|error| fault(&error))
                }
                with_zone => with_zone.map_err(|error| fault(&error)),
            },
        }
    }
}

fn calendar(text: &str) -> Result<Timestamp, TimeError> {
    match text.split_at_checked(10) {
        Some((date, rest)) if rest.starts_with(' ') => {
            Timestamp::parse(&format!("{date}T{}", rest.trim_start_matches(' ')))
        }
        _ => Timestamp::parse(text),
    }
}

/// A decimal number of units as nanoseconds, exact or nothing.
fn epoch(text: &str, unit: i64) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let mut nanos = i128::from(whole.parse::<i64>().ok()?) * i128::from(unit);
    let mut place = i128::from(unit);
    for digit in fraction.bytes() {
        if place % 10 != 0 && digit != b'0' {
            return None;
        }
        place /= 10;
        nanos += place * i128::from(digit - b'0');
    }
    nanos.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(form: &TimeForm, text: &str) -> Option<String> {
        form.parse(text).ok().map(|time| time.to_string())
    }

    #[test]
    fn calendar_times_need_a_zone_from_somewhere() {
        let (strict, tokyo) = (TimeForm::Rfc3339, TimeForm::Local("+09:00".to_owned()));
        let noon = "2022-03-22 12:00:00.500";
        assert_eq!(say(&strict, noon), None);
        assert_eq!(say(&tokyo, noon).as_deref(), Some("2022-03-22T03:00:00.500Z"));
        let utc = "2022-03-22 12:00:00Z";
        assert_eq!(say(&strict, utc).as_deref(), Some("2022-03-22T12:00:00Z"));
        assert_eq!(say(&tokyo, utc).as_deref(), Some("2022-03-22T12:00:00Z"));
        assert_eq!(say(&tokyo, "yesterday"), None);
    }

    #[test]
    fn epochs_are_exact() {
        let form = |unit| TimeForm::epoch(unit).expect("a unit");
        let time = Some("2020-09-21T22:22:52Z");
        assert_eq!(say(&form("s"), "1600726972").as_deref(), time);
        assert_eq!(say(&form("ms"), "1600726972000").as_deref(), time);
        let time = Some("2020-09-21T22:22:52.123456Z");
        assert_eq!(say(&form("s"), "1600726972.123456").as_deref(), time);
        assert_eq!(say(&form("us"), "1600726972123456").as_deref(), time);
        assert_eq!(say(&form("ns"), "1600726972123456000").as_deref(), time);
        for wrong in ["", "-1", "1e9", "1.", "9999999999999999999", "x"] {
            let expected = (wrong == "1.").then(|| "1970-01-01T00:00:01Z".to_owned());
            assert_eq!(say(&form("s"), wrong), expected, "{wrong:?}");
        }
        assert_eq!(say(&form("ns"), "1.5"), None);
    }
}
