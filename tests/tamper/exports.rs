//! Exports and single segments: what can be told without the log.

use shoseki_engine::proof::{chain_next, record_hash};
use shoseki_engine::record::{
    IntegrityStatus, export_line, export_line_damaged, export_line_erased,
};
use shoseki_engine::types::{ChainHash, RecordHash, Seq};
use shoseki_engine::verify::{
    NoticeKind, Report, VerifyError, VerifyOptions, verify_export, verify_path, verify_segment,
};
use shoseki_lab::evidence::{Log, Plan};

use crate::forge::changed;
use crate::harness::{options, said};

/// One line of an export before it is written.
#[derive(Clone)]
struct Row(Vec<u8>, u64, RecordHash, ChainHash);

fn rows(log: &Log) -> Vec<Row> {
    let row = |(body, seq): (&Vec<u8>, usize)| {
        Row(body.clone(), seq as u64, record_hash(body), log.chain[seq + 1])
    };
    log.bodies.iter().zip(0..).map(row).collect()
}

fn export(rows: &[Row]) -> Vec<u8> {
    let mut out = Vec::new();
    for Row(body, seq, hash, chain) in rows {
        export_line(body, Seq(*seq), hash, chain, &mut out);
        out.push(b'\n');
    }
    out
}

fn check(log: &Log, bytes: &[u8], checkpoint: Option<u64>) -> Report {
    let checkpoint = checkpoint.map(|size| log.checkpoint(size));
    let options = VerifyOptions { checkpoint, ..options(log) };
    verify_export(bytes, &options, &()).unwrap()
}

#[test]
fn a_whole_export_is_valid_with_and_without_a_checkpoint() {
    let log = Plan::default().make();
    let bytes = export(&rows(&log));
    for checkpoint in [None, Some(0), Some(40), Some(69)] {
        let report = check(&log, &bytes, checkpoint);
        assert_eq!(said(&report), [""; 0]);
        assert_eq!(report.status(), IntegrityStatus::Valid);
        assert_eq!((report.records, report.tree_size.0), (69, 69));
        assert_eq!(report.root, log.frontier(69).root().unwrap());
    }
    // Without a line feed at the end it is the same.
    assert_eq!(said(&check(&log, &bytes[..bytes.len() - 1], Some(69))), [""; 0]);
}

#[test]
fn every_byte_of_an_export_is_answered_for() {
    let log = Plan { sealed: vec![], frames: vec![2, 1], ..Plan::default() }.make();
    let clean = export(&rows(&log));
    for at in 0..clean.len() - 1 {
        for change in [1 << (at % 8), 0xff] {
            let mut bytes = clean.clone();
            bytes[at] ^= change;
            let report = check(&log, &bytes, Some(3));
            assert_ne!(said(&report), [""; 0], "byte {at} {change:#04x}");
        }
    }
}

#[test]
fn a_filtered_export_is_unknown_and_incomplete_with_a_checkpoint() {
    let log = Plan::default().make();
    let mut rows = rows(&log);
    rows.drain(20..24);
    let report = check(&log, &export(&rows), None);
    assert_eq!(report.status(), IntegrityStatus::Unknown);
    assert_eq!(report.notices[0].kind, NoticeKind::Gap);
    assert_eq!(said(&check(&log, &export(&rows), Some(69))), ["removed 20-23"]);
    let stretch = &self::rows(&log)[10..30];
    assert_eq!(check(&log, &export(stretch), None).status(), IntegrityStatus::Valid);
    let said = said(&check(&log, &export(stretch), Some(69)));
    assert_eq!(said, ["removed 0-9", "truncated 30-68"]);
    assert_eq!(check(&log, b"", None).status(), IntegrityStatus::Unknown);
}

#[test]
fn deeds_on_lines_are_told_apart() {
    let log = Plan::default().make();
    let clean = rows(&log);
    let said = |rows: &[Row]| said(&check(&log, &export(rows), None));
    let mut rows = clean.clone();
    rows[7].0 = changed(&rows[7].0);
    assert_eq!(said(&rows), ["changed 7"]);
    rows[7].2 = record_hash(&rows[7].0);
    assert_eq!(said(&rows), ["changed 7"]);
    rows[7].3 = chain_next(&rows[6].3, &rows[7].2);
    assert_eq!(said(&rows), ["changed 8"]);

    let mut rows = clean.clone();
    rows.insert(9, clean[8].clone());
    assert_eq!(said(&rows), ["inserted 8"]);
    let mut rows = clean.clone();
    rows.swap(4, 5);
    assert_eq!(said(&rows), ["reordered 4"]);
    // Put in and numbered on: without it the chain holds.
    let mut rows = clean.clone();
    let body = changed(&rows[30].0);
    let hash = record_hash(&body);
    rows.insert(12, Row(body, 12, hash, chain_next(&rows[11].3, &hash)));
    rows.iter_mut().zip(0..).for_each(|(row, seq)| row.1 = seq);
    assert_eq!(said(&rows), ["inserted 12"]);
    // Taken out and numbered on.
    let mut rows = clean;
    rows.remove(15);
    rows.iter_mut().zip(0..).for_each(|(row, seq)| row.1 = seq);
    assert_eq!(said(&rows), ["changed 15"]);
}

#[test]
fn lines_that_speak_against_themselves_are_findings() {
    let log = Plan::default().make();
    let rows = rows(&log);
    let mut bytes = export(&rows[..3]);
    export_line_damaged(None, Seq(3), &mut bytes);
    bytes.push(b'\n');
    let id = shoseki_engine::record::AuditId::from_bytes([1; 16]);
    export_line_erased(&id, Seq(4), &rows[4].2, &rows[4].3, &mut bytes);
    bytes.extend_from_slice(b"\n{\"no\":\"record\"}\n");
    assert_eq!(said(&check(&log, &bytes, None)), ["corrupt", "corrupt 3", "removed 4"]);
}

#[test]
fn another_history_is_told_by_the_checkpoint() {
    let log = Plan::default().make();
    let other = Plan { differs_from: 50, ..Plan::default() }.make();
    assert_eq!(said(&check(&log, &export(&rows(&other)), Some(69))), ["forked 0-68"]);
    assert_eq!(said(&check(&log, &export(&rows(&other)), Some(50))), [""; 0]);
}

#[test]
fn a_single_segment_is_checked_as_far_as_it_goes() {
    let log = Plan::default().make();
    let path = log.sealed_paths()[1].clone();
    let name = path.trim_start_matches("sealed/");
    let check = |name: &str, bytes: &[u8], options: &VerifyOptions| {
        verify_segment(name, Box::new(bytes.to_vec()), options, &()).unwrap()
    };
    let clean = &log.files[&path];
    let report = check(name, clean, &options(&log));
    assert_eq!((said(&report), report.records), (vec![], 18));
    assert_eq!(report.status(), IntegrityStatus::Valid);
    assert_eq!(report.chain_hash, log.chain[39]);
    let without = VerifyOptions { threads: 1, ..VerifyOptions::default() };
    let report = check("copy.seg", clean, &without);
    assert_eq!(said(&report), [""; 0]);
    assert_eq!(report.notices[0].kind, NoticeKind::Unsigned);
    let thief = Plan { seed: 4, ..Plan::default() }.make();
    assert_eq!(said(&check(name, clean, &options(&thief)))[0], "signature 21-38");
    for at in (0..clean.len()).step_by(7) {
        let mut bytes = clean.clone();
        bytes[at] ^= 0xff;
        assert_eq!(said(&check(name, &bytes, &options(&log))).len(), 1, "byte {at}");
    }
    let active = log.active_path();
    let name = active.trim_start_matches("active/");
    let report = check(name, &log.files[&active], &options(&log));
    assert_eq!((said(&report), report.records), (vec![], 10));
}

#[test]
fn paths_lead_to_what_they_hold() {
    let log = Plan::default().make();
    let root = std::env::temp_dir().join(format!("shoseki-tamper-{}", std::process::id()));
    for (path, bytes) in &log.files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let verify = |path: &str| verify_path(&root.join(path), &options(&log), &());
    let report = verify("").unwrap();
    assert_eq!((said(&report), report.records, report.segments), (vec![], 69, 4));
    assert_eq!(verify(&log.sealed_paths()[0]).unwrap().records, 21);
    assert_eq!(verify(&log.active_path()).unwrap().records, 10);
    std::fs::write(root.join("export.jsonl"), export(&rows(&log))).unwrap();
    assert_eq!(verify("export.jsonl").unwrap().records, 69);
    std::fs::write(root.join("export.csv"), "audit_id,timestamp\n").unwrap();
    assert!(matches!(verify("export.csv"), Err(VerifyError::Csv { .. })));
    assert!(matches!(verify("tile"), Err(VerifyError::Io { .. })));
    assert!(matches!(verify("anchors"), Err(VerifyError::PartOfLog { .. })));
    assert!(matches!(verify("anchors/2026-11-20"), Err(VerifyError::NotEvidence { .. })));
    std::fs::remove_file(root.join("log.json")).unwrap();
    assert_eq!(said(&verify("").unwrap()), ["missing"]);
    std::fs::remove_dir_all(&root).unwrap();
}
