//! Sealed segments as opening finds them: by their footers where no catalogue knows them.
//!
//! Invariant: a file that can't be opened stands there with what its name says, so that its records
//! are missed by name. Knows nothing about active files.

use super::catalogue::SegmentEntry;
use super::read_error::{OpenReadError, open_io};
use super::source::MapSource;
use crate::format::{Counts, TimeRange};
use crate::io::{OpenMode, Storage};
use crate::segment::SealedSegment;
use crate::types::ChainHash;

/// A sealed segment; one whose footer can't be read has only its name.
#[derive(Clone)]
pub(super) struct Sealed {
    pub(super) entry: SegmentEntry,
    pub(super) readable: bool,
}

/// The first of two segments that hold the same records is shown; the plan names the other.
pub(super) fn without_overlaps(sealed: &[Sealed]) -> Vec<SegmentEntry> {
    let mut end = 0;
    let mut entries = Vec::with_capacity(sealed.len());
    for Sealed { entry, .. } in sealed.iter().filter(|s| s.entry.end_seq() > s.entry.first_seq) {
        if entry.first_seq >= end {
            end = entry.end_seq();
            entries.push(entry.clone());
        }
    }
    entries
}

/// A segment as its footer describes it, or as its name does where it can't be opened.
pub(super) fn from_footer(
    storage: &dyn Storage,
    first_seq: u64,
    count: u64,
) -> Result<Sealed, OpenReadError> {
    let any_time = TimeRange { min: i64::MIN, max: i64::MAX };
    let nothing = ChainHash([0; ChainHash::LEN]);
    let named = SegmentEntry {
        first_seq,
        count,
        timestamp: any_time,
        received: any_time,
        raw_len: 0,
        file_len: 0,
        chain_before: nothing,
        chain_after: nothing,
        counts: Counts::default(),
        range_nodes: Vec::new(),
    };
    let path = named.path();
    let file = storage.open(&path, OpenMode::Read).map_err(open_io(&path))?;
    let file_len = file.len().map_err(open_io(&path))?;
    let unreadable = Sealed { entry: SegmentEntry { file_len, ..named }, readable: false };
    if file_len == 0 {
        return Ok(unreadable);
    }
    let map = MapSource(file.map().map_err(open_io(&path))?);
    let Ok(segment) = SealedSegment::open(map) else { return Ok(unreadable) };
    let footer = segment.footer();
    let fits = (footer.first_seq.0, footer.count) == (first_seq, count);
    let entry = SegmentEntry::from_footer(footer, file_len);
    Ok(if fits { Sealed { entry, readable: true } } else { unreadable })
}
