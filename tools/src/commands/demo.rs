//! `shoseki demo`: a whole log in a few seconds, up to the moment when somebody changes a byte.

mod input;
mod stage;

use std::fs;
use std::path::PathBuf;

use clap::Args;

use crate::failure::{Failure, Status, Stop};
use crate::output::Session;

use stage::Stage;

/// Arguments of `demo`.
#[derive(Args, Debug)]
pub struct Demo {
    /// Records or a trail (CloudTrail, Kubernetes, …) instead of a made-up day of a clinic
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Keep what is made in this directory, which must be empty or not there yet
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

impl Demo {
    /// Runs the whole life of a log and says what happens.
    ///
    /// # Errors
    /// The input holds no record, or the directory can't be used.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        let records = match &self.input {
            Some(path) => input::read(path)?,
            None => input::made_up(),
        };
        let scratch = match &self.keep {
            Some(dir) => Scratch { dir: dir.clone(), keep: true },
            None => Scratch { dir: temporary(), keep: false },
        };
        let there = fs::read_dir(&scratch.dir).is_ok_and(|mut entries| entries.next().is_some());
        if there {
            return Err(Failure::invalid("the directory is not empty")
                .at(scratch.dir.display())
                .next("name one that is empty or not there yet")
                .into());
        }
        fs::create_dir_all(&scratch.dir).map_err(|error| {
            Failure::could_not(format_args!("making the directory: {error}"))
                .at(scratch.dir.display())
                .next("name one that you may write to with --keep")
        })?;
        Stage::new(&scratch.dir, session).play(records, scratch.keep)
    }
}

/// Where everything is made; gone afterwards unless it is kept.
struct Scratch {
    dir: PathBuf,
    keep: bool,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.keep {
            // Left behind, it is only a temporary directory.
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

fn temporary() -> PathBuf {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanos = now.map_or(0, |since| since.subsec_nanos());
    std::env::temp_dir().join(format!("shoseki-demo-{}-{nanos}", std::process::id()))
}
