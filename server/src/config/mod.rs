//! What the server is told: one TOML file and the environment, validated as a whole.
//!
//! Invariant: [`Settings`] holds only what was checked; nothing else reads a file or a variable.

mod settings;

pub use settings::{
    ClientAuth, ClientRule, IdentitySettings, IngestSettings, Profile, QuerySettings, Settings,
    TlsSettings,
};
