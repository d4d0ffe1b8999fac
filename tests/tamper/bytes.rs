//! Every byte of the evidence, changed in turn.
//!
//! Invariant: one flipped bit and one inverted byte per byte of evidence, all of them found, none
//! by way of a panic. The bit follows from a seed that a failure prints. Where a log is too large
//! for that, the places left out are bytes of records alone: see [`Sweep`].

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use shoseki_engine::format::{DirectoryEntry, FRAME_HEADER_LEN};
use shoseki_engine::verify::{MemoryEvidence, Report, VerifyOptions, verify_evidence};
use shoseki_lab::evidence::{Log, Plan, frame_places};

use crate::forge::{Block, Sealed};
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

/// Which bytes of a log are changed.
#[derive(Clone, Copy)]
struct Sweep {
    /// Every so manieth byte of structures: headers, heads, locators, directories, footers, notes,
    /// tiles, identity and keys.
    structures: usize,
    /// Every so manieth byte of records: stored groups and the payload of frames. These are all
    /// alike: each is under a checksum of its group or frame, and under a hash of its record.
    records: usize,
}

impl Sweep {
    const EVERY_BYTE: Self = Self { structures: 1, records: 1 };

    fn places(self, path: &str, file: &[u8]) -> Vec<usize> {
        let records = match path.split('/').next() {
            Some("sealed") => groups(file),
            Some("active") => payloads(file),
            _ => Vec::new(),
        };
        let mut records = records.into_iter().peekable();
        let taken = |at: &usize| {
            while records.next_if(|range| range.end <= *at).is_some() {}
            let inside = records.peek().is_some_and(|range| range.contains(at));
            at.is_multiple_of(if inside { self.records } else { self.structures })
        };
        (0..file.len()).filter(taken).collect()
    }
}

/// Where the stored groups of a sealed file stand, block by block.
fn groups(file: &[u8]) -> Vec<Range<usize>> {
    let sealed = Sealed::parse(file);
    let range = |(block, entry): (&Block, &DirectoryEntry)| {
        let start = entry.offset as usize;
        start + block.head.encoded_len()..start + entry.len as usize
    };
    sealed.blocks.iter().zip(&sealed.directory).map(range).collect()
}

/// Where the records of an active file stand, frame by frame.
fn payloads(file: &[u8]) -> Vec<Range<usize>> {
    let places = frame_places(file);
    places.windows(2).map(|pair| pair[0] + FRAME_HEADER_LEN..pair[1]).collect()
}

/// Changes bytes of a file in both ways.
fn sweep(log: &Log, clean: &MemoryEvidence, path: &str, places: &[usize]) -> Vec<String> {
    let mut evidence = clean.clone();
    let options = VerifyOptions { threads: 1, ..options(log) };
    let len = log.files[path].len();
    let mut faults = Vec::new();
    for at in places.iter().copied() {
        let bit = 1 << (random(at as u64 ^ (len as u64) << 20) % 8);
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

/// All evidence of a log, on all cores: each takes the next piece that nobody has.
fn sweep_all(log: &Log, what: Sweep) {
    let clean = evidence(&log.files);
    let mut pieces = Vec::new();
    for (path, file) in &log.files {
        let places = what.places(path, file);
        pieces.extend(places.chunks(64).map(|piece| (path.as_str(), piece.to_vec())));
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut faults = Vec::new();
        while let Some((path, places)) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
            faults.extend(sweep(log, &clean, path, places));
        }
        faults
    };
    let cores = thread::available_parallelism().map_or(2, usize::from);
    let faults: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let shown: Vec<_> = faults.iter().take(40).collect();
    assert!(faults.is_empty(), "{} faults: {shown:#?}", faults.len());
}

#[test]
fn every_byte_of_a_live_log_is_answered_for() {
    let plan = Plan { sealed: vec![9, 5, 7], frames: vec![3, 1], ..Plan::default() };
    sweep_all(&plan.make(), Sweep::EVERY_BYTE);
}

#[test]
fn every_byte_of_a_closed_log_is_answered_for() {
    let plan = Plan { sealed: vec![2], frames: vec![2], closed: true, ..Plan::default() };
    sweep_all(&plan.make(), Sweep::EVERY_BYTE);
}

/// More than a tile of records: a stored tile, a segment of two blocks, an active file beyond the
/// tile. The long version takes every byte of structures, and every 16th of records.
#[test]
fn bytes_of_a_log_with_tiles_are_answered_for() {
    let plan = Plan { sealed: vec![190, 70], frames: vec![6, 2], group: 16, ..Plan::default() };
    let log = plan.make();
    assert!(log.files.contains_key("tile/1/000.p/1"));
    let deep = std::env::var_os("SHOSEKI_DEEP").is_some();
    let short = Sweep { structures: 97, records: 997 };
    sweep_all(&log, if deep { Sweep { structures: 1, records: 16 } } else { short });
}
