//! One step for one variant, in a process of its own: filling, indexing, or a round of questions.
//!
//! Invariant: standard output gets one line of JSON and nothing else.
#![expect(clippy::print_stdout, reason = "a step answers on standard output")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::corpus::Corpus;
use super::engine::{Family, Variant};
use super::known::Known;
use super::measure::{Effort, Task};
use super::question::Questions;
use crate::Outcome;

/// What to do, for whom.
#[derive(clap::Args, Clone, Debug)]
pub struct StepArguments {
    #[arg(value_enum)]
    pub(crate) what: What,
    #[arg(long, value_enum)]
    pub(crate) peer: Family,
    #[arg(long)]
    pub(crate) composite: bool,
    #[arg(long)]
    pub(crate) data: PathBuf,
    #[arg(long)]
    pub(crate) round: u64,
    #[command(flatten)]
    pub(crate) extent: Extent,
}

/// The steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum What {
    /// Answers with the engine's name.
    Name,
    /// Fills; answers with the seconds.
    Load,
    /// Makes or drops the variant's index; answers with the bytes.
    Prepare,
    /// Answers with a round's samples.
    Ask,
}

impl What {
    /// As on the command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Load => "load",
            Self::Prepare => "prepare",
            Self::Ask => "ask",
        }
    }
}

/// How many records and questions.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// Records.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) records: u64,
    /// Seed of records and questions.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Warm questions of each kind in a round.
    #[arg(long, default_value_t = 200)]
    pub(crate) samples: usize,
    /// Cold questions of each kind in a round.
    #[arg(long, default_value_t = 7)]
    pub(crate) cold: usize,
    /// Seconds after which no further question of a kind is asked in a phase; one always is.
    #[arg(long, default_value_t = 20)]
    pub(crate) budget: u64,
}

impl Extent {
    pub(crate) fn corpus(self) -> Corpus {
        Corpus::new(self.seed, self.records)
    }

    fn effort(self) -> Effort {
        let budget = Duration::from_secs(self.budget);
        Effort { samples: self.samples, cold: self.cold, budget }
    }
}

/// Where the known identifiers of a corpus are kept.
pub(crate) fn known_path(data: &Path, extent: Extent) -> PathBuf {
    data.join(format!("known-{}-{}.json", extent.records, extent.seed))
}

/// Where a family keeps its data.
pub(crate) fn data_path(data: &Path, family: Family, extent: Extent) -> PathBuf {
    data.join(format!("{}-{}-{}", family.as_str(), extent.records, extent.seed))
}

/// Does one step and prints its answer.
///
/// # Errors
/// Whatever the engine or the operating system says.
pub fn step(arguments: &StepArguments) -> Outcome {
    let engine = arguments.peer.engine()?;
    let dir = data_path(&arguments.data, arguments.peer, arguments.extent);
    let corpus = arguments.extent.corpus();
    let answer = match arguments.what {
        What::Name => serde_json::to_string(&engine.name()?)?,
        What::Load => serde_json::to_string(&engine.load(&dir, corpus)?)?,
        What::Prepare => serde_json::to_string(&engine.prepare(&dir, arguments.composite)?)?,
        What::Ask => {
            let path = known_path(&arguments.data, arguments.extent);
            let known = Known::stored(corpus, &path).ok_or("no known identifiers")?;
            let questions = Questions::new(corpus, &known, arguments.round);
            let task = Task {
                engine: &*engine,
                variant: Variant { family: arguments.peer, composite: arguments.composite },
                dir: &dir,
                questions: &questions,
                effort: arguments.extent.effort(),
            };
            serde_json::to_string(&task.run()?)?
        }
    };
    println!("{answer}");
    Ok(())
}
