//! The disk in memory as a mounted file system (FUSE), with faults at its calls.
//!
//! Calls that change or sync something are counted over all threads of all processes. At a chosen
//! one the power goes, or it fails, or it writes only a part.
//! Invariant: whatever was answered before the power went is in the picture of the disk that is
//! taken at that call; afterwards every call fails. Knows nothing about logs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    AccessFlags, BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType,
    Filesystem, FopenFlags, Generation, INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags,
    ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen,
    ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use shoseki_lab::Rng;
use tempfile::TempDir;

use crate::disk::{Disk, Number};

/// What happens at a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    /// The power goes before it.
    Cut,
    /// It fails without an effect; a sync gives up what waited.
    Error(i32),
    /// A write takes only so many bytes, and says so; other calls are as always.
    Short(usize),
}

struct State {
    disk: Disk,
    /// Calls that changed or synced something.
    calls: u64,
    event: Option<(u64, Event)>,
    /// What the event hit.
    hit: Option<String>,
    /// A sync that does nothing and says that all is well.
    lies: bool,
    rng: Rng,
    after: Option<Disk>,
}

/// A mounted disk; unmounted when it is dropped.
pub(crate) struct Mounted {
    state: Arc<Mutex<State>>,
    session: Option<BackgroundSession>,
    at: TempDir,
}

impl Mounted {
    /// Mounts a disk; `None`, and a word about it, where that can't be done. `seed` chooses what a
    /// power cut keeps.
    pub(crate) fn new(disk: Disk, event: Option<(u64, Event)>, seed: u64) -> Option<Self> {
        let rng = Rng::new(seed);
        let state = State { disk, calls: 0, event, hit: None, lies: false, rng, after: None };
        let state = Arc::new(Mutex::new(state));
        let at = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("shoseki-test".to_owned())];
        match fuser::spawn_mount(Volume(Arc::clone(&state)), at.path(), &config) {
            Ok(session) => Some(Self { state, session: Some(session), at }),
            Err(error) => {
                println!("skipped: no FUSE here ({error}; needs /dev/fuse and root or fuse3)");
                None
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.at.path().to_owned()
    }

    /// Syncs do nothing from now on and say that all is well.
    pub(crate) fn lie(&self) {
        self.state().lies = true;
    }

    pub(crate) fn calls(&self) -> u64 {
        self.state().calls
    }

    pub(crate) fn hit(&self) -> Option<String> {
        self.state().hit.clone()
    }

    /// Ends the mount; the disk as it is after the cut, or as it would be after one now.
    pub(crate) fn power_off(mut self) -> Disk {
        self.unmount();
        let mut state = self.state();
        let State { disk, after, rng, .. } = &mut *state;
        after.take().unwrap_or_else(|| disk.after_cut(rng))
    }

    /// Ends the mount in order; the disk as it was written.
    pub(crate) fn unplug(mut self) -> Disk {
        self.unmount();
        self.state().disk.clone()
    }

    fn unmount(&mut self) {
        if let Some(session) = self.session.take() {
            let _ = session.umount_and_join();
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.unmount();
    }
}

struct Volume(Arc<Mutex<State>>);

const TTL: Duration = Duration::from_secs(1);
const BLOCK: u32 = 4096;

/// What a call that changes something has to do.
enum Verdict {
    Act,
    Fail(Errno),
    Part(usize),
}

impl State {
    /// Counts a call that changes something and says what becomes of it.
    fn change(&mut self, what: impl FnOnce() -> String) -> Verdict {
        if self.after.is_some() {
            return Verdict::Fail(Errno::EIO);
        }
        let number = self.calls;
        self.calls += 1;
        let Some((_, event)) = self.event.filter(|(at, _)| *at == number) else {
            return Verdict::Act;
        };
        self.hit = Some(format!("call {number}: {}", what()));
        match event {
            Event::Cut => {
                self.after = Some(self.disk.after_cut(&mut self.rng));
                Verdict::Fail(Errno::EIO)
            }
            Event::Error(number) => Verdict::Fail(Errno::from_i32(number)),
            Event::Short(part) => Verdict::Part(part),
        }
    }

    fn attributes(&self, number: Number) -> Option<FileAttr> {
        let directory = self.disk.is_directory(number)?;
        let size = self.disk.bytes(number).map_or(u64::from(BLOCK), |bytes| bytes.len() as u64);
        let mode = self.disk.modes.get(&number).copied();
        Some(FileAttr {
            ino: INodeNo(number),
            size,
            blocks: size.div_ceil(512),
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind: if directory { FileType::Directory } else { FileType::RegularFile },
            perm: mode.unwrap_or(if directory { 0o755 } else { 0o644 }),
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: BLOCK,
            flags: 0,
        })
    }

    fn found(&self, parent: INodeNo, name: &OsStr) -> Result<Number, Errno> {
        if self.after.is_some() {
            return Err(Errno::EIO);
        }
        name.to_str().and_then(|name| self.disk.find(parent.0, name)).ok_or(Errno::ENOENT)
    }

    fn make(
        &mut self,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        directory: bool,
    ) -> Result<FileAttr, Errno> {
        let name = name.to_str().ok_or(Errno::EINVAL)?;
        if let Verdict::Fail(error) = self.change(|| format!("make {name}")) {
            return Err(error);
        }
        let number = self.disk.make(parent.0, name, directory);
        self.disk.modes.insert(number, u16::try_from(mode & 0o7777).unwrap_or(0o644));
        self.attributes(number).ok_or(Errno::EIO)
    }

    fn remove(&mut self, parent: INodeNo, name: &OsStr) -> Result<(), Errno> {
        let number = self.found(parent, name)?;
        let name = name.to_str().ok_or(Errno::EINVAL)?;
        if self.disk.names(number).is_some_and(|names| !names.is_empty()) {
            return Err(Errno::ENOTEMPTY);
        }
        match self.change(|| format!("remove {name}")) {
            Verdict::Fail(error) => Err(error),
            _ => {
                self.disk.take(parent.0, name);
                Ok(())
            }
        }
    }

    fn sync(&mut self, number: INodeNo) -> Result<(), Errno> {
        match self.change(|| format!("sync {number:?}")) {
            Verdict::Fail(error) => {
                self.disk.give_up(number.0);
                Err(error)
            }
            _ if self.lies => Ok(()),
            _ => {
                self.disk.sync(number.0);
                Ok(())
            }
        }
    }

    fn write(&mut self, number: INodeNo, at: u64, data: &[u8]) -> Result<usize, Errno> {
        let part = match self.change(|| format!("write {number:?} {at}+{}", data.len())) {
            Verdict::Fail(error) => return Err(error),
            Verdict::Part(part) => part.clamp(1, data.len()),
            Verdict::Act => data.len(),
        };
        let at = usize::try_from(at).map_err(|_| Errno::EFBIG)?;
        self.disk.write(number.0, at, &data[..part]);
        Ok(part)
    }
}

impl Volume {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer(outcome: Result<(), Errno>, reply: ReplyEmpty) {
    match outcome {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

fn entry(outcome: Result<FileAttr, Errno>, reply: ReplyEntry) {
    match outcome {
        Ok(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
        Err(error) => reply.error(error),
    }
}

impl Filesystem for Volume {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let state = self.state();
        let found = state.found(parent, name);
        entry(found.and_then(|number| state.attributes(number).ok_or(Errno::ENOENT)), reply);
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.state().attributes(number.0) {
            Some(attributes) => reply.attr(&TTL, &attributes),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        number: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<std::time::SystemTime>,
        _: Option<FileHandle>,
        _: Option<std::time::SystemTime>,
        _: Option<std::time::SystemTime>,
        _: Option<std::time::SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut state = self.state();
        let what = || format!("change {number:?} to size {size:?}, mode {mode:?}");
        if let Verdict::Fail(error) = state.change(what) {
            return reply.error(error);
        }
        if let Some(size) = size.and_then(|size| usize::try_from(size).ok()) {
            state.disk.set_len(number.0, size);
        }
        if let Some(mode) = mode.and_then(|mode| u16::try_from(mode & 0o7777).ok()) {
            state.disk.modes.insert(number.0, mode);
        }
        match state.attributes(number.0) {
            Some(attributes) => reply.attr(&TTL, &attributes),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn mkdir(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        entry(self.state().make(parent, name, mode, true), reply);
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        match self.state().make(parent, name, mode, false) {
            Ok(attributes) => {
                let (handle, flags) = (FileHandle(0), FopenFlags::empty());
                reply.created(&TTL, &attributes, Generation(0), handle, flags);
            }
            Err(error) => reply.error(error),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(self.state().remove(parent, name), reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(self.state().remove(parent, name), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let mut state = self.state();
        let number = match state.found(parent, name) {
            Ok(number) => number,
            Err(error) => return reply.error(error),
        };
        let (Some(name), Some(new_name)) = (name.to_str(), new_name.to_str()) else {
            return reply.error(Errno::EINVAL);
        };
        match state.change(|| format!("rename {name} {new_name}")) {
            Verdict::Fail(error) => reply.error(error),
            _ => {
                state.disk.rename((parent.0, name), (new_parent.0, new_name), number);
                reply.ok();
            }
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        if self.state().after.is_some() {
            return reply.error(Errno::EIO);
        }
        reply.opened(FileHandle(0), FopenFlags::empty());
    }

    fn read(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let state = self.state();
        let bytes = state.disk.bytes(number.0).filter(|_| state.after.is_none());
        let Some(bytes) = bytes else { return reply.error(Errno::EIO) };
        let begin = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let end = begin.saturating_add(size as usize).min(bytes.len());
        reply.data(&bytes[begin..end]);
    }

    fn write(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.state().write(number, offset, data) {
            Ok(written) => reply.written(u32::try_from(written).unwrap_or(u32::MAX)),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, number: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer(self.state().sync(number), reply);
    }

    fn fsyncdir(&self, _: &Request, number: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer(self.state().sync(number), reply);
    }

    fn readdir(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let state = self.state();
        let Some(names) = state.disk.names(number.0).filter(|_| state.after.is_none()) else {
            return reply.error(Errno::EIO);
        };
        let kind = |number: Number| match state.disk.is_directory(number) {
            Some(true) => FileType::Directory,
            _ => FileType::RegularFile,
        };
        let own = [".", ".."].map(|name| (name, number.0));
        let all =
            own.into_iter().chain(names.iter().map(|(name, number)| (name.as_str(), *number)));
        for (place, (name, number)) in (1..).zip(all).skip(usize::try_from(offset).unwrap_or(0)) {
            if reply.add(INodeNo(number), place, kind(number), name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        reply.statfs(1 << 20, 1 << 19, 1 << 19, 1 << 20, 1 << 19, BLOCK, 255, BLOCK);
    }

    fn access(&self, _: &Request, _: INodeNo, _: AccessFlags, reply: ReplyEmpty) {
        reply.ok();
    }
}

/// A disk that holds what stands in a directory, durably.
pub(crate) fn disk_of(from: &Path) -> Disk {
    let mut disk = Disk::new();
    disk.copy_from(from);
    disk
}
