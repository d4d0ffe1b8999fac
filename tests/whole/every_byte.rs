//! Every byte of evidence that a real writer wrote, changed in turn: found, every time, without a
//! panic.

use std::collections::BTreeMap;
use std::path::Path;

use shoseki_engine::log::{Log, LogOptions};
use shoseki_engine::record::IntegrityStatus;
use shoseki_engine::verify::{MemoryEvidence, VerifyOptions, verify_evidence};

use super::*;

/// The evidence of a data directory: path to bytes, the active file up to its end.
fn evidence(dir: &Path, log: &Log) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(at) = dirs.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
            let out = ["LOCK", "segments.cat"].contains(&name.as_str())
                || name.ends_with(".idx")
                || ["keys/", "ids/", "quarantine/"].iter().any(|d| name.starts_with(d));
            if !out {
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    for segment in log.reader().segments() {
        let len = usize::try_from(segment.evidence_bytes).unwrap();
        files.get_mut(&segment.path).unwrap().truncate(len);
    }
    files
}

fn memory(files: &BTreeMap<String, Vec<u8>>) -> MemoryEvidence {
    let mut memory = MemoryEvidence::default();
    for (path, bytes) in files {
        memory.put(path, bytes.clone());
    }
    memory
}

#[test]
fn every_changed_byte_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let (options, clock) = by_hand();
    let log = Log::open(dir.path(), LogOptions { group_records_max: 4, ..options }).unwrap();
    for (seed, n) in [(1, 7), (2, 5), (3, 9)] {
        log.append(None, records(seed, n)).unwrap();
        log.seal().unwrap();
        clock.advance(DAY);
    }
    log.append(None, records(4, 2)).unwrap();
    finish(&log);
    log.append(None, records(5, 3)).unwrap();
    finish(&log);
    let mut files = evidence(dir.path(), &log);
    assert!(files.keys().any(|name| name.starts_with("anchors/")), "{:?}", files.keys());
    let options =
        VerifyOptions { vkey: Some(vkey(dir.path())), threads: 1, ..VerifyOptions::default() };
    let clean = verify_evidence(&memory(&files), &options, &()).unwrap();
    assert_eq!(clean.findings, []);
    assert_eq!(clean.status(), IntegrityStatus::Valid);

    let names: Vec<String> = files.keys().cloned().collect();
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut missed = Vec::new();
    for name in names {
        for at in 0..files[&name].len() {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            for mask in [0xff, 1 << (random % 8)] {
                files.get_mut(&name).unwrap()[at] ^= mask;
                let report = verify_evidence(&memory(&files), &options, &()).unwrap();
                if report.findings.is_empty() {
                    missed.push(format!("{name} byte {at} xor {mask:#x}: {:?}", report.notices));
                }
                files.get_mut(&name).unwrap()[at] ^= mask;
            }
        }
    }
    assert_eq!(missed, Vec::<String>::new());
}
