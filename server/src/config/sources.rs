//! Where settings come from, and loading them.
//!
//! Invariant: the command line goes before the environment, the environment before the file; all
//! three come as arguments, and every fault of all three is told at once.

use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::path::PathBuf;

use super::checks;
use super::draft::Draft;
use super::fault::ConfigFault;
use super::files;
use super::profile;
use super::settings::Settings;

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file; without one, `SHOSEKI_CONFIG` of the environment.
    pub file: Option<PathBuf>,
    /// `--data-dir` of the command line.
    pub data_dir: Option<PathBuf>,
    /// `--listen` of the command line.
    pub listen: Option<SocketAddr>,
    /// The environment, or what of it should count.
    pub environment: Vec<(OsString, OsString)>,
}

impl Sources {
    /// The file to read, where there is one.
    pub(super) fn file_path(&self) -> Option<PathBuf> {
        let variable = || {
            let mut pairs = self.environment.iter();
            let (_, path) = pairs.find(|(name, _)| name == OsStr::new("SHOSEKI_CONFIG"))?;
            (!path.is_empty()).then(|| PathBuf::from(path))
        };
        self.file.clone().or_else(variable)
    }
}

impl Settings {
    /// What the sources say, for a command that works on a log: the file as a whole is checked, but
    /// not whether a server may run with it, nor the files that it names.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the file.
    pub fn read(sources: &Sources) -> Result<Self, Vec<ConfigFault>> {
        let mut draft = Draft::gather(sources);
        checks::complete(&mut draft);
        finish(draft)
    }

    /// What the sources say, for a server that starts: as [`Settings::read`], and what the profile
    /// asks for, with the files that are named.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the file.
    pub fn load(sources: &Sources) -> Result<Self, Vec<ConfigFault>> {
        let mut draft = Draft::gather(sources);
        checks::complete(&mut draft);
        if draft.is_whole {
            profile::check(&mut draft);
        }
        finish(draft)
    }

    /// What stops no start but should be logged at one.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        files::warnings(self)
    }
}

fn finish(draft: Draft) -> Result<Settings, Vec<ConfigFault>> {
    let Draft { settings, mut faults, .. } = draft;
    if faults.is_empty() {
        return Ok(settings);
    }
    faults.sort();
    faults.dedup();
    Err(faults)
}
