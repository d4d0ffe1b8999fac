//! `shoseki serve`: its arguments, and the settings that come of them.
//!
//! Invariant: nothing starts with a configuration that has a fault. Knows nothing about HTTP.

use std::net::SocketAddr;

use clap::Args;
use shoseki_server::config::Settings;

use crate::config;
use crate::failure::Failure;
use crate::output::Session;

/// Arguments of `serve`.
#[derive(Args, Debug)]
pub struct Serve {
    /// Address and port for clients [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Check the configuration and the files that it names, and end
    #[arg(long)]
    pub check: bool,
}

impl Serve {
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
