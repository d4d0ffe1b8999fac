//! The configuration of one run: file, environment and command line, as the server reads them.
//!
//! Invariant: a name that is not known is a fault with its place; nothing is ignored, and all
//! faults are told at once. Knows nothing about commands.

use std::ffi::OsString;
use std::path::PathBuf;

use shoseki_engine::log::LogOptions;
use shoseki_engine::record::Limits;
use shoseki_server::config::{
    ConfigFault, DATA_DIR_DEFAULT, ImportSettings, Place, Settings, Sources,
};

use crate::args::Shared;
use crate::failure::Failure;

/// What the configuration says to commands that work on a log.
#[derive(Clone)]
pub struct Config {
    /// Where the log is.
    pub data_dir: PathBuf,
    /// How trails are imported.
    pub import: ImportSettings,
    log: LogOptions,
}

impl Default for Config {
    fn default() -> Self {
        Self::of(Settings::development(DATA_DIR_DEFAULT.as_ref()))
    }
}

impl Config {
    /// Reads the configuration of a run.
    ///
    /// # Errors
    /// The file can't be read, or something is said that is not known or can't be.
    pub fn read(
        shared: &Shared,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Failure> {
        let settings = Settings::read(&sources(shared, environment));
        settings.map(Self::of).map_err(|faults| failure(&faults))
    }

    fn of(settings: Settings) -> Self {
        Self { data_dir: settings.data_dir, import: settings.import, log: settings.log }
    }

    /// Limits of a record.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.log.limits
    }

    /// How the log is opened for writing.
    #[must_use]
    pub fn log_options(&self) -> LogOptions {
        self.log.clone()
    }
}

/// Where the settings of a run come from.
#[must_use]
pub fn sources(
    shared: &Shared,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Sources {
    Sources {
        file: shared.config.clone().filter(|path| !path.as_os_str().is_empty()),
        data_dir: shared.data_dir.clone(),
        listen: None,
        environment: environment.into_iter().collect(),
    }
}

/// All faults as one message.
#[must_use]
pub fn failure(faults: &[ConfigFault]) -> Failure {
    let unreadable = faults.iter().find(|fault| fault.is_unreadable);
    if let Some((fault, Place::File(path))) = unreadable.map(|fault| (fault, &fault.place)) {
        return Failure::could_not(format_args!("reading the configuration: {}", fault.got))
            .at(path.display())
            .next(&fault.remedy);
    }
    let list: Vec<String> = faults.iter().map(|fault| format!("\n  {fault}")).collect();
    let many = if faults.len() == 1 { "1 fault" } else { &format!("{} faults", faults.len()) };
    Failure::invalid(format_args!("the configuration is not valid: {many}{}", list.concat()))
        .next("correct them all; nothing was done")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_in_one_message() {
        let pairs = [("SHOSEKI_LOG_COMPRESSION_LEVEL", "23"), ("SHOSEKI_NOTHING_KNOWN", "")];
        let pairs = pairs.map(|(name, value)| (name.into(), value.into()));
        let failure = Config::read(&Shared::default(), pairs).err().map(|it| it.to_string());
        let text = failure.expect("two faults");
        for part in ["2 faults", "log.compression_level", "23", "SHOSEKI_NOTHING_KNOWN"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn the_command_line_goes_before_the_environment() {
        let pairs = || [("SHOSEKI_DATA_DIR".into(), "elsewhere".into())];
        let config = Config::read(&Shared::default(), pairs()).expect("valid");
        assert_eq!(config.data_dir, PathBuf::from("elsewhere"));
        let shared = Shared { data_dir: Some("here".into()), ..Shared::default() };
        let config = Config::read(&shared, pairs()).expect("valid");
        assert_eq!(config.data_dir, PathBuf::from("here"));
    }
}
