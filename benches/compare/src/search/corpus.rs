//! The records that every peer holds.
//!
//! Invariant: equal parameters give equal records; times rise strictly, so an order by time alone
//! is a whole order. A rare word stands in `detail` of one record in [`Corpus::rare_every`], and
//! two such records share each word.

use shoseki_engine::record::{Detail, Limits, Record};
use shoseki_lab::generate::{Workload, WorkloadRecords};

/// Records of a batch, for every peer that takes batches.
const BATCH: usize = 500;
/// Over how many days the times are spread.
const DAYS: u32 = 30;

/// Which records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Corpus {
    /// Everything follows from it.
    pub(crate) seed: u64,
    /// How many.
    pub(crate) records: u64,
    /// One record in so many has a rare word.
    pub(crate) rare_every: u64,
}

impl Corpus {
    /// As in the issue: 30 days, 5,000 actors, 200 actions, a rare word in one record of 100,000.
    pub(crate) fn new(seed: u64, records: u64) -> Self {
        Self { seed, records, rare_every: 100_000 }
    }

    /// Its parameters as the generator takes them.
    pub(crate) fn workload(self) -> Workload {
        Workload { days: DAYS, ..Workload::new(self.seed, self.records) }
    }

    /// First time and the time behind the last, in microseconds since 1970.
    pub(crate) fn span(self) -> (i64, i64) {
        let start = i64::from(self.workload().start_unix_s) * 1_000_000;
        (start, start + i64::from(DAYS) * DAY_MICROS)
    }

    /// How many different rare words there are.
    pub(crate) fn words(self) -> u64 {
        let rare = (self.records + self.rare_every / 2) / self.rare_every.max(1);
        rare.div_ceil(2)
    }

    /// The records in the order of their times.
    pub(crate) fn records(self) -> Records {
        Records { of: self, plain: self.workload().records(), next: 0 }
    }

    /// The records in batches.
    pub(crate) fn batches(self) -> impl Iterator<Item = Vec<Record>> {
        let mut records = self.records();
        std::iter::from_fn(move || {
            let batch: Vec<Record> = records.by_ref().take(BATCH).collect();
            (!batch.is_empty()).then_some(batch)
        })
    }

    fn rare_word(self, n: u64) -> Option<String> {
        let every = self.rare_every.max(1);
        (n % every == every / 2).then(|| word(n / every / 2))
    }
}

/// A day.
pub(crate) const DAY_MICROS: i64 = 86_400_000_000;

/// The records of a [`Corpus`].
pub(crate) struct Records {
    of: Corpus,
    plain: WorkloadRecords,
    next: u64,
}

impl Iterator for Records {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let mut record = self.plain.next()?;
        if let Some(word) = self.of.rare_word(self.next) {
            record.detail = with_word(record.detail.as_ref(), &word).or(record.detail);
        }
        self.next += 1;
        Some(record)
    }
}

/// `detail` with a member more.
fn with_word(detail: Option<&Detail>, word: &str) -> Option<Detail> {
    let mut text = detail.map_or_else(|| b"{}".to_vec(), |detail| detail.as_bytes().to_vec());
    text.pop();
    if text.len() > 1 {
        text.push(b',');
    }
    text.extend_from_slice(format!("\"remark\":\"{word}\"}}").as_bytes());
    Detail::parse(&text, &Limits::default()).ok()
}

/// A word of five syllables that nothing else contains: the same number gives the same word, and of
/// the first 2^25 numbers no two share one.
pub(crate) fn word(n: u64) -> String {
    const CONSONANTS: [char; 8] = ['k', 'm', 'n', 'p', 'r', 's', 't', 'z'];
    const VOWELS: [char; 4] = ['a', 'i', 'o', 'u'];
    let mut bits = n.wrapping_mul(0x00a5_b3c7) & 0x01ff_ffff;
    let mut text = String::new();
    for _ in 0..5 {
        let at = |index: u64| usize::try_from(index).unwrap_or(0);
        text.extend([CONSONANTS[at(bits & 7)], VOWELS[at(bits >> 3 & 3)]]);
        bits >>= 5;
    }
    text
}
