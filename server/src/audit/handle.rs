//! Writing events: before an answer, or beside it.
//!
//! Invariant: [`SelfAudit::access`] gives its word only when the record is durable in the log or in
//! the side file; [`SelfAudit::note`] never waits and never fails, and counts what it drops.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use shoseki_engine::log::{AppendError, ErrorClass};
use shoseki_engine::record::{AuditId, InvalidProducer, Producer, Record, Timestamp};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::event::{Event, SERVER};
use super::pending::{Pending, PendingError};
use super::sessions::{Due, PageSeen, Question, Sessions};
use super::summary::Summary;
use crate::correlation::Correlation;
use crate::identity::Role;
use crate::intake::Intake;
use crate::problem::{ErrorCode, Problem};
use crate::telemetry;

/// Events that may wait to be written beside answers.
const QUEUE_MAX: usize = 1_024;
/// Most records that are written together.
const BATCH_MAX: usize = 64;
/// How often it is looked whether something is due.
const TICK: Duration = Duration::from_secs(5);
/// About what a record takes in memory, beside its detail.
const RECORD_LEN: usize = 512;

/// Microseconds since 1970.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How self-audit works.
#[derive(Clone)]
pub struct SelfAuditOptions {
    /// What time it is.
    pub clock: Clock,
    /// Masks a text that came from a client, before it is written.
    pub mask: fn(&str) -> String,
}

impl Default for SelfAuditOptions {
    /// The clock of the machine, and no masking.
    fn default() -> Self {
        Self { clock: Arc::new(system_micros), mask: str::to_owned }
    }
}

fn system_micros() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(i64::MAX)
}

/// Why self-audit could not be started.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The server's name is no producer.
    #[error("the server's name is no producer")]
    Producer(#[from] InvalidProducer),
    /// The clock is outside of the years that a record can have.
    #[error("the clock is outside of the years 1970 to 2199")]
    Clock,
}

/// Writes the server's own records; copies share everything.
#[derive(Clone)]
pub struct SelfAudit {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    intake: Intake,
    producer: Producer,
    /// Stands in for a clock that went where no record can be.
    started: Timestamp,
    options: SelfAuditOptions,
    pending: Arc<Pending>,
    pub(super) summary: Mutex<Summary>,
    sessions: Mutex<Sessions>,
    queue: mpsc::Sender<Event>,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl SelfAudit {
    /// Starts the task that writes what is noted; needs a runtime. `data_dir` is where the side
    /// file goes. Best with an intake of its own, which producers can't fill.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(
        intake: Intake,
        data_dir: &Path,
        options: SelfAuditOptions,
    ) -> Result<Self, StartError> {
        let started = Timestamp::from_unix_micros((options.clock)()).ok_or(StartError::Clock)?;
        let (queue, receiver) = mpsc::channel(QUEUE_MAX);
        let shared = Arc::new(Shared {
            intake,
            producer: Producer::new(SERVER)?,
            started,
            options,
            pending: Arc::new(Pending::new(data_dir)),
            summary: Mutex::new(Summary::new()),
            sessions: Mutex::new(Sessions::default()),
            queue,
            stop: CancellationToken::new(),
            task: Mutex::new(None),
        });
        let this = Self { shared };
        let task = tokio::spawn(this.clone().work(receiver));
        *this.shared.task.lock() = Some(task);
        Ok(this)
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Brings what was noted beside the log into it; to be called before anything is answered.
    /// Gives the number of records.
    ///
    /// # Errors
    /// [`PendingError`]; then nothing is lost, and the next start tries again.
    pub async fn recover(&self) -> Result<usize, PendingError> {
        let pending = Arc::clone(&self.shared.pending);
        let read = move || pending.read();
        let Some(records) = blocking(read).await? else { return Ok(0) };
        let count = records.len();
        for batch in records.chunks(BATCH_MAX) {
            self.shared.append(batch.to_vec()).await?;
        }
        let pending = Arc::clone(&self.shared.pending);
        blocking(move || pending.remove()).await?;
        Ok(count)
    }

    /// Writes an event; it is durable when this returns.
    ///
    /// # Errors
    /// [`AppendError`]; nothing was written.
    pub async fn record(&self, event: Event) -> Result<(), AppendError> {
        let record = self.shared.record_of(event).map_err(|()| invalid())?;
        self.shared.append(vec![record]).await
    }

    /// Writes an event of an access before it is answered. Where the log takes no records and
    /// stays so, an access of an auditor or operator is noted in the side file instead.
    ///
    /// # Errors
    /// A [`Problem`] to answer: the access may not be answered.
    pub async fn access(&self, event: Event, correlation: &Correlation) -> Result<(), Problem> {
        let failed = |cause: &dyn std::fmt::Display| {
            Problem::new(ErrorCode::AuditFailed, "The access can't be recorded")
                .retry_after(1)
                .caused_by(cause)
        };
        let mut record =
            self.shared.record_of(event).map_err(|()| failed(&"the event is no record"))?;
        let error = match self.shared.append(vec![record.clone()]).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let stays =
            matches!(error.class(), ErrorClass::Full | ErrorClass::Failed | ErrorClass::Damaged)
                && !matches!(error, AppendError::Closed);
        let roles = correlation.caller().map(|caller| caller.roles);
        let trusted =
            roles.is_some_and(|roles| roles.has(Role::Auditor) || roles.has(Role::Operator));
        if !stays || !trusted {
            return Err(failed(&error));
        }
        record.audit_id = Some(new_id(self.shared.now()).map_err(|e| failed(&e))?);
        let pending = Arc::clone(&self.shared.pending);
        blocking(move || pending.note(&record)).await.map_err(|e| failed(&e))?;
        telemetry::self_audit_pending();
        Ok(())
    }

    /// Audits a page of a question, before it is answered.
    ///
    /// # Errors
    /// A [`Problem`] to answer: the page may not be answered.
    pub async fn query(
        &self,
        correlation: &Correlation,
        question: &Question,
        page: PageSeen,
    ) -> Result<(), Problem> {
        let mut question = question.clone();
        for (_, value) in &mut question.parameters {
            *value = (self.shared.options.mask)(value);
        }
        let now = self.shared.now();
        let due = self.shared.sessions.lock().page(correlation, &question, page, now);
        let Due { before, beside } = due;
        beside.into_iter().for_each(|event| self.note(event));
        let Some(event) = before else { return Ok(()) };
        let opens = event.detail().get("phase").is_some_and(|phase| phase == "open");
        self.access(event, correlation).await?;
        if opens {
            let evicted = self.shared.sessions.lock().opened(correlation, &question, page, now);
            if let Some(event) = evicted {
                self.note(event);
            }
        }
        Ok(())
    }

    /// Writes an event beside the answer: at once taken or dropped, and then counted.
    pub fn note(&self, event: Event) {
        let dropped = match self.shared.queue.try_send(event) {
            Ok(()) => return,
            Err(mpsc::error::TrySendError::Full(_)) => "queue",
            Err(mpsc::error::TrySendError::Closed(_)) => "closed",
        };
        self.shared.dropped(dropped, 1);
    }

    /// Writes what a minute, or the time of a session, has made due.
    pub async fn tick(&self) {
        self.flush(false).await;
    }

    /// Writes everything that waits and everything that was counted, and ends the task. To be
    /// called once no request is answered any more, before the intake is closed.
    pub async fn close(&self) {
        self.shared.stop.cancel();
        let task = self.shared.task.lock().take();
        if let Some(task) = task {
            // A panic there was reported by the panic hook.
            let _ = task.await;
        }
    }

    async fn work(self, mut receiver: mpsc::Receiver<Event>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut events = Vec::with_capacity(BATCH_MAX);
        loop {
            tokio::select! {
                () = self.shared.stop.cancelled() => break,
                _ = receiver.recv_many(&mut events, BATCH_MAX) => {
                    self.write(std::mem::take(&mut events)).await;
                }
                _ = ticks.tick() => self.tick().await,
            }
        }
        receiver.close();
        while receiver.recv_many(&mut events, BATCH_MAX).await > 0 {
            self.write(std::mem::take(&mut events)).await;
        }
        self.flush(true).await;
    }

    async fn flush(&self, all: bool) {
        let now = self.shared.now();
        let mut events = self.shared.sessions.lock().take(now, all);
        events.extend(self.shared.summary.lock().take(now, all));
        self.write(events).await;
    }

    /// Writes events in batches; those that can't be written are counted.
    async fn write(&self, events: Vec<Event>) {
        let mut records = Vec::with_capacity(events.len());
        for event in events {
            match self.shared.record_of(event) {
                Ok(record) => records.push(record),
                Err(()) => self.shared.dropped("invalid", 1),
            }
        }
        for batch in records.chunks(BATCH_MAX) {
            if let Err(error) = self.shared.append(batch.to_vec()).await {
                let reason = match error.class() {
                    ErrorClass::Full => "full",
                    ErrorClass::Busy => "busy",
                    _ => "failed",
                };
                self.shared.dropped(reason, batch.len() as u64);
            }
        }
    }
}

impl Shared {
    pub(super) fn now(&self) -> Timestamp {
        let micros = (self.options.clock)();
        Timestamp::from_unix_micros(micros).unwrap_or(self.started)
    }

    pub(super) fn mask(&self, text: &str) -> String {
        (self.options.mask)(text)
    }

    fn record_of(&self, event: Event) -> Result<Record, ()> {
        event.into_record(self.now()).map_err(|error| {
            tracing::error!(%error, "an event of self-audit is no record");
        })
    }

    async fn append(&self, records: Vec<Record>) -> Result<(), AppendError> {
        let len = |record: &Record| {
            RECORD_LEN + record.detail.as_ref().map_or(0, |detail| detail.as_bytes().len())
        };
        let len = records.iter().map(len).sum();
        let producer = Some(self.producer.clone());
        self.intake.append(producer, records, len).await.map(|_| ())
    }

    fn dropped(&self, reason: &'static str, count: u64) {
        telemetry::self_audit_dropped(reason, count);
        self.summary.lock().dropped(count, self.now());
    }
}

fn invalid() -> AppendError {
    AppendError::Invalid(Vec::new())
}

/// A UUIDv7 of ours: a noted record has its id before it is in the log.
fn new_id(now: Timestamp) -> Result<AuditId, getrandom::Error> {
    let mut random = [0; 10];
    getrandom::fill(&mut random)?;
    let ms = u64::try_from(now.unix_micros() / 1_000).unwrap_or_default();
    Ok(AuditId::v7(ms, random))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(e) => Err(std::io::Error::other(e)),
    }
}
