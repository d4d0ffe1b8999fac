//! The way of records into the log: requests wait together, so that they share one sync.
//!
//! Invariant: what waits is bounded in bytes; beyond it a request is refused at once. A request is
//! in the log as a whole or not at all, and every one that was taken is answered, also while the
//! server ends.
//! Knows nothing about HTTP and about what the records say.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};
use shoseki_engine::log::{AppendError, Appended, Batch, Log};
use shoseki_engine::record::Producer;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Bytes that one thread takes at once, so that the other has something to do too.
const TAKEN_LEN_MAX: usize = 4 << 20;

/// Takes records for the log; copies share the queue.
#[derive(Clone)]
pub struct Intake {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Queue>,
    ready: Condvar,
    len_max: usize,
    append: Append,
    /// Where the callers wait, if that is known.
    runtime: Option<Handle>,
}

/// How the log takes batches.
type Append = fn(&Log, Vec<(Option<Producer>, Batch)>) -> Vec<Answer>;

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// Bytes of what waits and of what is being appended.
    len: usize,
    closed: bool,
    threads: Vec<JoinHandle<()>>,
}

struct Waiting {
    producer: Option<Producer>,
    batch: Batch,
    len: usize,
    answer: oneshot::Sender<Answer>,
}

type Answer = Result<Appended, AppendError>;

impl Intake {
    /// Starts so many threads: with two, one encodes and hashes while the other waits for the
    /// disk. At most `len_max` bytes wait.
    ///
    /// # Errors
    /// What the operating system says of a thread that can't be started.
    pub fn start(log: &Arc<Log>, len_max: usize, threads: usize) -> std::io::Result<Self> {
        Self::start_with(log, len_max, threads, Log::append_all)
    }

    /// The same with one thread, for the server's own records, which go into the free-space
    /// reserve too.
    ///
    /// # Errors
    /// As [`Intake::start`].
    pub fn start_own(log: &Arc<Log>, len_max: usize) -> std::io::Result<Self> {
        Self::start_with(log, len_max, 1, Log::append_own)
    }

    fn start_with(
        log: &Arc<Log>,
        len_max: usize,
        threads: usize,
        append: Append,
    ) -> std::io::Result<Self> {
        let queue = Mutex::new(Queue::default());
        let shared = Arc::new(Shared {
            queue,
            ready: Condvar::new(),
            len_max,
            append,
            runtime: Handle::try_current().ok(),
        });
        for number in 0..threads {
            // The threads alone hold the log, so that it can be closed once they ended.
            let (of_thread, log) = (Arc::clone(&shared), Arc::clone(log));
            let thread = std::thread::Builder::new()
                .name(format!("intake-{number}"))
                .spawn(move || of_thread.work(&log))?;
            shared.queue.lock().threads.push(thread);
        }
        Ok(Self { shared })
    }

    /// Appends a batch; answers when it is durable. `len` is about what it takes in memory.
    ///
    /// # Errors
    /// [`AppendError`]: [`AppendError::Busy`] at once where too much waits.
    pub async fn append(
        &self,
        producer: Option<Producer>,
        batch: impl Into<Batch>,
        len: usize,
    ) -> Result<Appended, AppendError> {
        let receiver = self.put(producer, batch.into(), len)?;
        // The sender is dropped without an answer only where a thread died.
        receiver.await.unwrap_or(Err(AppendError::Closed))
    }

    fn put(
        &self,
        producer: Option<Producer>,
        batch: Batch,
        len: usize,
    ) -> Result<oneshot::Receiver<Answer>, AppendError> {
        let (answer, receiver) = oneshot::channel();
        let mut queue = self.shared.queue.lock();
        if queue.closed {
            return Err(AppendError::Closed);
        }
        // What is longer than the whole queue goes in alone.
        if queue.len > 0 && queue.len.saturating_add(len) > self.shared.len_max {
            return Err(AppendError::Busy);
        }
        queue.len += len;
        queue.waiting.push_back(Waiting { producer, batch, len, answer });
        drop(queue);
        self.shared.ready.notify_one();
        Ok(receiver)
    }

    /// Requests that wait, and the bytes of all that were taken and are not answered yet.
    #[must_use]
    pub fn depth(&self) -> (usize, usize) {
        let queue = self.shared.queue.lock();
        (queue.waiting.len(), queue.len)
    }

    /// Takes no more, appends what was taken and ends the threads.
    pub fn close(&self) {
        let threads = {
            let mut queue = self.shared.queue.lock();
            queue.closed = true;
            std::mem::take(&mut queue.threads)
        };
        self.shared.ready.notify_all();
        for thread in threads {
            // A panic there was reported by the panic hook, and its requests were answered.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn work(&self, log: &Log) {
        while let Some(taken) = self.take() {
            let len: usize = taken.iter().map(|waiting| waiting.len).sum();
            let mut answers = Vec::with_capacity(taken.len());
            let mut batches = Vec::with_capacity(taken.len());
            for Waiting { producer, batch, answer, .. } in taken {
                answers.push(answer);
                batches.push((producer, batch));
            }
            let append = || (self.append)(log, batches);
            let results = catch_unwind(AssertUnwindSafe(append)).unwrap_or_default();
            let mut results = results.into_iter();
            self.queue.lock().len -= len;
            let mut answered = Vec::with_capacity(answers.len());
            for answer in answers {
                let missing = || Err(AppendError::Poisoned("appending panicked".into()));
                answered.push((answer, results.next().unwrap_or_else(missing)));
            }
            self.answer(answered);
        }
    }

    /// Tells the callers. Waking each of them from here would cost a system call for many; inside
    /// the runtime it costs none.
    fn answer(&self, answered: Vec<(oneshot::Sender<Answer>, Answer)>) {
        let several = answered.len() > 1;
        let tell = move || {
            for (answer, result) in answered {
                // Whoever asked may have gone; the record is in the log all the same.
                let _ = answer.send(result);
            }
        };
        match &self.runtime {
            Some(runtime) if several => drop(runtime.spawn(async move { tell() })),
            _ => tell(),
        }
    }

    /// Waits for requests; `None` where nothing comes any more.
    fn take(&self) -> Option<Vec<Waiting>> {
        let mut queue = self.queue.lock();
        while queue.waiting.is_empty() {
            if queue.closed {
                return None;
            }
            self.ready.wait(&mut queue);
        }
        let (mut taken, mut len) = (Vec::new(), 0);
        while let Some(next) = queue.waiting.front() {
            if !taken.is_empty() && len + next.len > TAKEN_LEN_MAX {
                self.ready.notify_one();
                break;
            }
            len += next.len;
            taken.extend(queue.waiting.pop_front());
        }
        Some(taken)
    }
}
