//! A folder with a configuration file, and what loading it says.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use shoseki_server::config::{ConfigFault, Settings, Sources};

/// A folder of one test.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file; its path as TOML takes it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, content).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    }

    fn file(&self, text: impl AsRef<[u8]>) -> PathBuf {
        self.write("shoseki.toml", text).into()
    }

    pub fn load(&self, text: impl AsRef<[u8]>) -> Result<Settings, Vec<ConfigFault>> {
        Settings::load(&Sources { file: Some(self.file(text)), ..Sources::default() })
    }

    pub fn read(&self, text: impl AsRef<[u8]>) -> Result<Settings, Vec<ConfigFault>> {
        Settings::read(&Sources { file: Some(self.file(text)), ..Sources::default() })
    }

    /// Faults of loading, with the folder left out of their text.
    pub fn faults(&self, text: impl AsRef<[u8]>) -> Vec<String> {
        let faults = self.load(text).err().unwrap_or_default();
        let folder = format!("{}/", self.path().display());
        faults.iter().map(|fault| fault.to_string().replace(&folder, "")).collect()
    }
}

pub fn environment(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect()
}

/// Settings with nothing but these variables.
pub fn with_variables(pairs: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
    let sources = Sources { environment: environment(pairs), ..Sources::default() };
    Settings::read(&sources).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

/// Compares a file with what is due; `SHOSEKI_WRITE_DOC=1` writes that.
pub fn compare(path: &Path, due: &str) {
    if std::env::var_os("SHOSEKI_WRITE_DOC").is_some_and(|value| value == "1") {
        fs::write(path, due).expect("written");
    }
    let is = fs::read_to_string(path).unwrap_or_default();
    let differing = is.lines().zip(due.lines()).find(|(is, due)| is != due);
    assert!(is == due, "{}: {differing:?}; SHOSEKI_WRITE_DOC=1 writes it", path.display());
}
