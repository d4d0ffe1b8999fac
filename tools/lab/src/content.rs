//! What the callers of a schedule send: records that say which batch they belong to.
//!
//! Invariant: a record is made from the seed and its place alone, so that it need not be kept to be
//! compared byte for byte. Knows nothing about logs.

use std::sync::Arc;

use shoseki_engine::record::{ActorType, AuditId, Outcome, Producer, Record, Timestamp};

use crate::Rng;

/// Noon of 2026-11-21, UTC, in microseconds since 1970.
pub const NOON: i64 = 1_795_262_400_000_000;
/// Microseconds of a day.
pub const DAY: i64 = 86_400_000_000;
/// Who sends the batches whose records have ids.
const PRODUCER: &str = "clinic";
const ACTIONS: [&str; 4] = ["READ_PATIENT", "WRITE_CHART", "LOGIN", "EXPORT_RECORDS"];

/// Where a record stands among those that are sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mark {
    /// Number of its batch.
    pub batch: u64,
    /// Its place there.
    pub n: u64,
    /// Records of the batch.
    pub count: u64,
}

impl Mark {
    fn text(self) -> String {
        format!("{}/{}/{}", self.batch, self.n, self.count)
    }

    /// Reads what a record of [`Content`] carries as its `request_id`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/').map(|part| part.parse().ok());
        let (batch, n, count) = (parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then_some(Self { batch, n, count })
    }
}

/// The records of a schedule.
#[derive(Clone)]
pub struct Content {
    seed: u64,
    /// Records that those of the schedule look like; made up where there are none.
    sample: Arc<Vec<Record>>,
}

impl Content {
    /// Records of a seed, after the pattern of a sample.
    #[must_use]
    pub fn new(seed: u64, sample: Arc<Vec<Record>>) -> Self {
        Self { seed, sample }
    }

    /// The producer that sends batches with ids, or without.
    #[must_use]
    pub fn producer(ids: bool) -> Option<Producer> {
        if ids { Producer::new(PRODUCER).ok() } else { None }
    }

    /// One record.
    #[must_use]
    pub fn record(&self, mark: Mark, ids: bool) -> Record {
        let place = mark.batch.wrapping_mul(0x1_0001).wrapping_add(mark.n);
        let mut rng = Rng::new(self.seed.wrapping_mul(31).wrapping_add(place));
        let chosen = usize::try_from(rng.below(self.sample.len() as u64)).unwrap_or(0);
        let mut record = match self.sample.get(chosen) {
            Some(record) => record.clone(),
            None => made_up(&mut rng),
        };
        record.request_id = Some(mark.text());
        record.audit_id = ids.then(|| {
            let mut id = [0x40; 16];
            let parts = mark.batch.to_le_bytes().into_iter().chain(mark.n.to_le_bytes());
            id.iter_mut().zip(parts).for_each(|(place, byte)| *place = byte);
            AuditId::from_bytes(id)
        });
        record
    }

    /// All records of a batch.
    #[must_use]
    pub fn batch(&self, batch: u64, count: u64, ids: bool) -> Vec<Record> {
        (0..count).map(|n| self.record(Mark { batch, n, count }, ids)).collect()
    }
}

fn made_up(rng: &mut Rng) -> Record {
    let late = i64::try_from(rng.below(7_200_000_000)).unwrap_or(0);
    let time = Timestamp::from_unix_micros(NOON - late).unwrap_or(Timestamp::MIN);
    let actor = format!("user-{}", rng.below(5));
    let action =
        usize::try_from(rng.below(4)).ok().and_then(|i| ACTIONS.get(i)).unwrap_or(&"LOGIN");
    let outcome = if rng.chance(80) { Outcome::Success } else { Outcome::Failure };
    let mut record = Record::new(time, ActorType::User, actor, *action, outcome);
    if rng.chance(60) {
        record.target_id = Some(format!("P-{}", rng.below(1000)));
    }
    if rng.chance(10) {
        // Some are longer than a sector.
        let len = usize::try_from(rng.below(1500)).unwrap_or(0);
        record.trace_id = Some("t".repeat(len + 1));
    }
    record
}
