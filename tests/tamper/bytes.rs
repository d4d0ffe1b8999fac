//! Every byte of the evidence, changed in turn.
//!
//! Invariant: one flipped bit and one inverted byte per byte of evidence, all of them found, none
//! by way of a panic. The bit follows from a seed that a failure prints.

use std::sync::Arc;
use std::thread;

use shoseki_engine::verify::{MemoryEvidence, Report, VerifyOptions, verify_evidence};
use shoseki_tests::evidence::{Log, Plan};

use crate::harness::{evidence, options};

/// A small generator (splitmix64): which bit is flipped where.
fn random(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// What is wrong with the report on a copy with one changed byte.
fn fault(report: &Report, log: &Log) -> Option<&'static str> {
    let died = |finding: &shoseki_engine::verify::Finding| {
        finding.message.contains("made the verifier fail")
    };
    if report.findings.is_empty() {
        return Some("not found");
    }
    if report.findings.iter().any(died) {
        return Some("the verifier failed");
    }
    let beyond = |finding: &shoseki_engine::verify::Finding| {
        finding.seq_last.or(finding.seq).is_some_and(|seq| seq.0 > log.size() + 1)
    };
    if report.findings.iter().any(beyond) {
        return Some("names records that never were");
    }
    (report.findings.len() > 1).then_some("a flood of findings")
}

/// Changes every `step`th byte of a file, from `start` on, in both ways.
fn sweep(
    log: &Log,
    clean: &MemoryEvidence,
    path: &str,
    (start, step): (usize, usize),
) -> Vec<String> {
    let mut evidence = clean.clone();
    let options = VerifyOptions { threads: 1, ..options(log) };
    let original = &log.files[path];
    let mut faults = Vec::new();
    for at in (start..original.len()).step_by(step) {
        let bit = 1 << (random(at as u64 ^ (original.len() as u64) << 20) % 8);
        for change in [bit, 0xff] {
            let file = Arc::make_mut(evidence.0.get_mut(path).unwrap());
            file[at] ^= change;
            let report = verify_evidence(&evidence, &options, &()).unwrap();
            if let Some(fault) = fault(&report, log) {
                let said = crate::harness::said(&report);
                faults.push(format!("{path} byte {at} ^ {change:#04x}: {fault} {said:?}"));
            }
            Arc::make_mut(evidence.0.get_mut(path).unwrap())[at] ^= change;
        }
    }
    faults
}

/// All evidence of a log, on two threads. `step` 1 for every byte.
fn sweep_all(log: &Log, step: usize) {
    let clean = evidence(&log.files);
    let faults: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|worker| {
                let clean = &clean;
                scope.spawn(move || {
                    let paths = log.files.keys();
                    let place = (worker * step, 2 * step);
                    paths.flat_map(|path| sweep(log, clean, path, place)).collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let shown: Vec<_> = faults.iter().take(40).collect();
    assert!(faults.is_empty(), "{} faults: {shown:#?}", faults.len());
}

#[test]
fn every_byte_of_a_live_log_is_answered_for() {
    let plan = Plan { sealed: vec![9, 5, 7], frames: vec![3, 1], ..Plan::default() };
    sweep_all(&plan.make(), 1);
}

#[test]
fn every_byte_of_a_closed_log_is_answered_for() {
    let plan = Plan { sealed: vec![2], frames: vec![2], closed: true, ..Plan::default() };
    sweep_all(&plan.make(), 1);
}

#[test]
fn bytes_of_a_log_with_tiles_are_answered_for() {
    let plan = Plan { sealed: vec![300, 250], frames: vec![10, 280], ..Plan::default() };
    let step = if std::env::var_os("SHOSEKI_DEEP").is_some() { 1 } else { 997 };
    sweep_all(&plan.make(), step);
}
