//! Whether all peers answered alike.
//!
//! Invariant: each answer is compared with the first one that was given to the same question; a
//! difference names the question and shows both. Peers that had less time answered fewer questions:
//! what both answered is compared.

use std::collections::BTreeMap;

use super::answer::Digest;
use super::engine::Variant;
use super::figures::Round;
use super::question::Kind;

/// Round, whether cold, kind, number of the question.
type Place = (u64, bool, Kind, usize);

/// The first answers and what differed from them.
#[derive(Default)]
pub(crate) struct Answers {
    first: BTreeMap<Place, (Variant, Digest)>,
    differences: Vec<String>,
    compared: u64,
}

impl Answers {
    /// Takes the answers out of a round and compares them.
    pub(crate) fn add(&mut self, variant: Variant, round: u64, figures: &mut Round) {
        for (cold, phase) in [(false, &mut figures.warm), (true, &mut figures.cold)] {
            for (kind, samples) in phase {
                for (n, digest) in std::mem::take(&mut samples.answers).into_iter().enumerate() {
                    self.compare(variant, (round, cold, *kind, n), digest);
                }
            }
        }
    }

    fn compare(&mut self, variant: Variant, place: Place, digest: Digest) {
        // Asking again must give what asking gave.
        let place = match place {
            (round, cold, Kind::Again, n) => (round, cold, Kind::Actor, n),
            other => other,
        };
        match self.first.get(&place) {
            None => {
                self.first.insert(place, (variant, digest));
            }
            Some((other, known)) => {
                self.compared += 1;
                if *known != digest {
                    let (round, cold, kind, n) = place;
                    let phase = if cold { "cold" } else { "warm" };
                    self.differences.push(format!(
                        "round {round}, {phase}, {}, question {n}: {}: {known:?}; {}: {digest:?}",
                        kind.title(),
                        other.title(),
                        variant.title(),
                    ));
                }
            }
        }
    }

    /// How many answers were compared with another's.
    pub(crate) fn compared(&self) -> u64 {
        self.compared
    }

    /// What differed.
    pub(crate) fn differences(self) -> Vec<String> {
        self.differences
    }
}
