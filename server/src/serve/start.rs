//! From settings to a state: everything that has to be there before anything listens.
//!
//! Invariant: the log is opened, and with it its lock taken, before any key is made.

use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;
use shoseki_engine::log::{Log, OpenError};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::api::body::Budget;
use crate::api::taken::Untaken;
use crate::api::write_check::WriteChecks;
use crate::app::{App, Rules, Shared};
use crate::audit::{SelfAudit, SelfAuditOptions};
use crate::config::Settings;
use crate::cursors::Cursors;
use crate::door::mask_text;
use crate::identity::{DevelopmentToken, Identities, IdentityError, prepare_development};
use crate::intake::Intake;
use crate::jobs::Jobs;
use crate::queries::Queries;
use crate::telemetry::Metrics;

/// A start that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The log can't be opened.
    #[error("the log can't be opened")]
    Log(#[from] OpenError),
    /// Keys or identities can't be used.
    #[error("identities can't be used")]
    Identity(#[from] IdentityError),
    /// A file of the server can't be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Certificates or keys of TLS can't be used.
    #[error("TLS can't be used: {0}")]
    Tls(String),
    /// A socket can't be bound.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// Something else that the process needs.
    #[error("{what}: {why}")]
    Process {
        /// What.
        what: &'static str,
        /// Why.
        why: String,
    },
}

/// File of the secret that binds cursors, in the data directory.
const CURSOR_KEY: &str = "keys/cursors.key";

/// Opens the log and makes the state; the token of the development profile where there is one.
///
/// Must be called inside the runtime.
///
/// # Errors
/// [`StartError`].
pub fn open(settings: Settings) -> Result<(Shared, Option<DevelopmentToken>), StartError> {
    let dir = settings.data_dir.clone();
    let metrics = Metrics::install()
        .map_err(|error| StartError::Process { what: "metrics", why: error.to_string() })?;
    let mut options = settings.log.clone();
    options.observer = Some(Arc::new(metrics.clone()));
    let log = Arc::new(Log::open(&dir, options)?);
    let now = i64::try_from(
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs(),
    )
    .unwrap_or(i64::MAX);
    let token = prepare_development(&settings, now)?;
    let identities = Identities::open(&settings)?;
    let cursors = Cursors::new(&secret(&dir.join(CURSOR_KEY))?);
    let intake = Intake::start(&log, settings.log.queue_len_max, 2)
        .map_err(|error| StartError::Process { what: "threads", why: error.to_string() })?;
    let threads =
        |why: std::io::Error| StartError::Process { what: "threads", why: why.to_string() };
    // Of its own, so that producers can't keep the server from writing who asked.
    let own_intake = Intake::start_own(&log, OWN_QUEUE_LEN).map_err(threads)?;
    let audit_options = SelfAuditOptions { mask: mask_for_audit, ..SelfAuditOptions::default() };
    let audit = SelfAudit::start(own_intake.clone(), &dir, audit_options)
        .map_err(|why| StartError::Process { what: "self-audit", why: why.to_string() })?;
    let app = App {
        reader: log.reader(),
        log,
        intake,
        own_intake,
        identities,
        audit,
        queries: Queries::new(&settings.query, metrics.clone()),
        budget: Budget::new(settings.ingest.in_flight_len_max),
        untaken: Untaken::new(settings.query.untaken_len_max),
        cursors,
        jobs: Jobs::default(),
        verifying: Semaphore::new(1),
        last_full_pass: Mutex::new(None),
        write_checks: WriteChecks::default(),
        metrics,
        tasks: TaskTracker::new(),
        rules: Rules::new(&settings),
        closing: AtomicBool::new(false),
        settings,
    };
    Ok((Arc::new(app), token))
}

/// Bytes of the server's own records that may wait.
const OWN_QUEUE_LEN: usize = 8 << 20;

fn mask_for_audit(text: &str) -> String {
    mask_text(text).map_or_else(|| text.to_owned(), |(masked, _)| masked)
}

/// A secret of 32 bytes that stays the same over restarts.
fn secret(path: &Path) -> Result<[u8; 32], StartError> {
    let file = |source| StartError::File { path: path.to_owned(), source };
    match std::fs::read(path) {
        Ok(bytes) => {
            let wrong = || io::Error::other("expected 32 bytes; remove it to have another made");
            <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| file(wrong()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut secret = [0; 32];
            getrandom::fill(&mut secret)
                .map_err(|error| file(io::Error::other(error.to_string())))?;
            if let Some(dir) = path.parent() {
                std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(file)?;
            }
            let new = path.with_extension("new");
            let mut options = std::fs::OpenOptions::new();
            let mut out = options
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&new)
                .map_err(file)?;
            out.write_all(&secret).and_then(|()| out.sync_all()).map_err(file)?;
            std::fs::rename(&new, path).map_err(file)?;
            Ok(secret)
        }
        Err(error) => Err(file(error)),
    }
}
