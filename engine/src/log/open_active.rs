//! Opening and scanning one active file, beside a writer or without one.
//!
//! Invariant: nothing is written; what looks bad while a writer goes on is looked at again. Knows
//! nothing about other files and decides nothing.

use std::io;
use std::sync::Arc;

use super::source::FileSource;
use super::view::ActiveFile;
use crate::format::{ACTIVE_HEADER_LEN, ActiveHeader, FrameHeader, RecordsPayload};
use crate::io::{OpenMode, Storage};
use crate::segment::{ActiveScan, FrameVisitor, ScanError, ScanPosition, ScanTail, scan_from};

/// Remembers places while a file is scanned.
struct Noting<'a>(&'a ActiveFile);

impl FrameVisitor for Noting<'_> {
    fn frame(&mut self, at: &ScanPosition, _: &FrameHeader, _: &RecordsPayload<'_>) {
        self.0.note(*at);
    }
}

pub(super) type OpenedActive = Option<(Arc<ActiveFile>, ActiveScan)>;

/// Opens an active file and scans it; `None` where its header is no header.
pub(super) fn open_active(storage: &dyn Storage, path: &str) -> io::Result<OpenedActive> {
    let file = storage.open(path, OpenMode::Read)?;
    let mut bytes = vec![0; ACTIVE_HEADER_LEN];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    let Ok(header) = ActiveHeader::decode(&bytes) else { return Ok(None) };
    let start = ScanPosition::start(&header);
    let active = Arc::new(ActiveFile::new(header, file));
    let scan = scan_file(&active, start)?;
    Ok(Some((active, scan)))
}

/// Scans a file that may be written meanwhile: what looks bad is looked at again while it goes on.
pub(super) fn scan_file(active: &ActiveFile, from: ScanPosition) -> io::Result<ActiveScan> {
    let mut from = from;
    let mut end = None;
    loop {
        let source = FileSource::new(Arc::clone(&active.file))?;
        let scan = scan_from(&source, active.header.clone(), from, &mut Noting(active));
        let scan = match scan {
            Ok(scan) => scan,
            Err(ScanError::Io(e)) => return Err(e),
            // The header was decoded before; a scan from a position does not read it again.
            Err(_) => return Err(io::ErrorKind::InvalidData.into()),
        };
        if !matches!(scan.tail, ScanTail::Bad { .. }) || end == Some(scan.end.offset) {
            return Ok(scan);
        }
        end = Some(scan.end.offset);
        from = scan.before_last_commit;
    }
}
