//! The header of an active file, and what its first frame says where the header is damaged.
//!
//! Invariant: a damaged header is a finding and hides no frame.

use super::group::Before;
use super::report::{Collector, Finding, FindingKind};
use super::walk::{AtPlace, Place, Walk, chain_holds};
use crate::format::{ACTIVE_HEADER_LEN, ActiveHeader, FRAME_HEADER_LEN, FrameHeader};
use crate::segment::ByteSource;
use crate::types::{ChainHash, Seq};

/// Reads the header of an active file; damaged ones are replaced by what the first frame says.
pub(super) fn read_header(
    path: &str,
    source: &dyn ByteSource,
    named: u64,
    before: Before,
    found: &mut Collector,
) -> ActiveHeader {
    let bytes = source.bytes(0, ACTIVE_HEADER_LEN);
    let header = bytes.map_err(|e| e.to_string());
    let header = header.and_then(|bytes| ActiveHeader::decode(&bytes).map_err(|e| e.to_string()));
    match header {
        Ok(header) => {
            if header.first_seq.0 != named {
                let what = "the file's name does not say where it begins";
                let finding = Finding::range(FindingKind::Changed, header.first_seq.0, named, what);
                found.find(Finding { seq_last: None, ..finding }.in_file(path));
            }
            header
        }
        Err(e) => {
            let finding = Finding::range(FindingKind::Corrupt, named, named + 1, e);
            found.find(finding.in_file(path));
            first_frame_header(source, named, before)
        }
    }
}

fn first_frame_header(source: &dyn ByteSource, named: u64, before: Before) -> ActiveHeader {
    let len = FRAME_HEADER_LEN;
    let bytes = source.bytes(ACTIVE_HEADER_LEN as u64, len).ok();
    let frame = bytes.and_then(|bytes| FrameHeader::decode(&bytes).ok());
    ActiveHeader {
        first_seq: Seq(named),
        file_tag: frame.as_ref().map_or(0, |frame| frame.file_tag),
        identity_sha256: [0; 32],
        chain_before: before.hash().unwrap_or(ChainHash([0; 64])),
        first_commit: frame.as_ref().map_or(0, |frame| frame.commit),
    }
}

/// Whether the first frame of a file leads on from this chain hash.
pub(super) fn first_chain(source: &dyn ByteSource, first: u64, chain: ChainHash) -> bool {
    let before = Before::Known(chain);
    let len = FRAME_HEADER_LEN;
    let bytes = source.bytes(ACTIVE_HEADER_LEN as u64, len).ok();
    let Some(frame) = bytes.and_then(|bytes| FrameHeader::decode(&bytes).ok()) else {
        return false;
    };
    let place = Place {
        offset: ACTIVE_HEADER_LEN as u64,
        next_seq: first,
        commit: 0,
        durable: 0,
        received: i64::MIN,
    };
    match Walk::new(source, frame.file_tag).look(&place, before) {
        AtPlace::Frame(header, payload) => chain_holds(&header, &payload, before),
        _ => false,
    }
}
