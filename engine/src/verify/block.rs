//! One block of a sealed segment, recomputed from its bodies.
//!
//! Invariant: whatever the bytes are, what comes back names the records of this block and no
//! others; memory is bounded by the longest group that the format allows.

use std::ops::Range;
use std::sync::Arc;

use super::group::{Before, Verdict};
use super::report::{Finding, FindingKind};
use super::sealed::Sealed;
use super::unit::{Outcome, Shared, UnitBuilder};
use crate::format::{BlockHead, DirectoryEntry, GroupEncoding, GroupEntry};
use crate::proof::record_hash;
use crate::segment::{PackedItem, Unpacked, group_runs, item_hashes, split, unpack};

/// Bytes in the fixed part of a group: at most this many per record.
const FIXED_LEN_MAX: u64 = 81;

/// The records of a group and whether its stored bytes have their CRC, where they can be unpacked.
type Group = Result<(Unpacked, bool), ()>;

/// What a thread needs to look at one block.
pub(super) struct BlockJob {
    pub(super) segment: Arc<Sealed>,
    pub(super) shared: Arc<Shared>,
    /// Where the block begins in the file, and how many bytes it has.
    pub(super) offset: u64,
    pub(super) len: u64,
    /// Seqs that belong here: first, and one behind the last.
    pub(super) first: u64,
    pub(super) end: u64,
    /// The head, where its bytes could be read, damaged or not.
    pub(super) head: Option<BlockHead>,
    /// Whether a finding about the head is there already.
    pub(super) head_damaged: bool,
    /// The directory's entry, to be compared with.
    pub(super) entry: Option<DirectoryEntry>,
    pub(super) before: Before,
}

impl BlockJob {
    pub(super) fn run(self) -> Outcome {
        let mut unit = UnitBuilder::new(
            Arc::clone(&self.shared),
            Arc::clone(&self.segment.path),
            self.first,
            self.before,
        );
        match &self.head {
            Some(head) => self.groups(head, &mut unit),
            None => unit.lost(self.end - self.first, Before::Unknown),
        }
        if unit.is_intact() {
            self.compare_entry(&mut unit);
        }
        unit.finish(self.end, Some(self.segment.first), self.len)
    }

    fn groups(&self, head: &BlockHead, unit: &mut UnitBuilder) {
        let due = usize::try_from(self.end - self.first).unwrap_or(usize::MAX);
        // A block of another length has lost or gained records in the group whose chain breaks.
        let mut missing = due.saturating_sub(head.locators.len());
        let mut surplus = head.locators.len().saturating_sub(due);
        for run in group_runs(&head.groups) {
            let groups = self.unpack_run(head, run.clone());
            let unpacked = groups.iter().flatten().flat_map(|(unpacked, _)| unpacked.iter());
            let items: Vec<PackedItem<'_>> = unpacked.collect();
            let hashes = item_hashes(&items);
            let mut at = 0;
            for (index, group) in run.zip(&groups) {
                let Some((entry, first, _)) = head.group(index) else { break };
                let count = usize::from(entry.record_count);
                let locators = head.locators.get(first..first + count).unwrap_or_default();
                let Ok((unpacked, sound)) = group else {
                    self.damaged_group(entry, None, locators, unit);
                    unit.lost(count as u64, Before::Known(entry.chain_after));
                    continue;
                };
                let own = at..at + unpacked.len();
                at = own.end;
                let items = items.get(own.clone()).unwrap_or_default();
                let hashes = hashes.get(own).unwrap_or_default();
                if !sound {
                    self.damaged_group(entry, Some(unpacked), locators, unit);
                }
                let due = (count + missing).saturating_sub(surplus);
                let quiet = !sound || self.is_explained(entry);
                let verdict = unit.run((items, hashes), locators, entry.chain_after, count, quiet);
                if let (Verdict::Wrong(FindingKind::Changed, range, _), false) = (&verdict, quiet)
                    && due != count
                    && range.len() >= count
                {
                    self.recount(unit, count, due);
                    unit.lost(missing as u64, Before::Known(entry.chain_after));
                    (missing, surplus) = (0, 0);
                }
            }
        }
        if !self.head_damaged && unit.is_intact() && unit.seq() != self.end {
            let (kind, what) = if unit.seq() < self.end {
                (FindingKind::Removed, "fewer records than the block has seqs")
            } else {
                (FindingKind::Inserted, "more records than the block has seqs")
            };
            unit.broken(kind, self.first, self.end, what);
        }
    }

    /// The records of some groups, and whether the stored bytes of each have their CRC.
    fn unpack_run(&self, head: &BlockHead, run: Range<usize>) -> Vec<Group> {
        let groups = run.filter_map(|index| head.group(index));
        groups
            .map(|(entry, _, offset)| {
                self.unpacked(entry, self.offset + head.encoded_len() as u64 + offset)
            })
            .collect()
    }

    /// Whether a finding is there already that explains whatever is wrong with a group.
    fn is_explained(&self, entry: &GroupEntry) -> bool {
        let needs_dictionary = entry.encoding == GroupEncoding::ZstdDictionary;
        self.head_damaged || (needs_dictionary && !self.segment.dictionary_sound)
    }

    /// The last finding spoke of a change; the number of records says that it was another deed.
    fn recount(&self, unit: &mut UnitBuilder, count: usize, due: usize) {
        let (kind, what) = if due > count {
            (
                FindingKind::Removed,
                "the block has fewer records than seqs, and its chain breaks here",
            )
        } else {
            (
                FindingKind::Inserted,
                "the block has more records than seqs, and its chain breaks here",
            )
        };
        let first = unit.seq() - count as u64;
        unit.replace_last(Finding::range(kind, first, first + due.max(1) as u64, what));
    }

    /// The group's records, and whether the stored bytes have their CRC.
    fn unpacked(&self, entry: &GroupEntry, start: u64) -> Group {
        let most = u64::from(entry.raw_len) + FIXED_LEN_MAX * u64::from(entry.record_count);
        if u64::from(entry.stored_len) > most {
            return Err(());
        }
        let len = usize::try_from(entry.stored_len).map_err(|_| ())?;
        let raw_len = usize::try_from(entry.raw_len).map_err(|_| ())?;
        let stored = self.segment.source.bytes(start, len).map_err(|_| ())?;
        let sound = crc32fast::hash(&stored) == entry.crc;
        let parts = split(&stored, entry.record_count.into()).map_err(|_| ())?;
        let decoder = &self.segment.decoder;
        let text = decoder.decode(entry.encoding, parts.text, raw_len).ok_or(())?;
        Ok((unpack(&parts, &text).map_err(|_| ())?, sound))
    }

    /// Names the records of a group whose bytes are damaged, exactly where the locators allow it.
    fn damaged_group(
        &self,
        entry: &GroupEntry,
        items: Option<&Unpacked>,
        locators: &[[u8; 4]],
        unit: &mut UnitBuilder,
    ) {
        if self.is_explained(entry) {
            return;
        }
        let first = unit.seq();
        let end = first + u64::from(entry.record_count);
        let bad: Vec<u64> = items.map_or_else(Vec::new, |items| {
            let hashes = items.iter().map(|item| match item {
                PackedItem::Body(body) => record_hash(body),
                PackedItem::Erased(_, hash) => hash,
            });
            let pairs = hashes.zip(locators).zip(first..);
            let bad = pairs.filter(|((hash, want), _)| crate::format::locator(hash) != **want);
            bad.map(|(_, seq)| seq).collect()
        });
        let finding = match (items, bad.first(), bad.last()) {
            (None, ..) => {
                let what = "the group's bytes are damaged and can't be unpacked";
                Finding::range(FindingKind::Corrupt, first, end, what)
            }
            (_, Some(from), Some(to)) => {
                let what = "the group's bytes are damaged; other records of it are whole";
                Finding::range(FindingKind::Corrupt, *from, *to + 1, what)
            }
            _ => {
                let what = "the group's bytes don't have their checksum";
                Finding::range(FindingKind::Corrupt, first, end, what)
            }
        };
        unit.find(finding);
    }

    /// An edited directory hides records from queries: everything that it says is computed anew.
    fn compare_entry(&self, unit: &mut UnitBuilder) {
        let Some(entry) = &self.entry else { return };
        let zone = unit.zone();
        let mut wrong = Vec::new();
        let mut differs = |different: bool, what: &'static str| {
            if different {
                wrong.push(what);
            }
        };
        differs(entry.timestamp != zone.timestamp, "timestamps");
        differs(entry.received != zone.received, "times of receipt");
        differs(entry.counts != zone.counts, "counts");
        differs(u64::from(entry.record_count) != self.end - self.first, "number of records");
        differs(u64::from(entry.len) != self.len, "length");
        differs(unit.root() != Some(entry.root), "root");
        if !wrong.is_empty() {
            let what = format!("the directory's {} are not those of the records", wrong.join(", "));
            unit.find(Finding::range(FindingKind::Changed, self.first, self.end, what));
        }
    }
}
