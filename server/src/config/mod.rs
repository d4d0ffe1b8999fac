//! What the server is told: one TOML file and the environment, validated as a whole.
//!
//! Invariant: [`Settings`] holds only what was checked; nothing else reads a file or a variable.

mod checks;
mod document;
mod draft;
mod fault;
mod field;
mod files;
mod keys;
mod profile;
mod settings;
mod sources;
mod value;
mod web;

pub use fault::{ConfigFault, Place};
pub use keys::{KEYS, Key, OTHER_VARIABLES, TABLES};
pub use settings::{
    ClientAuth, ClientRule, DATA_DIR_DEFAULT, IdentitySettings, ImportSettings, IngestSettings,
    Profile, QuerySettings, Settings, TlsSettings,
};
pub use sources::Sources;
pub use value::{Kind, Value};
