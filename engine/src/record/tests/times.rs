//! Times: the rules of CONTRACT 1.1 in tables, and a comparison with another implementation.

use proptest::prelude::*;

use super::*;

fn stored(text: &str) -> String {
    Timestamp::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
}

#[test]
fn accepted_times_and_their_stored_form() {
    for (given, expected) in [
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("2026-11-21t09:30:00z", "2026-11-21T09:30:00Z"),
        ("2026-11-21T09:30:00-00:00", "2026-11-21T09:30:00Z"),
        ("2026-11-21T09:30:00+09:00", "2026-11-21T00:30:00Z"),
        ("2026-11-21T09:30:00+23:59", "2026-11-20T09:31:00Z"),
        ("2026-11-21T09:30:00-23:59", "2026-11-22T09:29:00Z"),
        ("2026-11-21T09:30:00-05:30", "2026-11-21T15:00:00Z"),
        ("2026-11-21T09:30:00.0Z", "2026-11-21T09:30:00Z"),
        ("2026-11-21T09:30:00.000000000Z", "2026-11-21T09:30:00Z"),
        ("2026-11-21T09:30:00.1Z", "2026-11-21T09:30:00.100Z"),
        ("2026-11-21T09:30:00.12Z", "2026-11-21T09:30:00.120Z"),
        ("2026-11-21T09:30:00.123Z", "2026-11-21T09:30:00.123Z"),
        ("2026-11-21T09:30:00.1230Z", "2026-11-21T09:30:00.123Z"),
        ("2026-11-21T09:30:00.1234Z", "2026-11-21T09:30:00.123400Z"),
        ("2026-11-21T09:30:00.123456Z", "2026-11-21T09:30:00.123456Z"),
        ("2026-11-21T09:30:00.1234567Z", "2026-11-21T09:30:00.123456700Z"),
        ("2026-11-21T09:30:00.000000001Z", "2026-11-21T09:30:00.000000001Z"),
        ("2026-11-21T09:30:00.000001Z", "2026-11-21T09:30:00.000001Z"),
        ("1969-12-31T23:30:00-01:00", "1970-01-01T00:30:00Z"),
        ("2200-01-01T00:30:00+01:00", "2199-12-31T23:30:00Z"),
        ("2199-12-31T23:59:59.999999999Z", "2199-12-31T23:59:59.999999999Z"),
        ("2000-02-29T12:00:00Z", "2000-02-29T12:00:00Z"),
        ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"),
        ("2024-02-29T23:59:59-00:01", "2024-03-01T00:00:59Z"),
        ("2100-02-28T23:59:59-00:01", "2100-03-01T00:00:59Z"),
        ("2023-12-31T23:59:59-00:01", "2024-01-01T00:00:59Z"),
    ] {
        assert_eq!(stored(given), expected, "{given}");
        assert_eq!(stored(expected), expected);
        assert!(Timestamp::parse_canonical(expected).is_some());
        assert_eq!(Timestamp::parse_canonical(given).is_some(), given == expected);
        assert_eq!(Timestamp::parse(given).unwrap().text_len(), expected.len());
    }
}

#[test]
fn refused_times_and_why() {
    use TimeError::*;
    for (given, why) in [
        ("", Format),
        ("2026-11-21", Format),
        ("2026-11-21T09:30Z", Format),
        ("2026-11-21 09:30:00Z", Format),
        ("2026-11-21T09:30:00 Z", Format),
        (" 2026-11-21T09:30:00Z", Format),
        ("2026-11-21T09:30:00Z ", Format),
        ("2026-11-21T09:30:00.Z", Format),
        ("2026-11-21T09:30:00,5Z", Format),
        ("2026-11-21T09:30:00+0900", Format),
        ("2026-11-21T09:30:00+09", Format),
        ("2026-11-21T09:30:00+9:00", Format),
        ("2026-11-21T09:30:00\u{2212}09:00", Format),
        ("+2026-11-21T09:30:00Z", Format),
        ("20261121T093000Z", Format),
        ("12026-11-21T09:30:00Z", Format),
        ("2026-1-21T09:30:00Z", Format),
        ("\u{ff12}026-11-21T09:30:00Z", Format),
        ("2026-11-21T09:30:00", NoZone),
        ("2026-11-21T09:30:00.5", NoZone),
        ("2026-11-21T09:30:00.1234567890Z", TooPrecise),
        ("2026-11-21T09:30:00.0000000000Z", TooPrecise),
        ("2016-12-31T23:59:60Z", LeapSecond),
        ("2026-11-21T24:00:00Z", Hour24),
        ("2026-11-21T25:00:00Z", NoSuchTime),
        ("2026-11-21T09:60:00Z", NoSuchTime),
        ("2026-11-21T09:30:61Z", NoSuchTime),
        ("2026-00-21T09:30:00Z", NoSuchTime),
        ("2026-13-21T09:30:00Z", NoSuchTime),
        ("2026-11-00T09:30:00Z", NoSuchTime),
        ("2026-11-31T09:30:00Z", NoSuchTime),
        ("2026-02-29T09:30:00Z", NoSuchTime),
        ("2100-02-29T09:30:00Z", NoSuchTime),
        ("2026-11-21T09:30:00+24:00", NoSuchTime),
        ("2026-11-21T09:30:00+09:60", NoSuchTime),
        ("1969-12-31T23:59:59.999999999Z", OutOfRange),
        ("1970-01-01T00:30:00+01:00", OutOfRange),
        ("2199-12-31T23:30:00-01:00", OutOfRange),
        ("2200-01-01T00:00:00Z", OutOfRange),
        ("0000-01-01T00:00:00Z", OutOfRange),
        ("9999-12-31T23:59:59Z", OutOfRange),
    ] {
        assert_eq!(Timestamp::parse(given), Err(why), "{given}");
    }
}

#[test]
fn every_day_has_the_date_that_another_implementation_gives_it() {
    let mut date = jiff::civil::date(1970, 1, 1);
    for day in 0..i64::from(
        jiff::civil::date(1970, 1, 1).until(jiff::civil::date(2200, 1, 1)).unwrap().get_days(),
    ) {
        let time = Timestamp::from_unix_nanos(day * 86_400_000_000_000).unwrap();
        assert_eq!(time.to_string(), format!("{date}T00:00:00Z"));
        assert_eq!(Timestamp::parse(&time.to_string()), Ok(time));
        assert_eq!(time.unix_day(), day);
        date = date.tomorrow().unwrap();
    }
    assert_eq!(date, jiff::civil::date(2200, 1, 1));
}

#[test]
fn bounds_are_exact() {
    assert_eq!(Timestamp::MIN.to_string(), "1970-01-01T00:00:00Z");
    assert_eq!(Timestamp::MAX.to_string(), "2199-12-31T23:59:59.999999999Z");
    assert_eq!(Timestamp::from_unix_nanos(-1), None);
    assert_eq!(Timestamp::text_of(-1), "1969-12-31T23:59:59.999999999Z");
    assert_eq!(Timestamp::text_of(-259_200_000_000_000), "1969-12-29T00:00:00Z");
    assert_eq!(Timestamp::text_of(i64::MIN), "1677-09-21T00:12:43.145224192Z");
    assert_eq!(Timestamp::from_unix_nanos(Timestamp::MAX.unix_nanos() + 1), None);
    assert_eq!(Timestamp::from_unix_micros(i64::MAX), None);
    assert_eq!(
        Timestamp::from_unix_micros(1_000_001).unwrap().to_string(),
        "1970-01-01T00:00:01.000001Z"
    );
}

proptest! {
    #[test]
    fn agrees_with_jiff(
        nanos in 0..=Timestamp::MAX.unix_nanos(),
        precision in 0_u32..=9,
        offset in -1_439_i32..=1_439,
    ) {
        let unit = 10_i64.pow(9 - precision);
        let time = Timestamp::from_unix_nanos(nanos - nanos % unit).unwrap();
        let theirs = jiff::Timestamp::from_nanosecond(i128::from(time.unix_nanos())).unwrap();
        prop_assert_eq!(time.to_string().parse::<jiff::Timestamp>().unwrap(), theirs);
        prop_assert_eq!(Timestamp::parse(&theirs.to_string()), Ok(time));
        prop_assert_eq!(Timestamp::parse_canonical(&time.to_string()), Some(time));
        let offset = jiff::tz::Offset::from_seconds(offset * 60).unwrap();
        let local = theirs.display_with_offset(offset).to_string();
        prop_assert_eq!(Timestamp::parse(&local), Ok(time), "{}", local);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[0-9TtZz:.+ -]{0,40}|\\PC{0,40}") {
        if let Ok(time) = Timestamp::parse(&text) {
            prop_assert_eq!(Timestamp::parse(&time.to_string()), Ok(time));
        }
    }
}
