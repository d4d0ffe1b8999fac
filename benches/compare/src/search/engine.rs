//! What the harness needs of an engine, and which engines there are.
//!
//! Invariant: an engine keeps everything it has in the directory it is given. Knows nothing about
//! clocks and rounds.

use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::corpus::Corpus;
use super::question::{Kind, Question};
use crate::{Outcome, peers};

/// An engine that can be filled and asked.
pub(crate) trait Engine {
    /// Name, version and settings in a few words.
    fn name(&self) -> Outcome<String>;

    /// Fills an empty directory with the corpus and leaves it at rest.
    fn load(&self, dir: &Path, corpus: Corpus) -> Outcome<Loaded>;

    /// Gives the data the indexes of a variant; returns the bytes that it takes then.
    fn prepare(&self, dir: &Path, composite: bool) -> Outcome<u64>;

    /// Opens what was loaded, up to where it answers.
    fn open(&self, dir: &Path) -> Outcome<Box<dyn Peer>>;
}

/// An open engine.
pub(crate) trait Peer {
    /// Answers, up to where the records are in the caller's memory.
    fn ask(&mut self, question: &Question) -> Outcome<Answer>;

    /// The process that holds its memory, with its children, where that is not this one.
    fn server(&self) -> Option<u32> {
        None
    }

    /// Closes in order.
    fn close(self: Box<Self>) -> Outcome;
}

/// How filling went.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Loaded {
    /// Seconds until the last record was durable, making the records included.
    pub(crate) append_s: f64,
    /// Seconds until it was at rest as well: sealed, merged, vacuumed, closed.
    pub(crate) rest_s: f64,
}

/// Seconds since filling began.
pub(crate) struct Clock {
    start: Instant,
    append_s: f64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now(), append_s: 0.0 }
    }

    /// The last record is durable.
    pub(crate) fn appended(&mut self) {
        self.append_s = self.start.elapsed().as_secs_f64();
    }

    /// All is at rest.
    pub(crate) fn at_rest(self) -> Loaded {
        Loaded { append_s: self.append_s, rest_s: self.start.elapsed().as_secs_f64() }
    }
}

/// The engines.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, clap::ValueEnum, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Family {
    Shoseki,
    Sqlite,
    Postgres,
    Tantivy,
}

impl Family {
    /// Name of its directory and on the command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Shoseki => "shoseki",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Tantivy => "tantivy",
        }
    }

    /// The engine, or why there is none here.
    pub(crate) fn engine(self) -> Result<Box<dyn Engine>, String> {
        match self {
            Self::Shoseki => Ok(Box::new(peers::Shoseki)),
            #[cfg(feature = "sqlite")]
            Self::Sqlite => Ok(Box::new(peers::Sqlite)),
            #[cfg(feature = "postgres")]
            Self::Postgres => {
                peers::Postgres::find().map(|found| Box::new(found) as Box<dyn Engine>)
            }
            #[cfg(feature = "tantivy")]
            Self::Tantivy => Ok(Box::new(peers::Tantivy)),
            #[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "tantivy")))]
            other => Err(format!("built without the feature {}", other.as_str())),
        }
    }

    /// The ways its data are indexed, in the order in which they are asked.
    pub(crate) fn variants(self) -> &'static [Variant] {
        const fn plain(family: Family) -> Variant {
            Variant { family, composite: false }
        }
        const fn composite(family: Family) -> Variant {
            Variant { family, composite: true }
        }
        match self {
            Self::Shoseki => const { &[plain(Self::Shoseki)] },
            Self::Sqlite => const { &[plain(Self::Sqlite), composite(Self::Sqlite)] },
            Self::Postgres => const { &[plain(Self::Postgres), composite(Self::Postgres)] },
            Self::Tantivy => const { &[plain(Self::Tantivy)] },
        }
    }
}

/// An engine's data with one set of indexes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(crate) struct Variant {
    pub(crate) family: Family,
    /// With an index on (`actor_id`, `timestamp`) beside the others.
    pub(crate) composite: bool,
}

impl Variant {
    /// As the tables name it.
    pub(crate) fn title(self) -> &'static str {
        match (self.family, self.composite) {
            (Family::Shoseki, _) => "Shoseki",
            (Family::Sqlite, false) => "SQLite",
            (Family::Sqlite, true) => "SQLite + (actor, time)",
            (Family::Postgres, false) => "PostgreSQL",
            (Family::Postgres, true) => "PostgreSQL + (actor, time)",
            (Family::Tantivy, _) => "tantivy",
        }
    }

    /// Whether it is asked this: another index on actors is asked about actors only.
    pub(crate) fn is_asked(self, kind: Kind) -> bool {
        !self.composite || kind.is_about_actors()
    }
}
