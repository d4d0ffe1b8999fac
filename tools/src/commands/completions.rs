//! `shoseki completions`: the completion script of a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::{Status, Stop};
use crate::output::Session;

/// Arguments of `completions`.
#[derive(Args, Debug)]
pub struct Completions {
    /// Shell to write for
    #[arg(value_enum)]
    pub shell: Shell,
}

impl Completions {
    /// Writes the script to standard output.
    ///
    /// # Errors
    /// Where the output can't be written.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "shoseki", &mut script);
        session.out.bytes(&script)?;
        Ok(Status::Done)
    }
}
