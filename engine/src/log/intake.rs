//! The door: order and time of batches, and the bound on what may wait.
//!
//! A batch gets its place and its `received_at` in one step, is then encoded and hashed by its
//! caller without any lock, and is sequenced in the order of the places: so `received_at` never
//! falls along the log although hashing runs in parallel.
//! Invariant: the bytes that wait are bounded; a place is always filled, with a batch or with its
//! withdrawal.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::Thread;

use parking_lot::{Condvar, Mutex};

use super::batch::EncodedBatch;
use super::dedup::Early;
use super::error::AppendError;
use super::framed::Answer;

/// A caller's place in the order.
pub(crate) struct Slot {
    state: Mutex<State>,
    signal: AtomicU8,
    thread: Thread,
    /// Bytes reserved in the queue.
    len: usize,
}

enum State {
    /// Its caller is still encoding.
    Empty,
    Ready(Box<EncodedBatch>, Box<Early>),
    /// Sequenced, not yet durable.
    Taken,
    /// Its caller gave up; there is nothing to sequence.
    Withdrawn,
    Done(Result<Answer, AppendError>),
}

/// What a waiting caller is woken for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Signal {
    Done,
    /// Lead the next commit.
    Lead,
}

const WAITING: u8 = 0;
const LEAD: u8 = 1;
const DONE: u8 = 2;

impl Slot {
    pub(crate) fn new(len: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::Empty),
            signal: AtomicU8::new(WAITING),
            thread: std::thread::current(),
            len,
        })
    }

    pub(crate) fn fill(&self, batch: EncodedBatch, early: Early) {
        *self.state.lock() = State::Ready(Box::new(batch), Box::new(early));
    }

    pub(crate) fn withdraw(&self) {
        *self.state.lock() = State::Withdrawn;
    }

    /// Answers the caller and wakes it.
    pub(crate) fn complete(&self, result: Result<Answer, AppendError>) {
        *self.state.lock() = State::Done(result);
        self.signal.store(DONE, Ordering::Release);
        self.thread.unpark();
    }

    /// Makes the caller lead the next commit.
    pub(crate) fn lead(&self) {
        self.signal.store(LEAD, Ordering::Release);
        self.thread.unpark();
    }

    /// Waits to be woken.
    pub(crate) fn wait(&self) -> Signal {
        loop {
            match self.signal.load(Ordering::Acquire) {
                DONE => return Signal::Done,
                LEAD => {
                    self.signal.store(WAITING, Ordering::Release);
                    return Signal::Lead;
                }
                _ => std::thread::park(),
            }
        }
    }

    pub(crate) fn take_result(&self) -> Option<Result<Answer, AppendError>> {
        match std::mem::replace(&mut *self.state.lock(), State::Taken) {
            State::Done(result) => Some(result),
            _ => None,
        }
    }
}

/// The queue of places.
pub(crate) struct Intake {
    queue: Mutex<Queue>,
    room: Condvar,
    len_max: usize,
}

struct Queue {
    slots: VecDeque<Arc<Slot>>,
    len: usize,
    last_received_at: i64,
    closed: Option<AppendError>,
}

/// What stands at the front of the queue.
pub(crate) enum Front {
    /// A batch in its turn.
    Batch(Arc<Slot>, Box<EncodedBatch>, Box<Early>),
    /// Nothing, or a batch that is not ready.
    Nothing,
}

impl Intake {
    pub(crate) fn new(len_max: usize, last_received_at: i64) -> Self {
        let queue = Queue { slots: VecDeque::new(), len: 0, last_received_at, closed: None };
        Self { queue: Mutex::new(queue), room: Condvar::new(), len_max }
    }

    /// Takes the next place; `now` is read inside, so that times follow places.
    /// A batch longer than the whole queue is let in alone.
    pub(crate) fn reserve(
        &self,
        len: usize,
        wait: bool,
        now: impl FnOnce() -> i64,
    ) -> Result<(Arc<Slot>, i64), AppendError> {
        let mut queue = self.queue.lock();
        loop {
            if let Some(error) = &queue.closed {
                return Err(error.clone());
            }
            if queue.len == 0 || queue.len + len <= self.len_max {
                break;
            }
            if !wait {
                return Err(AppendError::Busy);
            }
            self.room.wait(&mut queue);
        }
        let received_at = now().max(queue.last_received_at);
        queue.last_received_at = received_at;
        queue.len += len;
        let slot = Slot::new(len);
        queue.slots.push_back(Arc::clone(&slot));
        Ok((slot, received_at))
    }

    /// A time for a frame without records, in order with the batches; `None` while batches hold a
    /// place and thus a time that the frame may not pass.
    pub(crate) fn time(&self, now: i64) -> Option<i64> {
        let mut queue = self.queue.lock();
        if !queue.slots.is_empty() {
            return None;
        }
        queue.last_received_at = queue.last_received_at.max(now);
        Some(queue.last_received_at)
    }

    /// Bytes that wait, and why nothing more is taken, if so.
    pub(crate) fn state(&self) -> (usize, Option<AppendError>) {
        let queue = self.queue.lock();
        (queue.len, queue.closed.clone())
    }

    /// Takes the batch at the front if it is ready.
    pub(crate) fn pop(&self) -> Front {
        let mut queue = self.queue.lock();
        while let Some(slot) = queue.slots.front().map(Arc::clone) {
            let mut state = slot.state.lock();
            match std::mem::replace(&mut *state, State::Taken) {
                State::Ready(batch, early) => {
                    queue.slots.pop_front();
                    drop(state);
                    return Front::Batch(slot, batch, early);
                }
                State::Withdrawn => {
                    queue.slots.pop_front();
                    drop(state);
                    self.release_locked(&mut queue, &slot);
                }
                other => {
                    *state = other;
                    return Front::Nothing;
                }
            }
        }
        Front::Nothing
    }

    fn release_locked(&self, queue: &mut Queue, slot: &Slot) {
        queue.len -= slot.len;
        self.room.notify_all();
    }

    /// Gives the bytes of a batch back, once it is answered.
    pub(crate) fn release(&self, slot: &Slot) {
        let mut queue = self.queue.lock();
        self.release_locked(&mut queue, slot);
    }

    /// Takes every place out, filled or not.
    pub(crate) fn drain(&self) -> VecDeque<Arc<Slot>> {
        std::mem::take(&mut self.queue.lock().slots)
    }

    /// Refuses everything from now on.
    pub(crate) fn close(&self, error: AppendError) {
        self.queue.lock().closed.get_or_insert(error);
        self.room.notify_all();
    }
}
