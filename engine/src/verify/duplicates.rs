//! Finds records with the same producer and `audit_id`.
//!
//! Invariant: memory is bounded: 8 bytes per record (twice that at the end), up to a fixed number
//! of records. Works on 64-bit prints, so that a notice may once in a great while be mistaken; a
//! finding would not be made of this.

use std::collections::BTreeSet;

use super::report::{Collector, NoticeKind};
use crate::types::{Seq, counted};

/// Records looked at: 128 MiB of prints.
const RECORDS_MAX: usize = 16 << 20;
/// Repeats that are named one by one.
const NAMED_MAX: usize = 20;

/// Prints in seq order.
#[derive(Debug, Default)]
pub(super) struct Duplicates {
    prints: Vec<u64>,
    /// Where a run of consecutive seqs begins: position and seq.
    runs: Vec<(usize, u64)>,
    skipped: u64,
}

impl Duplicates {
    /// Adds the prints of consecutive records from `first` on.
    pub(super) fn add(&mut self, first: u64, prints: &[u64]) {
        if self.prints.len() + prints.len() > RECORDS_MAX {
            self.skipped += prints.len() as u64;
            return;
        }
        let follows = self.runs.last().is_some_and(|(at, seq)| {
            seq.checked_add((self.prints.len() - at) as u64) == Some(first)
        });
        if !follows {
            self.runs.push((self.prints.len(), first));
        }
        self.prints.extend_from_slice(prints);
    }

    /// Says what repeats.
    pub(super) fn report(self, found: &mut Collector) {
        let mut sorted = self.prints.clone();
        sorted.sort_unstable();
        let twice = sorted.array_windows().filter(|[a, b]| a == b).map(|[a, _]| *a);
        let twice: BTreeSet<u64> = twice.collect();
        drop(sorted);
        if !twice.is_empty() {
            self.name(&twice, found);
        }
        if self.skipped > 0 {
            let message = format!(
                "repeated ids were looked for only in the first {}",
                counted(self.prints.len(), "record")
            );
            found.notice(NoticeKind::NotChecked, message);
        }
    }

    fn name(&self, twice: &BTreeSet<u64>, found: &mut Collector) {
        let mut seen = BTreeSet::new();
        let mut repeats = 0_usize;
        for (at, print) in self.prints.iter().enumerate() {
            if !twice.contains(print) || seen.insert(*print) {
                continue;
            }
            repeats += 1;
            if repeats <= NAMED_MAX {
                let message = "an earlier record has the same producer and audit_id";
                found.notice_at(NoticeKind::DuplicateId, self.seq(at), message);
            }
        }
        if repeats > NAMED_MAX {
            let message = format!("{} further records repeat an id", repeats - NAMED_MAX);
            found.notice(NoticeKind::DuplicateId, message);
        }
    }

    fn seq(&self, at: usize) -> Option<Seq> {
        let run = self.runs.partition_point(|(start, _)| *start <= at).checked_sub(1)?;
        let (start, seq) = self.runs.get(run)?;
        Some(Seq(seq + (at - start) as u64))
    }
}
