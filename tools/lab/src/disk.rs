//! Files and directory entries: what is there now, and what would survive.
//!
//! Directories are names too: a file survives only if its directories do.
//!
//! Invariant: `durable` changes only by a sync or by a crash; a sync makes exactly one file's bytes
//! or one directory's entries durable. Knows nothing about faults and handles.

use std::collections::BTreeMap;

use crate::Rng;

/// Bytes that a medium writes at once: a crash keeps or loses each by itself.
const SECTOR: usize = 512;

/// One change of a file that no sync covered yet.
#[derive(Clone)]
enum Edit {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, new) => {
                let end = offset + new.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                if let Some(place) = bytes.get_mut(*offset..end) {
                    place.copy_from_slice(new);
                }
            }
            Self::Length(len) => bytes.resize(*len, 0),
        }
    }

    /// Applies as much of it as a crash leaves.
    fn apply_torn(&self, bytes: &mut Vec<u8>, rng: &mut Rng) {
        let (offset, new) = match self {
            Self::Length(_) if rng.chance(50) => return self.apply(bytes),
            Self::Length(_) => return,
            Self::Write(offset, new) => (*offset, new),
        };
        let cut = usize::try_from(rng.below(new.len() as u64 + 1)).unwrap_or(0);
        let (front, back) = new.split_at(cut);
        match rng.below(10) {
            0..3 => {}
            3..5 => self.apply(bytes),
            5..7 => Self::Write(offset, front.to_vec()).apply(bytes),
            7 => Self::Write(offset + cut, back.to_vec()).apply(bytes),
            // The length of the file reached the medium, the bytes did not.
            8 => bytes.resize(bytes.len().max(offset + cut), 0),
            _ => {
                let mut at = 0;
                while at < new.len() {
                    let end = ((offset + at) / SECTOR * SECTOR + SECTOR - offset).min(new.len());
                    if rng.chance(50) {
                        let sector = new.get(at..end).unwrap_or_default().to_vec();
                        Self::Write(offset + at, sector).apply(bytes);
                    }
                    at = end;
                }
            }
        }
    }
}

/// A file: what its readers see, and what the medium holds.
#[derive(Clone, Default)]
pub(crate) struct Inode {
    pub(crate) bytes: Vec<u8>,
    durable: Vec<u8>,
    changes: Vec<Edit>,
    /// How many of the changes were there at the sync before; only a disk that lies needs it.
    promised: usize,
}

impl Inode {
    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) {
        self.change(Edit::Write(offset, bytes.to_vec()));
    }

    /// A write of which the medium gets one bit wrong; whoever reads from the cache sees no fault.
    pub(crate) fn write_flipped(&mut self, offset: usize, bytes: &[u8], rng: &mut Rng) {
        Edit::Write(offset, bytes.to_vec()).apply(&mut self.bytes);
        let mut wrong = bytes.to_vec();
        let at = usize::try_from(rng.below(wrong.len() as u64)).unwrap_or(0);
        if let Some(byte) = wrong.get_mut(at) {
            *byte ^= 1 << rng.below(8);
        }
        self.changes.push(Edit::Write(offset, wrong));
    }

    pub(crate) fn set_len(&mut self, len: usize) {
        self.change(Edit::Length(len));
    }

    fn change(&mut self, edit: Edit) {
        edit.apply(&mut self.bytes);
        self.changes.push(edit);
    }

    pub(crate) fn sync(&mut self) {
        self.promised = 0;
        for edit in self.changes.drain(..) {
            edit.apply(&mut self.durable);
        }
    }

    /// A sync that returns before it is done: what was there at the one before is durable.
    pub(crate) fn sync_late(&mut self) {
        let done = self.promised.min(self.changes.len());
        for edit in self.changes.drain(..done) {
            edit.apply(&mut self.durable);
        }
        self.promised = self.changes.len();
    }

    /// A sync failed: of what waited any part reached the medium, and no later sync tries again.
    /// Readers go on to see the bytes that were written, or what the medium holds, as file systems
    /// differ. Lengths are in the journal: a later sync brings them.
    pub(crate) fn give_up(&mut self, rng: &mut Rng) {
        let mut lengths = Vec::new();
        for edit in std::mem::take(&mut self.changes) {
            match edit {
                Edit::Write(..) => edit.apply_torn(&mut self.durable, rng),
                Edit::Length(_) => lengths.push(edit),
            }
        }
        self.changes = lengths;
        if rng.chance(30) {
            self.drop_cache();
        }
    }

    /// Clean pages leave the cache: the next read comes from the medium.
    pub(crate) fn drop_cache(&mut self) {
        self.bytes.clone_from(&self.durable);
        for edit in &self.changes {
            edit.apply(&mut self.bytes);
        }
    }

    fn crash(&mut self, rng: &mut Rng) {
        for edit in std::mem::take(&mut self.changes) {
            edit.apply_torn(&mut self.durable, rng);
        }
        self.promised = 0;
        if self.bytes != self.durable {
            self.bytes.clone_from(&self.durable);
        }
    }

    /// Everything written is durable.
    fn settle(&mut self) {
        self.changes.clear();
        self.durable.clone_from(&self.bytes);
    }

    /// Bytes change at rest, on the medium and for every reader.
    pub(crate) fn rot(&mut self, change: impl Fn(&mut Vec<u8>)) {
        change(&mut self.bytes);
        change(&mut self.durable);
    }
}

/// One change of a directory that no sync covered yet.
#[derive(Clone)]
enum Entry {
    Add(String, usize),
    Drop(String),
    Move(String, String, usize),
}

impl Entry {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Add(path, inode) => {
                names.insert(path.clone(), *inode);
            }
            Self::Drop(path) => {
                names.remove(path);
            }
            Self::Move(from, to, inode) => {
                names.remove(from);
                names.insert(to.clone(), *inode);
            }
        }
    }
}

/// All files.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    pub(crate) names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// By directory, in order.
    entries: Vec<(String, Entry)>,
    pub(crate) inodes: Vec<Inode>,
}

/// Stands in the place of a file's number.
const DIRECTORY: usize = usize::MAX;

fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').filter_map(|(at, _)| path.get(..at))
}

fn parent(path: &str) -> String {
    path.rsplit_once('/').map_or("", |(dir, _)| dir).to_owned()
}

impl Disk {
    pub(crate) fn find(&self, path: &str) -> Option<usize> {
        self.names.get(path).copied().filter(|inode| *inode != DIRECTORY)
    }

    pub(crate) fn has_dir_of(&self, path: &str) -> bool {
        ancestors(path).all(|dir| self.names.contains_key(dir))
    }

    pub(crate) fn create_dir(&mut self, dir: &str) {
        for path in ancestors(dir).chain([dir]).filter(|path| !path.is_empty()) {
            if !self.names.contains_key(path) {
                self.change(parent(path), Entry::Add(path.to_owned(), DIRECTORY));
            }
        }
    }

    pub(crate) fn create(&mut self, path: &str) -> usize {
        let inode = self.inodes.len();
        self.inodes.push(Inode::default());
        self.change(parent(path), Entry::Add(path.to_owned(), inode));
        inode
    }

    pub(crate) fn remove(&mut self, path: &str) -> bool {
        let there = self.names.contains_key(path);
        if there {
            self.change(parent(path), Entry::Drop(path.to_owned()));
        }
        there
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> bool {
        let Some(inode) = self.find(from) else { return false };
        let (source, target) = (parent(from), parent(to));
        if source == target {
            self.change(source, Entry::Move(from.to_owned(), to.to_owned(), inode));
        } else {
            self.change(target, Entry::Add(to.to_owned(), inode));
            self.change(source, Entry::Drop(from.to_owned()));
        }
        true
    }

    fn change(&mut self, dir: String, entry: Entry) {
        entry.apply(&mut self.names);
        self.entries.push((dir, entry));
    }

    pub(crate) fn sync_dir(&mut self, dir: &str) {
        let durable = &mut self.durable_names;
        self.entries.retain(|(of, entry)| {
            if of == dir {
                entry.apply(durable);
            }
            of != dir
        });
    }

    pub(crate) fn list(&self, dir: &str) -> Vec<String> {
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let below = self.names.keys().filter_map(|path| path.strip_prefix(&prefix));
        let mut names: Vec<String> =
            below.map(|rest| rest.split('/').next().unwrap_or(rest).to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(crate) fn used(&self) -> u64 {
        self.names.values().filter_map(|i| self.inodes.get(*i)).map(|i| i.bytes.len() as u64).sum()
    }

    /// Power goes: of everything that is not durable a chosen part stays.
    pub(crate) fn crash(&mut self, rng: &mut Rng) {
        for (_, entry) in std::mem::take(&mut self.entries) {
            if rng.chance(50) {
                entry.apply(&mut self.durable_names);
            }
        }
        let all = self.durable_names.clone();
        self.durable_names.retain(|path, _| ancestors(path).all(|dir| all.contains_key(dir)));
        self.names.clone_from(&self.durable_names);
        for inode in &mut self.inodes {
            inode.crash(rng);
        }
    }

    /// Everything written is durable.
    pub(crate) fn settle(&mut self) {
        self.entries.clear();
        self.durable_names.clone_from(&self.names);
        for inode in &mut self.inodes {
            inode.settle();
        }
    }
}
