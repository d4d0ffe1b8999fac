//! The recovery plan for arbitrary findings.
//!
//! Nothing durable is ever cut, a sound log is whole, and every file is in one place of the plan.

use shoseki_engine::format::ActiveHeader;
use shoseki_engine::recovery::{
    ActiveFound, CheckpointFound, Found, Plan, SealedFound, Tail, plan,
};
use shoseki_engine::segment::{ActiveScan, Island, ScanPosition, ScanTail};
use shoseki_engine::types::{ChainHash, Seq};

use crate::input::Input;

pub(super) fn run(data: &[u8]) {
    let found = found(&mut Input::new(data));
    let plan = plan(&found);
    check(&found, &plan);
    plan.damage.iter().for_each(|damage| assert!(!damage.to_string().is_empty()));
}

fn chain(input: &mut Input<'_>) -> ChainHash {
    ChainHash([input.u8() % 4; 64])
}

fn found(input: &mut Input<'_>) -> Found {
    let genesis = chain(input);
    let mut sealed = Vec::new();
    let (mut end, mut link) = (0, genesis);
    for _ in 0..input.below(4) {
        let follows = input.u8() < 200;
        let first_seq = if follows { end } else { input.seq() };
        let chain_before = if follows { link } else { chain(input) };
        end = first_seq.saturating_add(input.seq().saturating_add(1)).clamp(1, u64::MAX - 1);
        link = chain(input);
        let first_seq = first_seq.min(end - 1);
        sealed.push(SealedFound { first_seq, end_seq: end, chain_before, chain_after: link });
    }
    let mut actives = Vec::new();
    for _ in 0..input.below(4) {
        let follows = input.u8() < 200;
        let first = if follows { end } else { input.seq() };
        let scan = (input.u8() < 230).then(|| {
            let before = if follows { link } else { chain(input) };
            scan(input, first.min(u64::MAX - 1), before)
        });
        if let Some(scan) = &scan {
            (end, link) = (scan.end.next_seq.0, scan.end.chain);
        }
        actives.push(ActiveFound { first_seq: first, scan, ours: input.u8() < 240 });
    }
    let checkpoint = match input.u8() % 4 {
        0 => CheckpointFound::None,
        1 => CheckpointFound::Unreadable,
        2 => CheckpointFound::Size(end),
        _ => CheckpointFound::Size(input.seq()),
    };
    sealed.sort_by_key(|segment| segment.first_seq);
    actives.sort_by_key(|active| active.first_seq);
    // They are named after their first seq, so no two have the same.
    actives.dedup_by_key(|active| active.first_seq);
    Found { genesis, sealed, actives, checkpoint }
}

/// What a scan can say of some file: `targets::active` holds scans to the same.
fn scan(input: &mut Input<'_>, first: u64, chain_before: ChainHash) -> ActiveScan {
    let header = ActiveHeader {
        first_seq: Seq(first),
        file_tag: 1,
        identity_sha256: [0; 32],
        chain_before,
        first_commit: input.seq(),
    };
    let start = ScanPosition::start(&header);
    let mut end = start;
    let frames = input.below(4);
    for _ in 0..frames {
        end.offset += 136 + input.below(500);
        end.next_seq = Seq(end.next_seq.0.saturating_add(input.below(5)).min(u64::MAX - 1));
        end.commit = end.commit.saturating_add(input.below(2));
        end.chain = chain(input);
    }
    end.durable_seq = Seq(first + input.below(8).min(end.next_seq.0 - first));
    let mut durable_seq = end.durable_seq;
    let tail = match input.u8() % 4 {
        0 => ScanTail::Clean,
        1 if frames > 0 => {
            durable_seq = durable_seq.max(end.next_seq);
            ScanTail::Closed
        }
        _ => {
            let mut islands = Vec::new();
            let mut at = end.offset;
            for _ in 0..input.below(3) {
                let offset = at + 1 + input.below(100);
                at = offset + 136 + input.below(100);
                let first_seq = Seq(input.seq().min(u64::MAX - 10));
                let island = Island {
                    offset,
                    end: at,
                    first_seq,
                    end_seq: Seq(first_seq.0 + input.below(5)),
                    first_commit: input.seq(),
                    durable_seq: Seq(first_seq.0.saturating_sub(input.below(5))),
                };
                durable_seq = durable_seq.max(island.durable_seq);
                islands.push(island);
            }
            ScanTail::Bad { islands, end: at + 1 + input.below(50) }
        }
    };
    ActiveScan { header, end, before_last_commit: start, tail, durable_seq }
}

fn check(found: &Found, plan: &Plan) {
    let covered = match found.checkpoint {
        CheckpointFound::Size(size) => size,
        CheckpointFound::None | CheckpointFound::Unreadable => 0,
    };
    let last = found.actives.iter().rfind(|a| !plan.superseded.contains(&a.first_seq));
    assert!(plan.durable >= covered);
    if plan.damage.is_empty() {
        assert!(plan.size >= plan.durable, "a sound log lacks durable records");
        for segment in &found.sealed {
            assert!(segment.end_seq <= plan.size);
        }
    }
    if let Tail::Cut { offset, end, .. } = &plan.tail {
        let scan = last.and_then(|active| active.scan.as_ref()).unwrap();
        assert!(scan.end.offset == *offset && offset < end);
        assert!(scan.durable_seq <= scan.end.next_seq, "a durable record would be cut");
        assert!(covered <= scan.end.next_seq.0, "a record of the checkpoint would be cut");
    }
    for seal in &plan.seal {
        assert!(!plan.superseded.contains(seal));
        assert!(found.actives.iter().any(|active| active.first_seq == *seal));
    }
    for first in &plan.superseded {
        let sealed_end = found.sealed.iter().map(|segment| segment.end_seq).max().unwrap_or(0);
        assert!(*first < sealed_end, "records that are nowhere sealed would go");
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![Vec::new()];
    for seed in 1_u8..24 {
        let mut state = u32::from(seed).wrapping_mul(2_654_435_761);
        let bytes = (0..20 + usize::from(seed) * 6).map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 11).to_le_bytes()[0]
        });
        seeds.push(bytes.collect());
    }
    seeds
}
