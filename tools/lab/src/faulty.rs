//! The storage that tests hand to a log, and the faults that they plan for it.
//!
//! Invariant: calls are counted in the order in which they are made; a planned fault hits exactly
//! the call with its number, before or after that call had its effect. Knows nothing about what the
//! files mean.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Rng;
use crate::disk::Disk;
use crate::fault::{Fault, FaultKind, Lie};

pub(crate) struct State {
    pub(crate) disk: Disk,
    pub(crate) rng: Rng,
    faults: Vec<Fault>,
    pub(crate) lie: Option<Lie>,
    /// What the last call with a fault was, for messages.
    hit: Option<String>,
    hits: Vec<FaultKind>,
    writes: u64,
    calls: u64,
    pub(crate) capacity: u64,
    life: u64,
    dead: bool,
    pub(crate) locked: bool,
    trace: Trace,
    /// A path whose every content is remembered, as whoever follows it sees it.
    pub(crate) watched: Option<(String, Vec<Vec<u8>>)>,
}

/// A data directory in memory. Clones share it.
#[derive(Clone)]
pub struct FaultyStorage {
    state: Arc<Mutex<State>>,
    life: u64,
}

type Act<'a, T> = &'a mut dyn FnMut(&mut State) -> io::Result<T>;

impl FaultyStorage {
    /// An empty disk; `seed` chooses what survives a crash.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let state = State {
            disk: Disk::default(),
            rng: Rng::new(seed),
            faults: Vec::new(),
            lie: None,
            hit: None,
            hits: Vec::new(),
            writes: 0,
            calls: 0,
            capacity: 1 << 40,
            life: 0,
            dead: false,
            locked: false,
            trace: Trace::default(),
            watched: None,
        };
        Self { state: Arc::new(Mutex::new(state)), life: 0 }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plans a fault, or none.
    pub fn plan(&self, fault: Option<Fault>) {
        self.plan_all(fault.into_iter().collect());
    }

    /// Plans faults in place of those that were planned before.
    pub fn plan_all(&self, faults: Vec<Fault>) {
        let mut state = self.state();
        state.faults = faults;
        state.hit = None;
        state.hits.clear();
    }

    /// What the last planned fault that hit a call hit.
    #[must_use]
    pub fn hit(&self) -> Option<String> {
        self.state().hit.clone()
    }

    /// The planned faults that hit a call since they were planned.
    #[must_use]
    pub fn hits(&self) -> Vec<FaultKind> {
        self.state().hits.clone()
    }

    /// Makes it break a promise of the trait, or none.
    pub fn set_lie(&self, lie: Option<Lie>) {
        self.state().lie = lie;
    }

    /// Remembers every content that a path gets from now on.
    pub fn watch(&self, path: &str) {
        self.state().watched = Some((path.to_owned(), Vec::new()));
    }

    /// The contents that the watched path got since they were last taken.
    #[must_use]
    pub fn take_watched(&self) -> Vec<Vec<u8>> {
        let mut state = self.state();
        state.watched.as_mut().map(|(_, seen)| std::mem::take(seen)).unwrap_or_default()
    }

    /// A number that stands for every call made so far, with what became of it.
    #[must_use]
    pub fn trace(&self) -> u64 {
        self.state().trace.digest
    }

    /// Keeps the last calls as texts, for a person.
    pub fn keep_trace(&self, calls: usize) {
        self.state().trace.kept_max = calls;
    }

    /// The last calls, oldest first; empty unless they are kept.
    #[must_use]
    pub fn last_calls(&self) -> Vec<String> {
        self.state().trace.kept.iter().cloned().collect()
    }

    /// Calls that changed something or synced, so far.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.state().writes
    }

    /// All calls so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Bytes that fit on the disk.
    pub fn set_capacity(&self, capacity: u64) {
        self.state().capacity = capacity;
    }

    /// Bytes of all files.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.state().disk.used()
    }

    /// The disk after the power went (if it has not gone by a planned fault yet), for the next
    /// process.
    #[must_use]
    pub fn restart(&self) -> Self {
        let mut state = self.state();
        if !state.dead {
            state.crash();
        }
        self.revive(&mut state)
    }

    /// The disk after the process was killed: everything written is there, and what was not synced
    /// may still go when the power does.
    #[must_use]
    pub fn kill(&self) -> Self {
        let mut state = self.state();
        self.revive(&mut state)
    }

    /// As [`Self::kill`], and what was planned still comes.
    #[must_use]
    pub fn respawn(&self) -> Self {
        let mut state = self.state();
        state.locked = false;
        state.life += 1;
        Self { state: Arc::clone(&self.state), life: state.life }
    }

    /// Whether the power is off.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.state().dead
    }

    fn revive(&self, state: &mut State) -> Self {
        state.dead = false;
        state.locked = false;
        state.faults.clear();
        state.hits.clear();
        state.life += 1;
        Self { state: Arc::clone(&self.state), life: state.life }
    }

    /// Another disk with the same files, all durable.
    #[must_use]
    pub fn copy(&self, seed: u64) -> Self {
        let copy = Self::new(seed);
        {
            let mut state = copy.state();
            state.disk = self.state().disk.clone();
            state.disk.settle();
        }
        copy
    }

    /// All paths.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let state = self.state();
        let paths = state.disk.names.keys().filter(|path| state.disk.find(path).is_some());
        paths.cloned().collect()
    }

    /// The bytes of a file.
    #[must_use]
    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.state();
        let inode = state.disk.find(path)?;
        state.disk.inodes.get(inode).map(|inode| inode.bytes.clone())
    }

    /// Puts a file there, durably, whatever was there before; not counted as a call.
    pub fn put(&self, path: &str, bytes: &[u8]) {
        let mut state = self.state();
        state.disk.remove(path);
        let inode = state.disk.create(path);
        if let Some(inode) = state.disk.inodes.get_mut(inode) {
            inode.write(0, bytes);
            inode.sync();
        }
        let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
        state.disk.sync_dir(dir);
    }

    /// Changes the bytes of a file at rest, for whoever has it open too; not counted as a call.
    pub fn rot(&self, path: &str, change: impl Fn(&mut Vec<u8>)) {
        let mut state = self.state();
        if let Some(inode) = state.disk.find(path).and_then(|i| state.disk.inodes.get_mut(i)) {
            inode.rot(change);
        }
    }

    /// Takes a file away, durably; not counted as a call.
    pub fn take(&self, path: &str) {
        let mut state = self.state();
        state.disk.remove(path);
        let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
        state.disk.sync_dir(dir);
    }

    pub(crate) fn read<T>(
        &self,
        what: fmt::Arguments<'_>,
        act: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut act = Some(act);
        self.call(what, false, &mut |state| match act.take() {
            Some(act) => act(state),
            None => Err(io::ErrorKind::Other.into()),
        })
    }

    pub(crate) fn call<T>(
        &self,
        what: fmt::Arguments<'_>,
        writes: bool,
        act: Act<'_, T>,
    ) -> io::Result<T> {
        let mut state = self.state();
        if state.dead || state.life != self.life {
            return Err(io::Error::other("the machine is off"));
        }
        let due = state.due(writes);
        state.calls += 1;
        state.writes += u64::from(writes);
        let done = match due {
            None => act(&mut state),
            Some(kind) => {
                state.hit = Some(format!("{what} ({kind:?})"));
                if state.hits.last() != Some(&FaultKind::Gone) {
                    state.hits.push(kind);
                }
                match kind {
                    FaultKind::Panic => {
                        drop(state);
                        std::panic::resume_unwind(Box::new("a planned panic"));
                    }
                    FaultKind::CrashBefore => Err(state.crash()),
                    FaultKind::CrashAfter => {
                        let _ = act(&mut state);
                        Err(state.crash())
                    }
                    FaultKind::ErrorBefore(kind) => Err(kind.into()),
                    FaultKind::Gone => Err(io::Error::other("the disk went away")),
                    FaultKind::ErrorAfter(kind) => {
                        let _ = act(&mut state);
                        Err(kind.into())
                    }
                    FaultKind::Flip(_) => act(&mut state),
                }
            }
        };
        state.trace.note(what, done.as_ref().err().map(io::Error::kind));
        done
    }

    pub(crate) fn change(&self, what: fmt::Arguments<'_>, act: Act<'_, ()>) -> io::Result<()> {
        self.call(what, true, act)
    }

    /// The fault that the next call, a changing one, will meet.
    pub(crate) fn planned(&self) -> Option<FaultKind> {
        let state = self.state();
        let alive = !state.dead && state.life == self.life;
        if alive { state.due(true) } else { None }
    }

    pub(crate) fn is_of_this_life(&self, state: &State) -> bool {
        state.life == self.life
    }
}

impl State {
    /// The fault that a call made now meets.
    fn due(&self, writes: bool) -> Option<FaultKind> {
        let hit = |call: u64, reads: bool, later: bool| {
            let number = if reads { self.calls } else { self.writes };
            (reads || writes) && if later { call <= number } else { call == number }
        };
        let later = |kind| kind == FaultKind::Gone;
        let mut calls = self.faults.iter().filter(|f| !matches!(f.kind, FaultKind::Flip(_)));
        let fault = calls.find(|f| hit(f.call, f.reads, later(f.kind)));
        fault.map(|fault| fault.kind)
    }

    /// Whether a write to this path goes wrong on the medium; it does so once.
    pub(crate) fn take_flip(&mut self, path: &str) -> bool {
        let writes = self.writes;
        let due = |f: &Fault| {
            matches!(f.kind, FaultKind::Flip(part) if path.contains(part)) && f.call <= writes
        };
        let Some(at) = self.faults.iter().position(due) else { return false };
        self.hits.push(self.faults.remove(at).kind);
        true
    }

    fn crash(&mut self) -> io::Error {
        let Self { disk, rng, .. } = self;
        disk.crash(rng);
        self.dead = true;
        io::Error::other("the power went")
    }

    pub(crate) fn room(&self, len: u64) -> io::Result<()> {
        let full = self.disk.used().saturating_add(len) > self.capacity;
        if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

/// What was called, as one number; and as texts where somebody wants to read them.
#[derive(Default)]
struct Trace {
    digest: u64,
    text: String,
    kept: VecDeque<String>,
    kept_max: usize,
}

impl Trace {
    /// FNV-1a over the texts of the calls and their errors.
    fn note(&mut self, what: fmt::Arguments<'_>, error: Option<io::ErrorKind>) {
        self.text.clear();
        // Writing into a string does not fail.
        let _ = write!(self.text, "{what}");
        if let Some(error) = error {
            let _ = write!(self.text, ": {error}");
        }
        let digest = self.digest ^ 0xcbf2_9ce4_8422_2325;
        let fold = |digest: u64, byte: u8| (digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        self.digest = self.text.bytes().fold(digest, fold);
        if self.kept_max > 0 {
            if self.kept.len() == self.kept_max {
                self.kept.pop_front();
            }
            self.kept.push_back(self.text.clone());
        }
    }
}
