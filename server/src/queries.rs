//! Questions to the log: so many at once, each with an end.
//!
//! Invariant: a question whose client is gone or whose time is up stops reading. Knows nothing
//! about what is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use shoseki_engine::log::{Cancel, ReadError};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::config::QuerySettings;
use crate::problem::{ErrorCode, Problem};
use crate::telemetry::Metrics;

/// The places for questions.
#[derive(Clone)]
pub struct Queries {
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    waiting_max: usize,
    timeout: Duration,
    metrics: Metrics,
}

/// Stops a question when its client goes.
struct Stop(Cancel);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// One that waits; counted while it does.
struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Queries {
    /// Places as the settings say.
    #[must_use]
    pub fn new(settings: &QuerySettings, metrics: Metrics) -> Self {
        Self {
            places: Arc::new(Semaphore::new(settings.concurrent_max.max(1))),
            waiting: Arc::new(AtomicUsize::new(0)),
            waiting_max: settings.waiting_max,
            timeout: settings.timeout,
            metrics,
        }
    }

    /// Runs a question on a thread of its own.
    ///
    /// # Errors
    /// [`ErrorCode::Busy`], [`ErrorCode::QueryTimeout`], or what the question says.
    pub async fn run<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Cancel) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, Problem> {
        let began = Instant::now();
        let answer = self.answer(question).await;
        let result = match &answer {
            Ok(_) => "done",
            Err(problem) if problem.code == ErrorCode::QueryTimeout => "timeout",
            Err(problem) if problem.code == ErrorCode::Busy => "busy",
            Err(_) => "failed",
        };
        self.metrics.query(result, began.elapsed());
        answer
    }

    async fn answer<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Cancel) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, Problem> {
        let busy =
            || Problem::new(ErrorCode::Busy, "too many questions wait: try again").retry_after(1);
        let waiting = Waiting(Arc::clone(&self.waiting));
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.waiting_max {
            return Err(busy());
        }
        let place = Arc::clone(&self.places).acquire_owned();
        let place = timeout(self.timeout, place).await.map_err(|_| busy())?;
        let place = place.map_err(|error| Problem::internal(&error))?;
        drop(waiting);
        let stop = Stop(Cancel::new());
        let cancel = stop.0.clone();
        let task = tokio::task::spawn_blocking(move || {
            let answer = question(&cancel);
            drop(place);
            answer
        });
        let late = "the question took too long: ask for less, such as a shorter period";
        let late = || Problem::new(ErrorCode::QueryTimeout, late).retry_after(5);
        let answer = timeout(self.timeout, task).await.map_err(|_| late())?;
        drop(stop);
        answer.map_err(|error| Problem::internal(&error))?.map_err(problem)
    }
}

/// What a question that failed is to the client.
#[must_use]
pub fn problem(error: ReadError) -> Problem {
    match error {
        ReadError::Cursor(error) => Problem::new(ErrorCode::RequestCursor, error.to_string()),
        ReadError::NoSuchRecord { .. } => Problem::new(ErrorCode::NotFound, "no such record"),
        ReadError::Cancelled => Problem::new(ErrorCode::QueryTimeout, "the question was stopped"),
        wrong @ (ReadError::NoSuchSize { .. }
        | ReadError::SizesReversed { .. }
        | ReadError::EmptyTree
        | ReadError::TooManyBuckets { .. }) => {
            Problem::new(ErrorCode::RequestParameter, wrong.to_string())
        }
        damaged @ (ReadError::Damaged { .. }
        | ReadError::Checkpoint(_)
        | ReadError::Keys(_)
        | ReadError::NoKeys) => {
            let detail = "stored evidence is damaged: run an integrity check";
            Problem::new(ErrorCode::Damaged, detail).caused_by(damaged)
        }
        other => Problem::internal(&other),
    }
}
