//! A whole data directory with files edited, checksums put right: opened to read, to write, and
//! audited.
//!
//! Nothing that is read has another hash than it says. Where the auditor finds nothing although it
//! knows a checkpoint from elsewhere, the records are those that were written, a reader finds every
//! one of them, and a writer goes on behind them.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use shoseki_engine::log::{Entry, Log, Query, Reader};
use shoseki_engine::proof::{VerifierKey, record_hash};
use shoseki_engine::query::{ActionPattern, Filter, Order};
use shoseki_engine::record::{IntegrityStatus, Limits, Record};
use shoseki_engine::types::Seq;
use shoseki_engine::verify::{MemoryEvidence, VerifyOptions, verify_evidence};
use shoseki_lab::FaultyStorage;

use crate::input::Input;
use crate::{fixture, repair};

/// Edits of one input, at most.
const EDITS_MAX: usize = 6;
/// No file grows beyond this.
const FILE_LEN_MAX: usize = 1 << 16;

/// What was written: the files, the bodies, and what is kept elsewhere.
struct Written {
    files: BTreeMap<String, Vec<u8>>,
    bodies: Vec<Vec<u8>>,
    checkpoint: Vec<u8>,
    key: VerifierKey,
}

static WRITTEN: LazyLock<Written> = LazyLock::new(|| {
    let disk = &fixture::WRITTEN;
    let files: BTreeMap<String, Vec<u8>> =
        disk.paths().into_iter().map(|path| (path.clone(), disk.bytes(&path).unwrap())).collect();
    let reader = Reader::open_storage(Arc::new(disk.copy(3))).unwrap();
    let bodies = (0..reader.size().0).map(|seq| match reader.read(Seq(seq)).unwrap() {
        Entry::Record(record) => record.body().to_vec(),
        other => panic!("{other:?}"),
    });
    let bodies = bodies.collect();
    let key = VerifierKey::parse_line(&files["log.vkey"]).unwrap();
    Written { bodies, checkpoint: files["checkpoint"].clone(), key, files }
});

pub(super) fn run(data: &[u8]) {
    let files = edited(&mut Input::new(data));
    let valid = audit(&files);
    let disk = FaultyStorage::new(5);
    files.iter().for_each(|(path, bytes)| disk.put(path, bytes));
    let read = read(&disk.copy(6));
    if valid {
        assert!(read.as_ref() == Some(&WRITTEN.bodies), "what is called valid can't be read");
    }
    let written = write(&disk.copy(7));
    let is_key = |path: &&String| path.starts_with("keys/");
    let has_keys = WRITTEN
        .files
        .iter()
        .filter(|(path, _)| is_key(path))
        .all(|(path, bytes)| files.get(path) == Some(bytes));
    assert!(!valid || written || !has_keys, "what is called valid can't be gone on with");
}

fn edited(input: &mut Input<'_>) -> BTreeMap<String, Vec<u8>> {
    let mut files = WRITTEN.files.clone();
    for _ in 0..EDITS_MAX {
        if input.is_empty() {
            break;
        }
        let pick = usize::from(input.u8()) % files.len().max(1);
        let Some(path) = files.keys().nth(pick).cloned() else { break };
        let op = input.u8();
        match op % 9 {
            7 => drop(files.remove(&path)),
            8 => {
                let to = renamed(&path, input);
                if let Some(bytes) = files.remove(&path) {
                    files.insert(to, bytes);
                }
            }
            _ => {
                let mut bytes = files[&path].clone();
                edit(&mut bytes, op % 9, input);
                bytes.truncate(FILE_LEN_MAX);
                let bytes = if op < 200 { repaired(&path, &bytes) } else { bytes };
                files.insert(path, bytes);
            }
        }
    }
    files
}

fn edit(bytes: &mut Vec<u8>, op: u8, input: &mut Input<'_>) {
    let place = |bytes: &[u8], input: &mut Input<'_>| {
        let at = usize::from(input.u16());
        // From the end as well: that is where tails and footers are.
        let at = if at & 1 == 0 { at / 2 } else { bytes.len().saturating_sub(at / 2) };
        at.min(bytes.len())
    };
    let at = place(bytes, input);
    match op {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= input.u8();
            }
        }
        1 => {
            let value = input.short();
            let end = (at + value.len()).min(bytes.len());
            bytes[at..end].copy_from_slice(&value[..end - at]);
        }
        2 => drop(bytes.splice(at..at, input.short().iter().copied())),
        3 => drop(bytes.drain(at..(at + usize::from(input.u8())).min(bytes.len()))),
        4 => bytes.truncate(at),
        5 => {
            let end = (at + usize::from(input.u16())).min(bytes.len());
            let copy = bytes[at..end].to_vec();
            let to = place(bytes, input);
            drop(bytes.splice(to..to, copy));
        }
        _ => *bytes = input.short().to_vec(),
    }
}

fn renamed(path: &str, input: &mut Input<'_>) -> String {
    let mut name = path.as_bytes().to_vec();
    let at = usize::from(input.u8()) % name.len();
    let digit = b"0123456789abcdef"[usize::from(input.u8() & 15)];
    name[at] = digit;
    String::from_utf8(name).unwrap_or_else(|_| path.to_owned())
}

fn repaired(path: &str, bytes: &[u8]) -> Vec<u8> {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "log" => repair::active(bytes, true),
        "seg" => repair::segment(bytes),
        "idx" => repair::index_file(bytes),
        "cat" => repair::catalogue(bytes),
        _ => bytes.to_vec(),
    }
}

/// Whether the auditor finds nothing.
fn audit(files: &BTreeMap<String, Vec<u8>>) -> bool {
    let mut evidence = MemoryEvidence::default();
    files.iter().for_each(|(path, bytes)| evidence.put(path, bytes.clone()));
    let options = VerifyOptions {
        checkpoint: Some(WRITTEN.checkpoint.clone()),
        vkey: Some(WRITTEN.key.clone()),
        threads: 1,
        quick: false,
    };
    let report = verify_evidence(&evidence, &options, &()).unwrap();
    report.status() == IntegrityStatus::Valid
}

/// The bodies, where all of them are there.
fn read(disk: &FaultyStorage) -> Option<Vec<Vec<u8>>> {
    let reader = Reader::open_storage(Arc::new(disk.clone())).ok()?;
    let mut bodies = Vec::new();
    let mut whole = true;
    for seq in 0..reader.size().0.min(64) {
        match reader.read(Seq(seq)) {
            Ok(Entry::Record(record)) => {
                assert_eq!(record_hash(record.body()), record.hash);
                bodies.push(record.body().to_vec());
            }
            _ => whole = false,
        }
        let _ = reader.raw_damaged(Seq(seq));
    }
    let mut filter = Filter::default();
    filter.action.push(ActionPattern::parse("READ_*"));
    let query =
        Query { filter: filter.clone(), order: Order::Descending, limit: 5, ..Query::default() };
    if let Ok(page) = reader.search(&query) {
        for entry in &page.entries {
            if let Entry::Record(record) = entry {
                let body = shoseki_engine::record::Body::parse(record.body());
                assert!(body.is_ok_and(|body| filter.matches(&body)));
            }
        }
    }
    let _ = (reader.segments(), reader.checkpoint(), reader.damage());
    let _ = reader.refresh();
    whole.then_some(bodies)
}

/// Whether a writer takes one more record, which is then there.
fn write(disk: &FaultyStorage) -> bool {
    let Ok(log) = Log::open_storage(Arc::new(disk.clone()), fixture::options()) else {
        return false;
    };
    let line = &fixture::LINES[0];
    let record = Record::from_json(line, &Limits::default()).unwrap();
    let Ok(appended) = log.append(None, vec![record]) else { return false };
    let receipt = &appended.receipts[0];
    let entry = log.reader().read(receipt.seq);
    assert!(
        matches!(&entry, Ok(Entry::Record(record)) if record.hash == receipt.hash),
        "{entry:?}"
    );
    for _ in 0..20 {
        if !matches!(log.step(), Ok(true)) {
            break;
        }
    }
    let (hash, seq) = (receipt.hash, receipt.seq);
    let closed = log.close().is_ok();
    if closed {
        let reader = Reader::open_storage(Arc::new(disk.kill())).unwrap();
        let entry = reader.read(seq);
        assert!(matches!(&entry, Ok(Entry::Record(record)) if record.hash == hash), "{entry:?}");
    }
    closed
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let files = u8::try_from(WRITTEN.files.len()).unwrap();
    let mut seeds = vec![Vec::new()];
    for file in 0..files {
        seeds.push(vec![file, 0, 40, 1, 0x80]);
        seeds.push(vec![file, 4, 33, 1]);
        seeds.push(vec![file, 7]);
        seeds.push(vec![file, 3, 21, 0, 4, (file + 1) % files, 1, 9, 0, 2, 0xff, 0xff]);
    }
    seeds
}
