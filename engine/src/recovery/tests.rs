//! The decision table, row by row, on findings made by hand.

use super::*;
use crate::format::ActiveHeader;
use crate::segment::{ActiveScan, Island, ScanPosition, ScanTail};
use crate::types::{ChainHash, Seq};

fn chain(seq: u64) -> ChainHash {
    let mut bytes = [0; ChainHash::LEN];
    bytes[..8].copy_from_slice(&seq.to_le_bytes());
    bytes[63] = 1;
    ChainHash(bytes)
}

fn sealed(first_seq: u64, end_seq: u64) -> SealedFound {
    let (chain_before, chain_after) = (chain(first_seq), chain(end_seq));
    SealedFound { first_seq, end_seq, chain_before, chain_after }
}

/// An active file `[first, end)` whose frames say that everything below `durable` is on the disk.
fn active(first: u64, end: u64, durable: u64, tail: ScanTail) -> ActiveFound {
    let header = ActiveHeader {
        first_seq: Seq(first),
        file_tag: 7,
        identity_sha256: [1; 32],
        chain_before: chain(first),
        first_commit: 1,
    };
    let start = ScanPosition::start(&header);
    let end = ScanPosition {
        offset: 1000 + end,
        next_seq: Seq(end),
        chain: chain(end),
        commit: 10,
        ..start
    };
    let scan =
        ActiveScan { header, end, before_last_commit: start, tail, durable_seq: Seq(durable) };
    ActiveFound { first_seq: first, scan: Some(scan), ours: true }
}

fn bad(islands: Vec<Island>) -> ScanTail {
    ScanTail::Bad { islands, end: 5000 }
}

fn island(first: u64, end: u64, commit: u64, durable: u64) -> Island {
    Island {
        offset: 2000,
        end: 3000,
        first_seq: Seq(first),
        end_seq: Seq(end),
        first_commit: commit,
        durable_seq: Seq(durable),
    }
}

fn found(
    sealed: Vec<SealedFound>,
    actives: Vec<ActiveFound>,
    checkpoint: CheckpointFound,
) -> Found {
    Found { genesis: chain(0), sealed, actives, checkpoint }
}

fn one(active: ActiveFound, checkpoint: CheckpointFound) -> Plan {
    plan(&found(vec![], vec![active], checkpoint))
}

#[test]
fn an_empty_directory_begins_at_seq_0() {
    let plan = plan(&found(vec![], vec![], CheckpointFound::None));
    assert_eq!(plan.tail, Tail::New { first_seq: 0, chain: chain(0) });
    assert_eq!((plan.size, plan.durable, plan.damage), (0, 0, vec![]));
}

#[test]
fn a_clean_end_continues() {
    for tail in [ScanTail::Clean, ScanTail::Closed] {
        let plan = one(active(0, 9, 8, tail), CheckpointFound::Size(9));
        assert_eq!((plan.tail, plan.damage), (Tail::Continue, vec![]));
        assert_eq!((plan.size, plan.durable), (9, 9));
    }
}

#[test]
fn bad_bytes_at_the_durable_end_are_cut() {
    let plan = one(active(0, 9, 9, bad(vec![])), CheckpointFound::Size(9));
    assert_eq!(plan.tail, Tail::Cut { offset: 1009, end: 5000, islands: vec![] });
    assert_eq!((plan.size, plan.damage), (9, vec![]));
}

#[test]
fn valid_frames_of_the_torn_commit_are_cut_with_it() {
    // The scan ended in commit 10 or before commit 11: either may be torn.
    for commit in [10, 11] {
        let islands = vec![island(11, 13, commit, 9)];
        let plan = one(active(0, 9, 9, bad(islands.clone())), CheckpointFound::None);
        assert_eq!(plan.tail, Tail::Cut { offset: 1009, end: 5000, islands });
        assert_eq!(plan.damage, []);
    }
}

#[test]
fn a_frame_of_a_later_commit_behind_bad_bytes_is_damage() {
    for later in [island(11, 13, 12, 9), island(11, 13, 11, 11)] {
        let durable = later.durable_seq.0;
        let plan = one(active(0, 9, durable, bad(vec![later])), CheckpointFound::None);
        assert_eq!(plan.tail, Tail::Continue, "nothing is cut");
        assert_eq!(plan.damage, [Damage::Missing { first_seq: 9, end_seq: 11 }]);
        assert_eq!(plan.size, 13);
    }
}

#[test]
fn bad_bytes_between_frames_that_follow_each_other_held_no_record() {
    let islands = vec![island(9, 11, 12, 9), Island { offset: 3500, ..island(14, 15, 14, 14) }];
    let plan = one(active(0, 9, 14, bad(islands)), CheckpointFound::None);
    let mark = Damage::Bytes { file: 0, offset: 1009, end: 2000 };
    assert_eq!(plan.damage, [mark, Damage::Missing { first_seq: 11, end_seq: 14 }]);
    assert_eq!((plan.tail, plan.size), (Tail::Continue, 15));
    let text = plan.damage[0].to_string();
    assert!(text.contains("1009 to 1999") && text.contains("no record"), "{text}");
}

#[test]
fn bad_bytes_before_a_file_that_follows_held_no_record() {
    let actives = vec![active(0, 5, 5, bad(vec![])), active(5, 9, 5, ScanTail::Clean)];
    let plan = plan(&found(vec![], actives, CheckpointFound::None));
    assert_eq!(plan.damage, [Damage::Bytes { file: 0, offset: 1005, end: 5000 }]);
}

#[test]
fn bad_bytes_below_the_checkpoint_are_damage() {
    let plan = one(active(0, 9, 9, bad(vec![])), CheckpointFound::Size(12));
    assert_eq!(plan.tail, Tail::Continue);
    assert!(plan.damage.contains(&Damage::Missing { first_seq: 9, end_seq: 12 }));
    assert_eq!(plan.durable, 12);
}

#[test]
fn a_log_shorter_than_its_checkpoint_says_both_sizes() {
    let plan = one(active(0, 9, 9, ScanTail::Clean), CheckpointFound::Size(12));
    assert_eq!(plan.damage, [Damage::Shorter { size: 9, checkpoint: 12 }]);
    let text = plan.damage[0].to_string();
    assert!(text.contains('9') && text.contains("12"), "{text}");
}

#[test]
fn a_log_without_any_file_is_shorter_than_its_checkpoint() {
    let plan = plan(&found(vec![], vec![], CheckpointFound::Size(1)));
    assert_eq!(plan.damage, [Damage::Shorter { size: 0, checkpoint: 1 }]);
}

#[test]
fn segments_must_link_from_the_first_record_on() {
    let sound = vec![sealed(0, 5), sealed(5, 9)];
    let actives = || vec![active(9, 12, 9, ScanTail::Clean)];
    let none = CheckpointFound::None;
    assert_eq!(plan(&found(sound.clone(), actives(), none)).damage, []);
    let mut broken = sound.clone();
    broken[1].chain_before = chain(77);
    assert_eq!(plan(&found(broken, actives(), none)).damage, [Damage::Unlinked { seq: 5 }]);
    let gap = vec![sealed(0, 5), sealed(6, 9)];
    let missing = Damage::Missing { first_seq: 5, end_seq: 6 };
    assert_eq!(plan(&found(gap, actives(), none)).damage, [missing]);
    let twice = vec![sealed(0, 5), sealed(4, 9)];
    assert_eq!(plan(&found(twice, actives(), none)).damage, [Damage::Overlap { seq: 4 }]);
    let mut other = actives();
    other[0].scan.as_mut().unwrap().header.chain_before = chain(78);
    assert_eq!(plan(&found(sound, other, none)).damage, [Damage::Unlinked { seq: 9 }]);
}

#[test]
fn another_genesis_does_not_link() {
    let mut findings = found(vec![sealed(0, 5)], vec![], CheckpointFound::None);
    findings.genesis = chain(99);
    assert_eq!(plan(&findings).damage, [Damage::Unlinked { seq: 0 }]);
}

#[test]
fn of_several_active_files_all_but_the_last_are_sealed_in_order() {
    let actives = vec![
        active(5, 7, 7, ScanTail::Clean),
        active(7, 9, 9, ScanTail::Clean),
        active(9, 12, 10, bad(vec![])),
    ];
    let plan = plan(&found(vec![sealed(0, 5)], actives, CheckpointFound::Size(9)));
    assert_eq!((plan.seal, plan.damage), (vec![5, 7], vec![]));
    assert!(matches!(plan.tail, Tail::Cut { .. }));
    assert_eq!((plan.size, plan.durable), (12, 10));
}

#[test]
fn bad_bytes_in_a_file_before_the_last_are_damage() {
    let actives = vec![active(0, 5, 5, bad(vec![])), active(7, 9, 7, ScanTail::Clean)];
    let plan = plan(&found(vec![], actives, CheckpointFound::None));
    assert!(plan.damage.contains(&Damage::Missing { first_seq: 5, end_seq: 7 }), "{plan:?}");
    assert_eq!(plan.tail, Tail::Continue);
}

#[test]
fn an_active_file_whose_records_are_sealed_is_superseded() {
    let none = CheckpointFound::None;
    let both = vec![active(5, 9, 9, ScanTail::Clean), active(9, 10, 9, ScanTail::Clean)];
    let with_next = plan(&found(vec![sealed(0, 5), sealed(5, 9)], both, none));
    assert_eq!((with_next.superseded, with_next.damage), (vec![5], vec![]));
    assert_eq!(with_next.tail, Tail::Continue);
    // Whatever the active file looks like: the sealed one is to be verified.
    let mut spoilt = active(5, 9, 9, ScanTail::Clean);
    spoilt.scan = None;
    let alone = plan(&found(vec![sealed(0, 5), sealed(5, 9)], vec![spoilt], none));
    assert_eq!((alone.superseded, alone.damage), (vec![5], vec![]));
    assert_eq!(alone.tail, Tail::New { first_seq: 9, chain: chain(9) });
}

#[test]
fn an_active_file_longer_than_the_sealed_one_overlaps() {
    let actives = vec![active(5, 10, 9, ScanTail::Clean)];
    let plan = plan(&found(vec![sealed(0, 5), sealed(5, 9)], actives, CheckpointFound::None));
    assert_eq!(plan.damage, [Damage::Overlap { seq: 5 }]);
}

#[test]
fn an_active_file_without_a_header_or_of_another_log_is_named() {
    let none = CheckpointFound::None;
    let header = [Damage::ActiveHeader { seq: 0 }];
    let other = ActiveFound { ours: false, ..active(0, 9, 9, ScanTail::Clean) };
    assert_eq!(one(other, none).damage, header);
    let unreadable = ActiveFound { first_seq: 0, scan: None, ours: false };
    assert_eq!(one(unreadable, none).damage, header);
}

#[test]
fn an_unreadable_checkpoint_covers_nothing() {
    let plan = one(active(0, 9, 8, ScanTail::Clean), CheckpointFound::Unreadable);
    assert_eq!((plan.size, plan.durable, plan.damage), (9, 8, vec![]));
}

#[test]
fn frames_that_promise_more_than_is_there_are_damage() {
    let plan = one(active(0, 9, 11, ScanTail::Clean), CheckpointFound::None);
    assert_eq!(plan.damage, [Damage::Missing { first_seq: 9, end_seq: 11 }]);
}

/// Fuzzing `recovery` found that a file named after the last seq of all made a sum overflow;
/// reading on from there, that the last commit number wrapped and a torn end was taken for damage.
#[test]
fn the_last_numbers_of_all_do_not_wrap() {
    let unreadable = ActiveFound { first_seq: u64::MAX, scan: None, ours: false };
    let plan = plan(&found(vec![], vec![unreadable], CheckpointFound::None));
    assert_eq!(plan.damage, vec![Damage::ActiveHeader { seq: u64::MAX }]);

    let mut torn = active(0, 5, 3, bad(vec![island(5, 6, u64::MAX, 5)]));
    if let Some(scan) = &mut torn.scan {
        scan.end.commit = u64::MAX - 1;
    }
    // The valid frame behind the bad bytes is of the very next commit: nothing was acknowledged.
    assert!(matches!(one(torn, CheckpointFound::None).tail, Tail::Cut { offset: 1005, .. }));
}
