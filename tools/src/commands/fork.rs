//! `shoseki fork`: a new log that names a damaged one.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde::Serialize;
use shoseki_engine::log::{ForkError, Log};
use shoseki_engine::proof::base64_encode;
use shoseki_engine::types::{Origin, counted};

use crate::commands::append::{Printed, origin};
use crate::explain;
use crate::failure::{Failure, Status, Stop};
use crate::output::{Form, Session};

/// Arguments of `fork`.
#[derive(Args, Debug)]
#[command(after_help = "Keep the old directory: it stays the evidence of its records. The first \
                        record of the new log says what was left of the old one, and why.")]
pub struct Fork {
    /// Directory of the old log; it is only read
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// Directory of the new log; must be empty or not there yet
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// Why, in your words; it stands in the first record
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub reason: String,
    /// Name of the new log
    #[arg(long, value_name = "NAME", value_parser = origin)]
    pub origin: Option<Origin>,
}

#[derive(Serialize)]
struct Made<'a> {
    origin: &'a str,
    old_origin: &'a str,
    old_size: u64,
    old_root: Option<String>,
    old_chain_hash: Option<String>,
    receipt: Printed,
}

impl Fork {
    /// Makes the fork.
    ///
    /// # Errors
    /// The old log can't be read, the new place is not empty, or the new log can't be made.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        let mut options = session.config.log_options();
        // A name of the configuration belongs to the log that it was written for.
        options.origin.clone_from(&self.origin);
        let forked = Log::fork(&self.old, &self.new, &self.reason, options);
        let forked = forked.map_err(|error| self.explain(&error))?;
        if session.out.form() == Form::Json {
            session.out.json(&Made {
                origin: forked.origin.as_str(),
                old_origin: forked.old_origin.as_str(),
                old_size: forked.old_size.0,
                old_root: forked.old_root.map(|root| base64_encode(&root.0)),
                old_chain_hash: forked.old_chain_hash.map(|chain| chain.to_hex()),
                receipt: Printed::from(&forked.receipt),
            })?;
            return Ok(Status::Done);
        }
        session.out.line(format_args!("made the log {}", forked.origin))?;
        session.out.line(format_args!(
            "its first record names {} with {}",
            forked.old_origin,
            counted(forked.old_size.0, "record")
        ))?;
        Ok(Status::Done)
    }

    fn explain(&self, error: &ForkError) -> Failure {
        match error {
            ForkError::Old(error) => explain::reading(error, &self.old),
            ForkError::New(error) => explain::opening(error, &self.new),
            ForkError::Append(error) => explain::appending(error, &self.new),
            ForkError::Close(error) => explain::working(error, &self.new),
            ForkError::NotEmpty => Failure::caused(Status::Invalid, error)
                .at(self.new.display())
                .next("name a directory that is empty or not there yet"),
            other => Failure::caused(Status::Invalid, other)
                .at(self.new.display())
                .next("say the reason in fewer words"),
        }
    }
}
