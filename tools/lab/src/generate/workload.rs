//! Records for benches: many actors, few actions, about 470 bytes of body each.
//!
//! Invariant: times rise over the whole workload; equal parameters give equal records. Cheap enough
//! that a bench measures the log and not this.

use std::io::Write;

use shoseki_engine::record::{
    ActorType, AuditId, Detail, Limits, Outcome, Record, Sensitivity, Timestamp,
};

use super::rng::Rng;

/// Parameters of a workload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Workload {
    /// Everything follows from it.
    pub seed: u64,
    /// How many records.
    pub records: u64,
    /// Over how many days the times are spread.
    pub days: u32,
    /// How many different actors.
    pub actors: u32,
    /// How many different actions.
    pub actions: u32,
    /// How unevenly actors and actions are used: 1 even, 3 and more a few dominate.
    pub skew: u32,
    /// The first time, in seconds since 1970.
    pub start_unix_s: u32,
}

impl Workload {
    /// The usual shape: 5,000 actors, 200 actions, one day per million records, from 2026-01-01.
    #[must_use]
    pub fn new(seed: u64, records: u64) -> Self {
        Self {
            seed,
            records,
            days: u32::try_from(records / 1_000_000).unwrap_or(u32::MAX).max(1),
            actors: 5_000,
            actions: 200,
            skew: 3,
            start_unix_s: 1_767_225_600,
        }
    }

    /// The records, in the order of their times.
    #[must_use]
    pub fn records(self) -> WorkloadRecords {
        let span_us = u64::from(self.days) * 86_400_000_000;
        WorkloadRecords {
            rng: Rng::new(self.seed),
            actions: action_names(self.actions),
            step_us: (span_us / self.records.max(1)).max(1),
            next: 0,
            text: Vec::with_capacity(512),
            of: self,
        }
    }
}

/// The records of a [`Workload`].
#[derive(Debug)]
pub struct WorkloadRecords {
    of: Workload,
    rng: Rng,
    actions: Vec<String>,
    step_us: u64,
    next: u64,
    text: Vec<u8>,
}

impl Iterator for WorkloadRecords {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        if self.next == self.of.records {
            return None;
        }
        let micros = u64::from(self.of.start_unix_s) * 1_000_000
            + self.next * self.step_us
            + self.rng.below(self.step_us);
        self.next += 1;
        let timestamp = i64::try_from(micros).ok().and_then(Timestamp::from_unix_micros)?;
        Some(self.record(timestamp, micros / 1_000))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.of.records - self.next).unwrap_or(usize::MAX);
        (left, Some(left))
    }
}

const WORDS: [&str; 16] = [
    "chart",
    "visit",
    "order",
    "result",
    "consent",
    "referral",
    "vaccine",
    "allergy",
    "invoice",
    "insurer",
    "address",
    "contact",
    "schedule",
    "imaging",
    "pathology",
    "discharge",
];
const VERBS: [&str; 5] = ["READ", "CREATE", "UPDATE", "DELETE", "EXPORT"];
const THINGS: [&str; 20] = [
    "PATIENT",
    "CHART",
    "DOCUMENT",
    "CLAIM",
    "ORDER",
    "RESULT",
    "IMAGE",
    "CONSENT",
    "REFERRAL",
    "SCHEDULE",
    "INVOICE",
    "PRESCRIPTION",
    "VACCINE",
    "ALLERGY",
    "WARD",
    "BED",
    "DEVICE",
    "ACCOUNT",
    "ROLE",
    "REPORT",
];

/// `READ_PATIENT`, `CREATE_PATIENT`, … and numbered ones where more are asked for.
fn action_names(count: u32) -> Vec<String> {
    let plain = THINGS.iter().flat_map(|thing| VERBS.map(|verb| format!("{verb}_{thing}")));
    let all: Vec<String> = plain.collect();
    let round = |index: usize| match index / all.len() {
        0 => all[index].clone(),
        more => format!("{}_{more}", all[index % all.len()]),
    };
    (0..usize::try_from(count.max(1)).unwrap_or(1)).map(round).collect()
}

impl WorkloadRecords {
    fn record(&mut self, timestamp: Timestamp, unix_ms: u64) -> Record {
        let rng = &mut self.rng;
        let actor = rng.skewed(u64::from(self.of.actors), self.of.skew);
        let actions = u64::try_from(self.actions.len()).unwrap_or(1);
        let action = usize::try_from(rng.skewed(actions, self.of.skew)).unwrap_or(0);
        let patient = rng.skewed(2_000_000, 2);
        let outcome = match rng.below(100) {
            0 | 1 => Outcome::Failure,
            2 => Outcome::Warning,
            _ => Outcome::Success,
        };
        let kind = match actor % 10 {
            0 => ActorType::System,
            1 => ActorType::Device,
            _ => ActorType::User,
        };
        let mut record = Record::new(
            timestamp,
            kind,
            format!("u{actor:06}"),
            self.actions[action].clone(),
            outcome,
        );
        record.audit_id = Some(AuditId::v7(unix_ms, rng.bytes()));
        if !rng.once_in(3) {
            record.request_id = Some(AuditId::from_bytes(rng.bytes()).to_string());
            let (high, low) = (rng.next_u64(), rng.next_u64());
            record.trace_id = Some(format!("{high:016x}{low:016x}"));
        }
        record.facility_id = Some(format!("F{:03}", actor % 40));
        record.source_ip = Some(format!("10.{}.{}.{}", actor % 8, actor % 250, patient % 250));
        record.sensitivity = if action % 9 == 0 { Sensitivity::High } else { Sensitivity::Low };
        record.detail = self.detail(patient);
        record
    }

    fn detail(&mut self, patient: u64) -> Option<Detail> {
        let (rng, text) = (&mut self.rng, &mut self.text);
        let (before, after, run) = (rng.below(1_000), rng.below(1_000), rng.below(100_000));
        let (first, second) = (rng.pick(&WORDS), rng.pick(&WORDS));
        text.clear();
        // Writing to memory does not fail.
        let _ = write!(
            text,
            "{{\"patientId\":\"P{patient:08}\",\"runId\":\"r{run}\",\"before\":{before},\
             \"after\":{after}"
        );
        if rng.once_in(2) {
            let _ = write!(text, ",\"note\":\"{first} {second}\"");
        }
        text.push(b'}');
        Detail::parse(text, &Limits::default()).ok()
    }
}
