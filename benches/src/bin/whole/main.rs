//! Whole-process measurements: what `benches/RESULTS.md` quotes.
//!
//! Each command prints its figures as rows of a table; several rounds of its variants take turns,
//! so that a noisy machine disturbs all of them alike. Knows nothing about statistics beyond
//! median, least, greatest.
#![expect(clippy::print_stdout, reason = "a bench reports")]

mod append;
mod budget;
mod fill;
mod ids;
mod index;
mod open;
mod recovery;
mod shard;
mod sizes;
mod verify;

use std::error::Error;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use shoseki_benches::machine::machine;

/// What a command ends with.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Whole-process measurements of Shoseki.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Durable appends: batches of 1, 100, 500 and 64 writers of single records.
    Append(append::Arguments),
    /// What each step of a record's way costs alone, and the bound that follows.
    Budget(budget::Arguments),
    /// Makes a log of generated records, sealing behind, and says how long it took.
    Fill(fill::Arguments),
    /// Makes a log of many small segments and says how long it took.
    Segments(fill::Segments),
    /// Opens a log again and again, each time in a process of its own.
    Open(open::Arguments),
    /// Opens a log once and says time and memory.
    OpenOnce(open::Once),
    /// Kills a writer with a full active file and says how soon the next one works.
    Recovery(recovery::Arguments),
    /// The writer that is killed.
    #[command(hide = true)]
    RecoveryFill(recovery::Fill),
    /// The one that comes after it.
    #[command(hide = true)]
    RecoveryOnce(recovery::Once),
    /// What recognising repeats costs on a log.
    Ids(ids::Arguments),
    /// What search indexes cost, and how far they are behind.
    Index(index::Arguments),
    /// Bytes per record of generated records and of imported CloudTrail deliveries.
    Sizes(sizes::Arguments),
    /// Bytes and times of the shards of generated records, in memory.
    Shard(shard::Arguments),
    /// Audits a log on one core and on two.
    Verify(verify::Arguments),
}

fn main() -> Outcome {
    let arguments = Arguments::parse();
    let says_one_line = matches!(
        arguments.command,
        Command::OpenOnce(_) | Command::RecoveryFill(_) | Command::RecoveryOnce(_)
    );
    if !says_one_line {
        println!("{}", machine());
    }
    match arguments.command {
        Command::Append(arguments) => append::run(&arguments),
        Command::Budget(arguments) => budget::run(&arguments),
        Command::Fill(arguments) => fill::run(&arguments),
        Command::Segments(arguments) => fill::segments(&arguments),
        Command::Open(arguments) => open::run(&arguments),
        Command::OpenOnce(arguments) => open::once(&arguments),
        Command::Recovery(arguments) => recovery::run(&arguments),
        Command::RecoveryFill(arguments) => recovery::fill(&arguments),
        Command::RecoveryOnce(arguments) => recovery::once(&arguments),
        Command::Ids(arguments) => ids::run(&arguments),
        Command::Index(arguments) => index::run(&arguments),
        Command::Sizes(arguments) => sizes::run(&arguments),
        Command::Shard(arguments) => shard::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
    }
}

/// Where a directory that a command makes and removes belongs.
#[derive(clap::Args, Clone)]
pub(crate) struct Scratch {
    /// Directory on the disk that is measured.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
}

impl Scratch {
    pub(crate) fn make(&self) -> Outcome<tempfile::TempDir> {
        std::fs::create_dir_all(&self.dir)?;
        Ok(tempfile::Builder::new().prefix("shoseki-bench").tempdir_in(&self.dir)?)
    }
}
