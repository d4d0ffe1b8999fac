//! Every key of the configuration: what it wants, where it goes, what it is for.
//!
//! Invariant: a key that is not in [`KEYS`] (or one of [`TABLES`]) is a fault; the example file and
//! the document list the same keys with the same defaults, which tests compare.
//! Knows nothing about files and variables.

use super::field::{self, Field};
use super::settings::{ClientAuth, DATA_DIR_DEFAULT, Profile, Settings};
use super::value::{Kind, Value};
use crate::identity::Role;

/// One key.
#[derive(Clone, Copy)]
pub struct Key {
    /// Its sections and its name, joined by dots.
    pub path: &'static str,
    /// What it wants.
    pub kind: Kind,
    /// A value to show, in TOML, where nothing is the default; otherwise the default itself.
    pub shown: &'static str,
    /// What it is for, in one line.
    pub about: &'static str,
    pub(super) value: fn(&Settings) -> Option<Value>,
    pub(super) set: fn(&mut Settings, Value) -> bool,
}

/// Tables whose names or number the file chooses; variables can't set them.
pub const TABLES: &[(&str, &str)] = &[
    ("identity.clients", "what client certificates stand for: certificate, subject, roles, …"),
    ("ingest.source_systems", "`sourceSystem` values by producer; usually server-modernized"),
];

macro_rules! keys {
    ($($path:literal $kind:expr, $shown:literal, $about:literal, $($field:ident).+;)+) => {
        &[$(Key {
            path: $path,
            kind: $kind,
            shown: $shown,
            about: $about,
            value: |settings| Field::value(&settings.$($field).+),
            set: |settings, value| field::set(&mut settings.$($field).+, value),
        }),+]
    };
}

/// Fields of the section `tls`, which is there or not as a whole.
macro_rules! tls_keys {
    ($($path:literal $kind:expr, $shown:literal, $about:literal, $field:ident;)+) => {
        &[$(Key {
            path: $path,
            kind: $kind,
            shown: $shown,
            about: $about,
            value: |settings| settings.tls.as_ref().and_then(|tls| Field::value(&tls.$field)),
            set: |settings, value| {
                field::set(&mut settings.tls.get_or_insert_default().$field, value)
            },
        }),+]
    };
}

macro_rules! network_keys {
    ($($path:literal $role:ident;)+) => {
        &[$(Key {
            path: $path,
            kind: Kind::Networks,
            shown: "[\"10.0.0.0/8\"]",
            about: "Networks from which this role may be used; unset is everywhere.",
            value: |settings| field::networks(&settings.identity.allow_networks, Role::$role),
            set: |settings, value| {
                field::set_networks(&mut settings.identity.allow_networks, Role::$role, value)
            },
        }),+]
    };
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;
/// TOML has no larger integers.
const LARGEST: u64 = i64::MAX.cast_unsigned();
const PROFILES: Kind = Kind::Choice(Profile::NAMES);
const AUTH: Kind = Kind::Choice(ClientAuth::NAMES);

const GENERAL: &[Key] = keys! {
    "profile" PROFILES, "\"development\"",
        "What must be configured before the server starts.", profile;
    "data_dir" Kind::Path, "\"./shoseki-data\"",
        "Where the log is.", data_dir;
    "log.origin" Kind::Origin, "\"clinic.example/audit\"",
        "Name of a log that is made; unset: shoseki.local/ and its id.", log.origin;
    "log.segment_raw_len_max" Kind::Size(KIB, TIB), "\"1GiB\"",
        "Size at which an active file is closed.", log.segment_raw_len_max;
    "log.queue_len_max" Kind::Size(KIB, TIB), "\"64MiB\"",
        "Size of batches that may wait.", log.queue_len_max;
    "log.free_space_reserve" Kind::Size(0, LARGEST), "\"32MiB\"",
        "Space that stays free, a quarter of it of the server's own records too; unset: 32MiB, \
         at most 5 % of the disk.", log.free_space_reserve;
    "log.compression_level" Kind::Count(1, 22), "5",
        "Level of zstd for sealed segments.", log.compression_level;
    "log.idempotency_days" Kind::Count(0, 36_500), "30",
        "Days within which a repeat is recognised.", log.idempotency_days;
    "log.idempotency_records" Kind::Count(0, LARGEST), "100000000",
        "Last records among which a repeat is recognised.", log.idempotency_records;
    "log.cache_len_max" Kind::Size(0, TIB), "\"32MiB\"",
        "Size of decoded records that reads keep.", log.cache_len_max;
    "limits.record_len_max" Kind::Size(KIB, 16 * MIB), "\"256KiB\"",
        "Size of a stored record.", log.limits.record_len_max;
    "limits.detail_depth_max" Kind::Count(1, 64), "64",
        "Levels of `detail`.", log.limits.detail_depth_max;
    "limits.detail_members_max" Kind::Count(0, 10_000), "10000",
        "Members of `detail`, over all levels.", log.limits.detail_members_max;
    "import.producer" Kind::Text, "\"import\"",
        "Name under which imported records stand.", import.producer;
    "import.facility" Kind::Text, "\"clinic-1\"",
        "`facility_id` of imported events that name none.", import.facility;
    "masking.enabled" Kind::Flag, "false",
        "Whether personal data is masked; must be said outside of development.", masking;
};

const SERVER: &[Key] = keys! {
    "server.listen" Kind::Address, "\"127.0.0.1:8080\"",
        "Where clients come.", listen;
    "server.admin_listen" Kind::Address, "\"127.0.0.1:8081\"",
        "Health and metrics; unset: with `listen` in development, otherwise as shown.",
        admin_listen;
    "server.public_url" Kind::Url, "\"https://audit.clinic.example\"",
        "Base of absolute URLs.", public_url;
    "server.trusted_proxies" Kind::Networks, "[]",
        "Who may say for whom a request comes (Forwarded, X-Forwarded-For).", trusted_proxies;
    "server.cors_origins" Kind::WebOrigins, "[]",
        "Origins of browsers that may call; none turns CORS off.", cors_origins;
    "server.public_tiles" Kind::Flag, "true",
        "Whether /checkpoint and /tile need no token.", public_tiles;
    "server.connections_max" Kind::Count(1, 1_000_000), "1024",
        "Connections at once; for one more, the longest idle makes room.", connections_max;
    "server.shutdown_timeout" Kind::Time(1, 600), "\"10s\"",
        "How long the end may take.", shutdown_timeout;
};

const TLS: &[Key] = tls_keys! {
    "tls.certificate" Kind::Path, "\"/etc/shoseki/server.crt\"",
        "Certificate chain (PEM).", certificate;
    "tls.key" Kind::Path, "\"/etc/shoseki/server.key\"",
        "Its private key (PEM), readable by nobody else.", key;
    "tls.client_auth" AUTH, "\"off\"",
        "Whether clients show certificates.", client_auth;
    "tls.client_ca" Kind::Path, "\"/etc/shoseki/clients.crt\"",
        "Authorities of client certificates (PEM).", client_ca;
};

const IDENTITY: &[Key] = keys! {
    "identity.issuer" Kind::Text, "\"shoseki-development\"",
        "`iss` that tokens must have.", identity.issuer;
    "identity.audience" Kind::Text, "\"shoseki\"",
        "`aud` that tokens must have.", identity.audience;
    "identity.keys" Kind::Path, "\"./shoseki-data/keys/tokens.jwks\"",
        "Public keys of tokens, a JWK set; unset: in the data directory.", identity.keys;
    "identity.roles_claim" Kind::Text, "\"roles\"",
        "Where the roles are in a token: names joined by dots.", identity.roles_claim;
    "identity.facilities_claim" Kind::Text, "\"facilities\"",
        "Where the facilities are in a token.", identity.facilities_claim;
    "identity.lifetime_max" Kind::Time(1, 8_760 * 3_600), "\"24h\"",
        "Longest lifetime of a token; unset: any in development, otherwise as shown.",
        identity.lifetime_max;
    "identity.leeway" Kind::Time(0, 300), "\"60s\"",
        "How much clocks may differ.", identity.leeway;
    "identity.deny_list" Kind::Path, "\"/etc/shoseki/denied.json\"",
        "`jti`, `sub` and `kid` that are refused.", identity.deny_list;
    "identity.admin_may_audit" Kind::Flag, "true",
        "Whether one subject may be admin and auditor; outside of development false.",
        identity.admin_may_audit;
};

const NETWORKS: &[Key] = network_keys! {
    "identity.allow_networks.writer" Writer;
    "identity.allow_networks.auditor" Auditor;
    "identity.allow_networks.operator" Operator;
    "identity.allow_networks.compliance" Compliance;
    "identity.allow_networks.admin" Admin;
};

const WORK: &[Key] = keys! {
    "ingest.body_len_max" Kind::Size(KIB, GIB), "\"16MiB\"",
        "Size of a request, decompressed; of a stream, of one line.", ingest.body_len_max;
    "ingest.in_flight_len_max" Kind::Size(KIB, TIB), "\"64MiB\"",
        "Size of all requests that are being taken.", ingest.in_flight_len_max;
    "ingest.records_max" Kind::Count(1, 500), "500",
        "Records of an array.", ingest.records_max;
    "ingest.body_timeout" Kind::Time(1, 3_600), "\"30s\"",
        "How long a body, or the next part of a stream, may take.", ingest.body_timeout;
    "ingest.accept_valid" Kind::Texts, "[]",
        "Producers whose arrays are taken record by record.", ingest.accept_valid;
    "query.concurrent_max" Kind::Count(1, 1_024), "4",
        "Questions that run at once.", query.concurrent_max;
    "query.waiting_max" Kind::Count(0, 100_000), "64",
        "Questions that may wait to run.", query.waiting_max;
    "query.timeout" Kind::Time(1, 3_600), "\"30s\"",
        "How long one may take.", query.timeout;
    "query.untaken_len_max" Kind::Size(MIB, TIB), "\"128MiB\"",
        "Size of long answers that clients have not taken yet, all together.",
        query.untaken_len_max;
};

/// Keys whose default follows from others: from `data_dir`, and from the profile.
const FOLLOWING: &[&str] = &["identity.keys", "identity.admin_may_audit"];

/// All keys, section by section.
pub const KEYS: &[&[Key]] = &[GENERAL, SERVER, TLS, IDENTITY, NETWORKS, WORK];

impl Key {
    /// All keys.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        KEYS.iter().copied().flatten()
    }

    /// The key of this path.
    #[must_use]
    pub fn find(path: &str) -> Option<&'static Self> {
        Self::all().find(|key| key.path == path)
    }

    /// The variable that sets it.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.path.replace('.', "_").to_uppercase())
    }

    /// Its section and its name; the section is empty at the top.
    #[must_use]
    pub fn split(&self) -> (&'static str, &'static str) {
        self.path.rsplit_once('.').unwrap_or(("", self.path))
    }

    /// Whether its default is a value that does not follow from other keys; `shown` is it then.
    #[must_use]
    pub fn has_default(&self) -> bool {
        let settings = Settings::development(DATA_DIR_DEFAULT.as_ref());
        !FOLLOWING.contains(&self.path) && (self.value)(&settings).is_some()
    }

    /// What these settings have for it; `None` where it is unset.
    #[must_use]
    pub fn value_in(&self, settings: &Settings) -> Option<Value> {
        (self.value)(settings)
    }
}

/// What all variables of the project begin with.
pub const PREFIX: &str = "SHOSEKI_";

/// Variables that set no key: of the command line, and of the tests.
pub const OTHER_VARIABLES: &[&str] = &[
    "SHOSEKI_CONFIG",
    "SHOSEKI_ACCEPT",
    "SHOSEKI_BIN",
    "SHOSEKI_DEEP",
    "SHOSEKI_FUZZ_BINARY",
    "SHOSEKI_FUZZ_JOBS",
    "SHOSEKI_FUZZ_SECONDS",
    "SHOSEKI_FUZZ_SEEDS",
    "SHOSEKI_FUZZ_TARGET",
    "SHOSEKI_FUZZ_WORK",
    "SHOSEKI_HOSTILE",
    "SHOSEKI_HOSTILE_RECORDS",
    "SHOSEKI_REQUIRE_TESTDATA",
    "SHOSEKI_ROOT",
    "SHOSEKI_SCHEDULES",
    "SHOSEKI_SEED",
    "SHOSEKI_TESTDATA",
    "SHOSEKI_TOKEN",
    "SHOSEKI_TOKEN_FILE",
    "SHOSEKI_WRITE_DOC",
];
