//! The clean log, in every way of looking at it.

use shoseki_engine::record::IntegrityStatus;
use shoseki_engine::verify::{VerifyOptions, verify_evidence};
use shoseki_lab::evidence::Plan;

use crate::harness::{audit, evidence, options};

#[test]
fn a_clean_log_has_no_finding() {
    for plan in [
        Plan::default(),
        Plan { closed: true, ..Plan::default() },
        Plan { sealed: vec![300, 250, 90], frames: vec![10, 500, 3], ..Plan::default() },
        Plan { sealed: vec![256, 256], frames: vec![256], group: 16, ..Plan::default() },
        Plan { sealed: vec![], ..Plan::default() },
        Plan { sealed: vec![5], frames: vec![], ..Plan::default() },
        Plan { sealed: vec![300, 20], frames: vec![], ..Plan::default() },
        Plan { sealed: vec![], frames: vec![], ..Plan::default() },
    ] {
        let log = plan.make();
        let report = audit(&log, &log.files);
        assert_eq!(report.findings, [], "{plan:?}");
        assert_eq!(report.notices, [], "{plan:?}");
        assert_eq!(report.status(), IntegrityStatus::Valid);
        assert_eq!((report.records, report.tree_size.0), (log.size(), log.size()));
        assert_eq!(report.root, log.frontier(log.size()).root().unwrap());
        assert_eq!(Some(&report.chain_hash), log.chain.last());
        let many = VerifyOptions { threads: 3, ..options(&log) };
        assert_eq!(verify_evidence(&evidence(&log.files), &many, &()).unwrap(), report);
        let quick = VerifyOptions { quick: true, ..options(&log) };
        let quick = verify_evidence(&evidence(&log.files), &quick, &()).unwrap();
        assert_eq!((quick.findings, quick.root), (vec![], report.root), "{plan:?}");
    }
}

#[test]
fn any_number_of_threads_says_the_same() {
    let plan = Plan { sealed: vec![300, 250, 700], frames: vec![10, 500, 3], ..Plan::default() };
    let log = plan.make();
    let mut files = log.files.clone();
    for (at, path) in log.sealed_paths().iter().enumerate() {
        let file = files.get_mut(path).unwrap();
        for place in (9_000 * (at + 1)..file.len()).step_by(11_003) {
            file[place] ^= 0x10;
        }
    }
    let one = audit(&log, &files);
    assert!(one.findings.len() > 5, "{:?}", one.findings);
    for threads in [2, 3, 7] {
        let many = VerifyOptions { threads, ..options(&log) };
        assert_eq!(verify_evidence(&evidence(&files), &many, &()).unwrap(), one);
    }
}

#[test]
fn a_quick_look_finds_what_needs_no_records() {
    let log = Plan::default().make();
    let quick = |files: &std::collections::BTreeMap<String, Vec<u8>>| {
        let options = VerifyOptions { quick: true, ..options(&log) };
        crate::harness::said(&verify_evidence(&evidence(files), &options, &()).unwrap())
    };
    let path = log.sealed_paths()[1].clone();
    let mut files = log.files.clone();
    files.remove(&path);
    assert_eq!(quick(&files), ["missing 21-38"]);
    let copy = Plan { differs_from: 30, ..Plan::default() }.make();
    files.insert(path.clone(), copy.files[&path].clone());
    assert_eq!(quick(&files), ["forked 21-58"]);
    let mut sealed = crate::forge::Sealed::parse(&log.files[&path]);
    sealed.footer.log_root.0[0] ^= 1;
    files.insert(path, sealed.encode(Some(&log)));
    assert_eq!(quick(&files), ["changed 21-38"]);
}
