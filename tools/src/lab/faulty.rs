//! The storage that tests hand to a log, and the faults that they plan for it.
//!
//! Invariant: calls are counted in the order in which they are made; a planned fault hits exactly
//! the call with its number, before or after that call had its effect. Knows nothing about what the
//! files mean.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shoseki_engine::io::{LockError, LockGuard, Map, OpenMode, Space, Storage, StorageFile};

use super::Rng;
use super::disk::Disk;

/// What happens at a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// Power goes before the call had its effect.
    CrashBefore,
    /// Power goes after it.
    CrashAfter,
    /// The call fails without its effect (a write with a part of it).
    ErrorBefore(io::ErrorKind),
    /// The call has its effect and reports a failure.
    ErrorAfter(io::ErrorKind),
    /// The thread that makes the call dies before it has its effect.
    Panic,
}

/// A fault at one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The number of the call, from 0.
    pub call: u64,
    /// Whether reading calls count; otherwise only those that change something or sync.
    pub reads: bool,
    /// What happens.
    pub kind: FaultKind,
}

struct State {
    disk: Disk,
    rng: Rng,
    fault: Option<Fault>,
    /// What the calls with faults were, for messages.
    hit: Option<String>,
    writes: u64,
    calls: u64,
    capacity: u64,
    life: u64,
    dead: bool,
    locked: bool,
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
            fault: None,
            hit: None,
            writes: 0,
            calls: 0,
            capacity: 1 << 40,
            life: 0,
            dead: false,
            locked: false,
        };
        Self { state: Arc::new(Mutex::new(state)), life: 0 }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plans a fault, or none.
    pub fn plan(&self, fault: Option<Fault>) {
        let mut state = self.state();
        state.fault = fault;
        state.hit = None;
    }

    /// What the planned fault hit, if it did.
    #[must_use]
    pub fn hit(&self) -> Option<String> {
        self.state().hit.clone()
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

    /// The disk after the process was killed: everything written is there.
    #[must_use]
    pub fn kill(&self) -> Self {
        let mut state = self.state();
        if !state.dead {
            state.disk.settle();
        }
        self.revive(&mut state)
    }

    fn revive(&self, state: &mut State) -> Self {
        state.dead = false;
        state.locked = false;
        state.fault = None;
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

    /// Takes a file away, durably; not counted as a call.
    pub fn take(&self, path: &str) {
        let mut state = self.state();
        state.disk.remove(path);
        let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
        state.disk.sync_dir(dir);
    }

    fn read<T>(&self, what: &str, act: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut act = Some(act);
        self.call(what, false, &mut |state| match act.take() {
            Some(act) => act(state),
            None => Err(io::ErrorKind::Other.into()),
        })
    }

    fn call<T>(&self, what: &str, writes: bool, act: Act<'_, T>) -> io::Result<T> {
        let mut state = self.state();
        if state.dead || state.life != self.life {
            return Err(io::Error::other("the machine is off"));
        }
        let number = (state.calls, state.writes);
        state.calls += 1;
        state.writes += u64::from(writes);
        let due = state
            .fault
            .filter(|f| if f.reads { f.call == number.0 } else { writes && f.call == number.1 });
        let Some(fault) = due else { return act(&mut state) };
        state.hit = Some(format!("{what} ({:?})", fault.kind));
        match fault.kind {
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
            FaultKind::ErrorAfter(kind) => {
                let _ = act(&mut state);
                Err(kind.into())
            }
        }
    }

    fn change(&self, what: &str, act: Act<'_, ()>) -> io::Result<()> {
        self.call(what, true, act)
    }
}

impl State {
    fn crash(&mut self) -> io::Error {
        let Self { disk, rng, .. } = self;
        disk.crash(rng);
        self.dead = true;
        io::Error::other("the power went")
    }

    fn room(&self, len: u64) -> io::Result<()> {
        let full = self.disk.used().saturating_add(len) > self.capacity;
        if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Storage for FaultyStorage {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Arc<dyn StorageFile>> {
        let creates = matches!(mode, OpenMode::Create | OpenMode::CreatePrivate);
        let inode = self.call(&format!("open {path} {mode:?}"), creates, &mut |state| match (
            state.disk.find(path),
            creates,
        ) {
            (Some(_), true) => Err(io::ErrorKind::AlreadyExists.into()),
            (Some(inode), false) => Ok(inode),
            (None, true) if !state.disk.has_dir_of(path) => Err(not_found()),
            (None, true) => state.room(1).map(|()| state.disk.create(path)),
            (None, false) => Err(not_found()),
        })?;
        Ok(Arc::new(FaultyFile { storage: self.clone(), path: path.to_owned(), inode }))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.read(&format!("list {dir}"), |state| Ok(state.disk.list(dir)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change(&format!("rename {from} {to}"), &mut |state| {
            let moved = state.disk.has_dir_of(to) && state.disk.rename(from, to);
            if moved { Ok(()) } else { Err(not_found()) }
        })
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.change(&format!("remove {path}"), &mut |state| {
            if state.disk.remove(path) { Ok(()) } else { Err(not_found()) }
        })
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        self.change(&format!("create_dir {dir}"), &mut |state| {
            state.disk.create_dir(dir);
            Ok(())
        })
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.change(&format!("sync_dir {dir}"), &mut |state| {
            state.disk.sync_dir(dir);
            Ok(())
        })
    }

    fn set_read_only(&self, path: &str) -> io::Result<()> {
        self.change(&format!("set_read_only {path}"), &mut |state| {
            state.disk.find(path).map(|_| ()).ok_or_else(not_found)
        })
    }

    fn space(&self) -> io::Result<Space> {
        self.read("space", |state| {
            let free = state.capacity.saturating_sub(state.disk.used());
            Ok(Space { free, total: state.capacity })
        })
    }

    fn lock(&self) -> Result<Box<dyn LockGuard>, LockError> {
        let held = self.read("lock", |state| {
            let held = std::mem::replace(&mut state.locked, true);
            Ok(held)
        })?;
        if held {
            return Err(LockError::Held { pid: Some(std::process::id()) });
        }
        Ok(Box::new(Guard(self.clone())))
    }
}

struct Guard(FaultyStorage);

impl LockGuard for Guard {}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if state.life == self.0.life {
            state.locked = false;
        }
    }
}

struct FaultyFile {
    storage: FaultyStorage,
    path: String,
    inode: usize,
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

impl FaultyFile {
    fn edit(&self, what: &str, act: impl Fn(&mut super::disk::Inode)) -> io::Result<()> {
        self.storage.change(&format!("{what} {}", self.path), &mut |state| {
            let inode = state.disk.inodes.get_mut(self.inode).ok_or_else(not_found)?;
            act(inode);
            Ok(())
        })
    }

    fn look<T>(&self, what: &str, act: impl Fn(&[u8]) -> T) -> io::Result<T> {
        self.storage.read(&format!("{what} {}", self.path), |state| {
            let inode = state.disk.inodes.get(self.inode).ok_or_else(not_found)?;
            Ok(act(&inode.bytes))
        })
    }

    /// Whether an error without an effect hits a part of what is asked.
    fn planned(&self) -> Option<FaultKind> {
        let state = self.storage.state();
        let fault = state.fault?;
        let number = if fault.reads { state.calls } else { state.writes };
        (fault.call == number && !state.dead).then_some(fault.kind)
    }
}

impl StorageFile for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        self.look("len", |bytes| bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.look("read_at", |bytes| {
            let rest = bytes.get(place(offset)..).unwrap_or_default();
            rest.get(..buffer.len()).unwrap_or(rest).to_vec()
        })?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if let Some(FaultKind::ErrorBefore(_)) = self.planned() {
            // A write that fails leaves any part of it.
            let mut state = self.storage.state();
            let cut = place(state.rng.below(bytes.len() as u64 + 1));
            if let Some(inode) = state.disk.inodes.get_mut(self.inode) {
                inode.write(place(offset), &bytes[..cut]);
            }
        }
        let what = format!("write_at {} {offset}+{}", self.path, bytes.len());
        self.storage.change(&what, &mut |state| {
            let inode = state.disk.inodes.get(self.inode).ok_or_else(not_found)?;
            let end = place(offset) + bytes.len();
            state.room(end.saturating_sub(inode.bytes.len()) as u64)?;
            let inode = state.disk.inodes.get_mut(self.inode).ok_or_else(not_found)?;
            inode.write(place(offset), bytes);
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        if let Some(FaultKind::ErrorBefore(_) | FaultKind::ErrorAfter(_)) = self.planned() {
            let mut state = self.storage.state();
            if let Some(inode) = state.disk.inodes.get_mut(self.inode) {
                inode.give_up();
            }
        }
        self.edit("sync", super::disk::Inode::sync)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.edit("set_len", |inode| inode.set_len(place(len)))
    }

    fn map(&self) -> io::Result<Map> {
        self.look("map", |bytes| Map::Owned(bytes.to_vec()))
    }
}
