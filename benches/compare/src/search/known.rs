//! Identifiers that are in the corpus, to ask for.
//!
//! Invariant: drawn from all parts of the corpus and shuffled, so that one and the next lie far
//! apart. Stored beside the peers' data, since making the corpus again takes a while.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use shoseki_lab::generate::Rng;

use super::corpus::Corpus;
use crate::Outcome;

/// How many identifiers are kept.
const SAMPLES: u64 = 4_096;

/// What questions may ask for.
#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
pub(crate) struct Known {
    seed: u64,
    records: u64,
    rare_every: u64,
    /// Seconds that making the records took, and nothing else.
    pub(crate) generate_ms: u64,
    pub(crate) audit_ids: Vec<String>,
    pub(crate) request_ids: Vec<String>,
    /// All actions that occur among the samples.
    pub(crate) actions: Vec<String>,
}

impl Known {
    /// The stored ones, or else those of the corpus, which are then stored.
    pub(crate) fn of(corpus: Corpus, path: &Path) -> Outcome<Self> {
        if let Some(known) = Self::stored(corpus, path) {
            return Ok(known);
        }
        let known = Self::draw(corpus);
        fs::write(path, serde_json::to_vec(&known)?)?;
        Ok(known)
    }

    /// The stored ones, where they are of this corpus.
    pub(crate) fn stored(corpus: Corpus, path: &Path) -> Option<Self> {
        let known: Self = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let of = Corpus { seed: known.seed, records: known.records, rare_every: known.rare_every };
        (of == corpus).then_some(known)
    }

    /// Makes the corpus once and picks.
    pub(crate) fn draw(corpus: Corpus) -> Self {
        let start = std::time::Instant::now();
        let mut rng = Rng::new(corpus.seed ^ 0x51ab);
        let every = (corpus.records / SAMPLES).max(1);
        let mut known = Self {
            seed: corpus.seed,
            records: corpus.records,
            rare_every: corpus.rare_every,
            generate_ms: 0,
            audit_ids: Vec::new(),
            request_ids: Vec::new(),
            actions: Vec::new(),
        };
        let mut pick = rng.below(every);
        let mut request_due = false;
        for (n, record) in (0..).zip(corpus.records()) {
            if n % every == pick {
                known.audit_ids.extend(record.audit_id.map(|id| id.to_string()));
                known.actions.push(record.action.clone());
                request_due = true;
            }
            if n % every == every - 1 {
                pick = rng.below(every);
            }
            if request_due && let Some(id) = record.request_id {
                known.request_ids.push(id);
                request_due = false;
            }
        }
        known.generate_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        known.actions.sort_unstable();
        known.actions.dedup();
        shuffle(&mut known.audit_ids, &mut rng);
        shuffle(&mut known.request_ids, &mut rng);
        known
    }
}

fn shuffle(items: &mut [String], rng: &mut Rng) {
    for at in (1..items.len()).rev() {
        let other = rng.below(at as u64 + 1);
        items.swap(at, usize::try_from(other).unwrap_or(at));
    }
}
