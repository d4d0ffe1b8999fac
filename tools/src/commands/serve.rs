//! `shoseki serve`: the server, until it is told to end.
//!
//! Invariant: nothing starts with a configuration that has a fault; what it ends with is its exit
//! status. Knows nothing about HTTP.

use std::error::Error as _;
use std::fmt::Write as _;
use std::net::SocketAddr;

use clap::Args;
use shoseki_server::config::{Profile, Settings};
use shoseki_server::serve::{Serving, StartError, StopSignal, serve};
use shoseki_server::telemetry::{LogForm, start_logging};

use crate::config;
use crate::failure::{Failure, Status, Stop};
use crate::output::{Notes, Session};

/// Arguments of `serve`.
#[derive(Args, Debug)]
pub struct Serve {
    /// Address and port for clients [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Check the configuration and the files that it names, and end
    #[arg(long)]
    pub check: bool,
    /// What is logged: a level, or levels by target such as `warn,shoseki_server=debug`
    #[arg(long, value_name = "FILTER", default_value = "info")]
    pub log: String,
}

impl Serve {
    /// Serves until SIGTERM or SIGINT.
    ///
    /// # Errors
    /// The configuration has faults, or the server can't start or end well.
    pub fn run(&self, session: &mut Session<'_>) -> Result<Status, Stop> {
        let settings = self.settings(session)?;
        for warning in settings.warnings() {
            session.notes.note(format_args!("shoseki: {warning}"));
        }
        if self.check {
            session.notes.note("the configuration is valid");
            return Ok(Status::Done);
        }
        let form = LogForm::of_standard_error(!session.shared.no_color);
        let logging = start_logging(&self.log, form);
        logging.map_err(|error| Failure::invalid(format_args!("--log: {error}")))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::could_not(&error))?;
        let notes = &mut session.notes;
        let ended = runtime.block_on(async {
            let stop = StopSignal::of_process()?;
            serve(settings, stop, &mut |serving| announce(notes, serving)).await
        });
        let closed = ended.map_err(|error| failed(&error))?;
        closed.map_err(|error| {
            Failure::could_not(format_args!("closing the log: {error}"))
                .next("the records are safe; the next start decides from what is on disk")
        })?;
        Ok(Status::Done)
    }

    /// The settings to serve with, checked for the profile.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration, at once.
    pub fn settings(&self, session: &Session<'_>) -> Result<Settings, Failure> {
        let mut sources = config::sources(&session.shared, std::env::vars_os());
        sources.listen = self.listen;
        Settings::load(&sources).map_err(|faults| config::failure(&faults))
    }
}

/// Tells a person where the server is, and the token of the development profile once.
fn announce(notes: &mut Notes<'_>, serving: &Serving<'_>) {
    let scheme = if serving.tls { "https" } else { "http" };
    let mut text = format!("listening on {scheme}://{}", serving.address);
    if let Some(admin) = serving.admin_address {
        // Writing to memory does not fail.
        let _ = write!(text, "\nhealth and metrics on http://{admin}");
    }
    if serving.profile == Profile::Development {
        let _ = write!(text, "\nread the interface at {scheme}://{}/docs", serving.address);
    }
    if let Some(token) = serving.token {
        let path = token.path.display();
        match token.is_new {
            true => {
                let token = &token.token;
                let _ = write!(text, "\ndevelopment token (kept in {path}):\n{token}");
            }
            false => {
                let _ = write!(text, "\nthe development token is in {path}");
            }
        }
    }
    notes.note(text);
}

/// A start that failed, with everything below it.
fn failed(error: &StartError) -> Failure {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(below) = cause {
        let _ = write!(text, ": {below}");
        cause = below.source();
    }
    Failure::could_not(text).next("nothing was changed; correct it and start again")
}
