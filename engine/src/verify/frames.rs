//! Frames of an active file, judged by a thread.
//!
//! Invariant: a frame is judged by its records; what its header says of them is compared.
//! Knows nothing about where frames come from.

use std::sync::Arc;

use super::group::{Before, Verdict};
use super::report::{Finding, FindingKind};
use super::unit::{Outcome, Shared, UnitBuilder};
use crate::format::{FrameHeader, RecordsPayload};
use crate::segment::{PackedItem, item_hashes};

/// A frame for a thread to look at.
pub(super) struct FrameJob {
    pub(super) header: FrameHeader,
    pub(super) payload: Vec<u8>,
    /// Records that must be in it by what stands behind it.
    pub(super) due: u64,
    /// A finding about it is there already.
    pub(super) quiet: bool,
}

/// Consecutive frames.
pub(super) struct FramesJob {
    pub(super) shared: Arc<Shared>,
    pub(super) path: Arc<str>,
    pub(super) first: u64,
    pub(super) end: u64,
    pub(super) before: Before,
    pub(super) frames: Vec<FrameJob>,
    pub(super) bytes: u64,
}

impl FramesJob {
    /// First seq, one behind the last, and the file.
    pub(super) fn bounds(&self) -> (u64, u64, Arc<str>) {
        (self.first, self.end, Arc::clone(&self.path))
    }

    pub(super) fn run(self) -> Outcome {
        let mut unit = UnitBuilder::new(
            Arc::clone(&self.shared),
            Arc::clone(&self.path),
            self.first,
            self.before,
        );
        for frame in &self.frames {
            frame.run(&mut unit);
        }
        unit.finish(self.end, None, self.bytes)
    }
}

impl FrameJob {
    fn run(&self, unit: &mut UnitBuilder) {
        let (first, end) = (self.header.first_seq.0, self.header.end_seq().0);
        let Ok(payload) = RecordsPayload::decode(&self.header, &self.payload) else {
            if !self.quiet {
                let what = "the frame's records don't fill it as its header says";
                unit.broken(FindingKind::Changed, first, end.max(first + 1), what);
            }
            unit.lost(self.due, Before::Unknown);
            return;
        };
        let items: Vec<_> = payload.records.iter().map(|r| PackedItem::Body(r.body)).collect();
        let locators: Vec<_> = payload.records.iter().map(|r| r.locator).collect();
        let due = usize::try_from(self.due).unwrap_or(items.len());
        let hashes = item_hashes(&items);
        let verdict = unit.run((&items, &hashes), &locators, payload.chain_after, due, self.quiet);
        if verdict != Verdict::Sound {
            return;
        }
        let behind = first + items.len() as u64;
        if behind < first + self.due {
            let what = "the records between two frames are not there";
            unit.broken(FindingKind::Removed, behind, first + self.due, what);
            unit.lost(0, Before::Claimed(payload.chain_after));
        }
        let received = self.header.received_at.checked_mul(1_000);
        let times = unit.run_received();
        let other = times.is_some_and(|(least, most)| [Some(least), Some(most)] != [received; 2]);
        if other && !self.quiet {
            let what = "the frame's time of receipt is not that of its records";
            unit.find(Finding::range(FindingKind::Changed, first, behind, what));
        }
    }
}
