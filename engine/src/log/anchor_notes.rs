//! The anchors that were signed, as a reader finds them: one per UTC day, one per sealed segment.
//!
//! Invariant: only what is stored is given, as it is stored; whether its signature holds the log's
//! keys say. Nothing of a name reaches the file system before it was parsed.

use super::open_read::read_file;
use super::read_error::ReadError;
use super::reader::Reader;
use crate::format::parse_sealed_name;
use crate::types::Seq;

const ANCHORS: &str = "anchors";

/// What an anchor is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum AnchorOf {
    /// A UTC day, such as `2026-11-21`.
    Day(String),
    /// A sealed segment.
    Segment {
        /// Seq of its first record.
        first_seq: Seq,
        /// Its records.
        count: u64,
    },
}

/// A signed anchor that there is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnchorInfo {
    /// What it is about.
    pub of: AnchorOf,
    /// By what [`Reader::anchor`] finds it: the day, or the segment's file name without `.seg`.
    pub name: String,
    /// The file that holds it, path in the data directory; of a segment its footer does.
    pub path: String,
}

impl Reader {
    /// The anchors that there are: days first, then segments, each oldest first.
    ///
    /// # Errors
    /// [`ReadError::Io`] where `anchors/` can't be listed.
    pub fn anchors(&self) -> Result<Vec<AnchorInfo>, ReadError> {
        let list = |dir: &str| self.parts.storage.list(dir).map_err(ReadError::io(dir));
        let mut days = list(ANCHORS)?;
        days.retain(|name| is_day(name));
        days.sort_unstable();
        let mut anchors = Vec::new();
        for name in days {
            if list(&format!("{ANCHORS}/{name}"))?.iter().any(|file| file == "anchor") {
                let (of, path) = (AnchorOf::Day(name.clone()), day_path(&name));
                anchors.push(AnchorInfo { of, name, path });
            }
        }
        let view = self.view();
        for entry in view.sealed.first(view.sealed_len) {
            let path = entry.path();
            let file = path.rsplit_once('/').map_or(&*path, |(_, file)| file);
            let name = file.strip_suffix(".seg").unwrap_or(file).to_owned();
            let of = AnchorOf::Segment { first_seq: Seq(entry.first_seq), count: entry.count };
            anchors.push(AnchorInfo { of, name, path });
        }
        Ok(anchors)
    }

    /// The signed note of the anchor of this name, as [`Reader::anchors`] lists it; `None` where
    /// there is none.
    ///
    /// # Errors
    /// [`ReadError::Io`] where the medium fails.
    pub fn anchor(&self, name: &str) -> Result<Option<String>, ReadError> {
        if is_day(name) {
            let path = day_path(name);
            let bytes = read_file(&*self.parts.storage, &path).map_err(ReadError::io(&path))?;
            return Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
        }
        let Some((first, count)) = parse_sealed_name(&format!("{name}.seg")) else {
            return Ok(None);
        };
        let view = self.view();
        let at = view.sealed.find(first.0, view.sealed_len);
        let entry = at.and_then(|at| view.sealed.get(at));
        let Some(entry) = entry.filter(|e| (e.first_seq, e.count) == (first.0, count)) else {
            return Ok(None);
        };
        let open = self.parts.segment(&entry)?;
        Ok(open.map(|open| open.segment.footer().anchor.clone()))
    }
}

fn day_path(day: &str) -> String {
    format!("{ANCHORS}/{day}/anchor")
}

/// Whether a name is `YYYY-MM-DD`.
fn is_day(name: &str) -> bool {
    let is_digit = |at: usize, byte: u8| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    name.len() == 10 && name.bytes().enumerate().all(|(at, byte)| is_digit(at, byte))
}
