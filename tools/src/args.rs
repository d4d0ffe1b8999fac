//! The command line as types: the options that every command has, and the list of commands.
//!
//! Invariant: what a command takes stands in its own file; this one only lists. Knows nothing about
//! what the commands do.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use shoseki_server::config::DATA_DIR_DEFAULT;

use crate::commands::{
    append, backup, checkpoint, completions, demo, drill, export, fork, import, key, man, proof,
    publish, query, seal, segments, serve, show, stats, tail, token, verify,
};

/// An append-only, tamper-evident audit log.
#[derive(Parser, Debug)]
#[command(
    name = "shoseki",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Exit status: 0 done and well; 1 a check found something; 2 usage or invalid \
                  input; 3 could not run."
)]
pub struct Cli {
    /// Options that every command has.
    #[command(flatten)]
    pub shared: Shared,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command has.
#[derive(Args, Clone, Default, Debug)]
#[command(next_help_heading = "Common options")]
pub struct Shared {
    /// Data directory of the log [default: ./shoseki-data]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "SHOSEKI_DATA_DIR",
        hide_env_values = true
    )]
    pub data_dir: Option<PathBuf>,
    /// Configuration file (TOML)
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "SHOSEKI_CONFIG",
        hide_env_values = true
    )]
    pub config: Option<PathBuf>,
    /// Write results as JSON lines, even to a terminal
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing but results and faults
    #[arg(long, global = true)]
    pub quiet: bool,
    /// No colours (the variable NO_COLOR says the same)
    #[arg(long, global = true)]
    pub no_color: bool,
}

impl Shared {
    /// The data directory to work on.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.data_dir.as_deref().unwrap_or(Path::new(DATA_DIR_DEFAULT))
    }
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// See what a log does: append, search, prove, export, tamper, verify
    Demo(demo::Demo),
    /// Append records and write a receipt for each
    Append(append::Append),
    /// Import trails of other systems
    Import(import::Import),
    /// Search for records
    Query(query::Query),
    /// Count records: by result, sensitivity, action, actor and over time
    Stats(stats::Stats),
    /// Show one record
    Show(show::Show),
    /// Show the newest records, and those that come
    Tail(tail::Tail),
    /// Write records to a file, in the order of the log
    Export(export::Export),
    /// Check that nothing was changed, removed, inserted or cut off
    Verify(verify::Verify),
    /// Prove that a record is in the log, or that the log only grew
    Proof(proof::Proof),
    /// Print the newest signed checkpoint
    Checkpoint(checkpoint::Checkpoint),
    /// List or verify the files of the log
    Segments(segments::Segments),
    /// Seal what is active
    Seal(seal::Seal),
    /// Copy the log beside a running writer
    Backup(backup::Backup),
    /// Write checkpoint and tiles as files for anyone to check
    Publish(publish::Publish),
    /// Go on in a new log that names a damaged one
    Fork(fork::Fork),
    /// Try out what crashes, failing disks and rotting bytes do to a log on this disk
    Drill(drill::Drill),
    /// Show or rotate the keys of the log
    Key(key::Key),
    /// Serve the log over HTTP: records in, questions answered with proofs
    Serve(serve::Serve),
    /// Sign, show and prepare tokens of the server's clients
    Token(token::Token),
    /// Write a completion script for a shell
    Completions(completions::Completions),
    /// Write the manual pages
    Man(man::Man),
}

impl Command {
    /// Whether it concerns the program and no log: it needs no configuration.
    #[must_use]
    pub fn is_about_itself(&self) -> bool {
        matches!(self, Self::Completions(_) | Self::Man(_))
    }
}
