//! The daily anchor: what a UTC day's records were, signed once the day is over and sealed.
//!
//! Invariant: an anchor covers whole sealed segments and is written once; a day that lacks one (a
//! crash, a clock) gets it later. `anchors/<date>/anchor`.

use super::core::Core;
use super::entry::Entry;
use super::error::LogError;
use super::seal::{Sealer, now};
use super::sequencer::day_of;
use super::view::View;
use crate::io::{make_dir, write_atomic};
use crate::proof::{Anchor, CompactRange, leaf_hash};
use crate::query::Order;
use crate::record::{Body, Timestamp};
use crate::types::{Seq, TreeSize};

const ANCHORS: &str = "anchors";
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Signs the anchor of the oldest finished day that has none; `true` if there was one.
pub(crate) fn sign_missing(core: &Core, sealer: &mut Sealer) -> Result<bool, LogError> {
    let view = core.view.get();
    let Some(open_day) = open_day(core, &view)? else { return Ok(false) };
    let day_at =
        |index: usize| view.sealed.get(index).map(|entry| day_of(entry.received.max / 1000));
    while let Some(day) = day_at(sealer.anchored) {
        let first = sealer.anchored;
        let mut end = first;
        while day_at(end) == Some(day) {
            end += 1;
        }
        if day >= open_day || end > view.sealed_len {
            return Ok(false);
        }
        sealer.anchored = end;
        let path = format!("{ANCHORS}/{}", date(day));
        let names = core.storage.list(&path).map_err(LogError::io(&path))?;
        if names.iter().any(|name| name == "anchor") {
            continue;
        }
        let written = sign(core, first, end, &path);
        if written.is_err() {
            sealer.anchored = first;
        }
        return written.map(|()| true);
    }
    Ok(false)
}

/// The first day of which records may be in no sealed segment of the view; `None`: can't be said
/// now.
fn open_day(core: &Core, view: &View) -> Result<Option<i64>, LogError> {
    let Some(active) = view.actives.first() else { return Ok(None) };
    let first = active.header.first_seq;
    if active.end_seq() > first.0 {
        // Times never fall: everything before this record is sealed, everything behind is not
        // older.
        let entry = core.reader.read(first).map_err(|e| LogError::damaged(ANCHORS, e))?;
        let Entry::Record(record) = entry else { return Ok(None) };
        let body = Body::parse(record.body()).map_err(|e| LogError::damaged(ANCHORS, e))?;
        return Ok(Some(body.received_at().unix_day()));
    }
    // Nothing is unsealed, and nothing older than now may be on its way.
    let sequencer = core.sequencer.lock();
    let quiet = !sequencer.leading
        && !sequencer.has_waiting()
        && sequencer.durable.at.next_seq == first
        && sequencer.durable.file.first_seq == first;
    let now = core.intake.time(core.options.environment.now_micros());
    Ok(now.filter(|_| quiet).map(day_of))
}

fn sign(core: &Core, first: usize, end: usize, dir: &str) -> Result<(), LogError> {
    let view = core.view.get();
    let damaged = |e: &dyn std::fmt::Display| LogError::damaged(dir, e);
    let (Some(oldest), Some(newest)) = (view.sealed.get(first), view.sealed.get(end - 1)) else {
        return Err(damaged(&"the segments of the day are not there"));
    };
    let (first_seq, end_seq) = (oldest.first_seq, newest.end_seq());
    let mut leaves = CompactRange::new(0);
    for entry in core.reader.scan(first_seq..end_seq, Order::Ascending) {
        let hash = match entry.map_err(|e| damaged(&e))? {
            Entry::Record(record) => record.hash,
            Entry::Erased { hash, .. } => hash,
            Entry::Damaged { seq, .. } => {
                return Err(damaged(&format!("record {seq} does not verify")));
            }
        };
        leaves.push(leaf_hash(&hash)).map_err(|e| damaged(&e))?;
    }
    let log_size = TreeSize(end_seq);
    let anchor = Anchor {
        origin: core.identity.origin.clone(),
        first_seq: Seq(first_seq),
        count: end_seq - first_seq,
        chain_before: oldest.chain_before,
        chain_after: newest.chain_after,
        segment_root: leaves.root().map_err(|e| damaged(&e))?,
        log_size,
        log_root: core.reader.root_at(log_size).map_err(|e| damaged(&e))?,
        time: now(core),
    };
    let note = anchor.sign(&core.keys.read().signing).map_err(|e| damaged(&e))?;
    make_dir(&*core.storage, dir).map_err(LogError::io(dir))?;
    let path = format!("{dir}/anchor");
    write_atomic(&*core.storage, &path, note.as_bytes()).map_err(LogError::io(&path))
}

/// `2026-11-21`
fn date(day: i64) -> String {
    let mut text = Vec::new();
    let time = Timestamp::from_unix_micros(day.saturating_mul(MICROS_PER_DAY));
    time.unwrap_or(Timestamp::MIN).encode_into(&mut text);
    text.truncate(10);
    String::from_utf8_lossy(&text).into_owned()
}
