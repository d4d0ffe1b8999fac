//! Audits of some of the records: what was done to them is found as by an audit of all.

use std::collections::BTreeMap;
use std::ops::Range;

use shoseki_engine::verify::{Report, verify_evidence_seqs};
use shoseki_lab::evidence::{Log, Plan};

use crate::harness::{audit, evidence, options, said};

fn log() -> Log {
    Plan { sealed: vec![300, 250, 700], frames: vec![10, 50, 3], ..Plan::default() }.make()
}

fn audit_seqs(log: &Log, files: &BTreeMap<String, Vec<u8>>, seqs: Range<u64>) -> Report {
    verify_evidence_seqs(&evidence(files), seqs, &options(log), &()).unwrap()
}

#[test]
fn a_clean_log_is_clean_in_every_part() {
    let log = log();
    let whole = audit(&log, &log.files);
    let active = 63;
    for (seqs, records) in [
        (0..0, active),
        (0..1, 300 + active),
        (299..301, 550 + active),
        (300..550, 250 + active),
        (600..700, 700 + active),
        (1_250..1_260, active),
        (0..1_313, 1_313),
        (0..u64::MAX, 1_313),
        (5_000..6_000, active),
    ] {
        let report = audit_seqs(&log, &log.files, seqs.clone());
        assert_eq!((&report.findings[..], &report.notices[..]), (&[][..], &[][..]), "{seqs:?}");
        assert_eq!(report.records, records, "{seqs:?}");
        assert_eq!((report.tree_size, report.root), (whole.tree_size, whole.root), "{seqs:?}");
        assert_eq!(report.chain_hash, whole.chain_hash, "{seqs:?}");
    }
}

#[test]
fn a_changed_byte_is_found_where_an_audit_of_all_finds_it() {
    let log = log();
    let parts = [0..300, 300..550, 550..1_250];
    for (path, own) in log.sealed_paths().into_iter().zip(parts.clone()) {
        for place in (0..log.files[&path].len()).step_by(2_503) {
            let mut files = log.files.clone();
            files.get_mut(&path).unwrap()[place] ^= 0x20;
            let whole = said(&audit(&log, &files));
            assert!(!whole.is_empty(), "{path} {place}");
            let middle = own.start + (own.end - own.start) / 2;
            for seqs in [middle..middle + 1, own.end - 1..own.end + 1] {
                assert_eq!(said(&audit_seqs(&log, &files, seqs)), whole, "{path} {place}");
            }
        }
    }
    let active = log.files.keys().find(|path| path.starts_with("active/")).unwrap().clone();
    for place in (0..log.files[&active].len()).step_by(499) {
        let mut files = log.files.clone();
        files.get_mut(&active).unwrap()[place] ^= 0x20;
        let whole = said(&audit(&log, &files));
        assert_eq!(said(&audit_seqs(&log, &files, 1_260..1_261)), whole, "{active} {place}");
    }
}

#[test]
fn records_that_are_not_asked_for_are_left_alone() {
    let log = log();
    let path = log.sealed_paths()[1].clone();
    let mut files = log.files.clone();
    // The middle of a file is in its blocks.
    let place = files[&path].len() / 2;
    files.get_mut(&path).unwrap()[place] ^= 1;
    assert!(!audit_seqs(&log, &files, 300..301).findings.is_empty());
    for others in [0..300, 550..1_250, 1_250..1_300] {
        assert_eq!(said(&audit_seqs(&log, &files, others.clone())), [""; 0], "{others:?}");
    }
    // A file that is gone is missed by its seqs whatever was asked for.
    files.remove(&path);
    assert_eq!(said(&audit_seqs(&log, &files, 0..300)), ["missing 300-549"]);
}
