//! Threads that work through jobs; results are waited for in any order.
//!
//! Invariant: with one thread a job runs where it is submitted. A job that dies leaves an empty
//! result, never a waiter that waits for ever. Knows nothing about what jobs do.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

/// A queue of jobs and the number of threads that work on it.
pub(super) struct Pool {
    threads: usize,
    queue: Mutex<Queue>,
    ready: Condvar,
}

enum State<T> {
    Pending,
    Done(T),
    Taken,
}

/// Where a job's result will be.
pub(super) struct Slot<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait<'a, T>(ready: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    ready.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

impl<T> Slot<T> {
    fn put(&self, state: State<T>) {
        *lock(&self.state) = state;
        self.ready.notify_all();
    }

    /// The result; `None` where the job died.
    pub(super) fn wait(&self) -> Option<T> {
        let mut state = lock(&self.state);
        while matches!(*state, State::Pending) {
            state = wait(&self.ready, state);
        }
        match std::mem::replace(&mut *state, State::Taken) {
            State::Done(value) => Some(value),
            State::Pending | State::Taken => None,
        }
    }
}

impl Pool {
    pub(super) fn new(threads: usize) -> Self {
        Self { threads, queue: Mutex::default(), ready: Condvar::new() }
    }

    /// How many jobs may wait for their turn.
    pub(super) fn window(&self) -> usize {
        if self.threads > 1 { self.threads * 8 } else { 1 }
    }

    /// Starts the threads, which end when [`Pool::close`] was called.
    pub(super) fn start<'s, 'e>(&'e self, scope: &'s Scope<'s, 'e>) {
        for _ in 0..if self.threads > 1 { self.threads } else { 0 } {
            scope.spawn(|| self.work());
        }
    }

    fn work(&self) {
        loop {
            let mut queue = lock(&self.queue);
            let job = loop {
                if let Some(job) = queue.jobs.pop_front() {
                    break job;
                }
                if queue.closed {
                    return;
                }
                queue = wait(&self.ready, queue);
            };
            drop(queue);
            job();
        }
    }

    /// Ends the threads once the queue is empty.
    pub(super) fn close(&self) {
        lock(&self.queue).closed = true;
        self.ready.notify_all();
    }

    /// Has `job` done, here or by a thread.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Arc<Slot<T>> {
        let slot = Arc::new(Slot { state: Mutex::new(State::Pending), ready: Condvar::new() });
        let result = Arc::clone(&slot);
        let run = move || {
            let done = catch_unwind(AssertUnwindSafe(job));
            result.put(done.map_or(State::Taken, State::Done));
        };
        if self.threads > 1 {
            lock(&self.queue).jobs.push_back(Box::new(run));
            self.ready.notify_one();
        } else {
            run();
        }
        slot
    }
}

/// Closes a pool when it goes out of scope, whatever the reason.
pub(super) struct Closer<'a>(pub(super) &'a Pool);

impl Drop for Closer<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}
