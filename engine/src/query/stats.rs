//! Statistics: what is asked for, and the answer.
//!
//! Invariant: calendar arithmetic only; counting is done elsewhere. Times are nanoseconds since
//! 1970.

use std::ops::Range;

use super::filter::Filter;

/// What is asked of the statistics.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StatsQuery {
    /// Which records are counted; its times are the period.
    pub filter: Filter,
    /// Counts over time, if any.
    pub buckets: Option<Bucket>,
    /// How many of the most frequent values of a field are listed.
    pub top: usize,
}

/// How time is divided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bucket {
    /// Into what.
    pub unit: BucketUnit,
    /// Minutes by which local time is ahead of UTC: 540 in Japan.
    pub utc_offset_minutes: i32,
}

/// A part of the calendar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each variant is what it says")]
pub enum BucketUnit {
    Minute,
    Hour,
    Day,
    /// From Monday on.
    Week,
    Month,
}

/// Counts of the records that match.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// Records that match.
    pub total: u64,
    /// Erased records in the period, where nothing but times is asked; in no other count.
    pub erased: u64,
    /// Records that can't be read and may match; in no other count. One that was indexed before it
    /// was damaged is counted by what the index says of it instead.
    pub unreadable: u64,
    /// By `result`: success, failure, warning.
    pub by_result: [u64; 3],
    /// By `sensitivity`: low, medium, high.
    pub by_sensitivity: [u64; 3],
    /// By `actor_type`: user, device, system.
    pub by_actor_type: [u64; 3],
    /// The most frequent values of `action`, most frequent first, equal ones by their bytes.
    pub actions: Vec<ValueCount>,
    /// The same of `facility_id`; records without one are not in it.
    pub facilities: Vec<ValueCount>,
    /// The same of `actor_id`.
    pub actors: Vec<ValueCount>,
    /// Buckets with records in them, oldest first.
    pub buckets: Vec<BucketCount>,
}

/// A value and how many records have it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ValueCount {
    /// The value.
    pub value: String,
    /// Records.
    pub count: u64,
}

/// Records in a part of the calendar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BucketCount {
    /// Its beginning, nanoseconds since 1970 (UTC).
    pub start: i64,
    /// Records that match.
    pub total: u64,
    /// Those of them that failed.
    pub failures: u64,
}

impl Stats {
    /// Records whose `result` is failure.
    #[must_use]
    pub fn failures(&self) -> u64 {
        let [_, failures, _] = self.by_result;
        failures
    }

    /// Failures among the records that match, 0 to 1; 0 of none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    pub fn failure_rate(&self) -> f64 {
        if self.total == 0 { 0.0 } else { self.failures() as f64 / self.total as f64 }
    }
}

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 24 * 60 * MINUTE;

impl Bucket {
    /// The times of the bucket that holds one: from its beginning to that of the next.
    #[must_use]
    pub fn around(&self, time: i64) -> Range<i64> {
        let offset = i64::from(self.utc_offset_minutes).saturating_mul(MINUTE);
        let local = time.saturating_add(offset);
        let steps = |len: i64, shift: i64| {
            let start = (local.saturating_add(shift)).div_euclid(len) * len - shift;
            start..start.saturating_add(len)
        };
        let local = match self.unit {
            BucketUnit::Minute => steps(MINUTE, 0),
            BucketUnit::Hour => steps(60 * MINUTE, 0),
            BucketUnit::Day => steps(DAY, 0),
            // 1970-01-01 was a Thursday.
            BucketUnit::Week => steps(7 * DAY, 3 * DAY),
            BucketUnit::Month => {
                let month = Month::of(local.div_euclid(DAY));
                let start = |month: Month| month.first_day().saturating_mul(DAY);
                start(month)..start(month.next())
            }
        };
        local.start.saturating_sub(offset)..local.end.saturating_sub(offset)
    }
}

/// A month of the Gregorian calendar.
#[derive(Clone, Copy)]
struct Month {
    year: i64,
    /// 0 to 11.
    month: i64,
}

impl Month {
    /// The month of a day, counted from 1970-01-01.
    ///
    /// Years are taken to begin in March, so that the day that may be missing is the last.
    fn of(day: i64) -> Self {
        let from_march = day + 719_468;
        let era = from_march.div_euclid(146_097);
        let in_era = from_march.rem_euclid(146_097);
        let year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
        let in_year = in_era - (365 * year + year / 4 - year / 100);
        let from_march = (5 * in_year + 2) / 153;
        let month = (from_march + 2) % 12;
        let year = year + era * 400 + i64::from(month < 2);
        Self { year, month }
    }

    fn next(self) -> Self {
        match self.month {
            11 => Self { year: self.year + 1, month: 0 },
            month => Self { month: month + 1, ..self },
        }
    }

    /// Its first day, counted from 1970-01-01.
    fn first_day(self) -> i64 {
        let year = self.year - i64::from(self.month < 2);
        let from_march = (self.month + 10) % 12;
        let in_era = year.rem_euclid(400);
        let in_year = (153 * from_march + 2) / 5;
        let days = in_era * 365 + in_era / 4 - in_era / 100 + in_year;
        year.div_euclid(400) * 146_097 + days - 719_468
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Timestamp;

    fn around(text: &str, unit: BucketUnit, utc_offset_minutes: i32) -> (String, String) {
        let time = Timestamp::parse(text).unwrap().unix_nanos();
        let range = Bucket { unit, utc_offset_minutes }.around(time);
        assert!(range.contains(&time));
        let text = |time| Timestamp::from_unix_nanos(time).unwrap().to_string();
        (text(range.start), text(range.end))
    }

    #[test]
    fn buckets_follow_the_calendar_of_the_offset() {
        use BucketUnit::{Day, Hour, Minute, Month, Week};
        for (unit, offset, start, end) in [
            (Minute, 0, "2024-02-29T20:15:00Z", "2024-02-29T20:16:00Z"),
            (Minute, 345, "2024-02-29T20:15:00Z", "2024-02-29T20:16:00Z"),
            (Hour, 0, "2024-02-29T20:00:00Z", "2024-02-29T21:00:00Z"),
            (Hour, 345, "2024-02-29T20:15:00Z", "2024-02-29T21:15:00Z"),
            (Day, 540, "2024-02-29T15:00:00Z", "2024-03-01T15:00:00Z"),
            (Day, -300, "2024-02-29T05:00:00Z", "2024-03-01T05:00:00Z"),
            (Week, 0, "2024-02-26T00:00:00Z", "2024-03-04T00:00:00Z"),
            (Month, 0, "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
            (Month, 540, "2024-02-29T15:00:00Z", "2024-03-31T15:00:00Z"),
        ] {
            let found = around("2024-02-29T20:15:59.5Z", unit, offset);
            assert_eq!(found, (start.to_owned(), end.to_owned()), "{unit:?} {offset}");
        }
    }

    #[test]
    fn every_day_of_the_years_in_use_is_in_its_month() {
        let bucket = Bucket { unit: BucketUnit::Month, utc_offset_minutes: 0 };
        let mut months = 0;
        let mut last = 0..0;
        for day in 0..84_006 {
            let month = bucket.around(day * DAY + 5);
            if month != last {
                assert_eq!((month.start, last.end.max(0)), (day * DAY, month.start));
                assert!((28..=31).contains(&((month.end - month.start) / DAY)));
                months += 1;
                last = month;
            }
        }
        assert_eq!(months, 230 * 12, "1970 to 2199");
    }
}
