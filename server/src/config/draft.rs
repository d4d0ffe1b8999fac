//! Settings while they are gathered: file, then environment, then command line.
//!
//! Invariant: for every key that was said, the place of what holds is known; a value that does not
//! fit leaves a fault and changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::document;
use super::fault::{ConfigFault, Place, nearest, shown};
use super::keys::{Key, OTHER_VARIABLES, PREFIX, TABLES};
use super::settings::{DATA_DIR_DEFAULT, Settings};
use super::sources::Sources;
use super::value::{Kind, Raw, Value};

/// Bytes of a file; longer ones were meant to be something else.
const FILE_LEN_MAX: usize = 1 << 20;

/// Settings that are being gathered.
pub(super) struct Draft {
    pub settings: Settings,
    /// Where each key that was said was said.
    pub places: BTreeMap<&'static str, Place>,
    pub faults: Vec<ConfigFault>,
    /// Keys with a value that did not fit: no other fault is told of them.
    pub unfit: BTreeSet<&'static str>,
    /// The file, where there is one.
    pub file: Option<PathBuf>,
    /// Whether the file could be read as a whole, so that what is missing is missing.
    pub is_whole: bool,
}

impl Draft {
    /// Gathers what the sources say.
    pub fn gather(sources: &Sources) -> Self {
        let mut draft = Self {
            settings: Settings::development(Path::new(DATA_DIR_DEFAULT)),
            places: BTreeMap::new(),
            faults: Vec::new(),
            unfit: BTreeSet::new(),
            file: sources.file_path(),
            is_whole: true,
        };
        if let Some(path) = draft.file.clone() {
            draft.is_whole = draft.file(&path);
        }
        for (name, value) in &sources.environment {
            draft.variable(name, value);
        }
        if let Some(path) = &sources.data_dir {
            draft.settings.data_dir.clone_from(path);
            draft.places.insert("data_dir", Place::Argument("--data-dir"));
            draft.unfit.remove("data_dir");
        }
        if let Some(listen) = sources.listen {
            draft.settings.listen = listen;
            draft.places.insert("server.listen", Place::Argument("--listen"));
            draft.unfit.remove("server.listen");
        }
        draft
    }

    fn file(&mut self, path: &Path) -> bool {
        let place = Place::File(path.to_owned());
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let got = format!("an error in reading it: {error}");
                let fault = ConfigFault::new(&place, "", "a file to read", got);
                self.faults.push(fault.remedy("check --config and SHOSEKI_CONFIG").unreadable());
                return false;
            }
        };
        if bytes.len() > FILE_LEN_MAX {
            let got = format!("{} bytes", bytes.len());
            self.faults.push(ConfigFault::new(&place, "", "at most 1MiB of TOML", got));
            return false;
        }
        match std::str::from_utf8(&bytes) {
            Ok(text) => document::read(self, path, text),
            Err(error) => {
                let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
                let place = Place::Line(path.to_owned(), line, 1);
                let got = "bytes that are not";
                self.faults.push(ConfigFault::new(&place, "", "UTF-8", got));
                false
            }
        }
    }

    fn variable(&mut self, name: &OsStr, value: &OsString) {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { return };
        if OTHER_VARIABLES.contains(&name) {
            return;
        }
        let place = Place::Variable(name.to_owned());
        let variables = || Key::all().map(|key| (key.variable(), key));
        let Some((_, key)) = variables().find(|(variable, _)| variable == name) else {
            self.faults.push(unknown_variable(&place, name));
            return;
        };
        match (value.to_str(), key.kind) {
            (Some(text), _) => self.put(key, &Raw::Variable(text.to_owned()), place),
            (None, Kind::Path) => {
                (key.set)(&mut self.settings, Value::Path(value.into()));
                self.places.insert(key.path, place);
            }
            (None, kind) => {
                self.faults.push(ConfigFault::new(
                    &place,
                    key.path,
                    kind.expected(),
                    "bytes that are not UTF-8",
                ));
            }
        }
    }

    /// Sets a key; what does not fit leaves a fault.
    pub fn put(&mut self, key: &Key, raw: &Raw, place: Place) {
        self.unfit.remove(key.path);
        let Some(value) = self.value(key.path, key.kind, raw, &place) else {
            self.unfit.insert(key.path);
            return;
        };
        if (key.set)(&mut self.settings, value) {
            self.places.insert(key.path, place);
        } else {
            let got = raw.shown();
            let expected = "what this machine can address";
            self.faults.push(ConfigFault::new(&place, key.path, expected, got));
        }
    }

    /// Reads a value; what does not fit leaves a fault.
    pub fn value(&mut self, path: &str, kind: Kind, raw: &Raw, at: &Place) -> Option<Value> {
        match kind.read(raw) {
            Ok(value) => Some(value),
            Err(got) => {
                let fault = ConfigFault::new(at, path, kind.expected(), got);
                let fault = match (kind, raw) {
                    (Kind::Choice(names), Raw::Text(text) | Raw::Variable(text)) => {
                        match nearest(text, names.iter().copied()) {
                            Some(near) => fault.remedy(format!("did you mean {near:?}?")),
                            None => fault,
                        }
                    }
                    (Kind::Path, Raw::Text(text)) if text.contains("-----BEGIN") => {
                        fault.remedy("put it into a file of its own and name that here")
                    }
                    _ => fault,
                };
                self.faults.push(fault);
                None
            }
        }
    }

    /// Whether a key was said.
    pub fn is_said(&self, path: &str) -> bool {
        self.places.contains_key(path)
    }

    /// Where a key was said, or would be.
    pub fn place(&self, path: &str) -> Place {
        let said = self.places.get(path).cloned();
        said.unwrap_or_else(|| self.file.clone().map_or(Place::Nowhere, Place::File))
    }

    /// Adds a fault of a key, unless its value was already found not to fit.
    pub fn fault(&mut self, path: &str, expected: &str, got: impl Into<String>, remedy: &str) {
        if !self.unfit.contains(path) {
            let fault = ConfigFault::new(&self.place(path), path, expected, got);
            self.faults.push(fault.remedy(remedy));
        }
    }
}

fn unknown_variable(place: &Place, name: &str) -> ConfigFault {
    let fault = ConfigFault::new(place, "", "a variable that is known", shown(name));
    let variables: Vec<String> = Key::all().map(Key::variable).collect();
    let known = variables.iter().map(String::as_str).chain(OTHER_VARIABLES.iter().copied());
    let known = known.filter_map(|variable| variable.strip_prefix(PREFIX));
    if let Some(near) = nearest(name.trim_start_matches(PREFIX), known) {
        return fault.remedy(format!("did you mean `{PREFIX}{near}`?"));
    }
    let table = TABLES.iter().map(|(path, _)| *path).find(|path| {
        name.trim_start_matches(PREFIX).starts_with(&path.replace('.', "_").to_uppercase())
    });
    match table {
        Some(path) => fault.remedy(format!("{path} is set in the file only")),
        None => fault.remedy("unset it, or see configuration.md for what there is"),
    }
}
