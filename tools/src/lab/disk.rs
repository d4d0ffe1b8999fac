//! Files and directory entries: what is there now, and what would survive.
//!
//! Directories are names too: a file survives only if its directories do.
//!
//! Invariant: `durable` changes only by a sync or by a crash; a sync makes exactly one file's bytes
//! or one directory's entries durable. Knows nothing about faults and handles.

use std::collections::BTreeMap;

use super::Rng;

/// One change of a file that no sync covered yet.
#[derive(Clone)]
struct Change {
    edit: Edit,
    /// A sync failed while it waited: no later sync makes it durable.
    given_up: bool,
}

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
                bytes[*offset..end].copy_from_slice(new);
            }
            Self::Length(len) => bytes.resize(*len, 0),
        }
    }

    /// As much of it as a crash leaves.
    fn torn(&self, rng: &mut Rng) -> Option<Self> {
        match rng.below(4) {
            0 => None,
            1 => Some(self.clone()),
            _ => match self {
                Self::Length(_) => rng.chance(50).then(|| self.clone()),
                Self::Write(offset, new) => {
                    let cut = usize::try_from(rng.below(new.len() as u64 + 1)).unwrap_or(0);
                    // Either its first part or its last part reached the disk.
                    Some(if rng.chance(70) {
                        Self::Write(*offset, new[..cut].to_vec())
                    } else {
                        Self::Write(*offset + cut, new[cut..].to_vec())
                    })
                }
            },
        }
    }
}

/// A file's bytes.
#[derive(Clone, Default)]
pub(super) struct Inode {
    pub(super) bytes: Vec<u8>,
    durable: Vec<u8>,
    changes: Vec<Change>,
}

impl Inode {
    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        self.change(Edit::Write(offset, bytes.to_vec()));
    }

    pub(super) fn set_len(&mut self, len: usize) {
        self.change(Edit::Length(len));
    }

    fn change(&mut self, edit: Edit) {
        edit.apply(&mut self.bytes);
        self.changes.push(Change { edit, given_up: false });
    }

    pub(super) fn sync(&mut self) {
        let durable = &mut self.durable;
        self.changes.retain(|change| {
            if !change.given_up {
                change.edit.apply(durable);
            }
            change.given_up
        });
    }

    pub(super) fn give_up(&mut self) {
        self.changes.iter_mut().for_each(|change| change.given_up = true);
    }

    fn crash(&mut self, rng: &mut Rng) {
        for change in std::mem::take(&mut self.changes) {
            if let Some(edit) = change.edit.torn(rng) {
                edit.apply(&mut self.durable);
            }
        }
        self.bytes.clone_from(&self.durable);
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
pub(super) struct Disk {
    pub(super) names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// By directory, in order.
    entries: Vec<(String, Entry)>,
    pub(super) inodes: Vec<Inode>,
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
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        self.names.get(path).copied().filter(|inode| *inode != DIRECTORY)
    }

    pub(super) fn has_dir_of(&self, path: &str) -> bool {
        ancestors(path).all(|dir| self.names.contains_key(dir))
    }

    pub(super) fn create_dir(&mut self, dir: &str) {
        for path in ancestors(dir).chain([dir]).filter(|path| !path.is_empty()) {
            if !self.names.contains_key(path) {
                self.change(parent(path), Entry::Add(path.to_owned(), DIRECTORY));
            }
        }
    }

    pub(super) fn create(&mut self, path: &str) -> usize {
        let inode = self.inodes.len();
        self.inodes.push(Inode::default());
        self.change(parent(path), Entry::Add(path.to_owned(), inode));
        inode
    }

    pub(super) fn remove(&mut self, path: &str) -> bool {
        let there = self.names.contains_key(path);
        if there {
            self.change(parent(path), Entry::Drop(path.to_owned()));
        }
        there
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> bool {
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

    pub(super) fn sync_dir(&mut self, dir: &str) {
        let durable = &mut self.durable_names;
        self.entries.retain(|(of, entry)| {
            if of == dir {
                entry.apply(durable);
            }
            of != dir
        });
    }

    pub(super) fn list(&self, dir: &str) -> Vec<String> {
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let below = self.names.keys().filter_map(|path| path.strip_prefix(&prefix));
        let mut names: Vec<String> =
            below.map(|rest| rest.split('/').next().unwrap_or(rest).to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(super) fn used(&self) -> u64 {
        self.names.values().filter_map(|i| self.inodes.get(*i)).map(|i| i.bytes.len() as u64).sum()
    }

    /// Power goes: of everything that is not durable a chosen part stays.
    pub(super) fn crash(&mut self, rng: &mut Rng) {
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

    /// The process dies, the machine goes on: everything written stays.
    pub(super) fn settle(&mut self) {
        self.entries.clear();
        self.durable_names.clone_from(&self.names);
        for inode in &mut self.inodes {
            inode.changes.clear();
            inode.durable.clone_from(&inode.bytes);
        }
    }
}
