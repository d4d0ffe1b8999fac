//! Findings in, plan out.
//!
//! Let D be the highest of: any valid frame's durable seq, the stored checkpoint's size, a close
//! frame. What was written at or above D was never acknowledged and may be cut; what is missing
//! below D is damage and nothing is ever cut for it. Knows nothing about files beyond their names.

use crate::segment::{ActiveScan, Island, ScanTail};
use crate::types::{ChainHash, counted};

/// A sealed segment, as its footer describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedFound {
    /// Seq of the first record.
    pub first_seq: u64,
    /// The seq behind the last record.
    pub end_seq: u64,
    /// Chain hash before.
    pub chain_before: ChainHash,
    /// Chain hash after.
    pub chain_after: ChainHash,
}

/// An active file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActiveFound {
    /// First seq by its name.
    pub first_seq: u64,
    /// Its scan; `None` where the file header can't be read.
    pub scan: Option<ActiveScan>,
    /// Whether its header names this log.
    pub ours: bool,
}

/// The stored checkpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckpointFound {
    /// There is none.
    None,
    /// It can't be read or its signature does not hold.
    Unreadable,
    /// It covers so many records.
    Size(u64),
}

/// Everything that an open finds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Chain hash before the first record of the log.
    pub genesis: ChainHash,
    /// Sealed segments by first seq.
    pub sealed: Vec<SealedFound>,
    /// Active files by first seq.
    pub actives: Vec<ActiveFound>,
    /// The stored checkpoint.
    pub checkpoint: CheckpointFound,
}

/// A reason why the log is read-only.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// Records that were durable are not there.
    #[error("records {first_seq} to {} are missing or damaged", end_seq - 1)]
    Missing {
        /// First of them.
        first_seq: u64,
        /// One behind the last.
        end_seq: u64,
    },
    /// Bytes that were durable are damaged, and no record was in them: a mark, or an end.
    #[error(
        "bytes {offset} to {} of the active file that begins at record {file} are damaged; no \
         record was there",
        end - 1
    )]
    Bytes {
        /// First seq of the file, by its name.
        file: u64,
        /// The first bad byte.
        offset: u64,
        /// One behind the last.
        end: u64,
    },
    /// The log ends before the size that its checkpoint covers.
    #[error(
        "the log holds {}, but its checkpoint covers {checkpoint}: its end was cut or it was \
         rolled back",
        counted(*size, "record")
    )]
    Shorter {
        /// Records that are there.
        size: u64,
        /// Records that the checkpoint covers.
        checkpoint: u64,
    },
    /// A segment does not continue the chain of the one before.
    #[error(
        "the chain breaks before record {seq}: the segment there does not continue the one before"
    )]
    Unlinked {
        /// First seq of the segment that does not link.
        seq: u64,
    },
    /// The header of an active file is damaged or of another log.
    #[error("the active file that begins at record {seq} can't be read or belongs to another log")]
    ActiveHeader {
        /// First seq by its name.
        seq: u64,
    },
    /// Two segments hold the same records.
    #[error("record {seq} is in more than one segment")]
    Overlap {
        /// First seq of the second.
        seq: u64,
    },
}

/// How the last active file goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Tail {
    /// There is none: a new one begins behind what is sealed.
    New {
        /// Its first seq.
        first_seq: u64,
        /// The chain hash before it.
        chain: ChainHash,
    },
    /// The last active file, behind its last valid frame.
    Continue,
    /// As `Continue`, after the bytes from `offset` to `end` were moved to quarantine.
    Cut {
        /// The first bad byte.
        offset: u64,
        /// One behind the last byte that is not zero.
        end: u64,
        /// Valid runs within the cut bytes: written, never acknowledged.
        islands: Vec<Island>,
    },
}

/// What an open does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Active files (by first seq) whose records are sealed: removed once the sealed one verifies.
    pub superseded: Vec<u64>,
    /// Active files (by first seq) to be sealed, in order.
    pub seal: Vec<u64>,
    /// The last active file.
    pub tail: Tail,
    /// Records of the log.
    pub size: u64,
    /// D: everything below it was durable.
    pub durable: u64,
    /// Empty in a sound log; otherwise the log is read-only.
    pub damage: Vec<Damage>,
}

/// Decides.
#[must_use]
pub fn plan(found: &Found) -> Plan {
    let mut damage = Vec::new();
    let (sealed_end, mut chain) = check_sealed(found, &mut damage);
    let (superseded, actives): (Vec<&ActiveFound>, Vec<&ActiveFound>) =
        found.actives.iter().partition(|a| {
            let end = a.scan.as_ref().map_or(a.first_seq.saturating_add(1), |s| s.end.next_seq.0);
            a.first_seq < sealed_end && end <= sealed_end
        });
    let mut end = sealed_end;
    let mut tail = Tail::New { first_seq: end, chain };
    let mut durable = sealed_end;
    for (i, active) in actives.iter().enumerate() {
        let Some(scan) = active.scan.as_ref().filter(|_| active.ours) else {
            damage.push(Damage::ActiveHeader { seq: active.first_seq });
            continue;
        };
        check_link(active.first_seq, scan.header.chain_before, end, chain, &mut damage);
        durable = durable.max(scan.durable_seq.0);
        let next = actives.get(i + 1).map(|next| next.first_seq);
        tail = decide_tail(active.first_seq, scan, next, found.checkpoint, &mut damage);
        end = scan.end.next_seq.0.max(end);
        chain = scan.end.chain;
        if let ScanTail::Bad { islands, .. } = &scan.tail
            && !matches!(tail, Tail::Cut { .. })
        {
            end = islands.iter().map(|i| i.end_seq.0).max().unwrap_or(end).max(end);
        }
    }
    if let CheckpointFound::Size(size) = found.checkpoint {
        durable = durable.max(size);
        if size > end {
            damage.push(Damage::Shorter { size: end, checkpoint: size });
        }
    }
    #[cfg(feature = "mutants")]
    let durable = if torn_tail_is_weak() { durable.min(end) } else { durable };
    if durable > end && !damage.iter().any(|d| matches!(d, Damage::Shorter { .. })) {
        damage.push(Damage::Missing { first_seq: end, end_seq: durable });
    }
    let open = actives.len().saturating_sub(1);
    Plan {
        superseded: superseded.iter().map(|a| a.first_seq).collect(),
        seal: actives.iter().take(open).map(|a| a.first_seq).collect(),
        tail,
        size: end,
        durable,
        damage,
    }
}

#[cfg(feature = "mutants")]
fn torn_tail_is_weak() -> bool {
    crate::mutants::is(crate::mutants::Mutant::TornTail)
}

/// The sealed segments must follow each other from seq 0 on.
fn check_sealed(found: &Found, damage: &mut Vec<Damage>) -> (u64, ChainHash) {
    let (mut end, mut chain) = (0, found.genesis);
    for segment in &found.sealed {
        check_link(segment.first_seq, segment.chain_before, end, chain, damage);
        end = segment.end_seq.max(end);
        chain = segment.chain_after;
    }
    (end, chain)
}

fn check_link(
    first: u64,
    chain_before: ChainHash,
    end: u64,
    chain: ChainHash,
    damage: &mut Vec<Damage>,
) {
    match first.cmp(&end) {
        std::cmp::Ordering::Greater => {
            damage.push(Damage::Missing { first_seq: end, end_seq: first });
        }
        std::cmp::Ordering::Less => damage.push(Damage::Overlap { seq: first }),
        std::cmp::Ordering::Equal if chain_before != chain => {
            damage.push(Damage::Unlinked { seq: first });
        }
        std::cmp::Ordering::Equal => {}
    }
}

/// One active file's end, by the table; `next` is the first seq of the file behind it.
fn decide_tail(
    file: u64,
    scan: &ActiveScan,
    next: Option<u64>,
    checkpoint: CheckpointFound,
    damage: &mut Vec<Damage>,
) -> Tail {
    let (end, last) = (scan.end.next_seq.0, next.is_none());
    let covered = match checkpoint {
        CheckpointFound::Size(size) => size,
        CheckpointFound::None | CheckpointFound::Unreadable => 0,
    };
    let durable = scan.durable_seq.0.max(if last { covered } else { 0 });
    match &scan.tail {
        ScanTail::Clean | ScanTail::Closed => Tail::Continue,
        ScanTail::Bad { islands, end: bad_end } => {
            // A frame of a later commit behind bad bytes: those bytes were synced before it was
            // written.
            let later = islands.iter().any(|i| {
                i.first_commit.saturating_sub(scan.end.commit) >= 2 || i.durable_seq.0 > end
            });
            #[cfg(feature = "mutants")]
            let (later, durable) = if torn_tail_is_weak() { (false, 0) } else { (later, durable) };
            if last && !later && durable <= end {
                let islands = islands.clone();
                return Tail::Cut { offset: scan.end.offset, end: *bad_end, islands };
            }
            name_damage(file, scan, islands, *bad_end, (next, durable), damage);
            Tail::Continue
        }
    }
}

/// Names what lay in the bad bytes of a file: the records between what is valid, or none.
fn name_damage(
    file: u64,
    scan: &ActiveScan,
    islands: &[Island],
    bad_end: u64,
    (next, durable): (Option<u64>, u64),
    damage: &mut Vec<Damage>,
) {
    let (mut seq, mut offset) = (scan.end.next_seq.0, scan.end.offset);
    // A valid run with lower seqs is a leftover that belongs nowhere.
    for island in islands.iter().filter(|island| island.first_seq >= scan.end.next_seq) {
        if island.first_seq.0 > seq {
            damage.push(Damage::Missing { first_seq: seq, end_seq: island.first_seq.0 });
        } else if island.first_seq.0 == seq {
            damage.push(Damage::Bytes { file, offset, end: island.offset });
        }
        (seq, offset) = (seq.max(island.end_seq.0), island.end);
    }
    if offset > scan.end.offset {
        return;
    }
    damage.push(match next {
        Some(next) if next == seq => Damage::Bytes { file, offset, end: bad_end },
        _ => Damage::Missing { first_seq: seq, end_seq: durable.max(seq + 1) },
    });
}
