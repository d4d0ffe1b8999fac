//! The settings as the rest of the server sees them.
//!
//! Invariant: [`Settings::development`] is what CONTRACT 4 says of a start with nothing configured:
//! loopback only, keys and a token of its own. Knows nothing about files and variables.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use shoseki_engine::log::LogOptions;

use crate::identity::Role;

/// Data directory where nothing names one.
pub const DATA_DIR_DEFAULT: &str = "./shoseki-data";

/// For what the server runs: how much must be configured before it starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    /// Nothing is needed; never beyond loopback without TLS and identities.
    Development,
    /// As production, on a machine that tests.
    Ci,
    /// As production, before it.
    Staging,
    /// Everything is needed and checked.
    Production,
}

/// Everything that can be set.
#[derive(Clone)]
pub struct Settings {
    /// For what it runs.
    pub profile: Profile,
    /// Where the log is.
    pub data_dir: PathBuf,
    /// How the log is opened.
    pub log: LogOptions,
    /// Where clients come.
    pub listen: SocketAddr,
    /// Where health and metrics are; `None` leaves them to `listen` (development only).
    pub admin_listen: Option<SocketAddr>,
    /// Base of absolute URLs; the `Host` of a request never is.
    pub public_url: Option<String>,
    /// TLS of `listen`; `None` is plain HTTP (loopback only).
    pub tls: Option<TlsSettings>,
    /// Who may say for whom a request comes (`Forwarded`, `X-Forwarded-For`).
    pub trusted_proxies: Vec<IpNet>,
    /// Origins of browsers that may call; none turns CORS off.
    pub cors_origins: Vec<String>,
    /// Who is known.
    pub identity: IdentitySettings,
    /// How records come in.
    pub ingest: IngestSettings,
    /// How questions are answered.
    pub query: QuerySettings,
    /// Whether `/checkpoint` and `/tile` need no token.
    pub public_tiles: bool,
    /// Connections at once; for one more, the longest idle makes room, and where all are busy, it
    /// waits.
    pub connections_max: usize,
    /// How long a client may take for the head of a request, the pause before it included, and how
    /// long it may leave an answer untaken.
    pub client_patience: Duration,
    /// How long the end may take: what is taken is finished within it.
    pub shutdown_timeout: Duration,
    /// How trails are imported.
    pub import: ImportSettings,
    /// Whether personal data is masked; `None` says nothing (development only, and off).
    pub masking: Option<bool>,
}

/// How trails are imported.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ImportSettings {
    /// Name under which imported records stand.
    pub producer: Option<String>,
    /// `facility_id` of events that name none.
    pub facility: Option<String>,
}

/// TLS 1.3, nothing older.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TlsSettings {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Authorities of client certificates, PEM.
    pub client_ca: Option<PathBuf>,
    /// Whether clients show certificates.
    pub client_auth: ClientAuth,
}

/// Whether clients show certificates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ClientAuth {
    /// They are not asked.
    #[default]
    Off,
    /// They may.
    Optional,
    /// They must.
    Required,
}

/// Who is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdentitySettings {
    /// `iss` that tokens must have.
    pub issuer: String,
    /// `aud` that tokens must have.
    pub audience: String,
    /// Public keys of tokens: a JWK set (RFC 7517), read anew when it changes.
    pub keys: PathBuf,
    /// Where the roles are in a token: names joined by dots.
    pub roles_claim: String,
    /// Where the facilities are in a token.
    pub facilities_claim: String,
    /// Longest lifetime of a token; `None` in development.
    pub lifetime_max: Option<Duration>,
    /// Clocks may differ so much.
    pub leeway: Duration,
    /// `jti`, `sub` and `kid` that are refused; read anew when it changes.
    pub deny_list: Option<PathBuf>,
    /// What client certificates stand for.
    pub clients: Vec<ClientRule>,
    /// Networks from which a role may be used; a role without an entry from everywhere.
    pub allow_networks: BTreeMap<Role, Vec<IpNet>>,
    /// Whether one subject may be admin and auditor at once.
    pub admin_may_audit: bool,
}

/// What a client certificate stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientRule {
    /// Its subject as RFC 4514 text, or a SAN as `dns:…`, `uri:…` or `email:…`.
    pub certificate: String,
    /// Name of the caller.
    pub subject: String,
    /// Its roles.
    pub roles: Vec<Role>,
    /// Its facilities; `*` is all.
    pub facilities: Vec<String>,
}

/// How records come in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IngestSettings {
    /// Bytes of a request after decompression; of an NDJSON stream, of one line.
    pub body_len_max: usize,
    /// Bytes of all requests that are being taken.
    pub in_flight_len_max: usize,
    /// Records of an array.
    pub records_max: usize,
    /// How long a body may take to come; of a stream, the next part of it.
    pub body_timeout: Duration,
    /// `sourceSystem` values that each producer may send; a producer without an entry has
    /// `server-modernized`.
    pub source_systems: BTreeMap<String, Vec<String>>,
    /// Producers whose arrays are taken record by record instead of all or nothing.
    pub accept_valid: Vec<String>,
}

/// How questions are answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuerySettings {
    /// Questions that run at once.
    pub concurrent_max: usize,
    /// Questions that may wait to run.
    pub waiting_max: usize,
    /// How long one may take.
    pub timeout: Duration,
    /// Bytes of long answers that clients have not taken yet, all together.
    pub untaken_len_max: usize,
}

impl Profile {
    /// Names in the configuration.
    pub const NAMES: &[&str] = &["development", "ci", "staging", "production"];

    /// Its name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Ci => "ci",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    /// The profile of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Development, Self::Ci, Self::Staging, Self::Production]
            .into_iter()
            .find(|profile| profile.as_str() == name)
    }
}

impl ClientAuth {
    /// Names in the configuration.
    pub const NAMES: &[&str] = &["off", "optional", "required"];

    /// Its name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }

    /// The value of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Off, Self::Optional, Self::Required].into_iter().find(|it| it.as_str() == name)
    }
}

impl Settings {
    /// What a start with nothing configured does.
    #[must_use]
    pub fn development(data_dir: &Path) -> Self {
        Self {
            profile: Profile::Development,
            data_dir: data_dir.to_owned(),
            log: LogOptions::default(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            admin_listen: None,
            public_url: None,
            tls: None,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            identity: IdentitySettings::development(data_dir),
            ingest: IngestSettings::default(),
            query: QuerySettings::default(),
            public_tiles: true,
            connections_max: 1024,
            client_patience: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(10),
            import: ImportSettings::default(),
            masking: None,
        }
    }
}

impl IdentitySettings {
    /// Keys that are made at the first start, in the data directory.
    #[must_use]
    pub fn development(data_dir: &Path) -> Self {
        Self {
            issuer: "shoseki-development".to_owned(),
            audience: "shoseki".to_owned(),
            keys: data_dir.join("keys/tokens.jwks"),
            roles_claim: "roles".to_owned(),
            facilities_claim: "facilities".to_owned(),
            lifetime_max: None,
            leeway: Duration::from_secs(60),
            deny_list: None,
            clients: Vec::new(),
            allow_networks: BTreeMap::new(),
            admin_may_audit: true,
        }
    }
}

impl Default for IngestSettings {
    fn default() -> Self {
        Self {
            body_len_max: 16 << 20,
            in_flight_len_max: 64 << 20,
            records_max: 500,
            body_timeout: Duration::from_secs(30),
            source_systems: BTreeMap::new(),
            accept_valid: Vec::new(),
        }
    }
}

impl Default for QuerySettings {
    fn default() -> Self {
        Self {
            concurrent_max: 4,
            waiting_max: 64,
            timeout: Duration::from_secs(30),
            untaken_len_max: 128 << 20,
        }
    }
}
