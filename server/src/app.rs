//! The state of the server, and the router on it.
//!
//! Invariant: everything that a handler needs stands here; nothing is global. The log is opened
//! first and closed last.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use shoseki_engine::log::{Log, Reader};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::api::body::Budget;
use crate::api::taken::Untaken;
use crate::api::write_check::WriteChecks;
use crate::audit::SelfAudit;
use crate::config::Settings;
use crate::cursors::Cursors;
use crate::door::DoorRules;
use crate::identity::{Caller, Identities};
use crate::intake::Intake;
use crate::jobs::Jobs;
use crate::queries::Queries;
use crate::telemetry::Metrics;

/// The state, as handlers get it.
pub type Shared = Arc<App>;

/// Everything that a handler needs.
pub struct App {
    /// What was configured.
    pub settings: Settings,
    /// The log: for checkpoints and sealing; records go through the intake.
    pub log: Arc<Log>,
    /// Reads it.
    pub reader: Reader,
    /// The way of records into it.
    pub intake: Intake,
    /// The same for the server's own records.
    pub own_intake: Intake,
    /// Who is known.
    pub identities: Identities,
    /// What the server writes about itself.
    pub audit: SelfAudit,
    /// Places for questions.
    pub queries: Queries,
    /// Bytes of requests that are being taken.
    pub budget: Budget,
    /// Bytes of answers that clients have not taken yet.
    pub untaken: Untaken,
    /// Binds cursors to callers.
    pub cursors: Cursors,
    /// Verifications.
    pub jobs: Jobs,
    /// One verification at a time.
    pub verifying: Semaphore,
    /// When the whole log was verified last, in microseconds since 1970, and with what result.
    pub last_full_pass: Mutex<Option<(i64, String)>>,
    /// The last trial write.
    pub write_checks: WriteChecks,
    /// Counters.
    pub metrics: Metrics,
    /// Work that outlives its request and is finished before the end.
    pub tasks: TaskTracker,
    pub(crate) rules: Rules,
    pub(crate) closing: AtomicBool,
}

/// What the door is told, by producer.
pub(crate) struct Rules {
    usual: DoorRules,
    of_producer: BTreeMap<String, DoorRules>,
}

impl Rules {
    pub(crate) fn new(settings: &Settings) -> Self {
        let usual = DoorRules {
            limits: settings.log.limits,
            records_max: settings.ingest.records_max,
            ..DoorRules::default()
        };
        let own =
            |systems: &Vec<String>| DoorRules { source_systems: systems.clone(), ..usual.clone() };
        let listed = settings.ingest.source_systems.iter();
        let of_producer = listed.map(|(name, systems)| (name.clone(), own(systems))).collect();
        Self { usual, of_producer }
    }
}

impl App {
    /// The rules for the records of a caller.
    #[must_use]
    pub fn door(&self, caller: &Caller) -> &DoorRules {
        self.rules.of_producer.get(caller.subject()).unwrap_or(&self.rules.usual)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub fn now_micros(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn now_seconds(&self) -> i64 {
        self.now_micros() / 1_000_000
    }

    /// Whether the server is about to end.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }
}
