//! Work that outlives its request: verifications.
//!
//! Invariant: only its requester (or another who may verify the whole log) sees a job; so many run,
//! so many are remembered. Jobs end with the process: a verification can be asked for again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use shoseki_engine::types::to_hex;

use crate::documents::Verdict;
use crate::problem::{ErrorCode, Problem};

/// Jobs that are remembered.
const JOBS_MAX: usize = 100;
/// Jobs that run or wait at once.
const OPEN_MAX: usize = 4;

/// The jobs.
#[derive(Default)]
pub struct Jobs {
    jobs: Mutex<VecDeque<Arc<Job>>>,
}

/// One verification.
pub struct Job {
    /// Its name in URLs.
    pub id: String,
    /// Who asked for it.
    pub subject: String,
    /// What was asked, as JSON.
    pub asked: serde_json::Value,
    /// Steps done.
    pub done: AtomicU64,
    /// Steps in all; 0 where that is not known yet.
    pub total: AtomicU64,
    state: Mutex<State>,
}

/// Where a job stands.
#[derive(Clone)]
pub enum State {
    /// It waits for its turn.
    Queued,
    /// It runs.
    Running,
    /// It is done.
    Succeeded(Arc<Verdict>),
    /// It could not be done.
    Failed(String),
}

impl Job {
    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state.lock().clone()
    }

    /// Says where it stands.
    pub fn set(&self, state: State) {
        *self.state.lock() = state;
    }

    /// Whether it still has something to do.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(*self.state.lock(), State::Queued | State::Running)
    }

    /// Part of it that is done, 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    pub fn progress(&self) -> f64 {
        let (done, total) = (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed));
        if total == 0 { 0.0 } else { (done as f64 / total as f64).min(1.0) }
    }
}

impl Jobs {
    /// A new job.
    ///
    /// # Errors
    /// [`ErrorCode::Busy`] where too many are open.
    pub fn add(&self, subject: &str, asked: serde_json::Value) -> Result<Arc<Job>, Problem> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| Problem::internal(&error))?;
        let mut jobs = self.jobs.lock();
        if jobs.iter().filter(|job| job.is_open()).count() >= OPEN_MAX {
            let detail = "too many verifications run: try again";
            return Err(Problem::new(ErrorCode::Busy, detail).retry_after(30));
        }
        while jobs.len() >= JOBS_MAX {
            let ended = jobs.iter().position(|job| !job.is_open()).unwrap_or(0);
            jobs.remove(ended);
        }
        let job = Arc::new(Job {
            id: to_hex(&random),
            subject: subject.to_owned(),
            asked,
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            state: Mutex::new(State::Queued),
        });
        jobs.push_back(Arc::clone(&job));
        Ok(job)
    }

    /// A job by its name.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Arc<Job>> {
        self.jobs.lock().iter().find(|job| job.id == id).cloned()
    }
}
