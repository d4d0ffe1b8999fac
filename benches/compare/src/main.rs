//! The command line of the comparison.
//!
//! Knows only which command there is; what each does stands in the library.

use clap::{Parser, Subcommand};
use shoseki_compare::{Outcome, search};

/// Shoseki beside other engines.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Durable appends of one writer.
    #[cfg(feature = "sqlite")]
    Append(shoseki_compare::append::Arguments),
    /// The server under load, beside a bare axum.
    Http(shoseki_compare::http::Arguments),
    /// The same questions to every peer over the same records.
    Search(search::Arguments),
    /// One step of `search` for one peer, in a process of its own.
    #[command(hide = true)]
    Step(search::StepArguments),
}

fn main() -> Outcome {
    match Arguments::parse().command {
        #[cfg(feature = "sqlite")]
        Command::Append(arguments) => shoseki_compare::append::run(&arguments),
        Command::Http(arguments) => shoseki_compare::http::run(&arguments),
        Command::Search(arguments) => search::run(&arguments),
        Command::Step(arguments) => search::step(&arguments),
    }
}
