//! The calls of the storage trait, on the simulated disk.
//!
//! Invariant: every call is counted and traced once, and has its effect in one step. What a call
//! does is what `engine::io::Storage` says, unless a fault or a lie was asked for.

use std::io;
use std::sync::Arc;

use shoseki_engine::io::{LockError, LockGuard, Map, OpenMode, Space, Storage, StorageFile};

use crate::disk::Inode;
use crate::fault::{FaultKind, Lie};
use crate::faulty::{FaultyStorage, State};

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

impl State {
    fn inode(&mut self, inode: usize) -> io::Result<&mut Inode> {
        self.disk.inodes.get_mut(inode).ok_or_else(not_found)
    }

    /// Whoever follows a path sees what it names from now on.
    fn show_watched(&mut self, path: &str) {
        let Some(inode) = self.disk.find(path) else { return };
        let bytes = self.disk.inodes.get(inode).map(|inode| inode.bytes.clone());
        if let (Some((watched, seen)), Some(bytes)) = (&mut self.watched, bytes)
            && watched == path
        {
            seen.push(bytes);
        }
    }
}

impl Storage for FaultyStorage {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Arc<dyn StorageFile>> {
        let creates = matches!(mode, OpenMode::Create | OpenMode::CreatePrivate);
        let what = format_args!("open {path} {mode:?}");
        let inode = self.call(what, creates, &mut |state| {
            let inode = match (state.disk.find(path), creates) {
                (Some(_), true) => return Err(io::ErrorKind::AlreadyExists.into()),
                (Some(inode), false) => inode,
                (None, true) if !state.disk.has_dir_of(path) => return Err(not_found()),
                (None, true) => state.room(1).map(|()| state.disk.create(path))?,
                (None, false) => return Err(not_found()),
            };
            if mode == OpenMode::ReadBack && state.lie != Some(Lie::ReadBackFromCache) {
                state.inode(inode)?.drop_cache();
            }
            Ok(inode)
        })?;
        Ok(Arc::new(FaultyFile { storage: self.clone(), path: path.to_owned(), inode }))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.read(format_args!("list {dir}"), |state| Ok(state.disk.list(dir)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change(format_args!("rename {from} {to}"), &mut |state| {
            let moved = state.disk.has_dir_of(to) && state.disk.rename(from, to);
            if state.watched.as_ref().is_some_and(|(path, _)| path == to) {
                state.show_watched(to);
            }
            if moved { Ok(()) } else { Err(not_found()) }
        })
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.change(format_args!("remove {path}"), &mut |state| {
            if state.disk.remove(path) { Ok(()) } else { Err(not_found()) }
        })
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        self.change(format_args!("create_dir {dir}"), &mut |state| {
            state.disk.create_dir(dir);
            Ok(())
        })
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.change(format_args!("sync_dir {dir}"), &mut |state| {
            if state.lie != Some(Lie::DirectorySyncIgnored) {
                state.disk.sync_dir(dir);
            }
            Ok(())
        })
    }

    fn set_read_only(&self, path: &str) -> io::Result<()> {
        self.change(format_args!("set_read_only {path}"), &mut |state| {
            state.disk.find(path).map(|_| ()).ok_or_else(not_found)
        })
    }

    fn space(&self) -> io::Result<Space> {
        self.read(format_args!("space"), |state| {
            let free = state.capacity.saturating_sub(state.disk.used());
            Ok(Space { free, total: state.capacity })
        })
    }

    fn lock(&self) -> Result<Box<dyn LockGuard>, LockError> {
        let held = self.read(format_args!("lock"), |state| {
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
        if self.0.is_of_this_life(&state) {
            state.locked = false;
        }
    }
}

struct FaultyFile {
    storage: FaultyStorage,
    path: String,
    inode: usize,
}

impl FaultyFile {
    fn look<T>(&self, what: &str, act: impl Fn(&[u8]) -> T) -> io::Result<T> {
        self.storage.read(format_args!("{what} {}", self.path), |state| {
            Ok(act(&state.inode(self.inode)?.bytes))
        })
    }
}

impl StorageFile for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        self.look("len", |bytes| bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let what = format_args!("read_at {} {offset}+{}", self.path, buffer.len());
        self.storage.read(what, |state| {
            let bytes = &state.inode(self.inode)?.bytes;
            let rest = bytes.get(place(offset)..).unwrap_or_default();
            let bytes = rest.get(..buffer.len()).unwrap_or(rest);
            if let Some(front) = buffer.get_mut(..bytes.len()) {
                front.copy_from_slice(bytes);
            }
            Ok(bytes.len())
        })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let planned = self.storage.planned();
        if matches!(planned, Some(FaultKind::ErrorBefore(_) | FaultKind::Gone)) {
            // A write that fails leaves any part of it: a short write, then the error.
            let mut state = self.storage.state();
            let cut = place(state.rng.below(bytes.len() as u64 + 1));
            let part = bytes.get(..cut).unwrap_or_default();
            state.inode(self.inode)?.write(place(offset), part);
        }
        let what = format_args!("write_at {} {offset}+{}", self.path, bytes.len());
        self.storage.change(what, &mut |state| {
            let len = state.inode(self.inode)?.bytes.len();
            let end = place(offset) + bytes.len();
            state.room(end.saturating_sub(len) as u64)?;
            let flips = state.take_flip(&self.path);
            let State { disk, rng, .. } = state;
            let inode = disk.inodes.get_mut(self.inode).ok_or_else(not_found)?;
            if flips {
                inode.write_flipped(place(offset), bytes, rng);
            } else {
                inode.write(place(offset), bytes);
            }
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        let planned = self.storage.planned();
        let fails = matches!(planned, Some(FaultKind::ErrorBefore(_) | FaultKind::Gone));
        let mut lied = false;
        if fails {
            let mut state = self.storage.state();
            lied = state.lie == Some(Lie::SyncErrorSwallowed);
            let State { disk, rng, .. } = &mut *state;
            disk.inodes.get_mut(self.inode).ok_or_else(not_found)?.give_up(rng);
        }
        let synced = self.storage.change(format_args!("sync {}", self.path), &mut |state| {
            let late = state.lie == Some(Lie::SyncReturnsEarly);
            let inode = state.inode(self.inode)?;
            if late {
                inode.sync_late();
            } else {
                inode.sync();
            }
            Ok(())
        });
        if lied { Ok(()) } else { synced }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.storage.change(format_args!("set_len {} {len}", self.path), &mut |state| {
            state.inode(self.inode)?.set_len(place(len));
            Ok(())
        })
    }

    fn map(&self) -> io::Result<Map> {
        self.look("map", |bytes| Map::Owned(bytes.to_vec()))
    }
}
