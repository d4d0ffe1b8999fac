//! Whether the clock on the wall was set.
//!
//! It is compared with the time since the machine began, which nobody sets and which goes on while
//! the machine sleeps. Invariant: a step is told once, with both times; a clock that is led slowly
//! to the right time, as synchronisation does, is none. Knows nothing of who sets clocks.

use rustix::time::{ClockId, Timespec, clock_gettime};
use shoseki_engine::record::Timestamp;

/// A step of more than this is told (SERVER.md 6).
const STEP_MIN: i64 = 5_000_000;

/// Two clocks at one moment, in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clocks {
    /// Since 1970.
    pub wall: i64,
    /// Since the machine began.
    pub machine: i64,
}

/// The clock was set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// Microseconds; negative where it was set back.
    pub by: i64,
    /// What it would say without, in microseconds since 1970.
    pub from: i64,
    /// What it says.
    pub to: i64,
}

impl Clocks {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        let micros = |time: Timespec| {
            time.tv_sec.saturating_mul(1_000_000).saturating_add(time.tv_nsec / 1_000)
        };
        Self {
            wall: micros(clock_gettime(ClockId::Realtime)),
            machine: micros(clock_gettime(ClockId::Boottime)),
        }
    }

    /// The step between two moments, if there was one.
    #[must_use]
    pub fn step_since(self, before: Self) -> Option<Step> {
        let passed = self.machine.saturating_sub(before.machine);
        let from = before.wall.saturating_add(passed);
        let by = self.wall.saturating_sub(from);
        (by.saturating_abs() > STEP_MIN).then_some(Step { by, from, to: self.wall })
    }
}

impl Step {
    /// The two times as texts; empty where one is outside of the years of a record.
    #[must_use]
    pub fn times(&self) -> [String; 2] {
        [self.from, self.to].map(|micros| {
            Timestamp::from_unix_micros(micros).map_or_else(String::new, |time| time.to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn at(wall: i64, machine: i64) -> Clocks {
        Clocks { wall: wall * SECOND, machine: machine * SECOND }
    }

    #[test]
    fn only_what_time_does_not_explain_is_a_step() {
        let before = at(1_000_000, 50);
        for (now, by) in [
            (at(1_000_005, 55), None),
            // A pause of the process, or a sleep of the machine.
            (at(1_090_000, 90_050), None),
            // Led to the right time, or looked at in two moments.
            (at(1_000_010, 55), None),
            (at(1_000_011, 55), Some(6)),
            (at(999_999, 55), Some(-6)),
            (at(1_003_605, 55), Some(3_600)),
            (at(996_405, 55), Some(-3_600)),
        ] {
            let step = now.step_since(before);
            assert_eq!(step.map(|step| step.by / SECOND), by, "{now:?}");
            if let Some(step) = step {
                assert_eq!((step.to, step.to - step.from), (now.wall, step.by));
                // Told once: from the new time on there is none.
                let later = Clocks { wall: now.wall + SECOND, machine: now.machine + SECOND };
                assert_eq!(later.step_since(now), None);
            }
        }
    }

    #[test]
    fn the_clocks_of_the_machine_agree_with_themselves() {
        let before = Clocks::now();
        assert!(before.wall > 0 && before.machine > 0);
        assert_eq!(Clocks::now().step_since(before), None);
    }
}
