//! What a drill found: a table for a person, one value for a program, one record for the log.
//!
//! Invariant: it passed only where nothing was lost and nothing missed. Knows nothing about how it
//! was tried.

use std::collections::BTreeMap;

use serde::Serialize;
use shoseki_engine::record::{ActorType, Detail, Limits, Outcome, Record, Timestamp};

use crate::failure::{Failure, Stop};
use crate::output::{Form, Session};
use crate::table::{Align, Table};
use shoseki_lab::{Row, Schedules, Summary};

/// The action of a record that tells of a drill.
const LOG_DRILLED: &str = "LOG_DRILLED";

/// What was lost or missed.
#[derive(Clone, Serialize, Debug)]
struct Loss {
    place: &'static str,
    seed: u64,
    what: String,
}

#[derive(Serialize)]
struct Line<'a> {
    place: &'a str,
    fault: &'a str,
    tried: u64,
    survived: u64,
    detected: u64,
}

#[derive(Serialize)]
struct Document<'a> {
    passed: bool,
    seed: u64,
    sample: usize,
    crash_schedules: u64,
    corruption_schedules: u64,
    rows: Vec<Line<'a>>,
    losses: &'a [Loss],
}

/// What became of a drill.
pub(super) struct Report {
    seed: u64,
    sample: usize,
    crashes: u64,
    corruptions: u64,
    rows: BTreeMap<(&'static str, &'static str), Row>,
    losses: Vec<Loss>,
}

impl Report {
    pub(super) fn new(seed: u64, sample: usize) -> Self {
        let (rows, losses) = Default::default();
        Self { seed, sample, crashes: 0, corruptions: 0, rows, losses }
    }

    /// Takes over what became of simulated schedules.
    pub(super) fn simulated(&mut self, schedules: Schedules, summary: Summary) {
        let place = match schedules {
            Schedules::Crash => {
                self.crashes += summary.schedules;
                "simulated"
            }
            Schedules::Corruption => {
                self.corruptions += summary.schedules;
                "simulated, at rest"
            }
        };
        for (fault, row) in summary.rows {
            self.rows.insert((place, fault), row);
        }
        for (seed, broken) in summary.failures {
            self.losses.push(Loss { place, seed, what: broken.to_string() });
        }
    }

    /// One trial on the real disk. `lost`: what was lost or missed.
    pub(super) fn tried(
        &mut self,
        place: &'static str,
        fault: &'static str,
        seed: u64,
        detected: bool,
        lost: Option<String>,
    ) {
        let row = self.rows.entry((place, fault)).or_default();
        row.tried += 1;
        row.survived += u64::from(lost.is_none());
        row.detected += u64::from(detected);
        self.losses.extend(lost.map(|what| Loss { place, seed, what }));
    }

    pub(super) fn passed(&self) -> bool {
        self.losses.is_empty()
    }

    fn document(&self) -> Document<'_> {
        let line = |((place, fault), row): (&(&'static str, &'static str), &Row)| Line {
            place,
            fault,
            tried: row.tried,
            survived: row.survived,
            detected: row.detected,
        };
        Document {
            passed: self.passed(),
            seed: self.seed,
            sample: self.sample,
            crash_schedules: self.crashes,
            corruption_schedules: self.corruptions,
            rows: self.rows.iter().map(line).collect(),
            losses: &self.losses,
        }
    }

    /// Writes the result.
    pub(super) fn show(&self, session: &mut Session<'_>) -> Result<(), Stop> {
        let out = &mut session.out;
        if out.form() == Form::Json {
            return out.json(&self.document());
        }
        let mut table = Table::new(&[
            ("WHERE", Align::Left),
            ("FAULT", Align::Left),
            ("TRIED", Align::Right),
            ("SURVIVED", Align::Right),
            ("DETECTED", Align::Right),
        ]);
        for ((place, fault), row) in &self.rows {
            let numbers = [row.tried, row.survived, row.detected].map(|n| n.to_string());
            let [tried, survived, detected] = &numbers;
            table.row([*place, *fault, tried, survived, detected]);
        }
        out.table(&table)?;
        for loss in &self.losses {
            let Loss { place, seed, what } = loss;
            let line = out.paint().bad(&format!("lost ({place}, seed {seed}): {what}"));
            out.line(line)?;
        }
        let verdict = if self.passed() {
            out.paint().good("nothing was lost, nothing was missed")
        } else {
            out.paint().bad("something was lost or missed")
        };
        out.line(verdict)?;
        out.line(format_args!("repeat with --seed {}", self.seed))
    }

    /// The result as a record.
    pub(super) fn record(&self) -> Result<Record, Failure> {
        let mut document = self.document();
        // What was lost is told in full where the drill ran.
        let shown = document.losses.len().min(5);
        document.losses = document.losses.get(..shown).unwrap_or_default();
        let bytes = serde_json::to_vec(&document).map_err(Failure::could_not)?;
        let detail = Detail::parse(&bytes, &Limits::default());
        let detail = detail.map_err(|_| Failure::could_not("the result is no detail"))?;
        let micros = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = micros.ok().and_then(|since| i64::try_from(since.as_micros()).ok());
        let time = micros.and_then(Timestamp::from_unix_micros).unwrap_or(Timestamp::MIN);
        let result = if self.passed() { Outcome::Success } else { Outcome::Failure };
        let mut record = Record::new(time, ActorType::System, "shoseki drill", LOG_DRILLED, result);
        record.target_type = Some("log".to_owned());
        record.detail = Some(detail);
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_loss_fails_a_drill_and_is_told_in_its_record() {
        let mut report = Report::new(3, 0);
        report.tried("this disk", "process killed", 3, false, None);
        assert!(report.passed());
        let record = report.record().map(|record| record.result);
        assert_eq!(record, Ok(Outcome::Success));
        report.tried("this disk", "process killed", 3, true, Some("record 4 is gone".to_owned()));
        assert!(!report.passed());
        let row = report.rows[&("this disk", "process killed")];
        assert_eq!(row, Row { tried: 2, survived: 1, detected: 1 });
        let record = report.record();
        assert_eq!(record.as_ref().map(|record| record.result), Ok(Outcome::Failure));
        let detail = record.ok().and_then(|record| record.detail);
        let detail = detail.map(|detail| String::from_utf8_lossy(detail.as_bytes()).into_owned());
        assert!(detail.is_some_and(|text| text.contains("record 4 is gone")));
    }
}
