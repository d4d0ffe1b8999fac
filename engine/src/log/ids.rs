//! Keeping the id index complete: replay at open, rebuilding what is missing, background
//! maintenance.
//!
//! Invariant: a record whose id a client gave is appended only while every id in the window can be
//! asked for; whoever comes while a part is rebuilt waits for it.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::active_write::active_path;
use super::core::Core;
use super::dedup::audit_id_at_front;
use super::entry::Entry;
use super::error::{AppendError, LogError};
use super::reader::Reader;
use super::room::reserve;
use super::source::FileSource;
use super::view::View;
use crate::format::{FrameHeader, RecordsPayload};
use crate::index::ids::{
    FLUSH_LEN, Fingerprint, IdEntry, IdError, IdIndex, IdKey, RecentIds, Step, Window, fingerprint,
};
use crate::io::Space;
use crate::query::Order;
use crate::record::Body;
use crate::segment::{FrameVisitor, ScanPosition, scan_from};

const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Ids behind the last run are replayed at open up to so many; more are rebuilt in the background.
const REPLAY_MAX: u64 = 2 * FLUSH_LEN as u64;

/// Ids that are worth a file when a log is closed.
const STORE_MIN: usize = 1 << 14;

/// First seq for which a repeat must be recognised.
pub(crate) fn window_start(view: &View, window: &Window) -> u64 {
    for index in 0..view.sealed_len {
        let Some(entry) = view.sealed.get(index) else { break };
        if !window.is_past(entry.end_seq(), entry.received.max / 1000) {
            return entry.first_seq;
        }
    }
    view.sealed_end()
}

/// The window as of now.
pub(crate) fn window(core: &Core, size: u64) -> Window {
    let options = &core.options;
    let micros = i64::from(options.idempotency_days) * MICROS_PER_DAY;
    Window::new(options.environment.now_micros(), size, micros, options.idempotency_records)
}

/// The ids behind the last run, if they are few; otherwise they are left to [`fill`].
/// Returns the table and the seq that it begins with.
pub(crate) fn replay(
    ids: &IdIndex,
    reader: &Reader,
    size: u64,
) -> Result<(RecentIds, u64), IdError> {
    let mut recent = RecentIds::new();
    let covered = ids.snapshot().covered().end;
    if size.saturating_sub(covered) > REPLAY_MAX {
        return Ok((recent, size));
    }
    let view = reader.view();
    for entry in entries(ids, reader, covered..view.sealed_end().min(size)) {
        let entry = entry?;
        recent.insert(entry.fingerprint, entry.seq);
    }
    for active in view.actives.iter().filter(|active| active.end_seq() > covered) {
        let source = FileSource::with_len(Arc::clone(&active.file), active.end().offset);
        let from = covered.max(active.header.first_seq.0);
        let mut replay = Replay { key: ids.key(), from, recent: &mut recent };
        let start = active.position(from);
        let scanned = scan_from(&source, active.header.clone(), start, &mut replay);
        scanned.map_err(|e| IdError::Io {
            path: active_path(&active.header),
            source: io::Error::other(e),
        })?;
    }
    Ok((recent, covered))
}

/// Takes the ids of frames, whose CRC was checked; every body that we wrote begins with its id.
struct Replay<'a> {
    key: &'a IdKey,
    from: u64,
    recent: &'a mut RecentIds,
}

impl FrameVisitor for Replay<'_> {
    fn frame(&mut self, at: &ScanPosition, _: &FrameHeader, payload: &RecordsPayload<'_>) {
        for (seq, record) in (at.next_seq.0..).zip(&payload.records) {
            if seq >= self.from
                && let Some(id) = audit_id_at_front(record.body)
            {
                self.recent.insert(fingerprint(self.key, id.as_bytes()), seq);
            }
        }
    }
}

/// Ids of records, read from the log. A record of which not even the id can be made out has none
/// that could be asked for; a record that can't be read now ends the work: without its id a repeat
/// would count as new.
fn entries(
    ids: &IdIndex,
    reader: &Reader,
    range: Range<u64>,
) -> impl Iterator<Item = Result<IdEntry, IdError>> {
    let key = *ids.key();
    reader.scan(range, Order::Ascending).filter_map(move |entry| match entry {
        Ok(Entry::Record(record)) => {
            let body = Body::parse(record.body()).ok()?;
            let of: Fingerprint = fingerprint(&key, body.audit_id().as_bytes());
            let received_at = body.received_at().unix_micros();
            Some(Ok(IdEntry { seq: record.seq.0, fingerprint: of, received_at }))
        }
        Ok(Entry::Erased { seq, audit_id, .. }) => {
            let of = fingerprint(&key, audit_id.as_bytes());
            Some(Ok(IdEntry { seq: seq.0, fingerprint: of, received_at: i64::MIN }))
        }
        Ok(Entry::Damaged { seq, audit_id, .. }) => {
            // A repeat of it can't be compared and is refused, rather than taken for new.
            let of = fingerprint(&key, audit_id?.as_bytes());
            Some(Ok(IdEntry { seq: seq.0, fingerprint: of, received_at: i64::MIN }))
        }
        Err(e) => {
            Some(Err(IdError::Io { path: "records".to_owned(), source: io::Error::other(e) }))
        }
    })
}

/// What must be known and is not.
fn missing(core: &Core) -> Vec<Range<u64>> {
    let view = core.view.get();
    let to = *core.ids_from.lock();
    let from = window_start(&view, &window(core, view.size()));
    core.ids.snapshot().missing(from..to)
}

/// Rebuilds one missing part; `true` if there was one.
pub(crate) fn fill(core: &Core) -> Result<bool, LogError> {
    let _one_at_a_time = core.ids_fill.lock();
    let Some(range) = missing(core).into_iter().next() else { return Ok(false) };
    core.ids
        .add_range(range.clone(), entries(&core.ids, &core.reader, range))
        .map_err(LogError::index)?;
    Ok(true)
}

/// Waits until everything in the window is known; rebuilds it if nobody does.
pub(crate) fn complete(core: &Core) -> Result<(), AppendError> {
    while !missing(core).is_empty() {
        fill(core).map_err(|error| match error {
            LogError::DiskFull(_) => full(core),
            other => AppendError::Index(other.to_string().into()),
        })?;
    }
    Ok(())
}

fn full(core: &Core) -> AppendError {
    let space = core.storage.space().unwrap_or(Space { free: 0, total: 0 });
    let reserve = reserve(space, core.options.free_space_reserve);
    AppendError::DiskFull { free: space.free, reserve }
}

/// Takes a damaged run out of force; [`complete`] rebuilds it.
pub(crate) fn discard(core: &Core, error: &IdError) {
    if let IdError::Damaged(range) = error {
        // A file that can't be removed is out of force all the same.
        let _ = core.ids.discard(range);
    }
}

/// One step of writing, merging or dropping runs; `true` if there was something to do.
pub(crate) fn maintain(core: &Core) -> Result<bool, LogError> {
    freeze(core).map_err(LogError::index)?;
    let size = core.view.get().size();
    let step = core.ids.maintain(&window(core, size)).map_err(LogError::index)?;
    Ok(step != Step::Idle)
}

/// Writes the tables that wait; `true` if there were any.
pub(crate) fn write_tables(core: &Core) -> Result<bool, LogError> {
    let mut wrote = false;
    freeze(core).map_err(LogError::index)?;
    while core.ids.snapshot().frozen_len() > 0 {
        maintain(core)?;
        wrote = true;
    }
    Ok(wrote)
}

/// Stores the ids in memory at a close, so that the next open need not read the records again;
/// a few are read faster than a file is written.
pub(crate) fn store(core: &Core) -> Result<(), LogError> {
    freeze_from(core, STORE_MIN).map_err(LogError::index)?;
    while core.ids.snapshot().frozen_len() > 0 {
        maintain(core)?;
    }
    Ok(())
}

/// Moves the ids in memory to a table that is written in the background, once they are many.
fn freeze(core: &Core) -> Result<(), IdError> {
    freeze_from(core, FLUSH_LEN)
}

fn freeze_from(core: &Core, least: usize) -> Result<(), IdError> {
    let mut sequencer = core.sequencer.lock();
    if sequencer.recent.len() < least {
        return Ok(());
    }
    let mut from = core.ids_from.lock();
    let to = sequencer.durable.at.next_seq.0;
    let received_at = sequencer.durable.at.received_at;
    if to <= *from {
        return Ok(());
    }
    // Under the sequencer's lock: between leaving one table and being in the other no batch is
    // resolved.
    core.ids.freeze(sequencer.recent.freeze(*from..to, received_at))?;
    *from = to;
    Ok(())
}
