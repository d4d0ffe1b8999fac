//! Deeds on sealed segments, by someone who can mend every checksum but has no key, and by a thief.

use shoseki_lab::evidence::{Log, Plan, SealedPlan, body};

use crate::forge::{Sealed, changed};
use crate::harness::{audit, said};

/// The second sealed segment of the default log holds the seqs 21 to 38 in groups of four.
const SECOND: usize = 1;

fn with_second(log: &Log, deed: impl FnOnce(&mut Sealed), thief: Option<&Log>) -> Vec<String> {
    let path = log.sealed_paths()[SECOND].clone();
    let mut sealed = Sealed::parse(&log.files[&path]);
    deed(&mut sealed);
    let mut files = log.files.clone();
    files.insert(path, sealed.encode(thief));
    said(&audit(log, &files))
}

fn group(log: &Log) -> Vec<Vec<u8>> {
    log.bodies[25..29].to_vec()
}

#[test]
fn putting_a_segment_together_again_changes_nothing() {
    let log = Plan::default().make();
    for path in log.sealed_paths() {
        assert_eq!(Sealed::parse(&log.files[&path]).encode(None), log.files[&path]);
        assert_eq!(Sealed::parse(&log.files[&path]).encode(Some(&log)), log.files[&path]);
    }
}

#[test]
fn a_group_stored_in_another_way_is_no_change_of_records_but_of_the_file() {
    let log = Plan::default().make();
    let same = |sealed: &mut Sealed| sealed.set_group(0, 1, &group(&log));
    assert_eq!(with_second(&log, same, None), ["corrupt 21-38"]);
    assert_eq!(with_second(&log, same, Some(&log)), [""; 0]);
}

#[test]
fn a_changed_record_is_named() {
    let log = Plan::default().make();
    let mut bodies = group(&log);
    bodies[2] = changed(&bodies[2]);
    let deed = |sealed: &mut Sealed| sealed.set_group(0, 1, &bodies);
    assert_eq!(with_second(&log, deed, None), ["changed 27"]);
    assert_eq!(with_second(&log, deed, Some(&log)), ["changed 27"]);
}

#[test]
fn with_forged_locators_the_group_is_named() {
    let log = Plan::default().make();
    let mut bodies = group(&log);
    bodies[2] = changed(&bodies[2]);
    let deed = |sealed: &mut Sealed| {
        sealed.set_group(0, 1, &bodies);
        sealed.set_locators(0, 1, 4, &bodies);
    };
    assert_eq!(with_second(&log, deed, Some(&log)), ["changed 25-28"]);
}

#[test]
fn a_forged_locator_alone_is_named() {
    let log = Plan::default().make();
    let deed = |sealed: &mut Sealed| sealed.blocks[0].head.locators[6][1] ^= 1;
    assert_eq!(with_second(&log, deed, Some(&log)), ["corrupt 27"]);
}

#[test]
fn a_removed_record_is_named_by_its_group() {
    let log = Plan::default().make();
    let mut bodies = group(&log);
    bodies.remove(1);
    let deed = |sealed: &mut Sealed| {
        sealed.set_group(0, 1, &bodies);
        sealed.set_locators(0, 1, 4, &bodies);
    };
    assert_eq!(with_second(&log, deed, None), ["removed 25-28"]);
    let thorough = |sealed: &mut Sealed| {
        deed(sealed);
        sealed.directory[0].record_count -= 1;
    };
    assert_eq!(with_second(&log, thorough, Some(&log)), ["removed 25-28"]);
}

#[test]
fn an_inserted_record_is_named() {
    let log = Plan::default().make();
    let mut bodies = group(&log);
    bodies.insert(3, body(999, 9, 1));
    let deed = |sealed: &mut Sealed| {
        sealed.set_group(0, 1, &bodies);
        sealed.set_locators(0, 1, 4, &bodies);
    };
    assert_eq!(with_second(&log, deed, None), ["inserted 28"]);
}

#[test]
fn swapped_records_are_named_with_and_without_their_locators() {
    let log = Plan::default().make();
    let mut bodies = group(&log);
    bodies.swap(0, 2);
    let deed = |sealed: &mut Sealed| sealed.set_group(0, 1, &bodies);
    assert_eq!(with_second(&log, deed, None), ["reordered 25-27"]);
    let thorough = |sealed: &mut Sealed| {
        sealed.set_group(0, 1, &bodies);
        sealed.set_locators(0, 1, 4, &bodies);
    };
    assert_eq!(with_second(&log, thorough, Some(&log)), ["reordered 25-27"]);
}

#[test]
fn an_edited_zone_map_is_found_even_under_a_stolen_seal() {
    let log = Plan { sealed: vec![21, 300], ..Plan::default() }.make();
    let edits: [fn(&mut Sealed); 6] = [
        |s| s.directory[1].timestamp.max -= 1,
        |s| s.directory[1].received.min += 1,
        |s| s.directory[1].counts.result = [0, 9, 0],
        |s| s.directory[1].counts.sensitivity[2] = 0,
        |s| s.directory[1].counts.pii -= 1,
        |s| s.directory[1].root.0[7] ^= 1,
    ];
    for edit in edits {
        for thief in [None, Some(&log)] {
            assert_eq!(with_second(&log, edit, thief), ["changed 256-320"]);
        }
    }
}

#[test]
fn an_edited_footer_is_found_even_under_a_stolen_seal() {
    let log = Plan { sealed: vec![21, 300], ..Plan::default() }.make();
    let edits: [fn(&mut Sealed); 12] = [
        |s| s.footer.timestamp.min += 1,
        |s| s.footer.received.max -= 1,
        |s| s.footer.raw_len += 1,
        |s| s.footer.counts.actor_type = [0, 0, 1],
        |s| s.footer.counts.erased = 1,
        |s| s.footer.segment_root.0[0] ^= 1,
        |s| s.footer.log_root.0[0] ^= 1,
        |s| s.footer.range_nodes[0].0[0] ^= 1,
        |s| s.footer.first_tile[0].0[0] ^= 1,
        |s| s.footer.last_tile[0].0[0] ^= 1,
        |s| s.footer.chain_before.0[0] ^= 1,
        |s| s.header.chain_before.0[0] ^= 1,
    ];
    for (at, edit) in edits.into_iter().enumerate() {
        for thief in [None, Some(&log)] {
            let said = with_second(&log, edit, thief);
            assert_eq!(said.first().map(String::as_str), Some("changed 21-320"), "{at}");
            assert!(said.len() <= 2, "{at} {said:?}");
        }
    }
}

#[test]
fn an_erased_marker_without_a_certificate_is_a_removed_record() {
    let log = Plan::default().make();
    let path = log.sealed_paths()[SECOND].clone();
    let plan = SealedPlan {
        key: &log.key,
        identity: &log.identity,
        first: 21,
        bodies: &log.bodies[21..39],
        erased: &[6],
        chain_before: log.chain[21],
        frontier: log.frontier(21),
        group: 4,
        dictionary: Vec::new(),
    };
    let mut files = log.files.clone();
    files.insert(path, plan.build());
    assert_eq!(said(&audit(&log, &files)), ["removed 27"]);
}

#[test]
fn a_segment_that_is_gone_is_missing_by_its_seqs() {
    let log = Plan::default().make();
    for (at, want) in ["missing 0-20", "missing 21-38", "missing 39-58"].iter().enumerate() {
        let mut files = log.files.clone();
        files.remove(&log.sealed_paths()[at]);
        assert_eq!(said(&audit(&log, &files)), [*want]);
    }
    let mut files = log.files.clone();
    files.remove(&log.active_path());
    assert_eq!(said(&audit(&log, &files)), ["truncated 59-68"]);
}

#[test]
fn a_segment_of_another_log_is_told() {
    let log = Plan::default().make();
    let other = Plan { seed: 9, ..Plan::default() }.make();
    for path in log.sealed_paths() {
        let mut files = log.files.clone();
        files.insert(path.clone(), other.files[&path].clone());
        let report = audit(&log, &files);
        assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
        assert_eq!(report.findings[0].kind.as_str(), "forked");
        assert_eq!(report.findings[0].segment.as_ref(), Some(&path));
        assert!(report.findings[0].message.contains("another log"));
    }
}

#[test]
fn a_segment_of_a_copy_that_went_on_differently_is_forked() {
    let log = Plan::default().make();
    let copy = Plan { differs_from: 30, ..Plan::default() }.make();
    let paths = log.sealed_paths();
    // The copy's second segment continues the first, and ours does not continue it.
    let mut files = log.files.clone();
    files.insert(paths[1].clone(), copy.files[&paths[1]].clone());
    assert_eq!(said(&audit(&log, &files)), ["forked 21-58"]);
    // The copy's third segment continues nothing here, and nothing here continues it.
    let mut files = log.files.clone();
    files.insert(paths[2].clone(), copy.files[&paths[2]].clone());
    let report = audit(&log, &files);
    assert_eq!(said(&report), ["forked 39-58"]);
    assert_eq!(report.findings[0].segment.as_ref(), Some(&paths[2]));
}

/// The last segment went on differently near its end: it continues the one before, and what is
/// active does not continue it. Records that never were must not be named.
#[test]
fn a_forked_last_segment_is_named_up_to_the_end_of_the_log_and_no_further() {
    for (frames, want) in [(vec![], "forked 39-58"), (vec![3, 1], "forked 39-62")] {
        let plan = Plan { frames, ..Plan::default() };
        let log = plan.make();
        let copy = Plan { differs_from: 50, ..plan }.make();
        let path = log.sealed_paths()[2].clone();
        let mut files = log.files.clone();
        files.insert(path.clone(), copy.files[&path].clone());
        let report = audit(&log, &files);
        assert_eq!(said(&report), [want]);
        assert_eq!(report.findings[0].segment.as_ref(), Some(&path));
    }
}
