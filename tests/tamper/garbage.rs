//! Arbitrary bytes in every file: the auditor says something, and never dies of it.

use proptest::prelude::*;

use shoseki_engine::verify::{VerifyOptions, verify_evidence, verify_export};
use shoseki_lab::evidence::{Log, Plan};

use crate::harness::{evidence, options};

/// What is done to a file.
#[derive(Clone, Debug)]
enum Deed {
    Cut(usize),
    Grow(Vec<u8>),
    Overwrite(usize, Vec<u8>),
    Remove(usize, usize),
    Replace(Vec<u8>),
    Double(usize, usize),
}

fn deed() -> impl Strategy<Value = Deed> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..200);
    prop_oneof![
        any::<usize>().prop_map(Deed::Cut),
        bytes().prop_map(Deed::Grow),
        (any::<usize>(), bytes()).prop_map(|(at, bytes)| Deed::Overwrite(at, bytes)),
        (any::<usize>(), 1..400_usize).prop_map(|(at, len)| Deed::Remove(at, len)),
        bytes().prop_map(Deed::Replace),
        (any::<usize>(), 1..400_usize).prop_map(|(at, len)| Deed::Double(at, len)),
    ]
}

fn done(mut file: Vec<u8>, deed: Deed) -> Vec<u8> {
    let within = |at: usize, len: usize| if len == 0 { 0 } else { at % len };
    match deed {
        Deed::Cut(at) => file.truncate(within(at, file.len())),
        Deed::Grow(bytes) => file.extend_from_slice(&bytes),
        Deed::Overwrite(at, bytes) => {
            let at = within(at, file.len());
            file.iter_mut().skip(at).zip(bytes).for_each(|(byte, new)| *byte = new);
        }
        Deed::Remove(at, len) => {
            let at = within(at, file.len());
            file.drain(at..(at + len).min(file.len()));
        }
        Deed::Replace(bytes) => file = bytes,
        Deed::Double(at, len) => {
            let at = within(at, file.len());
            let part = file[at..(at + len).min(file.len())].to_vec();
            file.splice(at..at, part);
        }
    }
    file
}

fn check(log: &Log, deeds: Vec<(usize, Deed)>) -> Result<(), TestCaseError> {
    let mut files = log.files.clone();
    let paths: Vec<String> = files.keys().cloned().collect();
    let mut behind_the_end = true;
    for (file, deed) in deeds {
        let path = &paths[file % paths.len()];
        let harmless = path.starts_with("active/") && matches!(deed, Deed::Grow(_));
        let before = files[path].clone();
        let after = done(before.clone(), deed);
        behind_the_end &= harmless || before == after;
        files.insert(path.clone(), after);
    }
    let report = verify_evidence(&evidence(&files), &options(log), &()).unwrap();
    let died = report.findings.iter().any(|f| f.message.contains("made the verifier fail"));
    prop_assert!(!died, "{:?}", report.findings);
    // What a mark holds may be lost without a trace of loss: it stands for no record.
    let records_whole = report.tree_size.0 == log.size();
    prop_assert!(behind_the_end || records_whole || !report.findings.is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_deed_on_any_file_kills_the_auditor(
        deeds in proptest::collection::vec((any::<usize>(), deed()), 1..4),
    ) {
        let plan = Plan { sealed: vec![9, 5], frames: vec![3, 1, 2], ..Plan::default() };
        check(&plan.make(), deeds)?;
    }

    #[test]
    fn no_bytes_as_an_export_kill_the_auditor(
        bytes in proptest::collection::vec(any::<u8>(), 0..2000),
    ) {
        let options = VerifyOptions { threads: 1, ..VerifyOptions::default() };
        let report = verify_export(bytes.as_slice(), &options, &()).unwrap();
        prop_assert!(bytes.is_empty() || !report.findings.is_empty());
    }
}
