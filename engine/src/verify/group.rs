//! Names what was done to a run of records whose chain hashes before and after are known.
//!
//! The chain says whether; the 4-byte locators say where, as far as they were not forged too; and
//! where both fail, undoing a single removal of an intruder or a single swap and looking at the
//! chain again is proof of what happened.
//! Invariant: the verdict is sound only where the chain hash holds and every locator fits.
//! Knows nothing about files.

use core::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use super::report::FindingKind;
use crate::format::{LOCATOR_LEN, locator};
use crate::proof::chain_next;
use crate::types::{ChainHash, RecordHash};

/// What is known of the chain hash before a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Before {
    /// It is what the run must continue.
    Known(ChainHash),
    /// It comes from damaged bytes: continuing it is good, not continuing it says nothing.
    Claimed(ChainHash),
    /// It is lost.
    Unknown,
}

impl Before {
    pub(super) fn hash(self) -> Option<ChainHash> {
        match self {
            Self::Known(hash) | Self::Claimed(hash) => Some(hash),
            Self::Unknown => None,
        }
    }
}

/// A run of records as recomputed and as stored.
pub(super) struct Run<'a> {
    pub(super) before: Before,
    /// Recomputed hashes in order.
    pub(super) hashes: &'a [RecordHash],
    /// Stored locators in order.
    pub(super) locators: &'a [[u8; LOCATOR_LEN]],
    /// Stored chain hash after the run.
    pub(super) after: ChainHash,
    /// Records that must be there by what stands around the run.
    pub(super) due: usize,
}

/// What a look at a run says. Positions are from its first record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Sound,
    /// The records are sound, a locator is not.
    Locator(usize),
    Wrong(FindingKind, Range<usize>, &'static str),
}

/// How many runs may be tried in all: what an attacker can make the auditor spend is bounded.
#[derive(Debug)]
pub(super) struct Trials(AtomicU32);

const TRIALS_MAX: u32 = 64;
/// Longest run in which every record is left out in turn.
const INTRUDER_RUN_MAX: usize = 512;
/// Longest run in which every two records are swapped in turn.
const SWAP_RUN_MAX: usize = 64;

impl Default for Trials {
    fn default() -> Self {
        Self(AtomicU32::new(TRIALS_MAX))
    }
}

impl Trials {
    fn take(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

impl Run<'_> {
    fn chain_holds(&self) -> bool {
        match self.before {
            Before::Known(before) | Before::Claimed(before) => {
                chain(before, self.hashes.iter()) == self.after
            }
            Before::Unknown => true,
        }
    }

    /// Looks at the run.
    pub(super) fn judge(&self, trials: &Trials) -> Verdict {
        let computed: Vec<_> = self.hashes.iter().map(locator).collect();
        let fits = computed == self.locators;
        // What a damaged place claims binds nobody: then the locators alone speak.
        let chain_holds = self.chain_holds() || (fits && !matches!(self.before, Before::Known(_)));
        if chain_holds && fits {
            return Verdict::Sound;
        }
        if chain_holds && computed.len() == self.locators.len() {
            let at = computed.iter().zip(self.locators).position(|(a, b)| a != b).unwrap_or(0);
            return match self.before {
                Before::Known(_) | Before::Claimed(_) => Verdict::Locator(at),
                Before::Unknown => differing(&computed, self.locators),
            };
        }
        if !fits {
            return differing(&computed, self.locators);
        }
        self.by_chain(trials)
    }

    /// Every locator fits its record, the chain does not.
    fn by_chain(&self, trials: &Trials) -> Verdict {
        let n = self.hashes.len();
        if let Some(before) = self.before.hash()
            && trials.take()
        {
            if n <= INTRUDER_RUN_MAX
                && let Some(at) = self.intruder(before)
            {
                let message = "a record was put in: without it the chain holds";
                return Verdict::Wrong(FindingKind::Inserted, at..at + 1, message);
            }
            if n <= SWAP_RUN_MAX
                && let Some((a, b)) = self.swapped(before)
            {
                let message = "two records changed places: swapped back, the chain holds";
                return Verdict::Wrong(FindingKind::Reordered, a..b + 1, message);
            }
        }
        match n.cmp(&self.due) {
            std::cmp::Ordering::Less => {
                let message = "records are fewer than their seqs, and the chain does not hold";
                Verdict::Wrong(FindingKind::Removed, 0..self.due, message)
            }
            std::cmp::Ordering::Greater => {
                let message = "records are more than their seqs, and the chain does not hold";
                Verdict::Wrong(FindingKind::Inserted, 0..n, message)
            }
            std::cmp::Ordering::Equal => {
                let message = "the records do not lead to the stored chain hash";
                Verdict::Wrong(FindingKind::Changed, 0..n.max(1), message)
            }
        }
    }

    /// The record without which the chain holds.
    fn intruder(&self, before: ChainHash) -> Option<usize> {
        let mut prefix = before;
        for (at, hash) in self.hashes.iter().enumerate() {
            if chain(prefix, self.hashes.iter().skip(at + 1)) == self.after {
                return Some(at);
            }
            prefix = chain_next(&prefix, hash);
        }
        None
    }

    /// The two records with which the chain holds when they are swapped.
    fn swapped(&self, before: ChainHash) -> Option<(usize, usize)> {
        let mut order = self.hashes.to_vec();
        for a in 0..order.len() {
            for b in a + 1..order.len() {
                order.swap(a, b);
                if chain(before, order.iter()) == self.after {
                    return Some((a, b));
                }
                order.swap(a, b);
            }
        }
        None
    }
}

fn chain<'a>(before: ChainHash, hashes: impl Iterator<Item = &'a RecordHash>) -> ChainHash {
    hashes.fold(before, |chain, hash| chain_next(&chain, hash))
}

/// How the recomputed sequence of locators became another than the stored one.
fn differing(computed: &[[u8; 4]], stored: &[[u8; 4]]) -> Verdict {
    let same = |pair: &(&[u8; 4], &[u8; 4])| pair.0 == pair.1;
    let shorter = computed.len().min(stored.len());
    let prefix = computed.iter().zip(stored).take_while(same).count();
    let suffix = computed.iter().rev().zip(stored.iter().rev()).take_while(same).count();
    let suffix = suffix.min(shorter - prefix);
    let surplus = computed.len().abs_diff(stored.len());
    if prefix + suffix == shorter && computed.len() < stored.len() {
        let message = "records that the locators name are not there";
        return Verdict::Wrong(FindingKind::Removed, prefix..prefix + surplus, message);
    }
    if prefix + suffix == shorter && computed.len() > stored.len() {
        let message = "there are records that no locator names";
        return Verdict::Wrong(FindingKind::Inserted, prefix..prefix + surplus, message);
    }
    let ours = computed.get(prefix..computed.len() - suffix).unwrap_or_default();
    let theirs = stored.get(prefix..stored.len() - suffix).unwrap_or_default();
    let (mut a, mut b) = (ours.to_vec(), theirs.to_vec());
    a.sort_unstable();
    b.sort_unstable();
    let range = prefix..prefix + ours.len().max(1);
    if a == b {
        let message = "the records are those of the locators, in another order";
        Verdict::Wrong(FindingKind::Reordered, range, message)
    } else {
        let message = "the record is not the one that was hashed";
        Verdict::Wrong(FindingKind::Changed, range, message)
    }
}
