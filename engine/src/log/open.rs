//! Opening for writing: gather, decide, act.
//!
//! Order: lock, identity, keys, leftovers of an earlier crash, survey, plan; then what the plan
//! says. Reading and deciding are the reader's own code and `recovery::plan`; only the acting is
//! here.
//! Invariant: nothing is cut that was ever acknowledged, and what is cut is in `quarantine/` before
//! it is gone. What the survey found in the last file is synced before anything is built on it.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};

use super::active_write::{self, ACTIVE, ActiveWriter, NoRoom, active_path};
use super::catalogue::{self, SegmentEntry};
use super::core::{self, Core, Keys};
use super::entry::Entry;
use super::error::OpenError;
use super::handle::{OpenReport, Quarantined};
use super::identity::{self, Identity};
use super::ids;
use super::indexes::Worker;
use super::intake::Intake;
use super::keeper::Signals;
use super::open_read::{Follow, Last, Surveyed};
use super::options::LogOptions;
use super::reader::Reader;
use super::room::Bound;
use super::seal::{SEALED, Sealer};
use super::sequencer::{Cursor, Sequencer};
use super::source::FileSource;
use super::tree::{Backlog, CHECKPOINT, LiveNodes, Tree};
use super::view::{ActiveFile, SharedView, View};
use crate::format::{ActiveHeader, BODY_LEN_MAX, active_name};
use crate::index::ids::IdIndex;
use crate::io::{
    LockGuard, OpenMode, Storage, StorageFile, TEMPORARY_SUFFIX, make_dir, remove_durably,
    write_atomic,
};
use crate::proof::{Checkpoint, CompactRange, VerifierKey};
use crate::record::{Body, STAMP_LEN_MAX};
use crate::recovery::{CheckpointFound, Plan, Tail};
use crate::segment::{GroupPlace, ScanPosition, SealedSegment, SegmentError, SegmentErrorKind};
use crate::types::Seq;

const QUARANTINE: &str = "quarantine";
/// Bytes of the last commit that are held at once.
const REWRITE_LEN_MAX: u64 = 1 << 20;

type Opened = (Arc<Core>, OpenReport, Box<dyn LockGuard>);

/// Opens or makes a log.
pub(crate) fn open(storage: Arc<dyn Storage>, options: LogOptions) -> Result<Opened, OpenError> {
    if options.limits.record_len_max.saturating_add(STAMP_LEN_MAX) > BODY_LEN_MAX {
        return Err(OpenError::Limits { max: BODY_LEN_MAX - STAMP_LEN_MAX });
    }
    storage.create_dir("").map_err(OpenError::io("."))?;
    let lock = storage.lock()?;
    let mut report = OpenReport::default();
    let identity = load_or_create(&*storage, &options, &mut report)?;
    let signing = identity::load_signing_key(&*storage, &identity)?;
    remove_leftovers(&*storage)?;
    settle_vkey(&*storage, &identity, &options, &mut report)?;
    let note = identity::read_small(&*storage, CHECKPOINT)?;
    let opened = note.as_deref().map(|note| identity.keys.open_checkpoint(note).ok());
    let (found, checkpoint) = match opened {
        None => (CheckpointFound::None, None),
        Some(None) => (CheckpointFound::Unreadable, None),
        Some(Some(checkpoint)) => (CheckpointFound::Size(checkpoint.size.0), Some(checkpoint)),
    };
    report.checkpoint_rebuilt = found == CheckpointFound::Unreadable;
    if let Some(bytes) = note.as_deref().filter(|_| report.checkpoint_rebuilt) {
        // It will be signed anew; what stood there stays for whoever wants to know why.
        keep_aside(&*storage, CHECKPOINT, bytes, &options)?;
    }
    let mut surveyed = survey(&*storage, &identity, found)?;
    if !surveyed.plan.superseded.is_empty() || !surveyed.spoilt.is_empty() {
        settle_superseded(&*storage, &surveyed, &mut report)?;
        surveyed = survey(&*storage, &identity, found)?;
    }
    let core = build(storage, options, identity, signing, surveyed, checkpoint, &mut report)?;
    Ok((core, report, lock))
}

fn load_or_create(
    storage: &dyn Storage,
    options: &LogOptions,
    report: &mut OpenReport,
) -> Result<Identity, OpenError> {
    match identity::load(storage) {
        Err(OpenError::NotALog) => {}
        Ok(identity) => {
            let wanted = options.origin.as_ref().filter(|o| **o != identity.log.origin);
            return match wanted {
                None => Ok(identity),
                Some(wanted) => Err(OpenError::OtherOrigin {
                    found: identity.log.origin.to_string(),
                    wanted: wanted.to_string(),
                }),
            };
        }
        Err(error) => return Err(error),
    }
    for dir in [ACTIVE, SEALED] {
        let names = storage.list(dir).map_err(OpenError::io(dir))?;
        if names.iter().any(|name| !name.ends_with(TEMPORARY_SUFFIX)) {
            return Err(OpenError::IdentityMissing);
        }
    }
    report.created = true;
    identity::create(storage, &*options.environment, options.origin.as_ref())
}

/// Copies what stood in a small file to quarantine, before it is written anew.
fn keep_aside(
    storage: &dyn Storage,
    path: &str,
    bytes: &[u8],
    options: &LogOptions,
) -> Result<(), OpenError> {
    let now = options.environment.now_micros();
    let kept = format!("{QUARANTINE}/{path}-{now}");
    make_dir(storage, QUARANTINE)
        .and_then(|()| write_atomic(storage, &kept, bytes))
        .map_err(OpenError::io(&kept))
}

/// `log.vkey` names the newest key of the list. One before it shows a rotation that was cut short;
/// anything else was not written by us, and is said.
fn settle_vkey(
    storage: &dyn Storage,
    identity: &Identity,
    options: &LogOptions,
    report: &mut OpenReport,
) -> Result<(), OpenError> {
    let path = identity::VKEY;
    let line = |key: &VerifierKey| format!("{key}\n").into_bytes();
    let current = line(identity.keys.current());
    let found = identity::read_small(storage, path)?;
    if found.as_ref() == Some(&current) {
        return Ok(());
    }
    let known = identity.keys.entries().any(|entry| found.as_ref() == Some(&line(entry.key())));
    if !known {
        report.vkey_rebuilt = true;
        keep_aside(storage, path, found.as_deref().unwrap_or_default(), options)?;
    }
    write_atomic(storage, path, &current).map_err(OpenError::io(path))
}

/// Files that a crash left unfinished were never part of the log.
fn remove_leftovers(storage: &dyn Storage) -> Result<(), OpenError> {
    for dir in ["", ACTIVE, SEALED, identity::KEYS] {
        for name in storage.list(dir).map_err(OpenError::io(dir))? {
            if name.ends_with(TEMPORARY_SUFFIX) {
                let path = if dir.is_empty() { name } else { format!("{dir}/{name}") };
                remove_durably(storage, &path).map_err(OpenError::io(&path))?;
            }
        }
    }
    Ok(())
}

fn survey(
    storage: &dyn Storage,
    identity: &Identity,
    checkpoint: CheckpointFound,
) -> Result<Surveyed, OpenError> {
    let surveyed = Follow::survey(storage, &identity.log, checkpoint)?;
    if surveyed.plan.damage.is_empty() && surveyed.view.damage.is_empty() {
        return Ok(surveyed);
    }
    let mut damage = surveyed.view.damage.to_vec();
    damage
        .extend(surveyed.plan.damage.iter().filter(|d| !surveyed.view.damage.contains(d)).cloned());
    Err(OpenError::Damaged(damage))
}

/// A sealed segment beside its active file: the crash came between the rename and the removal.
fn settle_superseded(
    storage: &dyn Storage,
    surveyed: &Surveyed,
    report: &mut OpenReport,
) -> Result<(), OpenError> {
    let Surveyed { view, plan, spoilt, .. } = surveyed;
    for path in spoilt {
        set_aside(storage, path, report)?;
    }
    for first_seq in &plan.superseded {
        let entry = view.sealed.find(*first_seq, view.sealed_len).and_then(|i| view.sealed.get(i));
        let Some(entry) = entry else { continue };
        let path = entry.path();
        if verifies(storage, &path)? {
            // Its name may only be in a cache; without it the records would be nowhere.
            storage.sync_dir(SEALED).map_err(OpenError::io(SEALED))?;
            let active = format!("{ACTIVE}/{}", active_name(Seq(*first_seq)));
            remove_durably(storage, &active).map_err(OpenError::io(&active))?;
        } else {
            set_aside(storage, &path, report)?;
        }
    }
    Ok(())
}

/// Moves a sealed file that is not whole to quarantine; never over one that is there.
fn set_aside(storage: &dyn Storage, path: &str, report: &mut OpenReport) -> Result<(), OpenError> {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let there = storage.list(QUARANTINE).map_err(OpenError::io(QUARANTINE))?;
    let mut kept = name.to_owned();
    for n in 1.. {
        if !there.contains(&kept) {
            break;
        }
        kept = format!("{name}.{n}");
    }
    // The new name first: the file is to be found under one of them whenever the power goes.
    let moved = make_dir(storage, QUARANTINE)
        .and_then(|()| storage.rename(path, &format!("{QUARANTINE}/{kept}")))
        .and_then(|()| storage.sync_dir(QUARANTINE))
        .and_then(|()| storage.sync_dir(SEALED));
    moved.map_err(OpenError::io(path))?;
    report.resealed.push(path.to_owned());
    Ok(())
}

/// Whether every group of a sealed segment verifies.
fn verifies(storage: &dyn Storage, path: &str) -> Result<bool, OpenError> {
    let file = storage.open(path, OpenMode::ReadBack).map_err(OpenError::io(path))?;
    let source = FileSource::new(file).map_err(OpenError::io(path))?;
    let holds = |error: SegmentError| match error.kind {
        // A medium that fails says nothing about the bytes.
        SegmentErrorKind::Io(error) => Err(OpenError::io(path)(error)),
        _ => Ok(false),
    };
    let segment = match SealedSegment::open(source) {
        Ok(segment) => segment,
        Err(error) => return holds(error),
    };
    for block in 0..segment.directory().len() {
        let head = match segment.block_head(block) {
            Ok(head) => head,
            Err(error) => return holds(error),
        };
        for group in 0..head.groups.len() {
            if let Err(error) = segment.read_group(&head, GroupPlace { block, group }) {
                return holds(error);
            }
        }
    }
    Ok(true)
}

fn build(
    storage: Arc<dyn Storage>,
    options: LogOptions,
    identity: Identity,
    signing: crate::proof::SigningKey,
    surveyed: Surveyed,
    checkpoint: Option<Checkpoint>,
    report: &mut OpenReport,
) -> Result<Arc<Core>, OpenError> {
    let identity_sha256 = identity.log.sha256();
    let frontier = sealed_frontier(&*storage, &surveyed.view)?;
    let environment = Arc::clone(&options.environment);
    let now = environment.now_micros();
    let Surveyed { mut view, plan, last, .. } = surveyed;
    let (mut cursor, writer) = match last {
        Some(last) => resume(&*storage, &last, &plan, now, report)?,
        None => {
            let Tail::New { first_seq, chain } = plan.tail else {
                return Err(OpenError::Damaged(plan.damage));
            };
            let mut tag = [0; 8];
            environment.fill_random(&mut tag).map_err(OpenError::io(ACTIVE))?;
            let header = ActiveHeader {
                first_seq: Seq(first_seq),
                file_tag: u64::from_le_bytes(tag),
                identity_sha256,
                chain_before: chain,
                first_commit: 1,
            };
            let (cursor, writer, file) = begin(&*storage, header, &options)?;
            view.actives.push(Arc::new(file));
            (cursor, writer)
        }
    };
    let size = cursor.at.next_seq.0;
    cursor.at.received_at = last_received_at(&view);
    let view = Arc::new(SharedView::new(view));
    let live = Arc::new(LiveNodes::default());
    let reader = Reader::from_writer(
        Arc::clone(&storage),
        identity.log.clone(),
        identity.keys.clone(),
        Arc::clone(&view),
        Some(Arc::clone(&live) as _),
        options.cache_len_max,
    );
    cursor.day = day_of_first(&reader, &cursor);
    let mut key = [0; 16];
    environment.fill_random(&mut key).map_err(OpenError::io("ids"))?;
    let id_index = IdIndex::open(Arc::clone(&storage), identity.log.log_id, size, key)?;
    let (recent, ids_from) = ids::replay(&id_index, &reader, size)?;
    let signed = checkpoint.as_ref().map_or(core::NEVER, |checkpoint| checkpoint.size.0);
    Ok(Arc::new(Core {
        storage,
        identity_sha256,
        keys: RwLock::new(Keys { list: identity.keys, signing }),
        identity: identity.log,
        view,
        intake: Intake::new(options.queue_len_max, cursor.at.received_at),
        sequencer: Mutex::new(Sequencer::new(cursor, recent, options.segment_raw_len_max)),
        writer: Mutex::new(writer),
        buffers: Arc::default(),
        backlog: Mutex::new(Backlog::new(size)),
        tree: Mutex::new(Tree::new(frontier.clone(), size, checkpoint, live)),
        ids: id_index,
        ids_from: Mutex::new(ids_from),
        ids_fill: Mutex::new(()),
        sealer: Mutex::new(Sealer::new(frontier)),
        indexer: Mutex::new(Worker::new()),
        keeper: Signals::new(),
        reader,
        stop: OnceLock::new(),
        signed: AtomicU64::new(signed),
        full: AtomicBool::new(false),
        options,
    }))
}

/// The compact range of everything sealed; must lead to the root that the newest segment's anchor
/// signs.
fn sealed_frontier(storage: &dyn Storage, view: &View) -> Result<CompactRange, OpenError> {
    let mut frontier = CompactRange::new(0);
    let entries = view.sealed.first(view.sealed_len);
    for entry in &entries {
        let range = entry.range().filter(|range| frontier.append(range).is_ok());
        if range.is_none() {
            return rebuilt_frontier(storage, view);
        }
    }
    let Some(newest) = entries.last() else { return Ok(frontier) };
    let path = newest.path();
    let footer = footer(storage, &path)?;
    let root = frontier.root().ok();
    if Some(footer.log_root) == root && footer.chain_after == newest.chain_after {
        let all: Vec<_> = entries.iter().map(|entry| SegmentEntry::clone(entry)).collect();
        if catalogue::load(storage) != all {
            // Torn, gone or of others; as it is the next open would read every footer again.
            let _ = catalogue::rewrite(storage, &all);
        }
        return Ok(frontier);
    }
    rebuilt_frontier(storage, view)
}

/// The same from the footers: the catalogue is not to be trusted.
fn rebuilt_frontier(storage: &dyn Storage, view: &View) -> Result<CompactRange, OpenError> {
    let mut frontier = CompactRange::new(0);
    let mut rebuilt = Vec::new();
    for entry in view.sealed.first(view.sealed_len) {
        let footer = footer(storage, &entry.path())?;
        let fresh = SegmentEntry::from_footer(&footer, entry.file_len);
        let fits = fresh.range().is_some_and(|range| frontier.append(&range).is_ok());
        if !fits || frontier.root().ok() != Some(footer.log_root) {
            return Err(OpenError::Contradiction { size: footer.log_size.0 });
        }
        rebuilt.push(fresh);
    }
    catalogue::rewrite(storage, &rebuilt).map_err(OpenError::io("segments.cat"))?;
    Ok(frontier)
}

fn footer(storage: &dyn Storage, path: &str) -> Result<crate::format::Footer, OpenError> {
    let file = storage.open(path, OpenMode::Read).map_err(OpenError::io(path))?;
    let source = FileSource::new(file).map_err(OpenError::io(path))?;
    let segment = SealedSegment::open(source).map_err(|error| match error.kind {
        SegmentErrorKind::Io(error) => OpenError::io(path)(error),
        _ => OpenError::Segment { path: path.to_owned(), source: error },
    })?;
    Ok(segment.footer().clone())
}

/// Goes on with the last active file.
fn resume(
    storage: &dyn Storage,
    last: &Last,
    plan: &Plan,
    now: i64,
    report: &mut OpenReport,
) -> Result<(Cursor, ActiveWriter), OpenError> {
    let Last { active, end, synced } = last;
    let path = active_path(&active.header);
    let file = storage.open(&path, OpenMode::Write).map_err(OpenError::io(&path))?;
    if let Tail::Cut { offset, end, .. } = plan.tail {
        let kept = quarantine(storage, &path, &file, offset..end, now)?;
        report.quarantined = Some(kept);
        file.set_len(offset).map_err(OpenError::io(&path))?;
    }
    // What was read may only be in a cache, and after a sync that failed another one would not
    // write it: it is written again. From here on it is taken for durable.
    rewrite(&*file, *synced..end.offset).map_err(OpenError::io(&path))?;
    file.sync().map_err(OpenError::io(&path))?;
    storage.sync_dir(ACTIVE).map_err(OpenError::io(ACTIVE))?;
    active.publish(*end);
    let len = file.len().map_err(OpenError::io(&path))?;
    let cursor = Cursor { file: active.header.clone(), at: *end, day: None };
    Ok((cursor, ActiveWriter::new(file, len)))
}

/// Writes bytes over themselves.
fn rewrite(file: &dyn StorageFile, bytes: Range<u64>) -> io::Result<()> {
    let mut at = bytes.start;
    while at < bytes.end {
        let len = (bytes.end - at).min(REWRITE_LEN_MAX);
        let mut part = vec![0; usize::try_from(len).unwrap_or(0)];
        if file.read_at(at, &mut part)? < part.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.write_at(at, &part)?;
        at += len;
    }
    Ok(())
}

/// Copies bytes aside, durably, before they are cut.
fn quarantine(
    storage: &dyn Storage,
    path: &str,
    file: &Arc<dyn StorageFile>,
    bytes: Range<u64>,
    now: i64,
) -> Result<Quarantined, OpenError> {
    let len = usize::try_from(bytes.end.saturating_sub(bytes.start)).unwrap_or(usize::MAX);
    let mut cut = vec![0; len];
    let read = file.read_at(bytes.start, &mut cut).map_err(OpenError::io(path))?;
    cut.truncate(read);
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let kept = format!("{QUARANTINE}/{name}-{}-{now}.cut", bytes.start);
    let stored = make_dir(storage, QUARANTINE).and_then(|()| write_atomic(storage, &kept, &cut));
    stored.map_err(OpenError::io(&kept))?;
    let (from, offset, len) = (path.to_owned(), bytes.start, read as u64);
    Ok(Quarantined { from, offset, len, path: kept })
}

/// Begins the first active file, or the one behind what is sealed.
fn begin(
    storage: &dyn Storage,
    header: ActiveHeader,
    options: &LogOptions,
) -> Result<(Cursor, ActiveWriter, ActiveFile), OpenError> {
    let path = active_path(&header);
    let bound = Bound::ordinary(options.free_space_reserve);
    let created = active_write::create(storage, &header, bound);
    let (writer, file) = created.map_err(|no_room| {
        OpenError::io(&path)(match no_room {
            NoRoom::Full { .. } => io::ErrorKind::StorageFull.into(),
            NoRoom::Failed(error) => error,
        })
    })?;
    let at = ScanPosition::start(&header);
    Ok((Cursor { file: header, at, day: None }, writer, file))
}

/// The latest time that stands in the log: no later one may be below it.
fn last_received_at(view: &View) -> i64 {
    let sealed = view.sealed_len.checked_sub(1).and_then(|i| view.sealed.get(i));
    let sealed = sealed.map_or(i64::MIN, |entry| entry.received.max / 1000);
    view.actives.iter().map(|active| active.end().received_at).fold(sealed, i64::max)
}

/// UTC day of a file's first record; marks and closes may be of a later one.
fn day_of_first(reader: &Reader, cursor: &Cursor) -> Option<i64> {
    if cursor.at.next_seq == cursor.file.first_seq {
        return None;
    }
    let Ok(Entry::Record(record)) = reader.read(cursor.file.first_seq) else { return None };
    let body = Body::parse(record.body()).ok()?;
    Some(body.received_at().unix_day())
}
