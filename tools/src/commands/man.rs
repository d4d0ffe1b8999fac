//! `shoseki man`: the manual pages.

use std::fs;
use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_mangen::Man as Page;

use crate::args::Cli;
use crate::failure::{Failure, Status, Stop};
use crate::output::Session;

/// Arguments of `man`.
#[derive(Args, Debug)]
pub struct Man {
    /// Directory for one page per command; without it the main page goes to standard output
    pub dir: Option<PathBuf>,
}

impl Man {
    /// Writes the pages.
    ///
    /// # Errors
    /// Where a page can't be written.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        let Some(dir) = &self.dir else {
            let mut page = Vec::new();
            Page::new(Cli::command()).render(&mut page).map_err(Failure::could_not)?;
            session.out.bytes(&page)?;
            return Ok(Status::Done);
        };
        let write = || {
            fs::create_dir_all(dir)?;
            clap_mangen::generate_to(Cli::command(), dir)
        };
        write().map_err(|error| {
            Failure::could_not(format_args!("writing the manual pages: {error}"))
                .at(dir.display())
                .next("name a directory that you may write to")
        })?;
        session.notes.note(format_args!("manual pages written to {}", dir.display()));
        Ok(Status::Done)
    }
}
