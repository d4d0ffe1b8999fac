//! From arguments to exit status.
//!
//! Invariant: every way out passes through here, so that messages and statuses are the same for all
//! commands. Knows nothing about the commands but their names.

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::config::Config;
use crate::console::{Console, Screen};
use crate::failure::{Status, Stop};
use crate::output::Session;

/// Runs the process's own command line on its own streams.
#[must_use]
pub fn run_process() -> ExitCode {
    let console = Console {
        input: Box::new(io::stdin()),
        output: &mut io::stdout().lock(),
        errors: &mut io::stderr(),
        screen: Screen::of_process(),
    };
    run(std::env::args_os(), console).into()
}

/// Runs one command line; `args` begins with the program's name.
pub fn run(args: impl IntoIterator<Item = OsString>, console: Console<'_>) -> Status {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return explain(&error, console),
    };
    let mut session = Session::new(console, cli.shared);
    let outcome =
        configured(&cli.command, &mut session).and_then(|()| dispatch(&cli.command, &mut session));
    // What was written before a failure still belongs to the reader.
    let flushed = session.out.flush();
    match outcome.and_then(|status| flushed.map(|()| status)) {
        Ok(status) => status,
        Err(Stop::ReaderGone) => Status::Done,
        Err(Stop::Failure(failure)) => {
            session.notes.fault(&failure);
            failure.status()
        }
    }
}

/// Reads the configuration for every command that works on a log: it may say where the log is.
fn configured(command: &Command, session: &mut Session<'_>) -> Result<(), Stop> {
    if !command.is_about_itself() {
        session.config = Config::read(&session.shared, std::env::vars_os())?;
        session.shared.data_dir = Some(session.config.data_dir.clone());
    }
    Ok(())
}

fn dispatch(command: &Command, session: &mut Session<'_>) -> Result<Status, Stop> {
    match command {
        Command::Demo(args) => args.run(session),
        Command::Verify(args) => args.run(session),
        Command::Proof(args) => args.run(session),
        Command::Backup(args) => args.run(session),
        Command::Publish(args) => args.run(session),
        Command::Fork(args) => args.run(session),
        Command::Drill(args) => args.run(session),
        Command::Append(args) => args.run(session),
        Command::Import(args) => args.run(session),
        Command::Query(args) => args.run(session),
        Command::Stats(args) => args.run(session),
        Command::Show(args) => args.run(session),
        Command::Tail(args) => args.run(session),
        Command::Export(args) => args.run(session),
        Command::Checkpoint(args) => args.run(session),
        Command::Segments(args) => args.run(session),
        Command::Seal(args) => args.run(session),
        Command::Key(args) => args.run(session),
        Command::Serve(args) => args.run(session),
        Command::Token(args) => args.run(session),
        Command::Completions(args) => args.run(session),
        Command::Man(args) => args.run(session),
    }
}

/// Help and version are results; everything else that clap says is a usage fault.
fn explain(error: &clap::Error, console: Console<'_>) -> Status {
    let screen = console.screen;
    let (writer, terminal, status) = if error.use_stderr() {
        (console.errors, screen.errors_are_terminal, Status::Invalid)
    } else {
        (console.output, screen.output_is_terminal, Status::Done)
    };
    let text = error.render();
    let colored = terminal && !screen.no_color;
    // A reader that has gone can't be told anything.
    let _ = if colored { write!(writer, "{}", text.ansi()) } else { write!(writer, "{text}") };
    status
}

#[cfg(test)]
mod tests;
