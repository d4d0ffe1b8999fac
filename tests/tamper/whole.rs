//! The clean log, in every way of looking at it.

use shoseki_engine::record::IntegrityStatus;
use shoseki_engine::verify::{VerifyOptions, verify_evidence};
use shoseki_tests::evidence::Plan;

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
