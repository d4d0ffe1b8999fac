//! A disk in memory with two states of everything: what is written, and what would survive.
//!
//! Directories hold numbers of nodes by name. Synced is what a sync of exactly that node covered;
//! everything younger waits, and of what waits a power cut keeps any part.
//! Invariant: `synced` changes only by a sync or a cut. Knows nothing about FUSE and faults; shares
//! no code with the simulated disk of the crash tests, so that each can catch the other's mistakes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use shoseki_lab::Rng;

/// Number of a node; the root is 1.
pub(crate) type Number = u64;
pub(crate) const ROOT: Number = 1;

type Names = BTreeMap<String, Number>;

/// What a write, a cut or an extension does to bytes.
#[derive(Clone)]
enum Edit {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(len) => bytes.resize(*len, 0),
            Self::Write(at, new) => {
                let end = at + new.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*at..end].copy_from_slice(new);
            }
        }
    }
}

/// What happened to the names of one directory.
#[derive(Clone)]
enum Naming {
    Put(String, Number),
    Take(String),
    /// Within one directory: both or nothing.
    Move(String, String, Number),
}

impl Naming {
    fn apply(&self, names: &mut Names) {
        match self {
            Self::Put(name, number) => {
                names.insert(name.clone(), *number);
            }
            Self::Take(name) => {
                names.remove(name);
            }
            Self::Move(from, to, number) => {
                names.remove(from);
                names.insert(to.clone(), *number);
            }
        }
    }
}

#[derive(Clone)]
enum Node {
    File {
        bytes: Vec<u8>,
        synced: Vec<u8>,
        /// With each edit, whether a sync failed while it waited: no later one makes it durable.
        waiting: Vec<(Edit, bool)>,
    },
    Directory {
        names: Names,
        synced: Names,
        waiting: Vec<Naming>,
    },
}

/// All nodes; those that no name leads to stay, as open files do.
#[derive(Clone)]
pub(crate) struct Disk {
    nodes: BTreeMap<Number, Node>,
    next: Number,
    pub(crate) modes: BTreeMap<Number, u16>,
}

impl Disk {
    pub(crate) fn new() -> Self {
        let root =
            Node::Directory { names: Names::new(), synced: Names::new(), waiting: Vec::new() };
        Self { nodes: [(ROOT, root)].into(), next: ROOT + 1, modes: BTreeMap::new() }
    }

    pub(crate) fn is_directory(&self, number: Number) -> Option<bool> {
        self.nodes.get(&number).map(|node| matches!(node, Node::Directory { .. }))
    }

    pub(crate) fn names(&self, directory: Number) -> Option<&Names> {
        match self.nodes.get(&directory)? {
            Node::Directory { names, .. } => Some(names),
            Node::File { .. } => None,
        }
    }

    pub(crate) fn find(&self, directory: Number, name: &str) -> Option<Number> {
        self.names(directory)?.get(name).copied()
    }

    pub(crate) fn bytes(&self, number: Number) -> Option<&[u8]> {
        match self.nodes.get(&number)? {
            Node::File { bytes, .. } => Some(bytes),
            Node::Directory { .. } => None,
        }
    }

    /// A new file or directory under a name.
    pub(crate) fn make(&mut self, parent: Number, name: &str, directory: bool) -> Number {
        let number = self.next;
        self.next += 1;
        let node = if directory {
            Node::Directory { names: Names::new(), synced: Names::new(), waiting: Vec::new() }
        } else {
            Node::File { bytes: Vec::new(), synced: Vec::new(), waiting: Vec::new() }
        };
        self.nodes.insert(number, node);
        self.rename_in(parent, Naming::Put(name.to_owned(), number));
        number
    }

    pub(crate) fn take(&mut self, parent: Number, name: &str) {
        self.rename_in(parent, Naming::Take(name.to_owned()));
    }

    pub(crate) fn rename(&mut self, from: (Number, &str), to: (Number, &str), number: Number) {
        if from.0 == to.0 {
            let naming = Naming::Move(from.1.to_owned(), to.1.to_owned(), number);
            self.rename_in(from.0, naming);
        } else {
            self.rename_in(to.0, Naming::Put(to.1.to_owned(), number));
            self.rename_in(from.0, Naming::Take(from.1.to_owned()));
        }
    }

    fn rename_in(&mut self, parent: Number, naming: Naming) {
        if let Some(Node::Directory { names, waiting, .. }) = self.nodes.get_mut(&parent) {
            naming.apply(names);
            waiting.push(naming);
        }
    }

    pub(crate) fn write(&mut self, number: Number, at: usize, new: &[u8]) {
        self.edit(number, Edit::Write(at, new.to_vec()));
    }

    pub(crate) fn set_len(&mut self, number: Number, len: usize) {
        self.edit(number, Edit::Length(len));
    }

    fn edit(&mut self, number: Number, edit: Edit) {
        if let Some(Node::File { bytes, waiting, .. }) = self.nodes.get_mut(&number) {
            edit.apply(bytes);
            waiting.push((edit, false));
        }
    }

    pub(crate) fn sync(&mut self, number: Number) {
        match self.nodes.get_mut(&number) {
            Some(Node::File { synced, waiting, .. }) => waiting.retain(|(edit, given_up)| {
                if !given_up {
                    edit.apply(synced);
                }
                *given_up
            }),
            Some(Node::Directory { synced, waiting, .. }) => {
                waiting.drain(..).for_each(|naming| naming.apply(synced));
            }
            None => {}
        }
    }

    /// A sync failed: what waited can be read on, and no later sync makes it durable.
    pub(crate) fn give_up(&mut self, number: Number) {
        if let Some(Node::File { waiting, .. }) = self.nodes.get_mut(&number) {
            waiting.iter_mut().for_each(|(_, given_up)| *given_up = true);
        }
    }

    /// What is there after a power cut now: all that was synced, and any part of what waited.
    pub(crate) fn after_cut(&self, rng: &mut Rng) -> Self {
        let mut after = self.clone();
        // Everything, nothing, or each by itself: the first two are the commonest on real disks.
        let chance = [0, 100, 50, 20, 80][usize::try_from(rng.below(5)).unwrap()];
        for node in after.nodes.values_mut() {
            match node {
                Node::File { bytes, synced, waiting } => {
                    for (edit, _) in waiting.drain(..) {
                        if let Some(edit) = survives(edit, chance, rng) {
                            edit.apply(synced);
                        }
                    }
                    bytes.clone_from(synced);
                }
                Node::Directory { names, synced, waiting } => {
                    for naming in waiting.drain(..) {
                        if rng.chance(chance) {
                            naming.apply(synced);
                        }
                    }
                    names.clone_from(synced);
                }
            }
        }
        after
    }

    /// Writes everything that has a name into an empty directory of a real file system.
    pub(crate) fn copy_to(&self, to: &Path) {
        self.copy_directory(ROOT, to);
    }

    fn copy_directory(&self, directory: Number, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for (name, number) in self.names(directory).into_iter().flatten() {
            let path = to.join(name);
            match self.bytes(*number) {
                Some(bytes) => {
                    fs::write(&path, bytes).unwrap();
                    self.set_mode(*number, &path);
                }
                None => self.copy_directory(*number, &path),
            }
        }
    }

    fn set_mode(&self, number: Number, path: &Path) {
        use std::os::unix::fs::PermissionsExt;
        let mode = self.modes.get(&number).copied().unwrap_or(0o644);
        fs::set_permissions(path, fs::Permissions::from_mode(mode.into())).unwrap();
    }

    /// Takes everything below a directory in, durably.
    pub(crate) fn copy_from(&mut self, from: &Path) {
        self.take_in(ROOT, from);
        let numbers: Vec<Number> = self.nodes.keys().copied().collect();
        numbers.into_iter().for_each(|number| self.sync(number));
    }

    fn take_in(&mut self, directory: Number, from: &Path) {
        use std::os::unix::fs::PermissionsExt;
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let meta = entry.metadata().unwrap();
            let number = self.make(directory, &name, meta.is_dir());
            let mode = u16::try_from(meta.permissions().mode() & 0o7777).unwrap();
            self.modes.insert(number, mode);
            if meta.is_dir() {
                self.take_in(number, &entry.path());
            } else {
                self.write(number, 0, &fs::read(entry.path()).unwrap());
            }
        }
    }
}

/// As much of an edit as a cut leaves: torn at any byte, from either end.
fn survives(edit: Edit, chance: u64, rng: &mut Rng) -> Option<Edit> {
    if chance == 0 || !rng.chance(chance.max(20)) {
        return None;
    }
    match edit {
        Edit::Write(at, new) if chance < 100 && rng.chance(50) => {
            let cut = usize::try_from(rng.below(new.len() as u64 + 1)).unwrap();
            Some(if rng.chance(70) {
                Edit::Write(at, new[..cut].to_vec())
            } else {
                Edit::Write(at + cut, new[cut..].to_vec())
            })
        }
        whole => Some(whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(disk: &Disk) -> Option<Vec<u8>> {
        disk.find(ROOT, "a").and_then(|number| disk.bytes(number)).map(<[u8]>::to_vec)
    }

    /// Over many seeds, what may be seen after a cut.
    fn seen(disk: &Disk) -> std::collections::BTreeSet<Option<Vec<u8>>> {
        (0..200).map(|seed| there(&disk.after_cut(&mut Rng::new(seed)))).collect()
    }

    #[test]
    fn only_what_was_synced_is_sure_to_survive() {
        let mut disk = Disk::new();
        let file = disk.make(ROOT, "a", false);
        disk.write(file, 0, b"x");
        disk.sync(file);
        assert_eq!(seen(&disk), [None, Some(b"x".to_vec())].into(), "its name was not synced");
        disk.sync(ROOT);
        assert_eq!(seen(&disk), [Some(b"x".to_vec())].into());
        disk.write(file, 1, b"y");
        // Torn: its length grew, its byte did not come.
        let torn = [Some(b"x".to_vec()), Some(b"x\0".to_vec()), Some(b"xy".to_vec())];
        assert_eq!(seen(&disk), torn.into());
        disk.give_up(file);
        disk.sync(file);
        assert_eq!(there(&disk), Some(b"xy".to_vec()), "it can be read on");
        assert!(seen(&disk).contains(&Some(b"x".to_vec())), "no later sync saves it");
        disk.take(ROOT, "a");
        disk.sync(ROOT);
        assert_eq!(seen(&disk), [None].into());
    }
}
