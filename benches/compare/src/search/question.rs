//! What the peers are asked.
//!
//! Invariant: a question follows from the corpus, its kind, the round, the phase and its number;
//! every peer gets the same ones in the same order, and within a phase no identifier or word comes
//! twice.

use serde::{Deserialize, Serialize};
use shoseki_engine::record::AuditId;
use shoseki_lab::generate::Rng;

use super::corpus::{Corpus, DAY_MICROS, word};
use super::known::Known;

/// How many records a question for the newest ones wants.
pub(crate) const NEWEST: usize = 100;

/// One question. Times are microseconds since 1970, ranges half open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Question {
    /// The newest of one actor in a range.
    Actor { actor_id: String, from: i64, to: i64 },
    /// One record by its identifier.
    AuditId(AuditId),
    /// The records of one request.
    RequestId(String),
    /// The newest with a word in `detail`, over the whole log.
    Word(String),
    /// The newest of one action in a range.
    Action { action: String, from: i64, to: i64 },
    /// Counts of a range.
    Statistics { from: i64, to: i64 },
}

/// The kinds, in the order of the tables.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Actor,
    /// The same question to [`Kind::Actor`] directly after it.
    Again,
    AuditId,
    RequestId,
    Word,
    Action,
    Statistics,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Actor,
        Self::Again,
        Self::AuditId,
        Self::RequestId,
        Self::Word,
        Self::Action,
        Self::Statistics,
    ];

    /// As the tables name it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Actor => "newest 100 of one actor in a week",
            Self::Again => "the same question again",
            Self::AuditId => "one record by audit_id",
            Self::RequestId => "one record by request_id",
            Self::Word => "a rare word in detail, whole log",
            Self::Action => "newest 100 of one action in a week",
            Self::Statistics => "statistics of a month",
        }
    }

    /// Whether an index on actor and time could change the answer's time.
    pub(crate) fn is_about_actors(self) -> bool {
        matches!(self, Self::Actor | Self::Again)
    }
}

/// Parts of a round that must not share questions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// Not measured: statements are prepared, caches of the code filled.
    WarmUp,
    Warm,
    Cold,
}

/// The questions of one round.
pub(crate) struct Questions<'a> {
    corpus: Corpus,
    known: &'a Known,
    actions: Vec<String>,
    round: u64,
}

impl<'a> Questions<'a> {
    pub(crate) fn new(corpus: Corpus, known: &'a Known, round: u64) -> Self {
        Self { corpus, known, actions: known.actions.clone(), round }
    }

    /// Up to `count` of a kind; of [`Kind::Again`] those of [`Kind::Actor`].
    pub(crate) fn of(&self, kind: Kind, phase: Phase, count: usize) -> Vec<Question> {
        let seed = [self.corpus.seed, self.round, kind as u64, phase as u64];
        let mut rng = Rng::new(seed.iter().fold(0, |all, part| all * 1_000_003 + part));
        (0..count).map_while(|n| self.one(kind, phase, n, &mut rng)).collect()
    }

    fn one(&self, kind: Kind, phase: Phase, n: usize, rng: &mut Rng) -> Option<Question> {
        Some(match kind {
            Kind::Actor | Kind::Again => {
                let (from, to) = self.week(rng);
                // The rarest third of a skewed choice has less than 100 records a week even in ten
                // millions.
                let actors = u64::from(self.corpus.workload().actors) * 7 / 10;
                Question::Actor { actor_id: format!("u{:06}", rng.below(actors)), from, to }
            }
            Kind::AuditId => {
                let text = self.nth(&self.known.audit_ids, phase, n)?;
                Question::AuditId(AuditId::parse(text)?)
            }
            Kind::RequestId => {
                Question::RequestId(self.nth(&self.known.request_ids, phase, n)?.clone())
            }
            Kind::Word => Question::Word(self.word(phase, n)?),
            Kind::Action => {
                let (from, to) = self.week(rng);
                Question::Action { action: rng.pick(&self.actions).clone(), from, to }
            }
            Kind::Statistics => {
                // The edges lie anywhere within half a day, so that no day is counted as a whole.
                let (start, end) = self.corpus.span();
                let edge = DAY_MICROS.unsigned_abs() / 2;
                let (from, to) = (offset(rng.below(edge)), offset(rng.below(edge)));
                Question::Statistics { from: start + from, to: end - to }
            }
        })
    }

    fn week(&self, rng: &mut Rng) -> (i64, i64) {
        let (start, end) = self.corpus.span();
        let week = 7 * DAY_MICROS;
        let from = start + offset(rng.below((end - start - week).unsigned_abs()));
        (from, from + week)
    }

    /// Walks a list in steps that visit each place once, from another place each round and phase.
    fn nth<'b>(&self, of: &'b [String], phase: Phase, n: usize) -> Option<&'b String> {
        let round = usize::try_from(self.round).unwrap_or(0);
        let start = (phase as usize * of.len() / 3) + round * 617;
        (n < of.len()).then(|| of.get((start + n) % of.len())).flatten()
    }

    /// The words there are, from another one each round, and one that no record has.
    fn word(&self, phase: Phase, n: usize) -> Option<String> {
        let (words, n) = (self.corpus.words(), u64::try_from(n).ok()?);
        let absent = words + self.round;
        match phase {
            Phase::WarmUp => (n == 0).then(|| word(absent + 1_000)),
            Phase::Warm | Phase::Cold if n < words => {
                let shift = self.round * 7 + if phase == Phase::Cold { words / 2 } else { 0 };
                Some(word((n + shift) % words))
            }
            Phase::Warm | Phase::Cold => (n == words).then(|| word(absent)),
        }
    }
}

fn offset(micros: u64) -> i64 {
    i64::try_from(micros).unwrap_or(0)
}
