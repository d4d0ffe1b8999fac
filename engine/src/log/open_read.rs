//! Opening a log for reading, beside a writer or without one.
//!
//! Order of calls: the checkpoint first, so that whatever it covers is in the files read after it;
//! then identity and keys; handles of active files; only then the list of sealed ones, so that a
//! file that is sealed meanwhile is seen at least once.
//! Invariant: nothing is written, nothing is locked; `recovery::plan` decides and nobody acts on
//! it.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::active_read::run_of;
use super::cache::{GROUPS_MEMORY_MAX, GroupCache, SEGMENTS_MAX, SegmentCache};
use super::catalogue::{self, SegmentEntry};
use super::indexes::Indexes;
use super::open_active::{open_active, scan_file};
use super::parts::Parts;
use super::read_error::{OpenReadError, ReadError, open_io};
use super::reader::{CHECKPOINT, KEYS, Reader};
use super::sealed_found::{Sealed, from_footer, without_overlaps};
use super::view::{ActiveFile, Behind, SealedList, SharedView, View};
use crate::format::{active_name, parse_active_name, parse_sealed_name};
use crate::io::{OpenMode, OsStorage, Storage};
use crate::proof::{FORMAT, KeyList, LogIdentity, chain_genesis};
use crate::recovery::{ActiveFound, CheckpointFound, Damage, Found, Plan, SealedFound, Tail, plan};
use crate::segment::{ActiveScan, ScanPosition, ScanTail};
use crate::types::Seq;

const IDENTITY: &str = "log.json";
/// Longest small file that is read whole.
const FILE_LEN_MAX: u64 = 16 << 20;
/// How often files may move away between listing and opening.
const ATTEMPTS: usize = 8;

impl Reader {
    /// Opens a data directory.
    ///
    /// # Errors
    /// [`OpenReadError`]: no log there, its identity damaged, or the medium failed. Damage anywhere
    /// else is no error: see [`Reader::damage`].
    pub fn open(dir: &Path) -> Result<Self, OpenReadError> {
        Self::open_storage(Arc::new(OsStorage::new(dir)))
    }

    /// Opens any storage.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_storage(storage: Arc<dyn Storage>) -> Result<Self, OpenReadError> {
        let note = read_file(&*storage, CHECKPOINT).map_err(open_io(CHECKPOINT))?;
        let identity = identity(&*storage)?;
        let keys = read_file(&*storage, KEYS).map_err(open_io(KEYS))?;
        let keys = keys
            .and_then(|bytes| KeyList::parse(&bytes).ok())
            .filter(|keys| *keys.origin() == identity.origin)
            .map(Arc::new);
        let mut follow = Follow::default();
        let checkpoint = checkpoint_found(note.as_deref(), keys.as_deref());
        let view = follow.gather(&*storage, &identity, checkpoint)?;
        Ok(Self::from_parts(Arc::new(Parts {
            identity_sha256: identity.sha256(),
            indexes: Indexes::new(Arc::clone(&storage)),
            storage,
            identity,
            keys: RwLock::new(keys),
            view: Arc::new(SharedView::new(view)),
            groups: GroupCache::new(GROUPS_MEMORY_MAX),
            segments: SegmentCache::new(SEGMENTS_MAX),
            live: None,
            follow: Some(Mutex::new(follow)),
        })))
    }

    /// Looks what has become durable since. Does nothing where a writer keeps the view.
    ///
    /// # Errors
    /// As [`Reader::open`]; the view is then the one before.
    pub fn refresh(&self) -> Result<(), OpenReadError> {
        let parts = &self.parts;
        let Some(follow) = &parts.follow else { return Ok(()) };
        let mut follow = follow.lock();
        let checkpoint = match self.checkpoint() {
            Ok(None) => CheckpointFound::None,
            Ok(Some(signed)) => CheckpointFound::Size(signed.checkpoint.size.0),
            Err(ReadError::Io { path, source }) => return Err(OpenReadError::Io { path, source }),
            Err(_) => CheckpointFound::Unreadable,
        };
        let view = follow.gather(&*parts.storage, &parts.identity, checkpoint)?;
        parts.view.change(|current| *current = view);
        parts.indexes.look_again();
        Ok(())
    }
}

/// What a writer finds: all that a reader sees, and what to do with it.
pub(crate) struct Surveyed {
    pub(crate) view: View,
    pub(crate) plan: Plan,
    /// The last active file.
    pub(crate) last: Option<Last>,
    /// Sealed files (by path) that can't be opened while an active file holds all of their records.
    pub(crate) spoilt: Vec<String>,
}

/// The file that a writer goes on with.
pub(crate) struct Last {
    pub(crate) active: Arc<ActiveFile>,
    /// Behind its valid frames, durable or not.
    pub(crate) end: ScanPosition,
    /// Everything before this offset was synced before what follows it was written.
    pub(crate) synced: u64,
}

/// What a reader remembers of the files between two looks.
#[derive(Default)]
pub(crate) struct Follow {
    sealed: Vec<Sealed>,
    /// Sealed files that are of no use beside their active file.
    spoilt: Vec<SegmentEntry>,
    /// The same as views show it.
    list: Arc<SealedList>,
    list_len: usize,
    actives: Vec<Known>,
}

/// An active file, by its name; without a file where its header is no header.
#[derive(Clone)]
struct Known {
    first_seq: u64,
    opened: Option<(Arc<ActiveFile>, ActiveScan)>,
    /// Whether another active file followed it when it was scanned: then it never changes again.
    complete: bool,
}

/// Whether what was noted of sealed segments counts, or only their footers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Catalogue {
    Asked,
    Unasked,
}

impl Follow {
    /// Looks at everything once, for a writer that holds the lock.
    pub(crate) fn survey(
        storage: &dyn Storage,
        identity: &LogIdentity,
        checkpoint: CheckpointFound,
    ) -> Result<Surveyed, OpenReadError> {
        let mut follow = Self::default();
        let view = follow.gather(storage, identity, checkpoint)?;
        let plan = plan(&follow.found(identity, checkpoint));
        let last = follow.actives.last().and_then(|known| known.opened.as_ref());
        let last = last
            .filter(|(active, _)| !plan.superseded.contains(&active.header.first_seq.0))
            .map(|(active, scan)| Last {
                active: Arc::clone(active),
                end: scan.end,
                synced: scan.before_last_commit.offset,
            });
        let spoilt = follow.spoilt.iter().map(SegmentEntry::path).collect();
        Ok(Surveyed { view, plan, last, spoilt })
    }

    fn gather(
        &mut self,
        storage: &dyn Storage,
        identity: &LogIdentity,
        checkpoint: CheckpointFound,
    ) -> Result<View, OpenReadError> {
        for _ in 0..ATTEMPTS {
            let names = active_names(storage)?;
            let same = names.iter().eq(self.actives.iter().map(|known| &known.first_seq));
            let (actives, vanished) = self.actives(storage, &names)?;
            self.actives = actives;
            if !same || self.sealed.is_empty() || !vanished.is_empty() {
                let sealed = self.sealed(storage, Catalogue::Asked)?;
                self.take_sealed(sealed);
                // A catalogue of other segments, brought along by a copy, says nothing about this
                // log: only what the footers say is damage.
                if !plan(&self.found(identity, checkpoint)).damage.is_empty() {
                    let sealed = self.sealed(storage, Catalogue::Unasked)?;
                    self.take_sealed(sealed);
                }
            }
            let sealed = |seq: &u64| self.sealed.iter().any(|s| s.entry.first_seq == *seq);
            if vanished.iter().all(sealed) {
                return Ok(self.view(identity, checkpoint));
            }
        }
        Err(OpenReadError::Moving)
    }

    /// Active files by first seq, and those that went away since they were listed.
    fn actives(
        &self,
        storage: &dyn Storage,
        names: &[u64],
    ) -> Result<(Vec<Known>, Vec<u64>), OpenReadError> {
        let (mut found, mut vanished) = (Vec::new(), Vec::new());
        for (i, first_seq) in names.iter().enumerate() {
            let complete = i + 1 < names.len();
            let before = self.actives.iter().find(|known| known.first_seq == *first_seq);
            let path = format!("active/{}", active_name(Seq(*first_seq)));
            let known = match before {
                Some(known) if known.complete => known.clone(),
                Some(Known { opened: Some((active, scan)), .. }) => {
                    let scan =
                        scan_file(active, scan.before_last_commit).map_err(open_io(&path))?;
                    Known {
                        first_seq: *first_seq,
                        opened: Some((Arc::clone(active), scan)),
                        complete,
                    }
                }
                _ => match open_active(storage, &path) {
                    Err(e) if e.kind() == io::ErrorKind::NotFound => {
                        vanished.push(*first_seq);
                        continue;
                    }
                    opened => Known {
                        first_seq: *first_seq,
                        opened: opened.map_err(open_io(&path))?,
                        complete,
                    },
                },
            };
            found.push(known);
        }
        Ok((found, vanished))
    }

    fn take_sealed(&mut self, found: Vec<Sealed>) {
        let (spoilt, sealed) = found.into_iter().partition(|sealed| self.is_spare(sealed));
        self.sealed = sealed;
        self.spoilt = spoilt.into_iter().map(|sealed: Sealed| sealed.entry).collect();
        let entries = without_overlaps(&self.sealed);
        self.list_len = entries.len();
        self.list = Arc::new(SealedList::of(entries));
    }

    /// Sealed segments by first seq: from the catalogue where it is asked and knows them, otherwise
    /// from their footers.
    fn sealed(
        &self,
        storage: &dyn Storage,
        catalogue: Catalogue,
    ) -> Result<Vec<Sealed>, OpenReadError> {
        let names = storage.list("sealed").map_err(open_io("sealed"))?;
        let mut ranges: Vec<(u64, u64)> = names
            .iter()
            .filter_map(|name| parse_sealed_name(name))
            .filter(|(first, count)| *count > 0 && first.0.checked_add(*count).is_some())
            .map(|(first, count)| (first.0, count))
            .collect();
        ranges.sort_unstable();
        let mut known: HashMap<(u64, u64), SegmentEntry> = HashMap::new();
        if catalogue == Catalogue::Asked {
            if ranges.len() > self.sealed.len() + 1 {
                let entries = catalogue::load(storage).into_iter();
                known.extend(entries.map(|e| ((e.first_seq, e.count), e)));
            }
            let seen = self.sealed.iter().filter(|sealed| sealed.readable);
            known.extend(seen.map(|s| ((s.entry.first_seq, s.entry.count), s.entry.clone())));
        }
        ranges
            .into_iter()
            .map(|(first_seq, count)| match known.remove(&(first_seq, count)) {
                Some(entry) => Ok(Sealed { entry, readable: true }),
                None => from_footer(storage, first_seq, count),
            })
            .collect()
    }

    /// Whether a sealed file can't be opened and its active file is still there: then that one
    /// counts.
    fn is_spare(&self, sealed: &Sealed) -> bool {
        let (first, end) = (sealed.entry.first_seq, sealed.entry.end_seq());
        let holds = |known: &Known| {
            let scan = known.opened.as_ref().map(|(_, scan)| scan);
            known.first_seq == first && scan.is_some_and(|scan| scan.end.next_seq.0 >= end)
        };
        !sealed.readable && self.actives.iter().any(holds)
    }

    fn view(&self, identity: &LogIdentity, checkpoint: CheckpointFound) -> View {
        let found = self.found(identity, checkpoint);
        let plan = plan(&found);
        let mut damage = plan.damage.clone();
        for sealed in self.sealed.iter().filter(|sealed| !sealed.readable) {
            note_unreadable(&sealed.entry, &mut damage);
        }
        let mut actives = Vec::new();
        for (i, (known, found)) in self.actives.iter().zip(&found.actives).enumerate() {
            let last = i + 1 == self.actives.len();
            let superseded = plan.superseded.contains(&known.first_seq);
            if let Some((active, scan)) =
                known.opened.as_ref().filter(|_| found.ours && !superseded)
            {
                show(active, scan, last, &plan, checkpoint);
                actives.push(Arc::clone(active));
            }
        }
        let (sealed, sealed_len) = (Arc::clone(&self.list), self.list_len);
        View { sealed, sealed_len, actives, damage: Arc::new(damage) }
    }

    fn found(&self, identity: &LogIdentity, checkpoint: CheckpointFound) -> Found {
        let identity_sha256 = identity.sha256();
        let sealed = self.sealed.iter().filter(|sealed| sealed.readable).map(|s| SealedFound {
            first_seq: s.entry.first_seq,
            end_seq: s.entry.end_seq(),
            chain_before: s.entry.chain_before,
            chain_after: s.entry.chain_after,
        });
        let actives = self.actives.iter().map(|known| {
            let header = known.opened.as_ref().map(|(active, _)| &active.header);
            let ours = header.is_some_and(|header| {
                header.identity_sha256 == identity_sha256 && header.first_seq.0 == known.first_seq
            });
            let scan = known.opened.as_ref().map(|(_, scan)| scan.clone());
            ActiveFound { first_seq: known.first_seq, scan, ours }
        });
        Found {
            genesis: chain_genesis(&identity.origin, &identity.log_id),
            sealed: sealed.collect(),
            actives: actives.collect(),
            checkpoint,
        }
    }
}

/// Names the records of a segment that can't be opened, unless the plan missed them already.
fn note_unreadable(entry: &SegmentEntry, damage: &mut Vec<Damage>) {
    let (first, end) = (entry.first_seq, entry.end_seq());
    let named = |damage: &Damage| {
        matches!(damage, Damage::Missing { first_seq, end_seq }
            if *first_seq <= first && end <= *end_seq)
    };
    if !damage.iter().any(named) {
        damage.push(Damage::Missing { first_seq: first, end_seq: end });
    }
}

/// Makes visible what is durable of a file.
fn show(
    active: &ActiveFile,
    scan: &ActiveScan,
    last: bool,
    plan: &Plan,
    checkpoint: CheckpointFound,
) {
    // Everything that was written is durable where a checkpoint says so, or where a mark follows
    // it.
    let covered = matches!(checkpoint, CheckpointFound::Size(size) if size >= scan.end.next_seq.0)
        || scan.before_last_commit.next_seq == scan.end.next_seq;
    let torn = last && matches!(plan.tail, Tail::Cut { .. });
    match &scan.tail {
        ScanTail::Bad { islands, .. } if !torn => {
            let bound = if last { plan.durable } else { u64::MAX };
            let mut behind =
                Behind { runs: Vec::new(), end_seq: if last { plan.durable } else { 0 } };
            let (mut end_seq, mut chain) = (scan.end.next_seq.0, Some(scan.end.chain));
            for island in islands {
                let known = chain.filter(|_| island.first_seq.0 == end_seq);
                // An island before what is already there is a leftover that belongs nowhere.
                if island.first_seq.0 < end_seq {
                    continue;
                }
                let Ok((mut run, after)) = run_of(&active.file, &active.header, island, known)
                else {
                    continue;
                };
                (end_seq, chain) = (run.end_seq, after);
                run.end_seq = run.end_seq.min(bound);
                behind.end_seq = behind.end_seq.max(run.end_seq);
                behind.runs.push(run);
            }
            active.publish_behind(behind);
            active.publish(scan.end);
        }
        ScanTail::Closed => active.publish(scan.end),
        _ if covered || !last => active.publish(scan.end),
        // The last commit may have been written and not yet synced.
        _ => active.publish(scan.before_last_commit),
    }
}

fn active_names(storage: &dyn Storage) -> Result<Vec<u64>, OpenReadError> {
    let names = storage.list("active").map_err(open_io("active"))?;
    let mut seqs: Vec<u64> =
        names.iter().filter_map(|n| parse_active_name(n)).map(|s| s.0).collect();
    seqs.sort_unstable();
    Ok(seqs)
}

fn identity(storage: &dyn Storage) -> Result<LogIdentity, OpenReadError> {
    let bytes = read_file(storage, IDENTITY).map_err(open_io(IDENTITY))?;
    let bytes = bytes.ok_or(OpenReadError::NoLog)?;
    let identity = LogIdentity::parse(&bytes).ok_or(OpenReadError::Identity)?;
    if identity.format == FORMAT {
        Ok(identity)
    } else {
        Err(OpenReadError::Format { found: identity.format, known: FORMAT })
    }
}

fn checkpoint_found(note: Option<&[u8]>, keys: Option<&KeyList>) -> CheckpointFound {
    let Some(note) = note else { return CheckpointFound::None };
    let checkpoint = keys.and_then(|keys| keys.open_checkpoint(note).ok());
    checkpoint.map_or(CheckpointFound::Unreadable, |c| CheckpointFound::Size(c.size.0))
}

/// A small file whole; `None` where there is none.
pub(crate) fn read_file(storage: &dyn Storage, path: &str) -> io::Result<Option<Vec<u8>>> {
    let file = match storage.open(path, OpenMode::Read) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let len = file.len()?;
    if len > FILE_LEN_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(Some(bytes))
}
